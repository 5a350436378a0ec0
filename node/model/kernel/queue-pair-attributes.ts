/** ibv_modify_qp and ibv_query_qp: a queue pair's attributes, and what values they may have. */
import { psn } from '../../../units/psn.js';
import type { Profile } from '../../spec/profile.js';
import { ACCESS_ALL } from '../rdma/memory-region.js';
import type { QueuePair } from '../rdma/queue-pair.js';
import { QP_STATES, refuseTransition, type QpStateName } from '../rdma/qp-state.js';
import type { RawQueuePair } from '../rdma/raw-queue-pair.js';
import { VerbsError } from '../../spec/verbs-error.js';
import { QP_ATTR } from '../rdma/qp-attributes.js';
import type { QpAttributes } from '../../program/verbs.js';
import type { CallArguments } from '../../program/mailbox/calls.js';

/** What values depend on. */
export interface AttributeLimits {
  readonly profile: Profile;
  readonly hosts: number;
  readonly mtu: number;
}

const MAX_PSN = 0xffffff;

/** ibv_modify_qp: all or nothing (rule 56). */
export function modifyQp(
  qp: QueuePair,
  { mask, ...args }: CallArguments<'modifyQp'>,
  limits: AttributeLimits,
): void {
  const attributes = args.attributes as QpAttributes;
  const next = (mask & QP_ATTR.STATE) !== 0 ? (attributes.state ?? ('' as QpStateName)) : qp.state;
  if (!QP_STATES.includes(next)) throw new VerbsError('EINVAL', `no state ${next}`);
  const problem =
    refuseTransition(qp.state, next, mask) ?? refuseValues(qp, attributes, mask, limits);
  if (problem !== undefined) throw new VerbsError('EINVAL', problem);
  const has = (bit: number): boolean => (mask & bit) !== 0;
  if (has(QP_ATTR.ACCESS_FLAGS)) qp.accessFlags = attributes.accessFlags!;
  if (has(QP_ATTR.PKEY_INDEX)) qp.pkeyIndex = attributes.pkeyIndex!;
  if (has(QP_ATTR.PORT)) qp.port = attributes.port!;
  if (has(QP_ATTR.AV)) qp.ahHost = attributes.ahHost!;
  if (has(QP_ATTR.PATH_MTU)) qp.mtu = attributes.pathMtu!;
  if (has(QP_ATTR.TIMEOUT)) qp.timeout = attributes.timeout!;
  if (has(QP_ATTR.RETRY_CNT)) qp.retryCnt = attributes.retryCnt!;
  if (has(QP_ATTR.RNR_RETRY)) qp.rnrRetry = attributes.rnrRetry!;
  if (has(QP_ATTR.RQ_PSN)) qp.rqPsn = psn(attributes.rqPsn!);
  if (has(QP_ATTR.SQ_PSN)) qp.sqPsn = psn(attributes.sqPsn!);
  if (has(QP_ATTR.MAX_QP_RD_ATOMIC)) qp.maxRdAtomic = attributes.maxRdAtomic!;
  if (has(QP_ATTR.MAX_DEST_RD_ATOMIC)) qp.maxDestRdAtomic = attributes.maxDestRdAtomic!;
  if (has(QP_ATTR.MIN_RNR_TIMER)) qp.minRnrTimer = attributes.minRnrTimer!;
  if (has(QP_ATTR.DEST_QPN)) qp.destQp = attributes.destQpNum!;
  if (qp.state === 'SQD') {
    if (has(QP_ATTR.AV)) qp.findPath();
    if (has(QP_ATTR.MAX_DEST_RD_ATOMIC)) qp.responder.resize();
  }
  if (!has(QP_ATTR.STATE)) return;
  if (next === 'RESET') qp.reset(args.sends, args.receives);
  else qp.enter(next);
}

