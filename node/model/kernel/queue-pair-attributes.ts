/** ibv_modify_qp and ibv_query_qp: a queue pair's attributes, and what values they may have. */
import { psn } from '../../../units/psn.js';
import type { Profile } from '../../spec/profile.js';
import { ACCESS_ALL } from '../rdma/access-flags.js';
import { addressHandle, hostOf } from '../rdma/address-handle.js';
import type { QueuePair } from '../rdma/queue-pair.js';
import { QP_STATES, refuseTransition, type QpStateName } from '../rdma/qp-state.js';
import { VerbsError } from '../../spec/verbs-error.js';
import { QP_ATTR, type QueuePairAttributes } from '../rdma/qp-attributes.js';
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
  const { kind } = qp;
  // A port and a state every kind has.
  const meant = mask & (kind.attributes | QP_ATTR.PORT | QP_ATTR.CUR_STATE);
  const problem =
    refuseTransition(kind.transitions, qp.state, next, mask) ??
    refuseValues(qp, attributes, meant, limits);
  if (problem !== undefined) throw new VerbsError('EINVAL', problem);
  setAttributes(qp.attributes, attributes, meant);
  qp.transport.modify(next, mask, args.sends, args.receives);
}

/** The attributes of `mask`, which have been checked, are those of the call. */
function setAttributes(own: QueuePairAttributes, given: QpAttributes, mask: number): void {
  const has = (bit: number): boolean => (mask & bit) !== 0;
  if (has(QP_ATTR.ACCESS_FLAGS)) own.accessFlags = given.accessFlags!;
  if (has(QP_ATTR.PKEY_INDEX)) own.pkeyIndex = given.pkeyIndex!;
  if (has(QP_ATTR.PORT)) own.port = given.port!;
  if (has(QP_ATTR.AV)) own.destination = addressHandle(given.ahHost!);
  if (has(QP_ATTR.PATH_MTU)) own.pathMtu = given.pathMtu!;
  if (has(QP_ATTR.TIMEOUT)) own.timeout = given.timeout!;
  if (has(QP_ATTR.RETRY_CNT)) own.retryCnt = given.retryCnt!;
  if (has(QP_ATTR.RNR_RETRY)) own.rnrRetry = given.rnrRetry!;
  if (has(QP_ATTR.RQ_PSN)) own.rqPsn = psn(given.rqPsn!);
  if (has(QP_ATTR.SQ_PSN)) own.sqPsn = psn(given.sqPsn!);
  if (has(QP_ATTR.MAX_QP_RD_ATOMIC)) own.maxRdAtomic = given.maxRdAtomic!;
  if (has(QP_ATTR.MAX_DEST_RD_ATOMIC)) own.maxDestRdAtomic = given.maxDestRdAtomic!;
  if (has(QP_ATTR.MIN_RNR_TIMER)) own.minRnrTimer = given.minRnrTimer!;
  if (has(QP_ATTR.DEST_QPN)) own.destQpNum = given.destQpNum!;
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

/** ibv_query_qp. A kind without attributes has nothing but its state. */
export function describeQp({
  kind,
  state,
  attributes,
  transport,
}: QueuePair): Record<string, unknown> {
  if (kind.attributes === 0) return { state };
  const { destination } = attributes;
  return {
    state,
    sqDraining: transport.draining,
    accessFlags: attributes.accessFlags,
    pkeyIndex: attributes.pkeyIndex,
    port: attributes.port,
    ahHost: destination === null ? -1 : hostOf(destination),
    pathMtu: attributes.pathMtu,
    timeout: attributes.timeout,
    retryCnt: attributes.retryCnt,
    rnrRetry: attributes.rnrRetry,
    rqPsn: attributes.rqPsn,
    sqPsn: attributes.sqPsn,
    maxRdAtomic: attributes.maxRdAtomic,
    maxDestRdAtomic: attributes.maxDestRdAtomic,
    minRnrTimer: attributes.minRnrTimer,
    destQpNum: attributes.destQpNum,
  };
}
