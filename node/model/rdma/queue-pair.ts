/**
 * A queue pair: its attributes and state, and the parts that do its work. What a transition does beyond its
 * attributes is here; which transitions there are is qp-state.ts.
 */
import { psn, type Psn } from '../../../units/psn.js';
import { Completer } from './completer.js';
import type { CompletionQueue } from './completion-queue.js';
import { ENGINE_EVENT, type EngineParts } from './engine-parts.js';
import { Path } from '../../../wire/path.js';
import { canReceive, type QpStateName } from './qp-state.js';
import type { QueuePairTally } from './queue-pair-tally.js';
import type { RdmaEngine } from './rdma-engine.js';
import type { ReceiveQueue } from './receive-queue.js';
import { Requester } from './requester.js';
import { Responder } from './responder.js';
import { ResponseStream } from './response-stream.js';
import type { SendQueue } from './send-queue.js';

export interface QueuePairOptions {
  readonly number: number;
  /** Its place in the engine's table. */
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
}

export class QueuePair {
  readonly number: number;
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
  readonly engine: RdmaEngine;
  readonly requester: Requester;
  readonly completer: Completer;
  readonly responder: Responder;
  readonly responses: ResponseStream;
  readonly receives: ReceiveQueue;
  readonly tally: QueuePairTally;

  state: QpStateName = 'RESET';
  accessFlags = 0;
  pkeyIndex = 0;
  port = 1;
  ahHost = -1;
  mtu = 1024;
  timeout = 0;
  retryCnt = 0;
  rnrRetry = 0;
  rqPsn: Psn = psn(0);
  sqPsn: Psn = psn(0);
  maxRdAtomic = 0;
  maxDestRdAtomic = 0;
  minRnrTimer = 0;
  destQp = 0;
  path: Path | undefined;
  /** An RNR NAK asked for a wait that is not over. */
  rnrWaiting = false;
  private timerDeadline = Infinity;
  private timerPending = Infinity;
  private rnrUntil = Infinity;
  private readonly parts: EngineParts;

  constructor(
    options: QueuePairOptions,
    sends: SendQueue,
    receives: ReceiveQueue,
    engine: RdmaEngine,
    parts: EngineParts,
  ) {
    this.number = options.number;
    this.index = options.index;
    this.pd = options.pd;
    this.sendCq = options.sendCq;
    this.recvCq = options.recvCq;
    this.sqSigAll = options.sqSigAll;
    this.engine = engine;
    this.parts = parts;
    this.receives = receives;
    this.tally = engine.tally(options.number, 'RC');
    this.requester = new Requester(this, sends, parts);
    this.completer = new Completer(this, sends, parts);
    this.responder = new Responder(this, receives, parts);
    this.responses = new ResponseStream(this, parts);
  }

  /** Moves to `next`; the attributes are set already. To RESET by {@link reset}. */
  enter(next: Exclude<QpStateName, 'RESET'>): void {
    const before = this.state;
    if (next === 'ERR') {
      this.enterError();
      return;
    }
    this.state = next;
    if (next === 'RTR') {
      this.findPath();
      this.responder.reset(this.rqPsn);
    }
    if (next === 'RTS') {
      if (before === 'RTR') {
        this.requester.restart(this.sqPsn);
        this.completer.reset();
      }
      this.requester.fill();
    }
  }

  /**
   * To RESET: requests and receives up to those numbers were posted, and are discarded without completions (rule 63).
   * Counting goes on from there, so a doorbell still on its way and a CQE not yet polled say nothing about later ones.
   */
  reset(sends: number, receives: number): void {
    this.state = 'RESET';
    this.stopTimers();
    this.requester.discard(sends);
    this.receives.discard(receives);
    this.responder.stop();
    this.responses.clear();
    this.path = undefined;
  }

  /** The way to the peer: at RTR, and when its address changes. */
  findPath(): void {
    this.path = new Path(this.parts.host, this.ahHost, this.number, this.destQp);
  }

  /** Everything outstanding is flushed, with completions (rule 94). What answers are queued still go out. */
  enterError(): void {
    if (this.state === 'ERR' || this.state === 'RESET') return;
    this.state = 'ERR';
    this.stopTimers();
    this.requester.stop();
    this.completer.flush();
    this.responder.flush();
  }

  sendDoorbell(produced: number, row: number): void {
    if (produced <= this.requester.produced) return;
    if (this.state === 'ERR') {
      this.requester.produced = produced;
      this.completer.flush();
      return;
    }
    this.requester.doorbell(produced, this.engine.doorbellChains, row);
  }

  receiveDoorbell(produced: number): void {
    if (produced <= this.receives.produced) return;
    this.receives.produced = produced;
    if (this.state === 'ERR') this.responder.flush();
  }

  /** Whether a packet between these IPv4 addresses may be looked at (rules 60 and 64). */
  accepts(source: number, destination: number): boolean {
    const { path } = this;
    if (path === undefined || !canReceive(this.state)) return false;
    return path.peer === source && path.own === destination;
  }

  /** When this queue pair's state, wanted at `at`, is in the NIC. */
  stateReady(at: number): number {
    return this.engine.stateReady(this.index, at);
  }

  /** Something was sent: the clock of the oldest unacknowledged packet runs. */
  armTimer(): void {
    if (this.timeout === 0 || this.timerDeadline !== Infinity) return;
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

  onTimer(): void {
    const { now } = this.parts.scheduler;
    if (this.timerPending <= now) this.timerPending = Infinity;
    if (this.timerDeadline === Infinity) return;
    if (now < this.timerDeadline) {
      if (this.timerPending > this.timerDeadline) this.scheduleTimer();
      return;
    }
    this.timerDeadline = Infinity;
    this.completer.timeout();
    if (this.state !== 'ERR') this.rearmTimer();
  }

  waitNotReady(until: number): void {
    this.rnrWaiting = true;
    this.timerDeadline = Infinity;
    this.rnrUntil = until;
    const { scheduler, sequencer, engineSink } = this.parts;
    scheduler.at(until, sequencer.key(), engineSink, ENGINE_EVENT.rnrOver, this.index);
  }

  onRnrOver(): void {
    if (!this.rnrWaiting || this.parts.scheduler.now < this.rnrUntil) return;
    this.rnrWaiting = false;
    this.requester.goOn();
  }

  /** Sends that are still on their way (sq_draining of ibv_query_qp). */
  get draining(): boolean {
    return this.state === 'SQD' && this.requester.completed < this.requester.assigned;
  }

  private startTimer(): void {
    this.timerDeadline =
      this.parts.scheduler.now + this.parts.timeoutUnit * ((1 << this.timeout) >>> 0);
    // A pending event that comes sooner moves itself; one that comes later is of a longer time-out.
    if (this.timerPending > this.timerDeadline) this.scheduleTimer();
  }

  private scheduleTimer(): void {
    const { scheduler, sequencer, engineSink } = this.parts;
    this.timerPending = this.timerDeadline;
    scheduler.at(this.timerDeadline, sequencer.key(), engineSink, ENGINE_EVENT.timer, this.index);
  }

  private stopTimers(): void {
    this.timerDeadline = this.rnrUntil = Infinity;
    this.rnrWaiting = false;
  }
}
