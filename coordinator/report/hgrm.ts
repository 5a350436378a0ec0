/**
 * The percentile distribution of HdrHistogram as text (`.hgrm`), which its plotting tools read:
 * 5 rows per halving of the distance to 100 %, each with the highest value equivalent to the one there.
 */
import { PS_PER_NS } from '../../units/time.js';
import { histogramOf, type HistogramOptions } from '../../workloads/authoring/statistics.js';

const TICKS_PER_HALF_DISTANCE = 5;
const MAX_FIELD = /(?<=^#\[Max {5}= ) *[0-9.]+/m;
const MAX_WIDTH = 12;
const FRACTION_DIGITS = 3;

export interface HgrmOptions extends HistogramOptions {
  /** How many recorded units one printed unit has: 1000, nanoseconds of picoseconds. */
  readonly scale?: number;
}

export function formatHgrm(samples: ArrayLike<number>, options: HgrmOptions = {}): string {
  const { scale = PS_PER_NS } = options;
  const histogram = histogramOf(samples, options);
  const text = histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, scale);
  // The reference prints the highest value equivalent to the maximum; the library, the maximum itself.
  const max = histogram.getValueAtPercentile(100) / scale;
  return text.replace(MAX_FIELD, max.toFixed(FRACTION_DIGITS).padStart(MAX_WIDTH));
}
