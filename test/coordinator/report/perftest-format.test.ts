import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  bandwidthRow,
  fixed,
  formatPerftest,
  latencyRow,
  perftestBandwidth,
  perftestLatency,
} from '../../../coordinator/report/perftest-format.js';
import { bandwidthResult, latencyResult, sampleLatencies } from './sample-results.js';

const printed = readFileSync(
  new URL('../../vectors/formats/perftest-lat.txt', import.meta.url),
  'utf8',
).split('\n');

/** A line of the recorded output: a name, the row, and average and deviation with all their digits. */
function recordedLine(name: string, deltas: Float64Array): string {
  const figures = perftestLatency({ deltas, ticksPerMicrosecond: 1000, factor: 2 });
  const row = latencyRow(2, deltas.length + 1, figures);
  return `${name}\t${row}\t|avg ${figures.average.toFixed(9)} stdev ${figures.stdev.toFixed(9)}`;
}

describe('perftest latency', () => {
  it('prints a ramp of round trips as the original does', () => {
    const ramp = Float64Array.from({ length: 999 }, (_, index) => index + 1);
    expect(recordedLine('ramp_1..999_factor2', ramp)).toBe(printed[0]);
  });

  it('prints pseudo-random round trips with outliers as the original does', () => {
    let state = 1;
    const minstd = Float64Array.from({ length: 9_999 }, () => {
      state = (state * 16_807) % 2_147_483_647;
      return 3200 + (state % 800) + (state % 1000 === 0 ? 50_000 : 0);
    });
    expect(recordedLine('minstd_10000_factor2', minstd)).toBe(printed[1]);
  });

  it('averages the two middle ticks of an even count and drops the fraction', () => {
    const times = { ticksPerMicrosecond: 1, factor: 1 } as const;
    expect(perftestLatency({ ...times, deltas: [1, 4, 90, 91] }).typical).toBe(2);
    expect(perftestLatency({ ...times, deltas: [1, 4, 7, 90, 91] }).typical).toBe(4);
  });

  it('refuses fewer iterations than it drops', () => {
    const deltas = [5, 5];
    expect(() => perftestLatency({ deltas, ticksPerMicrosecond: 1, factor: 1 })).toThrow(
      'at least 4 iterations',
    );
  });
});

describe('perftest bandwidth', () => {
  it('takes the average from the first post to the last completion', () => {
    // 4 messages of 1 MiB, one a microsecond: the last completes 4 us after the first post.
    const posted = [0, 0, 0, 0];
    const completed = [1e6, 2e6, 3e6, 4e6];
    const figures = perftestBandwidth(0x100000, { posted, completed, moderation: 1 });
    expect(figures.average).toBe(0x100000 * 1e6);
    expect(figures.peak).toBe(0x100000 * 1e6);
    expect(bandwidthRow(0x100000, 4, figures)).toBe(
      ' 1048576    4                1000000.00            1000000.00\t\t     1.000000',
    );
    expect(bandwidthRow(0x100000, 4, figures, 'Gb/sec')).toBe(
      ' 1048576    4                8388.61            8388.61\t\t     1.000000',
    );
  });

  it('takes the peak from the best stretch, in whole ticks', () => {
    const posted = [0, 1000, 2000, 2100];
    const completed = [3000, 4000, 5000, 5099];
    // From post 2 to completion 3: 3099 / 2 = 1549 ticks a message; from post 0 to 3: 5099 / 4 = 1274.
    const figures = perftestBandwidth(1, { posted, completed, moderation: 1 });
    expect(figures.peak).toBe(1e12 / 1274);
  });

  it('looks only at the completions that were asked for, and the last', () => {
    const posted = [0, 10, 20, 30, 40];
    const completed = [1000, 50, 1000, 1000, 1000];
    const best = (moderation: number): number =>
      1e12 / perftestBandwidth(1, { posted, completed, moderation }).peak;
    expect(best(1)).toBeCloseTo(25, 9); // (50 - 0) / 2
    expect(best(4)).toBeCloseTo(200, 9); // (1000 - 0) / 5
  });

  it('does not look for the peak in more than 20000 iterations', () => {
    const times = Float64Array.from({ length: 20_001 }, (_, index) => index + 1);
    const input = { posted: times, completed: times.map((at) => at + 5), moderation: 100 };
    expect(perftestBandwidth(8, input).peak).toBe(0);
  });
});

describe('formatPerftest', () => {
  const results = [latencyResult(8), latencyResult(64), bandwidthResult(4096)];

  it('puts the sizes of a workload under one heading between lines of 87 dashes', () => {
    const samples = new Map([
      [0, sampleLatencies(1_200_800)],
      [1, sampleLatencies(1_206_400)],
    ]);
    const lines = formatPerftest(results, { samples }).split('\n');
    const frame = '-'.repeat(87);
    expect(lines[0]).toBe('micro/write-lat');
    expect(lines[1]).toBe(frame);
    expect(lines[2]).toBe(
      ' #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   99% percentile[usec]   99.9% percentile[usec] ',
    );
    expect(lines[3]).toMatch(/^ 8 {7}1000 {10}1\.20 {11}2\.49 {9}1\.26 /);
    expect(lines[4]).toMatch(/^ 64 {6}1000 {10}1\.21 /);
    expect(lines[5]).toBe(frame);
    expect(lines[7]).toBe('micro/write-bw');
    expect(lines[9]).toBe(
      ' #bytes     #iterations    BW peak[MiB/sec]    BW average[MiB/sec]   MsgRate[Mpps]',
    );
    expect(lines[10]).toBe(
      ' 4096       5000             0.00               5812.87\t\t     2.963257',
    );
    expect(lines[11]).toBe(frame);
  });

  it('finds the peak where the posts and completions were recorded', () => {
    const posted = [0, 0, 0, 0];
    const peakOf = (gap: number): string | undefined => {
      const times = new Map([[2, { posted, completed: [1, 2, 3, 4].map((at) => at * gap) }]]);
      const text = formatPerftest(results, { samples: new Map(), times, unit: 'Gb/sec' });
      expect(text).toContain('BW peak[Gb/sec]    BW average[Gb/sec]');
      return /^ 4096 +5000 +(\S+) +48\.76 /m.exec(text)?.[1];
    };
    expect(peakOf(5e5)).toBe('65.54');
    // Filling and draining the pipe are in these times, and not in the average.
    expect(peakOf(1e6)).toBe('48.76');
  });

  it('leaves out what perftest has no columns for', () => {
    expect(formatPerftest([latencyResult(8)], { samples: new Map() })).toBe('');
  });
});

describe('fixed', () => {
  it('goes to the even digit half way, as printf does', () => {
    expect([1.625, 1.375, 0.125, 2.5, 1.005].map((value) => fixed(value, 2))).toEqual([
      '1.62',
      '1.38',
      '0.12',
      '2.50',
      '1.00',
    ]);
    expect(fixed(0.0000005, 6)).toBe('0.000000');
    expect(fixed(2.0000001, 6)).toBe('2.000000');
  });
});
