/**
 * Completion queue entries as they lie in host memory, 64 bytes aligned to 64; and the queue's record, two counters
 * that NIC and program show each other. All fields are little-endian integers, aligned to their own size; those of 64
 * bits hold what `memory/int64.ts` says.
 *
 *      0  wr_id u64 | status u32 | opcode u32
 *     16  byte_len u32 | immediate u32 | qp_num u32 | vendor_err u32
 *     32  flags u32 | wqe_counter u32 | visible since, ps u64
 *     48  unused
 *
 * wqe_counter is how many entries of the work queue are done with, this one included.
 */
import { readInt64, writeInt64 } from '../memory/int64.js';

export const CQE_SIZE = 64;

const WR_ID = 0;
const STATUS_AT = 8;
const OPCODE = 12;
const BYTE_LEN = 16;
const IMMEDIATE = 20;
const QP_NUM = 24;
const VENDOR_ERR = 28;
const FLAGS = 32;
const WQE_COUNTER = 36;
const VISIBLE = 40;

export interface CompletionEntry {
  wrId: number;
  status: number;
  opcode: number;
  byteLen: number;
  immediate: number;
  qpNum: number;
  vendorErr: number;
  flags: number;
  wqeCounter: number;
  visible: number;
}

export const newCompletionEntry = (): CompletionEntry => ({
  wrId: 0,
  status: 0,
  opcode: 0,
  byteLen: 0,
  immediate: 0,
  qpNum: 0,
  vendorErr: 0,
  flags: 0,
  wqeCounter: 0,
  visible: 0,
});

export function parseCompletionEntry(view: DataView, at: number, into: CompletionEntry): void {
  into.wrId = readInt64(view, at + WR_ID);
  into.status = view.getUint32(at + STATUS_AT, true);
  into.opcode = view.getUint32(at + OPCODE, true);
  into.byteLen = view.getUint32(at + BYTE_LEN, true);
  into.immediate = view.getUint32(at + IMMEDIATE, true);
  into.qpNum = view.getUint32(at + QP_NUM, true);
  into.vendorErr = view.getUint32(at + VENDOR_ERR, true);
  into.flags = view.getUint32(at + FLAGS, true);
  into.wqeCounter = view.getUint32(at + WQE_COUNTER, true);
  into.visible = readInt64(view, at + VISIBLE);
}

export function emitCompletionEntry(
  view: DataView,
  at: number,
  entry: Readonly<CompletionEntry>,
): void {
  writeInt64(view, at + WR_ID, entry.wrId);
  view.setUint32(at + STATUS_AT, entry.status, true);
  view.setUint32(at + OPCODE, entry.opcode, true);
  view.setUint32(at + BYTE_LEN, entry.byteLen, true);
  view.setUint32(at + IMMEDIATE, entry.immediate, true);
  view.setUint32(at + QP_NUM, entry.qpNum, true);
  view.setUint32(at + VENDOR_ERR, entry.vendorErr, true);
  view.setUint32(at + FLAGS, entry.flags, true);
  view.setUint32(at + WQE_COUNTER, entry.wqeCounter, true);
  writeInt64(view, at + VISIBLE, entry.visible);
}

/** `checksumOk`: of a raw frame, the NIC found its checksums right. */
export const CQE_FLAG = { immediate: 1, solicited: 2, receive: 4, checksumOk: 8 } as const;

/**
 * The record, 64 bytes: what the NIC has written (u32), what the program has taken (u32), both counting up and wrapping
 * at 2^32; and whether a CQE found no room (u32, rule 126). Each word has one writer, so they are read and written one
 * by one.
 */
export const CQ_RECORD_SIZE = 64;

const PRODUCED = 0;
const CONSUMED = 4;
const OVERRUN = 8;

export const producedOf = (view: DataView, record: number): number =>
  view.getUint32(record + PRODUCED, true);
export const consumedOf = (view: DataView, record: number): number =>
  view.getUint32(record + CONSUMED, true);
export const wasOverrun = (view: DataView, record: number): boolean =>
  view.getUint32(record + OVERRUN, true) !== 0;

export function setProduced(view: DataView, record: number, count: number): void {
  view.setUint32(record + PRODUCED, count, true);
}
export function setConsumed(view: DataView, record: number, count: number): void {
  view.setUint32(record + CONSUMED, count, true);
}
export function setOverrun(view: DataView, record: number): void {
  view.setUint32(record + OVERRUN, 1, true);
}

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
