/**
 * The part of a queue pair that reads answers: acknowledgements, NAKs, READ responses and atomic results. It completes
 * requests in posting order, counts retries, and says when the requester must go back (IBTA 9.7.5, 9.9.2).
 */
import { STAGE } from '../../sim/stages.js';
import { addPsn, psnDistance, type Psn } from '../../units/psn.js';
import {
  AETH_KIND,
  AETH_LENGTH,
  aethKind,
  aethValue,
  NAK,
  newAeth,
  parseAeth,
  RNR_TIMER_US,
} from '../../wire/aeth.js';
import { newAtomicAckEth, parseAtomicAckEth } from '../../wire/atomic-ack-eth.js';
import { EXTENSION, EXTENSION_BITS, OPCODE } from '../../wire/opcode-table.js';
import { STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import { extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import { isAtomic, isReadOrAtomic } from './request-opcodes.js';
import type { SendQueue } from './send-queue.js';
import { COMPLETION_OPCODE, SEND_OPCODE, WQE, WQE_FLAG } from './work-queue-entry.js';

const aeth = newAeth();
const atomicAck = newAtomicAckEth();

const PS_PER_US = 1_000_000;
const NO_FRAME = -1;
const FOR_EVER = 7;
/** The status that a NAK code ends its request with (conformance rules 88-92). */
const NAK_STATUS: Readonly<Record<number, number>> = {
  [NAK.INVALID_REQUEST]: STATUS.REM_INV_REQ_ERR,
  [NAK.REMOTE_ACCESS]: STATUS.REM_ACCESS_ERR,
  [NAK.REMOTE_OPERATIONAL]: STATUS.REM_OP_ERR,
};

export class Completer {
  private retriesLeft = 0;
  private rnrRetriesLeft = 0;
  /** The READ response that was missing when we last went back for one; again only after progress. */
  private gapAt = -1;
  private rnrPsn = 0 as Psn;
  private writing = 0;
  private readonly qp: QueuePair;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;

  constructor(qp: QueuePair, queue: SendQueue, parts: EngineParts) {
    this.qp = qp;
    this.queue = queue;
    this.parts = parts;
  }

  reset(): void {
    this.retriesLeft = this.qp.retryCnt;
    this.rnrRetriesLeft = this.qp.rnrRetry;
    this.gapAt = -1;
  }

  /** An answer with opcode and PSN has passed the receive checks. Takes frame `slot` over. */
  receive(slot: number, opcode: number, psn: Psn): void {
    const { qp, queue, parts } = this;
    const { requester } = qp;
    const oldest = requester.completed;
    const stale =
      (qp.state !== 'RTS' && qp.state !== 'SQD') ||
      !requester.isAssigned(oldest) ||
      psnDistance(psn, queue.firstPsn[oldest % queue.depth]! as Psn) < 0 ||
      // Never sent, so nobody can have answered it.
      psnDistance(psn, requester.sentPsn) >= 0;
    if (stale) {
      parts.counters.dropped++;
      parts.pool.release(slot);
      return;
    }
    const bits = EXTENSION_BITS[opcode]!;
    if ((bits & EXTENSION.aeth) !== 0)
      parseAeth(parts.pool.view, extensionsAt(parts.pool, slot), aeth);
    if (opcode === OPCODE.RC_ACK) this.acknowledgement(slot, psn);
    else this.data(slot, opcode, psn);
    if (qp.state === 'ERR') return;
    this.raiseLocalError();
    qp.rearmTimer();
    requester.fill();
  }

  /** No answer in time (IBTA 9.9.2.1.1): sends again from the oldest unacknowledged packet, or gives up. */
  timeout(): void {
    const { requester } = this.qp;
    this.parts.counters.timeouts++;
    if (this.retriesLeft-- === 0) {
      this.fail(requester.completed, STATUS.RETRY_EXC_ERR);
      return;
    }
    this.gapAt = -1;
    const slot = requester.completed % this.queue.depth;
    requester.goBack(requester.completed, this.queue.received[slot]!);
  }

  /** The wait that an RNR NAK asked for is over. */
  rnrOver(): void {
    const { qp } = this;
    qp.rnrWaiting = false;
    this.goBackTo(this.rnrPsn);
  }

  /** A request that was found wrong before it was sent ends when all before it are complete. */
  raiseLocalError(): void {
    const { requester } = this.qp;
    const error = requester.localError;
    if (error?.index === requester.completed) this.fail(error.index, error.status);
  }

  /** Ends WQE `index` with an error; all behind it are flushed, and the queue pair is in ERR (rule 94). */
  fail(index: number, status: number): void {
    if (this.qp.state === 'ERR') return;
    if (this.qp.requester.isAssigned(index)) this.complete(index, status, NO_FRAME, 0);
    else this.flushOne(index, status);
    this.qp.enterError();
  }

  /** Every request that is left completes with WR_FLUSH_ERR. */
  flush(): void {
    const { requester } = this.qp;
    while (requester.completed < requester.produced) {
      this.flushOne(requester.completed, STATUS.WR_FLUSH_ERR);
    }
  }

  private flushOne(index: number, status: number): void {
    const { queue, parts, qp } = this;
    const { view } = parts.memory;
    const at = queue.wqeAt(index);
    const completion = parts.completions.allocate();
    const entry = parts.completions.at(completion);
    entry.queue = qp.sendCq;
    entry.wrId = view.getFloat64(at + WQE.wrId, true);
    entry.status = status;
    entry.opcode = COMPLETION_OPCODE[view.getUint8(at + WQE.opcode)] ?? 0;
    entry.byteLen = 0;
    entry.immediate = 0;
    entry.qpNum = qp.number;
    entry.vendorErr = 0;
    entry.flags = 0;
    entry.wqeCounter = (index + 1) >>> 0;
    parts.completions.chains.copy(completion, queue.chains, index % queue.depth);
    parts.completions.post(completion, 0);
    qp.requester.completed++;
  }

  private acknowledgement(slot: number, psn: Psn): void {
    const { parts } = this;
    const { syndrome } = aeth;
    const kind = aethKind(syndrome);
    if (kind === AETH_KIND.ACK) {
      this.acknowledgeThrough(psn, slot);
    } else if (kind === AETH_KIND.RNR_NAK) {
      parts.counters.rnr_naks_received++;
      this.acknowledgeThrough(addPsn(psn, -1), slot);
      this.notReady(psn, aethValue(syndrome));
    } else if (syndrome === NAK.PSN_SEQUENCE) {
      parts.counters.naks_received++;
      this.acknowledgeThrough(addPsn(psn, -1), slot);
      this.sequenceError(psn);
    } else {
      parts.counters.naks_received++;
      const status = NAK_STATUS[syndrome];
      // A reserved syndrome says nothing: the time-out will.
      if (status !== undefined) {
        this.acknowledgeThrough(addPsn(psn, -1), slot);
        this.fail(this.indexOf(psn), status);
      }
    }
    parts.pool.release(slot);
  }

  /** Completes all requests whose last PSN is at or before `psn`. A READ or atomic in the way has lost its answer. */
  private acknowledgeThrough(psn: Psn, frame: number): void {
    const { qp, queue } = this;
    const { requester } = qp;
    while (requester.isAssigned(requester.completed)) {
      const slot = requester.completed % queue.depth;
      if (psnDistance(queue.lastPsn(slot), psn) > 0) break;
      if (isReadOrAtomic(queue.opcode[slot]!)) {
        this.lostResponse(requester.completed);
        return;
      }
      this.complete(requester.completed, STATUS.SUCCESS, frame, 0);
      this.progress();
    }
  }

  private data(slot: number, opcode: number, psn: Psn): void {
    const { qp, queue, parts } = this;
    const { requester } = qp;
    // A response acknowledges all requests before its own.
    this.acknowledgeThrough(addPsn(psn, -1), slot);
    const index = requester.completed;
    const at = index % queue.depth;
    const atomic = opcode === OPCODE.RC_ATOMIC_ACK;
    const expected = addPsn(queue.firstPsn[at]! as Psn, queue.received[at]!);
    const matches = atomic
      ? isAtomic(queue.opcode[at]!)
      : queue.opcode[at] === SEND_OPCODE.RDMA_READ;
    if (!requester.isAssigned(index) || !matches || psn !== expected) {
      if (requester.isAssigned(index) && matches && psnDistance(psn, expected) > 0) {
        this.lostResponse(index);
      }
      parts.pool.release(slot);
      return;
    }
    if (atomic) this.atomicResult(index, slot);
    else this.readResponse(index, slot, opcode);
  }

  private readResponse(index: number, slot: number, opcode: number): void {
    const { qp, queue, parts } = this;
    const at = index % queue.depth;
    const offset = queue.received[at]! * qp.mtu;
    const left = queue.length[at]! - offset;
    const size = qp.payloadLength(slot);
    const last = queue.received[at] === queue.packets[at]! - 1;
    const ends = opcode === OPCODE.RC_READ_RESP_LAST || opcode === OPCODE.RC_READ_RESP_ONLY;
    if (last !== ends || size !== (last ? left : qp.mtu)) {
      parts.pool.release(slot);
      this.fail(index, STATUS.BAD_RESP_ERR);
      return;
    }
    queue.received[at]!++;
    this.progress();
    this.deliver(index, slot, offset, size, last);
  }

  private atomicResult(index: number, slot: number): void {
    const { parts, queue } = this;
    const { pool } = parts;
    parseAtomicAckEth(pool.view, extensionsAt(pool, slot) + AETH_LENGTH, atomicAck);
    const payload = pool.payloadAt(slot);
    pool.view.setUint32(payload, atomicAck.originalLow, true);
    pool.view.setUint32(payload + 4, atomicAck.originalHigh, true);
    queue.received[index % queue.depth]!++;
    this.progress();
    this.deliver(index, slot, 0, 8, true);
  }

  /** Writes `size` bytes of the answer to the request's buffer, and completes the request if these are the last. */
  private deliver(index: number, slot: number, offset: number, size: number, last: boolean): void {
    const { qp, queue, parts } = this;
    const { payloads, memory, regions, pool } = parts;
    this.writing = payloads.begin(slot);
    if (!queue.gather(index, offset, size, memory, regions, qp.pd, this.addSegment)) {
      payloads.start(this.writing, 0);
      this.fail(index, STATUS.LOC_PROT_ERR);
      return;
    }
    const visible = payloads.start(this.writing, size);
    if (last) this.complete(index, STATUS.SUCCESS, slot, visible);
    else queue.chains.copy(index % queue.depth, pool.chains, slot);
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.writing, physical, length);
  };

  private complete(index: number, status: number, frame: number, payloadVisible: number): void {
    const { qp, queue, parts } = this;
    const { scheduler, completions, pool } = parts;
    const slot = index % queue.depth;
    const signaled = qp.sqSigAll || (queue.flags[slot]! & WQE_FLAG.signaled) !== 0;
    if (signaled || status !== STATUS.SUCCESS) {
      const completion = completions.allocate();
      const { chains } = completions;
      const operation = queue.chains.operation(slot);
      if (frame >= 0 && operation !== 0 && pool.chains.operation(frame) === operation) {
        chains.copy(completion, pool.chains, frame);
      } else {
        chains.copy(completion, queue.chains, slot);
      }
      if (status !== STATUS.SUCCESS) chains.advance(completion, STAGE.retry, scheduler.now);
      else if (payloadVisible === 0) chains.advance(completion, STAGE.ack, scheduler.now);
      const entry = completions.at(completion);
      entry.queue = qp.sendCq;
      entry.wrId = queue.wrId[slot]!;
      entry.status = status;
      entry.opcode = COMPLETION_OPCODE[queue.opcode[slot]!]!;
      entry.byteLen = queue.length[slot]!;
      entry.immediate = 0;
      entry.qpNum = qp.number;
      entry.vendorErr = 0;
      entry.flags = 0;
      entry.wqeCounter = (index + 1) >>> 0;
      completions.post(completion, payloadVisible);
    }
    qp.requester.retire();
  }

  /** Something new was acknowledged: the retry counts begin again. */
  private progress(): void {
    this.retriesLeft = this.qp.retryCnt;
    this.rnrRetriesLeft = this.qp.rnrRetry;
    this.gapAt = -1;
    this.qp.progressed();
  }

  private notReady(psn: Psn, timer: number): void {
    const { qp, parts } = this;
    if (qp.state === 'ERR' || qp.rnrWaiting) return;
    if (this.qp.rnrRetry !== FOR_EVER && this.rnrRetriesLeft-- === 0) {
      this.fail(this.indexOf(psn), STATUS.RNR_RETRY_EXC_ERR);
      return;
    }
    this.rnrPsn = psn;
    qp.waitNotReady(parts.scheduler.now + RNR_TIMER_US[timer]! * PS_PER_US);
  }

  private sequenceError(psn: Psn): void {
    if (this.qp.state === 'ERR') return;
    if (this.retriesLeft-- === 0) {
      this.fail(this.qp.requester.completed, STATUS.RETRY_EXC_ERR);
      return;
    }
    this.goBackTo(psn);
  }

  private lostResponse(index: number): void {
    const { requester } = this.qp;
    const slot = index % this.queue.depth;
    const missing = addPsn(this.queue.firstPsn[slot]! as Psn, this.queue.received[slot]!);
    if (this.gapAt === missing) return;
    if (this.retriesLeft-- === 0) {
      this.fail(index, STATUS.RETRY_EXC_ERR);
      return;
    }
    this.gapAt = missing;
    requester.goBack(index, this.queue.received[slot]!);
  }

  private goBackTo(psn: Psn): void {
    const { requester } = this.qp;
    const index = this.indexOf(psn);
    if (!requester.isAssigned(index)) return;
    const packet = psnDistance(psn, this.queue.firstPsn[index % this.queue.depth]! as Psn);
    requester.goBack(index, packet);
  }

  /** The WQE that `psn` belongs to, among those not complete. */
  private indexOf(psn: Psn): number {
    const { requester } = this.qp;
    let index = requester.completed;
    while (requester.isAssigned(index)) {
      if (psnDistance(this.queue.lastPsn(index % this.queue.depth), psn) >= 0) break;
      index++;
    }
    return index;
  }
}
