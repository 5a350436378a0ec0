/**
 * Statistics: from the latency of every operation to the figures of a result.
 *
 * count, min, max, mean, stddev and the median are exact. The percentiles from 90 upward come from
 * an HDR histogram of 3 significant digits: each is the highest value equivalent to the one of its
 * rank, at most 0.1 % above it, and never above the exact maximum.
 */
import { createRequire } from 'node:module';
import type * as HdrHistogram from 'hdr-histogram-js';
import { PS_PER_NS } from '../../units/time.js';
import type { DistributionMetric } from './workload.js';

const SIGNIFICANT_DIGITS = 3;

/** Loaded when figures are summed up: every core's thread imports a workload, and none needs it for its program. */
const library = (): typeof HdrHistogram =>
  createRequire(import.meta.url)('hdr-histogram-js') as typeof HdrHistogram;

/** How to fill a histogram. */
export interface HistogramOptions {
  /** The largest value it must hold: how many buckets it has. */
  readonly highest?: number;
  /**
   * Corrects for coordinated omission: a value above this interval also stands for the operations
   * that could not begin meanwhile, one interval shorter each. Needless where latency is measured
   * from the intended send, as every workload here does.
   */
  readonly expectedInterval?: number;
}

/** An HDR histogram of whole numbers from 0 (picoseconds, as a rule). Throws a RangeError for any other number. */
export function histogramOf(
  samples: ArrayLike<number>,
  options: HistogramOptions = {},
): HdrHistogram.Histogram {
  const { highest = Number.MAX_SAFE_INTEGER, expectedInterval = 0 } = options;
  const histogram = library().build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: highest,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    useWebAssembly: false,
  });
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index]!;
    if (!Number.isSafeInteger(sample) || sample < 0) {
      throw new RangeError(`sample ${index} is ${sample}, not a whole number from 0`);
    }
    histogram.recordValueWithExpectedInterval(sample, expectedInterval);
  }
  return histogram;
}

/** The metric of latencies in picoseconds, in nanoseconds. Throws a RangeError if there are none. */
export function latencySummary(samples: ArrayLike<number>, name = 'latency'): DistributionMetric {
  const count = samples.length;
  if (count === 0) throw new RangeError(`${name}: no operation was measured`);
  const histogram = histogramOf(samples);
  const sorted = Float64Array.from(samples).sort();
  const max = sorted[count - 1]!;
  const mean = meanOf(samples);
  const percentile = (percent: number): number =>
    Math.min(histogram.getValueAtPercentile(percent), max) / PS_PER_NS;
  return {
    name,
    unit: 'ns',
    count,
    min: sorted[0]! / PS_PER_NS,
    p50: sorted[medianRank(count)]! / PS_PER_NS,
    p90: percentile(90),
    p99: percentile(99),
    'p99.9': percentile(99.9),
    max: max / PS_PER_NS,
    mean: mean / PS_PER_NS,
    stddev: deviationOf(samples, mean) / PS_PER_NS,
  };
}

/** Which operation is the median one: rank ceil(n/2) by latency, equal ones by index. -1 if there are none. */
export function medianIndex(samples: ArrayLike<number>): number {
  const rank = medianRank(samples.length);
  const median = select(Float64Array.from(samples), rank);
  // Equal latencies stand together in rank order, so the offset into their run is an order by index.
  let before = 0;
  for (let index = 0; index < samples.length; index++) if (samples[index]! < median) before++;
  for (let index = 0; index < samples.length; index++) {
    if (samples[index] === median && before++ === rank) return index;
  }
  return -1;
}

/** The value at `rank` of `values` in order, which it moves about (Hoare's selection). */
function select(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left]! < pivot) left++;
      while (values[right]! > pivot) right--;
      if (left > right) break;
      const value = values[left]!;
      values[left++] = values[right]!;
      values[right--] = value;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank] ?? NaN;
}

const medianRank = (count: number): number => Math.ceil(count / 2) - 1;

function meanOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < samples.length; index++) sum += samples[index]!;
  return sum / samples.length;
}

/** Of the whole population: the run is what is described, not a sample of something larger. */
function deviationOf(samples: ArrayLike<number>, mean: number): number {
  let squares = 0;
  for (let index = 0; index < samples.length; index++) {
    const deviation = samples[index]! - mean;
    squares += deviation * deviation;
  }
  return Math.sqrt(squares / samples.length);
}
