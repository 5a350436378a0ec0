/**
 * Messages under way: a fixed number at once on each queue pair, in turn, each with its own doorbell. Every n-th asks
 * for a completion, which also completes those before it on its queue pair.
 */
import type { SendWr } from '../../node/program/verbs.js';
import { LatencyRecorder } from '../authoring/latency-recorder.js';
import type { MessageTimes } from '../authoring/workload.js';
import { OperationError, type Side } from './side.js';

/** perftest asks for every 100th completion, of messages beyond this size for each. */
const MODERATION = 100;
const MODERATED_UP_TO = 8192;
/** Of more messages perftest does not look for the peak. */
const TIMED = 20_000;
/** Posts between two looks at the completion queue. */
const BURST = 16;

export class Flow {
  posted = 0;
  completed = 0;
  /** Of messages that asked for a completion and were measured. */
  readonly latencies: LatencyRecorder;
  readonly times: MessageTimes | undefined;
  private readonly side: Side;
  private readonly total: number;
  private readonly moderation: number;
  /** By queue pair: messages done. */
  private readonly done: number[];

  constructor(side: Side, total: number) {
    const { size, outstanding, qps } = side.params;
    this.side = side;
    this.total = total;
    // Half of what may be under way at most, or the pipe would run empty each time.
    this.moderation = size > MODERATED_UP_TO ? 1 : Math.min(MODERATION, Math.ceil(outstanding / 2));
    this.done = Array.from({ length: qps }, () => 0);
    this.times =
      total > TIMED
        ? undefined
        : { posted: new Float64Array(total), completed: new Float64Array(total) };
    this.latencies = new LatencyRecorder(side.core, { clock: side.task.clock });
  }

  get isOver(): boolean {
    return this.completed === this.total;
  }

  /** Whether this many messages are done on every queue pair. */
  hasDone(count: number): boolean {
    return this.done.every((done) => done >= count);
  }

  /** Posts as many messages as may be under way, but not many at once. */
  postSome(request: (number: number, signaled: boolean) => SendWr): void {
    const { side } = this;
    for (let burst = 0; burst < BURST && this.mayPost; burst++) {
      const number = this.posted++;
      if (this.times !== undefined) this.times.posted[number] = side.core.now;
      const signaled = this.asks(number);
      const measured = signaled && side.task.clock === 'virtual' && this.isMeasured(number);
      if (measured) side.core.beginOperation();
      side.post(number, request(number, signaled));
      if (measured) side.core.endOperation();
    }
  }

  /** Looks for completions; waits for one if nothing may be posted. Calls `each` for every message that is done. */
  async see(each: (number: number) => void): Promise<void> {
    const { side } = this;
    const completions = this.mayPost ? await side.looked() : await side.sent();
    const before = this.completed;
    const { now } = side.core;
    for (const completion of completions) {
      const { wrId } = completion;
      if (side.task.clock === 'virtual' && this.isMeasured(wrId)) {
        side.core.follow(completion);
        this.latencies.endFollowed();
      }
      const { qps } = side.params;
      const index = wrId % qps;
      const through = (wrId - index) / qps;
      if (through < this.done[index]!) throw new OperationError(`message ${wrId} completed twice`);
      for (; this.done[index]! <= through; this.done[index]!++) {
        this.completed++;
        each(this.done[index]! * qps + index);
      }
    }
    this.times?.completed.fill(now, before, this.completed);
    // What is posted next is not part of what was just seen.
    side.core.endOperation();
  }

  private get mayPost(): boolean {
    const { qps, outstanding } = this.side.params;
    const { posted } = this;
    const index = posted % qps;
    return posted < this.total && (posted - index) / qps - this.done[index]! < outstanding;
  }

  /** Whether message `number` asks for a completion: so do those that end warm-up, measurement and all. */
  private asks(number: number): boolean {
    const { qps, warmup, iterations } = this.side.params;
    const count = Math.floor(number / qps) + 1;
    return (
      count % this.moderation === 0 ||
      count === warmup ||
      count === warmup + iterations ||
      count === warmup + iterations + warmup
    );
  }

  private isMeasured(number: number): boolean {
    const { qps, warmup, iterations } = this.side.params;
    const index = Math.floor(number / qps);
    return index >= warmup && index < warmup + iterations;
  }
}
