/**
 * Completion queue entries as they lie in host memory, 64 bytes, little-endian; and the queue's record, two counters that
 * NIC and program show each other.
 *
 *      0  wr_id f64 | status u32 | opcode u32
 *     16  byte_len u32 | immediate u32 | qp_num u32 | vendor_err u32
 *     32  flags u32 | wqe_counter u32 | visible since, ps f64
 *
 * wqe_counter is how many entries of the work queue are done with, this one included.
 */
export const CQE_SIZE = 64;
export const CQE = {
  wrId: 0,
  status: 8,
  opcode: 12,
  byteLen: 16,
  immediate: 20,
  qpNum: 24,
  vendorErr: 28,
  flags: 32,
  wqeCounter: 36,
  visible: 40,
} as const;

/** `checksumOk`: of a raw frame, the NIC found its checksums right. */
export const CQE_FLAG = { immediate: 1, solicited: 2, receive: 4, checksumOk: 8 } as const;

/**
 * The record: what the NIC has written, what the program has taken, both counting up and wrapping at 2^32; and whether a
 * CQE found no room (rule 126).
 */
export const CQ_RECORD = { produced: 0, consumed: 4, overrun: 8 } as const;
export const CQ_RECORD_SIZE = 64;

/** ibv_wc_status, with its numbers, in their order. */
export const STATUS = {
  SUCCESS: 0,
  LOC_LEN_ERR: 1,
  LOC_QP_OP_ERR: 2,
  LOC_EEC_OP_ERR: 3,
  LOC_PROT_ERR: 4,
  WR_FLUSH_ERR: 5,
  MW_BIND_ERR: 6,
  BAD_RESP_ERR: 7,
  LOC_ACCESS_ERR: 8,
  REM_INV_REQ_ERR: 9,
  REM_ACCESS_ERR: 10,
  REM_OP_ERR: 11,
  RETRY_EXC_ERR: 12,
  RNR_RETRY_EXC_ERR: 13,
} as const;
