/**
 * The model's medians beside published measurements of the hardware that each profile describes, run as perftest runs
 * them. The profiles' stages were set from other sources and checked against these rows; see docs/profiles.md.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { atomicLat, readLat, sendLat, writeBw } from '../workloads/micro/benchmarks.js';
import type { ClusterOptions } from '../embedded.js';
import { measured } from './measured.js';

interface Row {
  readonly bed: ClusterOptions;
  readonly what: string;
  readonly workload: typeof sendLat;
  readonly size: number;
  /** In us. */
  readonly published: number;
}

const CX4: ClusterOptions = { profile: 'cx4-edr', topology: 'direct' };
const CX3: ClusterOptions = { profile: 'cx3-qdr', topology: 'direct' };
const CX6: ClusterOptions = { profile: 'cx6-hdr', topology: 'switch' };

const send = (bed: ClusterOptions, size: number, published: number): Row => ({
  bed,
  what: `RC send ${size} B`,
  workload: sendLat,
  size,
  published,
});

const LATENCIES: readonly Row[] = [
  send(CX4, 32, 0.83),
  send(CX4, 1024, 1.61),
  send(CX3, 64, 1.16),
  send(CX3, 128, 1.27),
  send(CX3, 256, 1.86),
  { bed: CX3, what: 'RC read 2 B', workload: readLat, size: 2, published: 1.99 },
  { bed: CX3, what: 'RC fetch-add', workload: atomicLat, size: 8, published: 2.34 },
  send(CX6, 8, 1.58),
  send(CX6, 64, 1.65),
  send(CX6, 128, 1.68),
  send(CX6, 256, 2.12),
  send(CX6, 1024, 2.21),
];

const table: string[] = [];
const row = (what: string, model: number, published: number, unit: string): number => {
  const error = model / published - 1;
  const figures = `${model.toFixed(3).padStart(8)} ${published.toFixed(2).padStart(8)} ${unit.padEnd(4)}`;
  const percent = `${(error * 100).toFixed(1).padStart(5)} %`;
  table.push(`${what.padEnd(40)} ${figures} ${percent}`);
  return error;
};

afterAll(() => {
  const heading = `${''.padEnd(40)} ${'model'.padStart(8)} ${'measured'.padStart(8)}      error`;
  process.stdout.write(`\n${[heading, ...table].join('\n')}\n`);
});

describe.each([
  ['with noise', true],
  ['without noise', false],
])('median latency, %s, within 10 %% of what was measured', (how, noise) => {
  it.each(LATENCIES)('$bed.profile $what: $published us', async (each) => {
    const { bed, what, workload, size, published } = each;
    const { latency } = await measured(workload, { size, iterations: 500 }, { ...bed, noise });
    const label = `${bed.profile as string} ${what}, ${how}`;
    expect(Math.abs(row(label, latency.p50 / 1e3, published, 'us'))).toBeLessThan(0.1);
  });
});

describe.each([
  ['with noise', true],
  ['without noise', false],
])('goodput of WRITEs of 64 KiB, %s, within 1 %% of what was measured', (how, noise) => {
  it.each([
    ['roce-100g', 92.48],
    ['roce-25g', 24.5],
  ])('%s: %d Gb/s', async (profile, published) => {
    const { bandwidth } = await measured(writeBw, { size: 65536 }, { profile, noise });
    const label = `${profile} write bandwidth, ${how}`;
    expect(Math.abs(row(label, bandwidth, published, 'Gb/s'))).toBeLessThan(0.01);
  });
});
