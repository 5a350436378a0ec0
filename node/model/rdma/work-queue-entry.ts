/**
 * Work queue entries as they lie in host memory, little-endian, in blocks of 64 bytes.
 *
 *      0  opcode u8 | flags u8 | SGEs u16 | length u32 | wr_id f64
 *     16  immediate u32 | rkey u32 | remote address f64
 *     32  compare or add: low u32, high u32 | swap: low u32, high u32
 *     48  unused
 *     64  SGEs of 16 bytes: address f64 | length u32 | lkey u32      or the inline data itself
 *
 * A receive entry is wr_id f64 | SGEs u32 | unused, then SGEs from byte 16.
 * The layout is ours; what a WQE costs on the bus is counted with the mlx5 layout, see {@link inlineBlocks}.
 */
export const WQE_BLOCK = 64;
export const WQE = {
  opcode: 0,
  flags: 1,
  sgeCount: 2,
  length: 4,
  wrId: 8,
  immediate: 16,
  rkey: 20,
  remoteAddress: 24,
  compareLow: 32,
  compareHigh: 36,
  swapLow: 40,
  swapHigh: 44,
  data: 64,
} as const;

export const SGE_SIZE = 16;
export const SGE = { address: 0, length: 8, lkey: 12 } as const;

export const RECV = { wrId: 0, sgeCount: 8, sges: 16 } as const;

/**
 * `pushed`: the core wrote the whole frame into the NIC with the doorbell. `checksum`: the NIC writes the checksums of a raw
 * frame.
 */
export const WQE_FLAG = {
  signaled: 1,
  fence: 2,
  solicited: 4,
  inline: 8,
  pushed: 16,
  checksum: 32,
} as const;

/** Numbers of the send opcodes; `WC_OPCODES` of node/program/verbs.ts are named in the order of {@link COMPLETION_OPCODE}. */
export const SEND_OPCODE = {
  SEND: 0,
  SEND_WITH_IMM: 1,
  RDMA_WRITE: 2,
  RDMA_WRITE_WITH_IMM: 3,
  RDMA_READ: 4,
  ATOMIC_CMP_AND_SWP: 5,
  ATOMIC_FETCH_AND_ADD: 6,
} as const;

/** ibv_wc_opcode by send opcode. */
export const COMPLETION_OPCODE = Uint8Array.of(0, 0, 1, 1, 2, 3, 4);
export const WC_RECV = 5;
export const WC_RECV_RDMA_WITH_IMM = 6;

export const sendEntrySize = (maxSge: number, maxInline: number): number =>
  WQE.data + Math.ceil(Math.max(maxSge * SGE_SIZE, maxInline) / WQE_BLOCK) * WQE_BLOCK;

export const receiveEntrySize = (maxSge: number): number =>
  Math.ceil((RECV.sges + maxSge * SGE_SIZE) / WQE_BLOCK) * WQE_BLOCK;

/** Control segment 16 B, remote-address segment 16 B, inline header 4 B, as mlx5 lays a WQE out. */
const CONTROL_SEGMENT = 16;
const REMOTE_SEGMENT = 16;
const INLINE_HEADER = 4;

/** Blocks of 64 B that an inline WQE of this opcode and length takes on the bus. */
export const inlineBlocks = (opcode: number, length: number): number =>
  Math.ceil(
    (CONTROL_SEGMENT +
      (opcode >= SEND_OPCODE.RDMA_WRITE ? REMOTE_SEGMENT : 0) +
      INLINE_HEADER +
      length) /
      WQE_BLOCK,
  );

/** The longest message (IBTA 9.7.1: 2^31 bytes). */
export const MAX_MESSAGE = 2 ** 31;
