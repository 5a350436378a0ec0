/**
 * The latency of every operation of a program, and the stages of the median one.
 *
 * Samples are all kept. Stages are kept for at most a fixed number of operations: those whose latency is nearest the
 * median of what has been seen. So memory stays bounded however long the run; the median operation's stages are exact
 * or, should the latencies have wandered off meanwhile, absent, never another operation's.
 */
import { halveStages, type Core, type Instant, STAGES } from '../../node/program/verbs.js';
import { medianIndex } from './statistics.js';

const WIDTH = STAGES.length;
const MOST_ROWS = 1 << 14;
const FIRST_ROWS = 256;

export interface RecorderOptions {
  readonly clock: 'virtual' | 'real';
  /** An operation is a round trip, and half of it is its latency (rounded up). Default: all of it. */
  readonly halves?: boolean;
  /** Operations whose stages are kept at most. */
  readonly rows?: number;
}

/** What a program returns of its operations. */
export interface LatencyRecord {
  /** In ps, in order. */
  readonly samples: Float64Array;
  /**
   * Of the median operation, a value for each of STAGES; none under the real clock. A program that ends an operation
   * other than the one that it began has another one's here: they do not sum to the latency, and a result leaves them
   * out.
   */
  readonly stages: readonly number[] | null;
}

export class LatencyRecorder {
  private readonly core: Core;
  private readonly timed: boolean;
  private readonly halves: boolean;
  private readonly mostRows: number;
  private started = 0;
  private count = 0;
  private samples = new Float64Array(1024);
  /** Row i: the stages of operation `operations[i]`. */
  private stages = new Float64Array(0);
  private operations: number[] = [];
  private readonly latest = new Float64Array(WIDTH);
  /** Operations outside these latencies are not the median. */
  private least = 0;
  private most = Infinity;

  constructor(core: Core, options: RecorderOptions) {
    this.core = core;
    this.timed = options.clock === 'virtual';
    this.halves = options.halves ?? false;
    this.mostRows = options.rows ?? MOST_ROWS;
  }

  /** An operation begins, or was to begin at `intended`. */
  begin(intended: Instant = this.core.now): void {
    this.started = intended;
    if (this.timed) this.core.beginOperation(intended);
  }

  /** The operation that began last is over. */
  end(): void {
    this.add(
      this.core.now - this.started,
      this.timed ? this.core.operationStages(this.latest) : undefined,
    );
  }

  /** The core's current operation, which a completion has brought back, is over. */
  endFollowed(): void {
    this.add(this.core.now - this.core.operationStart, this.core.operationStages(this.latest));
  }

  record(): LatencyRecord {
    const samples = this.samples.slice(0, this.count);
    const row = this.operations.indexOf(medianIndex(samples));
    if (row < 0) return { samples, stages: null };
    const whole = this.stages.slice(row * WIDTH, (row + 1) * WIDTH);
    return { samples, stages: this.halves ? halveStages(whole) : [...whole] };
  }

  private add(length: number, stages: Float64Array | undefined): void {
    const latency = this.halves ? Math.ceil(length / 2) : length;
    if (this.count === this.samples.length) this.samples = grown(this.samples, this.count * 2);
    const operation = this.count++;
    this.samples[operation] = latency;
    if (stages === undefined || latency < this.least || latency > this.most) return;
    if (this.operations.length === this.mostRows) this.prune();
    const row = this.operations.length;
    if ((row + 1) * WIDTH > this.stages.length) {
      this.stages = grown(this.stages, Math.max(FIRST_ROWS, row * 2) * WIDTH);
    }
    this.stages.set(stages, row * WIDTH);
    this.operations.push(operation);
  }

  /** Forgets the half of the rows that is farthest from the median of all samples so far. */
  private prune(): void {
    const { samples, stages, operations } = this;
    const order = operations.map((_, row) => row);
    const latencyOf = (row: number): number => samples[operations[row]!]!;
    order.sort((a, b) => latencyOf(a) - latencyOf(b) || a - b);
    const median = samples[medianIndex(samples.subarray(0, this.count))]!;
    const above = order.findIndex((row) => latencyOf(row) >= median);
    const keep = this.mostRows >> 1;
    const first = Math.min(Math.max(above - (keep >> 1), 0), order.length - keep);
    const kept = order.slice(first, first + keep).sort((a, b) => a - b);
    this.least = latencyOf(order[first]!);
    this.most = latencyOf(order[first + keep - 1]!);
    kept.forEach((from, to) => {
      stages.copyWithin(to * WIDTH, from * WIDTH, (from + 1) * WIDTH);
    });
    this.operations = kept.map((row) => operations[row]!);
  }
}

function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(length);
  wider.set(values);
  return wider;
}
