/**
 * `--format perftest`: the columns of perftest's ib_*_lat and ib_*_bw, byte for byte, so that scripts
 * written for them read ours. Its habits are kept too, and they are not those of our own tables:
 * the two largest latencies are dropped, `t_max` is the second largest, and every deviation is cut to
 * whole microseconds before it is squared.
 *
 * The peak is perftest's: the best rate from any post to any later completion, over all messages of the transfer. Our
 * average leaves out the time that the pipe takes to fill and to run dry, so it can be better than any such stretch;
 * then it is the peak. Beyond 20,000 messages, and without the times of posts and completions, the column is 0.00, as
 * perftest prints it where it does not look for the peak.
 */
import { PS_PER_S, PS_PER_US } from '../../units/time.js';
import { isDistribution, type WorkloadResult } from './results.js';

const FRAME = `${'-'.repeat(87)}\n`;
const LATENCY_HEADING =
  ' #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    ' +
  't_stdev[usec]   99% percentile[usec]   99.9% percentile[usec] \n';
/** The largest latencies are taken for interrupts of the machine and left out. */
const TAIL = 2;

const BYTES_PER_MIB = 0x100000;
const BYTES_PER_GBIT = 125_000_000;
/** From this number of iterations on, perftest does not look for the peak. */
const PEAK_ITERATIONS = 20_000;

/** Times from each post to the next, of which a ping-pong's hold both ways. */
export interface LatencyTimes {
  /** One less than there were iterations; at least 3. */
  readonly deltas: ArrayLike<number>;
  readonly ticksPerMicrosecond: number;
  /** 2 where a delta is a round trip and half of it is the latency, else 1. */
  readonly factor: 1 | 2;
}

/** In microseconds. */
export interface PerftestLatency {
  readonly min: number;
  readonly max: number;
  readonly typical: number;
  readonly average: number;
  readonly stdev: number;
  readonly p99: number;
  readonly p999: number;
}

export function perftestLatency(times: LatencyTimes): PerftestLatency {
  const sorted = Float64Array.from(times.deltas).sort();
  const count = sorted.length - TAIL;
  if (count < 1) throw new RangeError('perftest needs at least 4 iterations');
  const quotient = times.ticksPerMicrosecond * times.factor;
  const middle = count >> 1;
  const median =
    count % 2 === 1 ? sorted[middle]! : Math.trunc((sorted[middle - 1]! + sorted[middle]!) / 2);
  let sum = 0;
  for (let index = 0; index < count; index++) sum += sorted[index]! / quotient;
  const average = sum / count;
  let squares = 0;
  for (let index = 0; index < count; index++) {
    const deviation = Math.trunc(average - sorted[index]! / quotient);
    squares += deviation * deviation;
  }
  return {
    min: sorted[0]! / quotient,
    max: sorted[count]! / quotient,
    typical: median / quotient,
    average,
    stdev: Math.sqrt(squares / count),
    p99: sorted[Math.ceil(count * 0.99)]! / quotient,
    p999: sorted[Math.ceil(count * 0.999)]! / quotient,
  };
}

export function latencyRow(size: number, iterations: number, figures: PerftestLatency): string {
  const at = (value: number): string => fixed(value, 2).padEnd(7);
  const { min, max, typical, average, stdev, p99, p999 } = figures;
  return (
    ` ${String(size).padEnd(7)} ${iterations}          ${at(min)}        ${at(max)}      ` +
    `${at(typical)}  \t       ${at(average)}     \t${at(stdev)}\t\t${at(p99)} \t\t${at(p999)}`
  );
}

/** When each operation was posted and seen completed, in picoseconds. */
export interface BandwidthTimes {
  readonly posted: ArrayLike<number>;
  readonly completed: ArrayLike<number>;
  /** One completion is requested per this number of posts; only those count for the peak. 1 by default. */
  readonly moderation?: number;
}

/** In bytes per second, and messages per second. */
export interface PerftestBandwidth {
  readonly peak: number;
  readonly average: number;
  readonly rate: number;
}

export function perftestBandwidth(size: number, times: BandwidthTimes): PerftestBandwidth {
  const { posted, completed } = times;
  const count = posted.length;
  const seconds = (completed[count - 1]! - posted[0]!) / PS_PER_S;
  const peak = count > PEAK_ITERATIONS ? 0 : (size * PS_PER_S) / shortest(times);
  return { peak, average: (count * size) / seconds, rate: count / seconds };
}

