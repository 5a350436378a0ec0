/** A queue pair as a program sees it: posting writes WQEs into host memory and rings doorbells. */
import { STAGE } from '../../sim/stages.js';
import { bigIntHigh, bigIntLow } from '../../wire/u64.js';
import type { QpPlace } from './mailbox/calls.js';
import { DOORBELL } from '../model/nic/doorbell.js';
import {
  emitAtomicOperands,
  emitReceiveEntry,
  emitSendEntry,
  emitSge,
  inlineDataAt,
  MAX_MESSAGE,
  newAtomicOperands,
  newReceiveEntry,
  newSendEntry,
  receiveSgeAt,
  SEND_OPCODE,
  sendSgeAt,
  WQE_BLOCK,
  WQE_FLAG,
} from '../model/rdma/work-queue-entry.js';
import { VerbsError } from '../spec/verbs-error.js';
import type {
  Flow,
  FlowRule,
  QpAttributes,
  QpCapabilities,
  QpState,
  QueuePair,
  RecvWr,
  SendWr,
  Sge,
} from './verbs.js';
import { QP_ATTR } from './verbs.js';
import { MAX_DOORBELLS } from './mailbox/core-page.js';
import type { ProgramShared } from './program-completions.js';
import { SegmentError } from './segment-error.js';

const NOT_AN_SGE = 'an SGE address or length is not an integer';
const NOT_A_WR_ID = 'a wr_id is not an integer of at most 2^53 - 1';

/** Which attribute sets which bit of the mask. */
const ATTRIBUTE_BITS: Readonly<Record<keyof QpAttributes, number>> = {
  state: QP_ATTR.STATE,
  curState: QP_ATTR.CUR_STATE,
  enSqdAsyncNotify: QP_ATTR.EN_SQD_ASYNC_NOTIFY,
  accessFlags: QP_ATTR.ACCESS_FLAGS,
  pkeyIndex: QP_ATTR.PKEY_INDEX,
  port: QP_ATTR.PORT,
  qkey: QP_ATTR.QKEY,
  ahHost: QP_ATTR.AV,
  pathMtu: QP_ATTR.PATH_MTU,
  timeout: QP_ATTR.TIMEOUT,
  retryCnt: QP_ATTR.RETRY_CNT,
  rnrRetry: QP_ATTR.RNR_RETRY,
  rqPsn: QP_ATTR.RQ_PSN,
  maxRdAtomic: QP_ATTR.MAX_QP_RD_ATOMIC,
  maxDestRdAtomic: QP_ATTR.MAX_DEST_RD_ATOMIC,
  minRnrTimer: QP_ATTR.MIN_RNR_TIMER,
  sqPsn: QP_ATTR.SQ_PSN,
  destQpNum: QP_ATTR.DEST_QPN,
  cap: QP_ATTR.CAP,
};

export class ProgramQueuePair implements QueuePair {
  readonly place: QpPlace;
  private readonly shared: ProgramShared;
  private state: QpState = 'RESET';
  private isDestroyed = false;
  /** max_rd_atomic, once it is set. */
  private readsAtOnce = 0;
  /** Requests posted, and those known to be done with; both count up. */
  private sent = 0;
  private sentDone = 0;
  private received = 0;
  private receivedDone = 0;
  /** Entries on their way into memory. */
  private readonly send = newSendEntry();
  private readonly operands = newAtomicOperands();
  private readonly receive = newReceiveEntry();

  constructor(place: QpPlace, shared: ProgramShared) {
    this.place = place;
    this.shared = shared;
    shared.queuePairs.set(place.number, this);
  }

  get qpNum(): number {
    return this.place.number;
  }

  get cap(): Readonly<QpCapabilities> {
    return this.place.cap;
  }

  postSend(request: SendWr): void {
    this.writeSend(request, 0);
    this.ring(DOORBELL.send);
  }

  postSendList(requests: readonly SendWr[]): void {
    this.postList(requests, (request, index) => this.writeSend(request, index), DOORBELL.send);
  }

  postRecv(request: RecvWr): void {
    this.writeRecv(request, 0);
    this.ring(DOORBELL.receive);
  }

  postRecvList(requests: readonly RecvWr[]): void {
    this.postList(requests, (request, index) => this.writeRecv(request, index), DOORBELL.receive);
  }

  async modify(attributes: QpAttributes, mask?: number): Promise<void> {
    let bits = mask ?? 0;
    if (mask === undefined) {
      for (const key of Object.keys(attributes) as (keyof QpAttributes)[]) {
        if (attributes[key] !== undefined) bits |= ATTRIBUTE_BITS[key];
      }
    }
    const { port } = this.shared;
    await port.call('modifyQp', {
      qp: this.place.index,
      attributes: attributes as Record<string, unknown>,
      mask: bits,
      sends: this.sent,
      receives: this.received,
    });
    if ((bits & QP_ATTR.STATE) !== 0) this.state = attributes.state!;
    if ((bits & QP_ATTR.MAX_QP_RD_ATOMIC) !== 0) this.readsAtOnce = attributes.maxRdAtomic!;
    if (this.state === 'RESET') {
      this.sentDone = this.sent;
      this.receivedDone = this.received;
    }
  }

