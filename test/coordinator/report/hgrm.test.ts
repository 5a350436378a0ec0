import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatHgrm } from '../../../coordinator/report/hgrm.js';
import { histogramOf } from '../../../workloads/authoring/statistics.js';

/** What HdrHistogram's own Java program printed for the same recordings, over a range of an hour in ns. */
const vector = (name: string): string =>
  readFileSync(new URL(`../../vectors/formats/${name}.hgrm`, import.meta.url), 'utf8');
const AS_RECORDED = { scale: 1, highest: 3_600_000_000_000 };

const linear = Float64Array.from({ length: 10_000 }, (_, index) => index + 1);
/** 100 s of one answer per ms, then one that took 100 s; in microseconds. */
const stall = new Float64Array(100_001).fill(1000);
stall[100_000] = 100_000_000;

describe('formatHgrm', () => {
  it('prints 1 to 10000 as the original does', () => {
    expect(formatHgrm(linear, AS_RECORDED)).toBe(vector('linear_1_to_10000'));
  });

  it('prints a stall as the original does', () => {
    expect(formatHgrm(stall, AS_RECORDED)).toBe(vector('stall_raw_us'));
  });

  it('prints a stall corrected for coordinated omission as the original does', () => {
    const text = formatHgrm(stall, { ...AS_RECORDED, expectedInterval: 1000 });
    expect(text).toBe(vector('stall_corrected_us'));
  });

  it('prints picoseconds as nanoseconds unless told otherwise', () => {
    const text = formatHgrm([1_500_000, 1_500_000]);
    expect(text).toContain('    1500.159 0.000000000000          2           1.00\n');
    expect(text).toContain('#[Max     =     1500.159, Total count    =            2]\n');
  });
});

describe('the histogram behind it', () => {
  it('agrees with the original on a million pseudo-random latencies with outliers', () => {
    let state = 1;
    const samples = Float64Array.from({ length: 1_000_000 }, () => {
      state = (state * 16_807) % 2_147_483_647;
      return 800 + (state % 400) + (state % 1000 === 0 ? 50_000 : 0);
    });
    const histogram = histogramOf(samples, AS_RECORDED);
    expect(histogram.mean).toBe(1049.633019);
    expect(histogram.stdDeviation).toBe(1584.5208965273841);
    const percentiles = [0, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100];
    expect(percentiles.map((each) => histogram.getValueAtPercentile(each))).toEqual([
      800, 900, 999, 1100, 1160, 1180, 1196, 50_815, 51_007, 51_007,
    ]);
  });

  it('agrees with the original on powers of two', () => {
    const histogram = histogramOf(
      Array.from({ length: 40 }, (_, power) => 2 ** power),
      AS_RECORDED,
    );
    const percentiles = [0, 25, 50, 75, 90, 95, 99, 100];
    expect(percentiles.map((each) => histogram.getValueAtPercentile(each))).toEqual([
      1, 512, 524_799, 537_395_199, 34_393_292_799, 137_573_171_199, 550_292_684_799,
      550_292_684_799,
    ]);
    expect(histogram.mean).toBe(27_501_212_467.15);
  });
});
