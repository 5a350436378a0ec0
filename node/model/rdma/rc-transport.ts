/**
 * A reliable connection (IBV_QPT_RC): packets of one peer, in order, each acknowledged and sent again until it is. What
 * a transition does beyond its attributes is here; the work is its four parts'.
 */
import { Path } from '../../../wire/path.js';
import { IS_RESPONSE } from '../../../wire/opcode-table.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import { DOORBELL } from '../nic/doorbell.js';
import { hostOf } from './address-handle.js';
import { Completer } from './completer.js';
import type { EngineParts } from './engine-parts.js';
import { QP_ATTR } from './qp-attributes.js';
import { canReceive, RC_TRANSITIONS, type QpStateName } from './qp-state.js';
import type { QueuePair } from './queue-pair.js';
import type { RdmaEngine } from './rdma-engine.js';
import { RC_EVENT } from './rc-events.js';
import type { ReceiveSource } from './receive-source.js';
import { Requester } from './requester.js';
import { Responder } from './responder.js';
import { ResponseStream } from './response-stream.js';
import type { Transport, TransportKind, TransportWiring } from './transport.js';

/** Every attribute but the state and the port. */
const ATTRIBUTES = Object.values(QP_ATTR).reduce((all, bit) => all | bit, 0);

export const RC: TransportKind = {
  type: 'RC',
  carries: 'messages',
  transitions: RC_TRANSITIONS,
  attributes: ATTRIBUTES & ~(QP_ATTR.STATE | QP_ATTR.PORT),
  create: (qp, wiring, engine, parts) => new RcTransport(qp, wiring, engine, parts),
};

export class RcTransport implements Transport {
  readonly qp: QueuePair;
  readonly engine: RdmaEngine;
  readonly requester: Requester;
  readonly completer: Completer;
  readonly responder: Responder;
  readonly responses: ResponseStream;
  path: Path | undefined = undefined;
  /** An RNR NAK asked for a wait that is not over. */
  rnrWaiting = false;
  private timerDeadline = Infinity;
  private timerPending = Infinity;
  private rnrUntil = Infinity;
  private readonly receives: ReceiveSource;
  private readonly parts: EngineParts;

  constructor(
    qp: QueuePair,
    { sends, receives }: TransportWiring,
    engine: RdmaEngine,
    parts: EngineParts,
  ) {
    this.qp = qp;
    this.engine = engine;
    this.parts = parts;
    this.receives = receives;
    this.requester = new Requester(this, sends, parts);
    this.completer = new Completer(this, sends, parts);
    this.responder = new Responder(this, receives, parts);
    this.responses = new ResponseStream(this, parts);
  }

  /** Only the peer's packets, and only when the state looks at any (rules 60 and 64). */
  accepts(_packet: Frame, source: number, destination: number): boolean {
    const { path } = this;
    if (path === undefined || !canReceive(this.qp.state)) return false;
    return path.peer === source && path.own === destination;
  }

  receive(slot: FrameSlot, packet: Frame): void {
    this.qp.tally.received(packet.length);
    if (IS_RESPONSE[packet.opcode] === 1) this.completer.receive(slot, packet);
    else this.responder.receive(slot, packet);
  }

  doorbell(kind: number, produced: number, row: number): void {
    if (kind === DOORBELL.send) this.sendDoorbell(produced, row);
    else this.receiveDoorbell(produced);
  }

  modify(next: QpStateName, mask: number, sends: number, receives: number): void {
    if (this.qp.state === 'SQD') {
      if ((mask & QP_ATTR.AV) !== 0) this.findPath();
      if ((mask & QP_ATTR.MAX_DEST_RD_ATOMIC) !== 0) this.responder.resize();
    }
    if ((mask & QP_ATTR.STATE) === 0) return;
    if (next === 'RESET') this.reset(sends, receives);
    else if (next === 'ERR') this.enterError();
    else this.enter(next);
  }

  /** What answers are queued still go out. */
  enterError(): void {
    const { qp } = this;
    if (qp.state === 'ERR' || qp.state === 'RESET') return;
    qp.state = 'ERR';
    this.stopTimers();
    this.requester.stop();
    this.completer.flush();
    this.responder.flush();
  }

  handle(kind: number): void {
    if (kind === RC_EVENT.timer) this.onTimer();
    else if (kind === RC_EVENT.rnrOver) this.onRnrOver();
    else this.responder.atomicDone();
  }