  async query(): Promise<QpAttributes & { state: QpState }> {
    const answer = await this.shared.port.call('queryQp', { qp: this.place.index });
    return answer as unknown as QpAttributes & { state: QpState };
  }

  async destroy(): Promise<void> {
    await this.shared.port.call('destroyQp', { qp: this.place.index });
    this.shared.queuePairs.delete(this.place.number);
    // Nothing can be posted in this state, so posting need not look whether there still is a queue pair.
    this.state = 'RESET';
    this.isDestroyed = true;
  }

  async attachFlow(rule: FlowRule): Promise<Flow> {
    const { port } = this.shared;
    const { flow } = await port.call('attachFlow', { qp: this.place.index, rule });
    return {
      detach: async () => {
        await port.call('detachFlow', { flow });
      },
    };
  }

  /** A CQE said that all sends up to this count (modulo 2^32) are done. One from before a reset says nothing new. */
  sendsDone(counter: number): void {
    this.sentDone += Math.max(0, (counter - this.sentDone) | 0);
  }

  receivesDone(counter: number): void {
    this.receivedDone += Math.max(0, (counter - this.receivedDone) | 0);
  }

  private postList<T>(
    requests: readonly T[],
    write: (request: T, index: number) => void,
    kind: number,
  ): void {
    let posted = 0;
    try {
      for (; posted < requests.length; posted++) write(requests[posted]!, posted);
    } finally {
      // What was posted before the bad one stays posted (rule 68).
      if (posted > 0) this.ring(kind);
    }
  }

  private ring(kind: number): void {
    const { port, cpu } = this.shared;
    if (!port.running) throw port.calledAmiss('a request was posted');
    // A receive's doorbell is a word in memory; only a send's goes over the bus.
    if (kind === DOORBELL.send) port.spend(cpu.doorbell, STAGE.doorbell);
    const produced = kind === DOORBELL.send ? this.sent : this.received;
    if (!port.page.pushDoorbell(kind, this.place.index, produced, port.now)) {
      throw new SegmentError(
        `more than ${MAX_DOORBELLS} doorbells in one segment (512 while an operation is measured): await something in between`,
      );
    }
  }

  private refusedInState(call: string, index: number): VerbsError {
    const what = this.isDestroyed ? 'a destroyed queue pair' : `state ${this.state}`;
    const where = this.isDestroyed ? 'on' : 'in';
    return new VerbsError('EINVAL', `${call} ${where} ${what}`, index);
  }

  private writeSend(request: SendWr, index: number): void {
    const { port, cpu } = this.shared;
    const { cap, sends } = this.place;
    if (this.state === 'RESET' || this.state === 'INIT' || this.state === 'RTR') {
      throw this.refusedInState('postSend', index);
    }
    const opcode = SEND_OPCODE[request.opcode];
    const asked = 'inline' in request && request.inline;
    const { sges } = request;
    const length = totalLength(sges);
    const { push } = this.place;
    const pushed = push !== undefined && length <= push.longest && !Number.isNaN(length);
    const inline = asked || pushed;
    const problem = this.refuseSend(request, asked, length);
    if (problem !== undefined) throw new VerbsError('EINVAL', problem, index);
    if (this.sent - this.sentDone >= cap.maxSendWr) {
      throw new VerbsError('ENOMEM', `the send queue is full (${cap.maxSendWr})`, index);
    }
    const at = sends.base + (this.sent % sends.depth) * sends.stride;
    const { view } = port;
    const { send } = this;
    const solicited = 'solicited' in request && request.solicited;
    const checksum = 'checksum' in request && request.checksum;
    send.opcode = opcode;
    send.flags =
      (request.signaled === false ? 0 : WQE_FLAG.signaled) |
      (request.fence === true ? WQE_FLAG.fence : 0) |
      (solicited ? WQE_FLAG.solicited : 0) |
      (inline ? WQE_FLAG.inline : 0) |
      (pushed ? WQE_FLAG.pushed : 0) |
      (checksum ? WQE_FLAG.checksum : 0);
    send.sgeCount = sges.length;
    send.length = length;
    send.wrId = request.wrId ?? 0;
    send.immediate = 'immediate' in request ? request.immediate : 0;
    send.rkey = 'rkey' in request ? request.rkey : 0;
    send.remoteAddress = 'rkey' in request ? request.remoteAddress : 0;
    emitSendEntry(view, at, send);
    if (request.opcode === 'ATOMIC_CMP_AND_SWP')
      this.writeOperands(at, request.compare, request.swap);
    else if (request.opcode === 'ATOMIC_FETCH_AND_ADD') this.writeOperands(at, request.add, 0n);
    if (inline) this.writeInline(inlineDataAt(at), sges, index);
    else for (let i = 0; i < sges.length; i++) emitSge(view, sendSgeAt(at, i), sges[i]!);
    this.sent++;
    port.spend(cpu.post, STAGE.post);
    if (pushed)
      port.pass((Math.ceil(Math.max(length, 1) / WQE_BLOCK) - 1) * push.block, STAGE.doorbell);
  }