/** The shortest time per message from any post to any later counted completion, in whole ticks. */
function shortest({ posted, completed, moderation = 1 }: BandwidthTimes): number {
  const count = posted.length;
  let best = completed[0]! - posted[0]!;
  const consider = (from: number, to: number): void => {
    best = Math.min(best, Math.trunc((completed[to]! - posted[from]!) / (to - from + 1)));
  };
  for (let from = 0; from < count; from++) {
    const first = Math.ceil((from + 1) / moderation) * moderation - 1;
    for (let to = first; to < count; to += moderation) consider(from, to);
    consider(from, count - 1);
  }
  return best;
}

export type BandwidthUnit = 'MiB/sec' | 'Gb/sec';

const bandwidthHeading = (unit: BandwidthUnit): string =>
  ` #bytes     #iterations    BW peak[${unit}]    BW average[${unit}]   MsgRate[Mpps]\n`;

export function bandwidthRow(
  size: number,
  iterations: number,
  figures: PerftestBandwidth,
  unit: BandwidthUnit = 'MiB/sec',
): string {
  const bytes = unit === 'MiB/sec' ? BYTES_PER_MIB : BYTES_PER_GBIT;
  const at = (value: number): string => fixed(value / bytes, 2).padEnd(7);
  return (
    ` ${String(size).padEnd(7)}    ${String(iterations).padEnd(10)}       ${at(figures.peak)}` +
    `            ${at(figures.average)}\t\t     ${fixed(figures.rate / 1e6, 6).padEnd(7)}`
  );
}

export interface PerftestInput {
  /** By the result's place in the list: the latency of every operation in picoseconds, in order. */
  readonly samples: ReadonlyMap<number, ArrayLike<number>>;
  /** By the result's place in the list: posts and completions, where they were recorded. */
  readonly times?: ReadonlyMap<number, BandwidthTimes>;
  readonly unit?: BandwidthUnit;
}

/**
 * One framed table per workload and kind of figure, in the order of the results. Results that have
 * neither latency samples nor a bandwidth have no perftest form and are left out.
 */
export function formatPerftest(results: readonly WorkloadResult[], input: PerftestInput): string {
  const { unit = 'MiB/sec' } = input;
  const tables = new Map<string, string[]>();
  for (const [index, result] of results.entries()) {
    const row = perftestRow(result, index, input);
    if (row === undefined) continue;
    const heading = row.kind === 'latency' ? LATENCY_HEADING : bandwidthHeading(unit);
    const title = `${result.workload}\n${FRAME}${heading}`;
    tables.set(title, [...(tables.get(title) ?? []), `${row.text}\n`]);
  }
  return [...tables].map(([title, rows]) => title + rows.join('') + FRAME).join('\n');
}

interface Row {
  readonly kind: 'latency' | 'bandwidth';
  readonly text: string;
}

function perftestRow(
  result: WorkloadResult,
  index: number,
  { samples, times, unit = 'MiB/sec' }: PerftestInput,
): Row | undefined {
  const size = Number(result.params['size'] ?? 0);
  const latencies = samples.get(index);
  if (latencies !== undefined && latencies.length >= TAIL + 2) {
    // A latency here already is one way; and perftest has no delta after its last post.
    const deltas = Array.from(latencies).slice(0, -1);
    const figures = perftestLatency({ deltas, ticksPerMicrosecond: PS_PER_US, factor: 1 });
    return { kind: 'latency', text: latencyRow(size, latencies.length, figures) };
  }
  const bandwidth = valueOf(result, 'bandwidth');
  if (bandwidth === undefined) return undefined;
  const recorded = times?.get(index);
  const best = recorded === undefined ? 0 : perftestBandwidth(size, recorded).peak;
  const average = bandwidth * BYTES_PER_GBIT;
  const figures = {
    peak: best === 0 ? 0 : Math.max(best, average),
    average,
    rate: (valueOf(result, 'rate') ?? 0) * 1e6,
  };
  const iterations = Number(result.params['iterations'] ?? 0);
  return { kind: 'bandwidth', text: bandwidthRow(size, iterations, figures, unit) };
}

function valueOf(result: WorkloadResult, name: string): number | undefined {
  const metric = result.metrics.find((each) => each.name === name);
  return metric === undefined || isDistribution(metric) ? undefined : metric.value;
}

/** `%.Nf` of C: a value exactly half way goes to the even digit, where toFixed goes up. */
export function fixed(value: number, digits: number): string {
  const exact = value.toFixed(100);
  const point = exact.indexOf('.');
  const kept = exact.slice(0, point + 1 + digits);
  const halfWay = /^50*$/.test(exact.slice(point + 1 + digits));
  return halfWay && Number(kept.at(-1)) % 2 === 0 ? kept : value.toFixed(digits);
}