  get draining(): boolean {
    return this.qp.state === 'SQD' && this.requester.completed < this.requester.assigned;
  }

  destroy(): void {
    this.reset(0, 0);
  }

  /** How long after `at`, when it is wanted, this queue pair's state is in the NIC. */
  stateWait(at: number): number {
    return this.engine.stateWait(this.qp.index, at);
  }

  /** Something was sent: the clock of the oldest unacknowledged packet runs. */
  armTimer(): void {
    if (this.qp.attributes.timeout === 0 || this.timerDeadline !== Infinity) return;
    this.startTimer();
  }

  /** Something new was acknowledged: the clock starts anew. */
  progressed(): void {
    this.timerDeadline = Infinity;
  }

  /** After an answer: the clock runs on only while something is outstanding. */
  rearmTimer(): void {
    if (!this.requester.outstanding) this.timerDeadline = Infinity;
    else this.armTimer();
  }

  waitNotReady(until: number): void {
    this.rnrWaiting = true;
    this.timerDeadline = Infinity;
    this.rnrUntil = until;
    this.schedule(until, RC_EVENT.rnrOver);
  }

  private enter(next: QpStateName): void {
    const { qp } = this;
    const { rqPsn, sqPsn } = qp.attributes;
    const before = qp.state;
    qp.state = next;
    if (next === 'RTR') {
      this.findPath();
      this.responder.reset(rqPsn);
    }
    if (next === 'RTS') {
      if (before === 'RTR') {
        this.requester.restart(sqPsn);
        this.completer.reset();
      }
      this.requester.fill();
    }
  }

  /** Counting goes on, so a doorbell still on its way and a CQE not yet polled say nothing about later requests. */
  private reset(sends: number, receives: number): void {
    this.qp.state = 'RESET';
    this.stopTimers();
    this.requester.discard(sends);
    this.receives.discard(receives);
    this.responder.stop();
    this.responses.clear();
    this.path = undefined;
  }

  /** The way to the peer: at RTR, and when its address changes. */
  private findPath(): void {
    const { number, attributes } = this.qp;
    const { destination, destQpNum } = attributes;
    this.path = new Path(this.parts.host, hostOf(destination!), number, destQpNum);
  }

  private sendDoorbell(produced: number, row: number): void {
    const { requester } = this;
    if (produced <= requester.produced) return;
    if (this.qp.state === 'ERR') {
      requester.produced = produced;
      this.completer.flush();
      return;
    }
    requester.doorbell(produced, this.engine.doorbellChains, row);
  }

  private receiveDoorbell(produced: number): void {
    if (produced <= this.receives.produced) return;
    this.receives.post(produced);
    if (this.qp.state === 'ERR') this.responder.flush();
  }

  private onTimer(): void {
    const { now } = this.parts.scheduler;
    if (this.timerPending <= now) this.timerPending = Infinity;
    if (this.timerDeadline === Infinity) return;
    if (now < this.timerDeadline) {
      if (this.timerPending > this.timerDeadline) this.scheduleTimer();
      return;
    }
    this.timerDeadline = Infinity;
    this.completer.timeout();
    if (this.qp.state !== 'ERR') this.rearmTimer();
  }

  private onRnrOver(): void {
    if (!this.rnrWaiting || this.parts.scheduler.now < this.rnrUntil) return;
    this.rnrWaiting = false;
    this.requester.goOn();
  }

  private startTimer(): void {
    const { scheduler, timeoutUnit } = this.parts;
    this.timerDeadline = scheduler.now + timeoutUnit * ((1 << this.qp.attributes.timeout) >>> 0);
    // A pending event that comes sooner moves itself; one that comes later is of a longer time-out.
    if (this.timerPending > this.timerDeadline) this.scheduleTimer();
  }

  private scheduleTimer(): void {
    this.timerPending = this.timerDeadline;
    this.schedule(this.timerDeadline, RC_EVENT.timer);
  }

  private schedule(at: number, kind: number): void {
    const { scheduler, sequencer, engineSink } = this.parts;
    scheduler.at(at, sequencer.key(), engineSink, kind, this.qp.index);
  }

  private stopTimers(): void {
    this.timerDeadline = this.rnrUntil = Infinity;
    this.rnrWaiting = false;
  }
}
