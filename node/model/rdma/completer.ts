/**
 * The part of a queue pair that reads answers: acknowledgements, NAKs, READ responses and atomic results. It completes
 * requests in posting order, counts retries, and says when the requester must go back (IBTA 9.7.5, 9.9.2).
 */
import { addPsn, psnDistance, type Psn } from '../../../units/psn.js';
import {
  AETH_KIND,
  AETH_LENGTH,
  aethKind,
  aethValue,
  NAK,
  RNR_TIMER_US,
} from '../../../wire/aeth.js';
import { newAtomicAckEth, parseAtomicAckEth } from '../../../wire/atomic-ack-eth.js';
import { EXTENSION, EXTENSION_BITS, IS_END, IS_START, OPCODE } from '../../../wire/opcode-table.js';
import { STATUS } from './completion-entry.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import type { EngineParts } from './engine-parts.js';
import { extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import type { RcTransport } from './rc-transport.js';

import { RetryStreak } from './retry-streak.js';
import { isAtomic, isReadOrAtomic } from './request-opcodes.js';
import { SendCompletions } from './send-completions.js';
import type { SendQueue } from './send-queue.js';
import { SEND_OPCODE } from './work-queue-entry.js';

const atomicAck = newAtomicAckEth();

const PS_PER_US = 1_000_000;
const ATOMIC_BYTES = 8;
/** An rnr_retry that is not counted down (rule 99). */
const FOR_EVER = 7;
/** The status that a NAK code ends its request with (conformance rules 88-92). */
const NAK_STATUS: Readonly<Record<number, number>> = {
  [NAK.INVALID_REQUEST]: STATUS.REM_INV_REQ_ERR,
  [NAK.REMOTE_ACCESS]: STATUS.REM_ACCESS_ERR,
  [NAK.REMOTE_OPERATIONAL]: STATUS.REM_OP_ERR,
  // Of reliable datagrams, which there are none of: whatever is meant, the peer cannot do it.
  [NAK.INVALID_RD]: STATUS.REM_OP_ERR,
};

export class Completer {
  private readonly streak: RetryStreak;
  private retriesLeft = 0;
  private rnrRetriesLeft = 0;
  /** The response that was missing when we last went back for one; again only after progress. */
  private gapAt = -1;
  /** The oldest request was asked for again from its middle: its answer may begin there. */
  private mayRestart = false;
  private writing = 0;
  private readonly completions: SendCompletions;
  private readonly rc: RcTransport;
  private readonly qp: QueuePair;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;

  constructor(rc: RcTransport, queue: SendQueue, parts: EngineParts) {
    this.rc = rc;
    this.qp = rc.qp;
    this.queue = queue;
    this.parts = parts;
    this.completions = new SendCompletions(rc.qp, queue, parts);
    this.streak = new RetryStreak(rc.qp.number, rc.engine.longStreaks);
  }

  reset(): void {
    const { retryCnt, rnrRetry } = this.qp.attributes;
    this.retriesLeft = retryCnt;
    this.rnrRetriesLeft = rnrRetry;
    this.gapAt = -1;
    this.streak.progressed();
  }

  /** An answer with opcode and PSN has passed the receive checks. Takes frame `slot` over. */
  receive(slot: FrameSlot, packet: Frame): void {
    const { rc, parts } = this;
    const { opcode } = packet;
    const psn = packet.psn as Psn;
    if (this.isStale(psn) || !this.bringsData(packet)) {
      parts.counters.dropped++;
      parts.pool.release(slot);
      return;
    }
    if (opcode === OPCODE.RC_ACK) {
      this.acknowledgement(slot, psn, packet.syndrome);
      parts.pool.release(slot);
    } else if (!this.data(slot, opcode, psn)) {
      parts.pool.release(slot);
    }
    this.raiseLocalError();
    if (this.qp.state === 'ERR') return;
    rc.rearmTimer();
    rc.requester.fill();
  }

  /** No answer in time (IBTA 9.9.2.1.1): sends again from the oldest unacknowledged packet, or gives up. */
  timeout(): void {
    const { requester } = this.rc;
    this.parts.counters.timeouts++;
    this.qp.tally.timeouts++;
    this.streak.retried('no answer', this.parts.scheduler.now);
    this.gapAt = -1;
    this.retry(requester.completed, this.acknowledgedOf(requester.completed));
  }

  /** A request that was found wrong before it was sent ends when all before it are complete. */
  raiseLocalError(): void {
    const { requester } = this.rc;
    const error = requester.localError;
    if (this.qp.state !== 'ERR' && error?.index === requester.completed) this.fail(error.status);
  }

  /** Every request that is left completes with WR_FLUSH_ERR. */
  flush(): void {
    const { requester } = this.rc;
    while (requester.completed < requester.produced) {
      this.completions.abandon(requester.completed, STATUS.WR_FLUSH_ERR);
      requester.skip();
    }
  }

  /** Ends the oldest request with an error; all behind it are flushed, and the queue pair is in ERR (rule 94). */
  private fail(status: number): void {
    const { requester } = this.rc;
    const index = requester.completed;
    if (index < requester.assigned) this.completions.complete(index, status, NO_FRAME_SLOT, 0);
    else this.completions.abandon(index, status);
    requester.skip();
    this.rc.enterError();
  }

  /** Nobody can have answered a PSN that is complete already, or was never sent. */
  private isStale(psn: Psn): boolean {
    const { qp, queue } = this;
    const { completed, assigned, sentPsn } = this.rc.requester;
    return (
      (qp.state !== 'RTS' && qp.state !== 'SQD') ||
      completed >= assigned ||
      psnDistance(psn, queue.firstPsn[queue.slotOf(completed)]! as Psn) < 0 ||
      psnDistance(psn, sentPsn) >= 0
    );
  }

  /** Data comes only with an ACK's AETH, if there is one. */
  private bringsData({ opcode, syndrome }: Frame): boolean {
    if (opcode === OPCODE.RC_ACK || (EXTENSION_BITS[opcode]! & EXTENSION.aeth) === 0) return true;
    return aethKind(syndrome) === AETH_KIND.ACK;
  }

  private acknowledgement(slot: FrameSlot, psn: Psn, syndrome: number): void {
    const { counters } = this.parts;
    const kind = aethKind(syndrome);
    if (kind === AETH_KIND.ACK) {
      this.acknowledgeThrough(psn, slot);
      return;
    }
    // A reserved syndrome says nothing: the time-out will.
    const notReady = kind === AETH_KIND.RNR_NAK;
    const status = NAK_STATUS[syndrome];
    if (!notReady && status === undefined && syndrome !== NAK.PSN_SEQUENCE) return;
    if (notReady) {
      counters.rnr_naks_received++;
      this.qp.tally.notReadyReceived++;
    } else counters.naks_received++;
    // It implies that all before it were taken; but a READ whose answer is missing comes first.
    if (!this.acknowledgeThrough(addPsn(psn, -1), slot)) return;
    if (notReady) this.notReady(psn, aethValue(syndrome));
    else if (status === undefined) this.sequenceError(psn);
    else this.fail(status);
  }

  /**
   * Completes all requests whose last PSN is at or before `psn`, and notes how far the next one was taken. False when a
   * READ or atomic is in the way, whose answer has been lost: it is asked for again.
   */
  private acknowledgeThrough(psn: Psn, frame: FrameSlot): boolean {
    const { queue } = this;
    const { requester } = this.rc;
    while (requester.completed < requester.assigned) {
      const slot = queue.slotOf(requester.completed);
      const packets = psnDistance(psn, queue.firstPsn[slot]! as Psn) + 1;
      const whole = packets >= queue.packets[slot]!;
      if (isReadOrAtomic(queue.opcode[slot]!)) {
        if (whole) this.lostResponse();
        return !whole;
      }
      if (!whole) {
        if (packets > queue.acknowledged[slot]!) {
          queue.acknowledged[slot] = packets;
          this.progress();
        }
        return true;
      }
      this.succeed(frame, 0);
      this.progress();
    }
    return true;
  }

  /** A READ response or atomic result. True if it has taken the frame over. */
  private data(slot: FrameSlot, opcode: number, psn: Psn): boolean {
    const { queue } = this;
    const { requester } = this.rc;
    // A response acknowledges all requests before its own.
    if (!this.acknowledgeThrough(addPsn(psn, -1), slot)) return false;
    const index = requester.completed;
    if (index >= requester.assigned) return false;
    const at = queue.slotOf(index);
    const atomic = opcode === OPCODE.RC_ATOMIC_ACK;
    const matches = atomic
      ? isAtomic(queue.opcode[at]!)
      : queue.opcode[at] === SEND_OPCODE.RDMA_READ;
    if (!matches) return false;
    const ahead = psnDistance(psn, addPsn(queue.firstPsn[at]! as Psn, queue.acknowledged[at]!));
    if (ahead > 0) this.lostResponse();
    if (ahead !== 0) return false;
    if (atomic) this.atomicResult(slot);
    else this.readResponse(slot, opcode);
    return true;
  }

  private readResponse(slot: FrameSlot, opcode: number): void {
    const { rc, queue, parts } = this;
    const { pathMtu } = this.qp.attributes;
    const at = queue.slotOf(rc.requester.completed);
    const offset = queue.acknowledged[at]! * pathMtu;
    const left = queue.length[at]! - offset;
    const size = parts.pool.frames[slot]!.payloadLength;
    const last = queue.acknowledged[at] === queue.packets[at]! - 1;
    const ends = IS_END[opcode] === 1;
    const starts = IS_START[opcode] === 1;
    const first = queue.acknowledged[at] === 0;
    const isInOrder = starts === first || (starts && this.mayRestart);
    if (!isInOrder || last !== ends || size !== (last ? left : pathMtu)) {
      parts.pool.release(slot);
      this.fail(STATUS.BAD_RESP_ERR);
      return;
    }
    this.deliver(slot, offset, size, last);
  }

  private atomicResult(slot: FrameSlot): void {
    const { pool } = this.parts;
    parseAtomicAckEth(pool.view, extensionsAt(pool, slot) + AETH_LENGTH, atomicAck);
    const payload = pool.payloadAt(slot);
    pool.view.setUint32(payload, atomicAck.originalLow, true);
    pool.view.setUint32(payload + 4, atomicAck.originalHigh, true);
    this.deliver(slot, 0, ATOMIC_BYTES, true);
  }

  /** Writes `size` bytes of the answer to the oldest request's buffer, and completes it if these are the last. */
  private deliver(slot: FrameSlot, offset: number, size: number, last: boolean): void {
    const { qp, queue, parts } = this;
    const { payloads, memory, regions, pool } = parts;
    const index = this.rc.requester.completed;
    const at = queue.slotOf(index);
    this.writing = payloads.begin(slot);
    if (!queue.gather(index, offset, size, memory, regions, qp.pd, this.addSegment)) {
      payloads.abandon(this.writing);
      this.fail(STATUS.LOC_PROT_ERR);
      return;
    }
    queue.acknowledged[at]!++;
    const visible = payloads.start(this.writing, size);
    this.progress();
    if (last) this.succeed(slot, visible);
    else queue.chains.copy(at, pool.chains, slot);
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.writing, physical, length);
  };

  private succeed(frame: FrameSlot, payloadVisible: number): void {
    const { requester } = this.rc;
    this.completions.complete(requester.completed, STATUS.SUCCESS, frame, payloadVisible);
    this.mayRestart = false;
    requester.retire();
  }

  /** Something new was acknowledged: the retry counts begin again. */
  private progress(): void {
    const { retryCnt, rnrRetry } = this.qp.attributes;
    this.retriesLeft = retryCnt;
    this.rnrRetriesLeft = rnrRetry;
    this.gapAt = -1;
    this.streak.progressed();
    this.rc.progressed();
  }

  /** The receiver has no receive posted for the packet `psn`: waits as long as it says, then sends from there again. */
  private notReady(psn: Psn, timer: number): void {
    const { rc, parts } = this;
    if (rc.rnrWaiting) return;
    if (this.qp.attributes.rnrRetry !== FOR_EVER && this.rnrRetriesLeft-- === 0) {
      this.fail(STATUS.RNR_RETRY_EXC_ERR);
      return;
    }
    this.streak.retried('RNR', parts.scheduler.now);
    rc.waitNotReady(parts.scheduler.now + RNR_TIMER_US[timer]! * PS_PER_US);
    const { completed } = rc.requester;
    this.mayRestart = true;
    rc.requester.goBack(completed, this.packetOf(psn));
  }

  private sequenceError(psn: Psn): void {
    const { rc } = this;
    if (!rc.rnrWaiting) this.retry(rc.requester.completed, this.packetOf(psn));
  }

  /** The answer to the oldest request has been lost, since a later one is here. */
  private lostResponse(): void {
    const { completed } = this.rc.requester;
    const acknowledged = this.acknowledgedOf(completed);
    const missing = addPsn(this.queue.firstPsn[this.queue.slotOf(completed)]! as Psn, acknowledged);
    if (this.gapAt === missing) return;
    this.retry(completed, acknowledged);
    this.gapAt = missing;
  }

  private retry(index: number, packet: number): void {
    if (this.retriesLeft-- === 0) {
      this.fail(STATUS.RETRY_EXC_ERR);
      return;
    }
    this.mayRestart = true;
    this.rc.requester.goBack(index, packet);
  }

  /** Where in the oldest request a NAK sends us: all before `psn` has been acknowledged by it. */
  private packetOf(psn: Psn): number {
    const { completed } = this.rc.requester;
    const slot = this.queue.slotOf(completed);
    if (isReadOrAtomic(this.queue.opcode[slot]!)) return this.acknowledgedOf(completed);
    const packet = psnDistance(psn, this.queue.firstPsn[slot]! as Psn);
    return Math.max(packet, this.acknowledgedOf(completed));
  }

  private acknowledgedOf(index: number): number {
    return this.queue.acknowledged[this.queue.slotOf(index)]!;
  }
}
