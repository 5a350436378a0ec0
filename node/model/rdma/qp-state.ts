/**
 * The queue pair state machine: which transitions there are, and which attributes each needs and takes
 * (ibv_modify_qp(3); conformance rules 50, 51, 54-57): of RC, and of raw frames.
 */
import { QP_ATTR as A } from './qp-attributes.js';

export const QP_STATES = ['RESET', 'INIT', 'RTR', 'RTS', 'SQD', 'SQE', 'ERR'] as const;
export type QpStateName = (typeof QP_STATES)[number];

interface Transition {
  readonly required: number;
  readonly optional: number;
}

const NOTHING: Transition = { required: 0, optional: 0 };
const TO_ANY: Readonly<Partial<Record<QpStateName, Transition>>> = { RESET: NOTHING, ERR: NOTHING };
const RUNNING = A.CUR_STATE | A.ALT_PATH | A.ACCESS_FLAGS | A.MIN_RNR_TIMER | A.PATH_MIG_STATE;

/** By the state before and the state after. */
export type Transitions = Readonly<
  Record<QpStateName, Readonly<Partial<Record<QpStateName, Transition>>>>
>;

export const RC_TRANSITIONS: Transitions = {
  RESET: {
    RESET: NOTHING,
    INIT: { required: A.PKEY_INDEX | A.PORT | A.ACCESS_FLAGS, optional: 0 },
  },
  INIT: {
    ...TO_ANY,
    INIT: { required: 0, optional: A.PKEY_INDEX | A.PORT | A.ACCESS_FLAGS },
    RTR: {
      required: A.AV | A.PATH_MTU | A.DEST_QPN | A.RQ_PSN | A.MAX_DEST_RD_ATOMIC | A.MIN_RNR_TIMER,
      optional: A.ALT_PATH | A.ACCESS_FLAGS | A.PKEY_INDEX,
    },
  },
  RTR: {
    ...TO_ANY,
    RTS: {
      required: A.TIMEOUT | A.RETRY_CNT | A.RNR_RETRY | A.SQ_PSN | A.MAX_QP_RD_ATOMIC,
      optional: RUNNING,
    },
  },
  RTS: {
    ...TO_ANY,
    RTS: { required: 0, optional: RUNNING },
    SQD: { required: 0, optional: A.EN_SQD_ASYNC_NOTIFY },
  },
  SQD: {
    ...TO_ANY,
    RTS: { required: 0, optional: RUNNING },
    SQD: {
      required: 0,
      optional:
        A.PORT |
        A.AV |
        A.TIMEOUT |
        A.RETRY_CNT |
        A.RNR_RETRY |
        A.MAX_QP_RD_ATOMIC |
        A.MAX_DEST_RD_ATOMIC |
        A.ALT_PATH |
        A.ACCESS_FLAGS |
        A.PKEY_INDEX |
        A.MIN_RNR_TIMER |
        A.PATH_MIG_STATE,
    },
  },
  SQE: {
    ...TO_ANY,
    RTS: { required: 0, optional: A.CUR_STATE | A.ACCESS_FLAGS | A.MIN_RNR_TIMER },
  },
  ERR: TO_ANY,
};

/** As Linux's qp_state_table has them for IB_QPT_RAW_PACKET. */
export const RAW_PACKET_TRANSITIONS: Transitions = {
  RESET: { RESET: NOTHING, INIT: { required: A.PORT, optional: A.PKEY_INDEX | A.ACCESS_FLAGS } },
  INIT: { ...TO_ANY, INIT: { required: 0, optional: A.PORT }, RTR: NOTHING },
  RTR: { ...TO_ANY, RTS: NOTHING },
  RTS: { ...TO_ANY, RTS: { required: 0, optional: A.CUR_STATE } },
  SQD: {},
  SQE: { ...TO_ANY, RTS: { required: 0, optional: A.CUR_STATE } },
  ERR: TO_ANY,
};

const CUR_STATE_ACCEPTED: readonly QpStateName[] = ['RTR', 'RTS', 'SQD', 'SQE'];

/** What is wrong with this modify, or undefined if it may go ahead. */
export function refuseTransition(
  transitions: Transitions,
  current: QpStateName,
  next: QpStateName,
  mask: number,
): string | undefined {
  const transition = transitions[current][next];
  if (transition === undefined) return `no transition from ${current} to ${next}`;
  const missing = transition.required & ~mask;
  if (missing !== 0) return `${current} to ${next} lacks ${names(missing)}`;
  const extra = mask & ~(transition.required | transition.optional | A.STATE);
  if (extra !== 0) return `${current} to ${next} does not take ${names(extra)}`;
  if ((mask & A.CUR_STATE) !== 0 && !CUR_STATE_ACCEPTED.includes(current)) {
    return `CUR_STATE is not accepted in ${current}`;
  }
  return undefined;
}

function names(mask: number): string {
  const known = Object.entries(A)
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([name]) => name);
  return known.length > 0 ? known.join(', ') : `0x${mask.toString(16)}`;
}

/** Which states look at what arrives. */
export const canReceive = (state: QpStateName): boolean =>
  state === 'RTR' || state === 'RTS' || state === 'SQD' || state === 'SQE';