  private refuseSend(request: SendWr, inline: boolean, length: number): string | undefined {
    const { cap, type } = this.place;
    const taken = type === 'RC' || request.opcode === 'SEND';
    if (!taken || !Object.hasOwn(SEND_OPCODE, request.opcode)) {
      return `no send opcode ${request.opcode} on this queue pair`;
    }
    if (request.sges.length > cap.maxSendSge) {
      return `${request.sges.length} SGEs, the queue pair has ${cap.maxSendSge}`;
    }
    if (Number.isNaN(length)) return NOT_AN_SGE;
    if (!isWrId(request.wrId)) return NOT_A_WR_ID;
    if (length > MAX_MESSAGE) return `a message of ${length} bytes is longer than 2^31`;
    if (SEND_OPCODE[request.opcode] >= SEND_OPCODE.RDMA_READ) {
      if (inline) return `${request.opcode} cannot be inline`;
      if (this.readsAtOnce === 0) {
        return `${request.opcode} on a queue pair whose max_rd_atomic is 0`;
      }
    }
    if (inline && length > cap.maxInlineData) {
      return `${length} bytes inline, the queue pair takes ${cap.maxInlineData}`;
    }
    if (request.opcode.startsWith('ATOMIC') && length !== 8) {
      return `an atomic needs exactly 8 bytes of local buffer, not ${length}`;
    }
    if ('immediate' in request && request.immediate >>> 0 !== request.immediate) {
      return `the immediate ${request.immediate} is not an unsigned 32-bit integer`;
    }
    if ('remoteAddress' in request && !Number.isSafeInteger(request.remoteAddress)) {
      return 'the remote address is not an integer below 2^53';
    }
    if (request.opcode === 'ATOMIC_FETCH_AND_ADD') return notBigint('add', request.add);
    if (request.opcode === 'ATOMIC_CMP_AND_SWP') {
      return notBigint('compare', request.compare) ?? notBigint('swap', request.swap);
    }
    return undefined;
  }

  private writeOperands(at: number, compare: bigint, swap: bigint): void {
    const { operands } = this;
    operands.compareLow = bigIntLow(compare);
    operands.compareHigh = bigIntHigh(compare);
    operands.swapLow = bigIntLow(swap);
    operands.swapHigh = bigIntHigh(swap);
    emitAtomicOperands(this.shared.port.view, at, operands);
  }

  /** Copies the data itself into the WQE; the lkey is not looked at (rule 71). */
  private writeInline(to: number, sges: readonly Sge[], index: number): void {
    const { port, regions } = this.shared;
    let at = to;
    for (const { address, length } of sges) {
      if (!regions.copy(port.bytes, address, length, at)) {
        throw new VerbsError(
          'EFAULT',
          `inline data at 0x${address.toString(16)} is not in allocated or pinned memory that this core knows`,
          index,
        );
      }
      at += length;
    }
  }

  private writeRecv(request: RecvWr, index: number): void {
    const { port, cpu } = this.shared;
    const { cap, receives } = this.place;
    const { receive } = this;
    const { sges } = request;
    if (this.state === 'RESET') throw this.refusedInState('postRecv', index);
    if (sges.length > cap.maxRecvSge) {
      const problem = `${sges.length} SGEs, the queue pair has ${cap.maxRecvSge}`;
      throw new VerbsError('EINVAL', problem, index);
    }
    if (Number.isNaN(totalLength(sges))) throw new VerbsError('EINVAL', NOT_AN_SGE, index);
    if (!isWrId(request.wrId)) throw new VerbsError('EINVAL', NOT_A_WR_ID, index);
    if (this.received - this.receivedDone >= cap.maxRecvWr) {
      throw new VerbsError('ENOMEM', `the receive queue is full (${cap.maxRecvWr})`, index);
    }
    const at = receives.base + (this.received % receives.depth) * receives.stride;
    receive.wrId = request.wrId ?? 0;
    receive.sgeCount = sges.length;
    emitReceiveEntry(port.view, at, receive);
    for (let i = 0; i < sges.length; i++) emitSge(port.view, receiveSgeAt(at, i), sges[i]!);
    this.received++;
    port.spend(cpu.post, STAGE.post);
  }
}

/** Whether a WQE can hold it: see `memory/int64.ts`. */
const isWrId = (wrId: number | undefined): boolean =>
  wrId === undefined || Number.isSafeInteger(wrId);

/** An atomic's operands have 64 bits, which a number has not. */
const notBigint = (name: string, operand: unknown): string | undefined =>
  typeof operand === 'bigint'
    ? undefined
    : `${name} is ${String(operand)}, but an atomic's operands are bigints (such as 1n)`;

/** Bytes of all SGEs together; NaN if one of them cannot be written into a WQE. */
function totalLength(sges: readonly Sge[]): number {
  let total = 0;
  for (const { address, length } of sges) {
    if (length >>> 0 !== length || !Number.isSafeInteger(address)) return NaN;
    total += length;
  }
  return total;
}