function refuseValues(
  qp: QueuePair,
  a: QpAttributes,
  mask: number,
  { profile, hosts, mtu }: AttributeLimits,
): string | undefined {
  const { maxRdAtomic } = profile.nic;
  const within = (bit: number, name: string, value: number | undefined, max: number, min = 0) => {
    if ((mask & bit) === 0) return undefined;
    if (value !== undefined && Number.isInteger(value) && value >= min && value <= max) {
      return undefined;
    }
    return `${name} ${String(value)} (${min} to ${max})`;
  };
  if ((mask & QP_ATTR.CUR_STATE) !== 0 && a.curState !== qp.state) {
    return `the queue pair is in ${qp.state}, not ${String(a.curState)}`;
  }
  const mtus = [256, 512, 1024, 2048, 4096];
  if ((mask & QP_ATTR.PATH_MTU) !== 0 && (!mtus.includes(a.pathMtu!) || a.pathMtu! > mtu)) {
    return `pathMtu ${String(a.pathMtu)} (256 to ${mtu}, a power of two)`;
  }
  return (
    within(QP_ATTR.PORT, 'port', a.port, 1, 1) ??
    within(QP_ATTR.PKEY_INDEX, 'pkeyIndex', a.pkeyIndex, 0) ??
    within(QP_ATTR.ACCESS_FLAGS, 'accessFlags', a.accessFlags, ACCESS_ALL) ??
    within(QP_ATTR.AV, 'ahHost', a.ahHost, hosts - 1) ??
    within(QP_ATTR.TIMEOUT, 'timeout', a.timeout, 31) ??
    within(QP_ATTR.RETRY_CNT, 'retryCnt', a.retryCnt, 7) ??
    within(QP_ATTR.RNR_RETRY, 'rnrRetry', a.rnrRetry, 7) ??
    within(QP_ATTR.RQ_PSN, 'rqPsn', a.rqPsn, MAX_PSN) ??
    within(QP_ATTR.SQ_PSN, 'sqPsn', a.sqPsn, MAX_PSN) ??
    within(QP_ATTR.MAX_QP_RD_ATOMIC, 'maxRdAtomic', a.maxRdAtomic, maxRdAtomic) ??
    within(QP_ATTR.MAX_DEST_RD_ATOMIC, 'maxDestRdAtomic', a.maxDestRdAtomic, maxRdAtomic) ??
    within(QP_ATTR.MIN_RNR_TIMER, 'minRnrTimer', a.minRnrTimer, 31) ??
    within(QP_ATTR.DEST_QPN, 'destQpNum', a.destQpNum, MAX_PSN)
  );
}

/** ibv_modify_qp of a queue of raw frames, which has no attributes but its state. */
export function modifyRawQp(qp: RawQueuePair, { mask, ...args }: CallArguments<'modifyQp'>): void {
  const attributes = args.attributes as QpAttributes;
  const next = (mask & QP_ATTR.STATE) !== 0 ? (attributes.state ?? ('' as QpStateName)) : qp.state;
  if (!QP_STATES.includes(next)) throw new VerbsError('EINVAL', `no state ${next}`);
  let problem = refuseTransition(qp.state, next, mask, 'RAW_PACKET');
  if ((mask & QP_ATTR.PORT) !== 0 && attributes.port !== 1) problem ??= 'port (1 to 1)';
  if ((mask & QP_ATTR.CUR_STATE) !== 0 && attributes.curState !== qp.state) {
    problem ??= `the queue pair is in ${qp.state}, not ${String(attributes.curState)}`;
  }
  if (problem !== undefined) throw new VerbsError('EINVAL', problem);
  if ((mask & QP_ATTR.STATE) === 0) return;
  if (next === 'RESET') qp.reset(args.sends, args.receives);
  else qp.enter(next);
}

/** ibv_query_qp. */
export function describeQp(qp: QueuePair): Record<string, unknown> {
  return {
    state: qp.state,
    sqDraining: qp.draining,
    accessFlags: qp.accessFlags,
    pkeyIndex: qp.pkeyIndex,
    port: qp.port,
    ahHost: qp.ahHost,
    pathMtu: qp.mtu,
    timeout: qp.timeout,
    retryCnt: qp.retryCnt,
    rnrRetry: qp.rnrRetry,
    rqPsn: qp.rqPsn,
    sqPsn: qp.sqPsn,
    maxRdAtomic: qp.maxRdAtomic,
    maxDestRdAtomic: qp.maxDestRdAtomic,
    minRnrTimer: qp.minRnrTimer,
    destQpNum: qp.destQp,
  };
}
