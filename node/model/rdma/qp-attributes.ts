/** The attributes of a queue pair (ibv_qp_attr), and the mask that says which a modify gives. */
import { psn, type Psn } from '../../../units/psn.js';
import type { AddressHandle } from './address-handle.js';

/** ibv_qp_attr_mask: which attributes a modify gives. */
export const QP_ATTR = {
  STATE: 1,
  CUR_STATE: 1 << 1,
  EN_SQD_ASYNC_NOTIFY: 1 << 2,
  ACCESS_FLAGS: 1 << 3,
  PKEY_INDEX: 1 << 4,
  PORT: 1 << 5,
  QKEY: 1 << 6,
  AV: 1 << 7,
  PATH_MTU: 1 << 8,
  TIMEOUT: 1 << 9,
  RETRY_CNT: 1 << 10,
  RNR_RETRY: 1 << 11,
  RQ_PSN: 1 << 12,
  MAX_QP_RD_ATOMIC: 1 << 13,
  ALT_PATH: 1 << 14,
  MIN_RNR_TIMER: 1 << 15,
  SQ_PSN: 1 << 16,
  MAX_DEST_RD_ATOMIC: 1 << 17,
  PATH_MIG_STATE: 1 << 18,
  CAP: 1 << 19,
  DEST_QPN: 1 << 20,
} as const;

/**
 * Attributes beside the state, as ibv_modify_qp has set them. What a kind of queue pair does not have stays as it is
 * here.
 */
export class QueuePairAttributes {
  accessFlags = 0;
  pkeyIndex = 0;
  port = 1;
  /** The peer's address, once it is known. */
  destination: AddressHandle | null = null;
  pathMtu = 1024;
  timeout = 0;
  retryCnt = 0;
  rnrRetry = 0;
  rqPsn: Psn = psn(0);
  sqPsn: Psn = psn(0);
  maxRdAtomic = 0;
  maxDestRdAtomic = 0;
  minRnrTimer = 0;
  destQpNum = 0;
}
