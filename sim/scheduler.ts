/**
 * The runner of every model: models know no queue, they push `(time, kind, argument)` to a sink's number and are
 * called at that time. One scheduler serves all hosts of a process.
 */
import { EventQueue } from './event-queue.js';
import { LAST_INSTANT, START, type Instant } from '../units/time.js';

export interface EventSink {
  /** Called at `scheduler.now`; `kind` (0..255) and `argument` are the sink's own. */
  handle(kind: number, argument: number): void;
}

export class Scheduler {
  now: Instant = START;
  /** The time of the event being done: `now`, unless {@link stepIf} does it early. */
  eventTime: Instant = START;
  /** Events done so far. */
  events = 0;
  readonly queue = new EventQueue();
  private readonly sinks: EventSink[] = [];
  /** Their methods, looked up once: a call that finds its method by the object's class takes several times as long. */
  private readonly handlers: EventSink['handle'][] = [];

  /** Makes `sink` callable; its number is for {@link at}. */
  register(sink: EventSink): number {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on its sink
    this.handlers.push(sink.handle);
    return this.sinks.push(sink) - 1;
  }

  /** Has sink number `sink` called at `time`; `key` from the source's {@link Sequencer} decides ties. */
  at(time: number, key: number, sink: number, kind: number, argument: number): void {
    if (time < this.now) throw tooLate(time, this.now);
    this.queue.push(time, key, sink, kind, argument);
  }

  /** The earliest pending time, or Infinity. */
  next(): Instant {
    return this.queue.peek();
  }

  /** Does the earliest event. */
  step(): void {
    const { queue } = this;
    if (!queue.pop()) return;
    if (queue.time > LAST_INSTANT) throw new Error('virtual time passed 2^53 ps (2.5 hours)');
    this.now = this.eventTime = this.now > queue.time ? this.now : queue.time;
    this.events++;
    this.handlers[queue.sink]!.call(this.sinks[queue.sink]!, queue.kind, queue.argument);
  }

  /**
   * Does the earliest event early, if it is of this kind and before `before`: at its own {@link eventTime}, while the
   * clock stays where it is. What of it must come in its turn is done by {@link again}.
   */
  stepIf(kind: number, before: number): boolean {
    const { queue } = this;
    if (queue.peekKind() !== kind || queue.peek() >= before || !queue.pop()) return false;
    this.eventTime = this.now > queue.time ? this.now : queue.time;
    this.events++;
    this.handlers[queue.sink]!.call(this.sinks[queue.sink]!, queue.kind, queue.argument);
    return true;
  }

  /** An event that was done early comes once more in its turn, as `kind`: both count as one. */
  again(time: number, key: number, sink: number, kind: number): void {
    this.events--;
    this.queue.push(time, key, sink, kind, 0);
  }

  /** The real clock moves by itself: it is `now` at the least. */
  pass(now: number): void {
    if (now > this.now) this.now = now as Instant;
  }
}

const tooLate = (time: number, now: number): Error =>
  new Error(`an event for ${time} ps was made at ${now} ps: time runs backwards`);
