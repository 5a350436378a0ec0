/**
 * Work queue entries as they lie in host memory, in blocks of 64 bytes aligned to 64. All fields are little-endian
 * integers, aligned to their own size; addresses and wr_id have 64 bits, of which this side uses 53 (see
 * `memory/int64.ts`).
 *
 *      0  opcode u8 | flags u8 | SGEs u16 | length u32 | wr_id u64
 *     16  immediate u32 | rkey u32 | remote address u64
 *     32  compare or add u64 | swap u64                                of an atomic only
 *     48  unused
 *     64  SGEs of 16 bytes: address u64 | length u32 | lkey u32        or the inline data itself
 *
 * A receive entry is wr_id u64 | SGEs u32 | unused u32, then SGEs from byte 16. What an operation has no use for is 0.
 * The layout is ours; what a WQE costs on the bus is counted with the mlx5 layout, see {@link inlineBlocks}.
 */
import { readInt64, writeInt64 } from '../memory/int64.js';

export const WQE_BLOCK = 64;

const OPCODE = 0;
const FLAGS = 1;
const SGE_COUNT = 2;
const LENGTH = 4;
const WR_ID = 8;
const IMMEDIATE = 16;
const RKEY = 20;
const REMOTE_ADDRESS = 24;
const COMPARE_LOW = 32;
const COMPARE_HIGH = 36;
const SWAP_LOW = 40;
const SWAP_HIGH = 44;
const DATA = 64;

const SGE_LENGTH = 16;
const SGE = { address: 0, length: 8, lkey: 12 } as const;
const RECEIVE = { wrId: 0, sgeCount: 8, sges: 16 } as const;

export interface SendEntry {
  opcode: number;
  flags: number;
  sgeCount: number;
  /** Of the message: of all SGEs or the inline data together. */
  length: number;
  wrId: number;
  immediate: number;
  rkey: number;
  remoteAddress: number;
}

export const newSendEntry = (): SendEntry => ({
  opcode: 0,
  flags: 0,
  sgeCount: 0,
  length: 0,
  wrId: 0,
  immediate: 0,
  rkey: 0,
  remoteAddress: 0,
});

export function parseSendEntry(view: DataView, at: number, into: SendEntry): void {
  into.opcode = view.getUint8(at + OPCODE);
  into.flags = view.getUint8(at + FLAGS);
  into.sgeCount = view.getUint16(at + SGE_COUNT, true);
  into.length = view.getUint32(at + LENGTH, true);
  into.wrId = readInt64(view, at + WR_ID);
  into.immediate = view.getUint32(at + IMMEDIATE, true);
  into.rkey = view.getUint32(at + RKEY, true);
  into.remoteAddress = readInt64(view, at + REMOTE_ADDRESS);
}

export function emitSendEntry(view: DataView, at: number, entry: Readonly<SendEntry>): void {
  view.setUint8(at + OPCODE, entry.opcode);
  view.setUint8(at + FLAGS, entry.flags);
  view.setUint16(at + SGE_COUNT, entry.sgeCount, true);
  view.setUint32(at + LENGTH, entry.length, true);
  writeInt64(view, at + WR_ID, entry.wrId);
  view.setUint32(at + IMMEDIATE, entry.immediate, true);
  view.setUint32(at + RKEY, entry.rkey, true);
  writeInt64(view, at + REMOTE_ADDRESS, entry.remoteAddress);
}

/** `compare` is the number to add in a FETCH_ADD, which has no `swap`. */
export interface AtomicOperands {
  compareLow: number;
  compareHigh: number;
  swapLow: number;
  swapHigh: number;
}

export const newAtomicOperands = (): AtomicOperands => ({
  compareLow: 0,
  compareHigh: 0,
  swapLow: 0,
  swapHigh: 0,
});

