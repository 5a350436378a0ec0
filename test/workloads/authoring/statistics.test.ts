import { describe, expect, it } from 'vitest';
import {
  histogramOf,
  latencySummary,
  medianIndex,
} from '../../../workloads/authoring/statistics.js';

/** 1, 2, ... count microseconds in picoseconds, largest first, so that nothing is sorted by luck. */
const microseconds = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, index) => (count - index) * 1_000_000);

describe('latencySummary', () => {
  it('gives min, max, median, mean and deviation exactly, in nanoseconds', () => {
    const summary = latencySummary([1_580_123, 1_580_001, 1_600_007, 9_000_001]);
    expect(summary).toMatchObject({ name: 'latency', unit: 'ns', count: 4 });
    expect(summary.min).toBe(1580.001);
    expect(summary.p50).toBe(1580.123);
    expect(summary.max).toBe(9000.001);
    expect(summary.mean).toBe(13_760_132 / 4 / 1000);
    const deviations = [1_580_123, 1_580_001, 1_600_007, 9_000_001].map((ps) => ps - 3_440_033);
    const variance = deviations.reduce((sum, each) => sum + each * each, 0) / 4;
    expect(summary.stddev).toBe(Math.sqrt(variance) / 1000);
  });

  it('takes the percentiles from 90 upward as highest equivalent values of an HDR histogram', () => {
    const summary = latencySummary(microseconds(1000));
    // 900 us lies in a bucket of 2^19 ps, 990 us and 999 us too: the last value of each.
    const highest = (ps: number): number => (Math.floor(ps / 2 ** 19) + 1) * 2 ** 19 - 1;
    expect(summary.p90).toBe(highest(900_000_000) / 1000);
    expect(summary.p99).toBe(highest(990_000_000) / 1000);
    expect(summary['p99.9']).toBe(highest(999_000_000) / 1000);
    expect(summary.max).toBe(1_000_000);
  });

  it('never puts a percentile above the maximum', () => {
    const same = latencySummary(new Float64Array(100).fill(1_580_123));
    expect(same).toMatchObject({ p50: 1580.123, p90: 1580.123, 'p99.9': 1580.123, max: 1580.123 });
    expect(same.stddev).toBe(0);
  });

  it('takes the lower of two middle operations as the median', () => {
    expect(latencySummary([4000, 1000, 3000, 2000]).p50).toBe(2);
    expect(latencySummary([5000, 1000, 3000]).p50).toBe(3);
  });

  it('holds latencies from a picosecond to hours', () => {
    expect(latencySummary([0, 1, Number.MAX_SAFE_INTEGER]).max).toBe(
      Number.MAX_SAFE_INTEGER / 1000,
    );
    expect(latencySummary([1], 'cost')).toMatchObject({ name: 'cost', p50: 0.001, p99: 0.001 });
  });

  it('refuses to describe nothing, and what is no length of time', () => {
    expect(() => latencySummary([])).toThrow('no operation was measured');
    expect(() => latencySummary([1000, -1])).toThrow('sample 1 is -1, not a whole number from 0');
    expect(() => latencySummary([0.5])).toThrow('sample 0 is 0.5');
    expect(() => latencySummary([NaN])).toThrow('sample 0 is NaN');
  });
});

describe('medianIndex', () => {
  it('names the operation whose latency is the median', () => {
    expect(medianIndex([50, 10, 30])).toBe(2);
    expect(medianIndex([40, 10, 30, 20])).toBe(3);
  });

  it('orders equal latencies by index', () => {
    expect(medianIndex([7, 7, 7])).toBe(1);
    expect(medianIndex([7, 7, 7, 7])).toBe(1);
    expect(medianIndex([9, 5, 9, 1, 5, 5])).toBe(4);
  });

  it('agrees with sorting pairs of (latency, index)', () => {
    let state = 1;
    for (let count = 1; count < 60; count++) {
      const samples = Array.from({ length: count }, () => {
        state = (state * 48_271) % 2_147_483_647;
        return state % 7;
      });
      const ranked = samples
        .map((value, index) => ({ value, index }))
        .sort((a, b) => a.value - b.value || a.index - b.index);
      expect(medianIndex(samples)).toBe(ranked[Math.ceil(count / 2) - 1]!.index);
    }
  });

  it('is -1 when there is none', () => {
    expect(medianIndex([])).toBe(-1);
  });
});

describe('histogramOf', () => {
  it('keeps every value below 2048 apart', () => {
    const histogram = histogramOf(Array.from({ length: 2048 }, (_, value) => value));
    expect(histogram.getValueAtPercentile(50)).toBe(1023);
    expect(histogram.getValueAtPercentile(100)).toBe(2047);
    expect(histogram.totalCount).toBe(2048);
  });
});