/** Of the send entry at `at`, whose opcode is an atomic's. */
export function parseAtomicOperands(view: DataView, at: number, into: AtomicOperands): void {
  into.compareLow = view.getUint32(at + COMPARE_LOW, true);
  into.compareHigh = view.getUint32(at + COMPARE_HIGH, true);
  into.swapLow = view.getUint32(at + SWAP_LOW, true);
  into.swapHigh = view.getUint32(at + SWAP_HIGH, true);
}

export function emitAtomicOperands(
  view: DataView,
  at: number,
  operands: Readonly<AtomicOperands>,
): void {
  view.setUint32(at + COMPARE_LOW, operands.compareLow, true);
  view.setUint32(at + COMPARE_HIGH, operands.compareHigh, true);
  view.setUint32(at + SWAP_LOW, operands.swapLow, true);
  view.setUint32(at + SWAP_HIGH, operands.swapHigh, true);
}

export interface ReceiveEntry {
  wrId: number;
  sgeCount: number;
}

export const newReceiveEntry = (): ReceiveEntry => ({ wrId: 0, sgeCount: 0 });

export function parseReceiveEntry(view: DataView, at: number, into: ReceiveEntry): void {
  into.wrId = readInt64(view, at + RECEIVE.wrId);
  into.sgeCount = view.getUint32(at + RECEIVE.sgeCount, true);
}

export function emitReceiveEntry(view: DataView, at: number, entry: Readonly<ReceiveEntry>): void {
  writeInt64(view, at + RECEIVE.wrId, entry.wrId);
  view.setUint32(at + RECEIVE.sgeCount, entry.sgeCount, true);
}

/** Scatter/gather element: a piece of local memory. */
export interface SgeEntry {
  address: number;
  length: number;
  lkey: number;
}

export const newSgeEntry = (): SgeEntry => ({ address: 0, length: 0, lkey: 0 });

/** Where SGE `index` of the send entry at `entry` lies. */
export const sendSgeAt = (entry: number, index: number): number =>
  entry + DATA + index * SGE_LENGTH;

/** Where SGE `index` of the receive entry at `entry` lies. */
export const receiveSgeAt = (entry: number, index: number): number =>
  entry + RECEIVE.sges + index * SGE_LENGTH;

export function parseSge(view: DataView, at: number, into: SgeEntry): void {
  into.address = readInt64(view, at + SGE.address);
  into.length = view.getUint32(at + SGE.length, true);
  into.lkey = view.getUint32(at + SGE.lkey, true);
}

export function emitSge(view: DataView, at: number, sge: Readonly<SgeEntry>): void {
  writeInt64(view, at + SGE.address, sge.address);
  view.setUint32(at + SGE.length, sge.length, true);
  view.setUint32(at + SGE.lkey, sge.lkey, true);
}

/** Where the inline data of the send entry at `entry` lies. */
export const inlineDataAt = (entry: number): number => entry + DATA;

/** Whether a send entry of `size` bytes has room for `length` bytes of inline data, or `count` SGEs. */
export const hasInlineRoom = (size: number, length: number): boolean => length <= size - DATA;
export const hasSgeRoom = (size: number, count: number): boolean =>
  count * SGE_LENGTH <= size - DATA;

export const sendEntrySize = (maxSge: number, maxInline: number): number =>
  DATA + Math.ceil(Math.max(maxSge * SGE_LENGTH, maxInline) / WQE_BLOCK) * WQE_BLOCK;

export const receiveEntrySize = (maxSge: number): number =>
  Math.ceil(receiveSgeAt(0, maxSge) / WQE_BLOCK) * WQE_BLOCK;

/**
 * `pushed`: the core wrote the whole frame into the NIC with the doorbell. `checksum`: the NIC writes the checksums of
 * a raw frame.
 */
export const WQE_FLAG = {
  signaled: 1,
  fence: 2,
  solicited: 4,
  inline: 8,
  pushed: 16,
  checksum: 32,
} as const;

/**
 * Numbers of the send opcodes; `WC_OPCODES` of node/program/verbs.ts are named in the order of {@link
 * COMPLETION_OPCODE}.
 */
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
