import { describe, expect, it } from 'vitest';
import { readParameters } from '../../../coordinator/plan/parameters.js';
import type { ClusterShape, Parameters, Workload } from '../../../workloads/authoring/workload.js';
import {
  atomicLat,
  BENCHMARKS,
  msgRate,
  readBw,
  readLat,
  sendLat,
  writeBw,
  writeLat,
} from './benchmarks.js';

const CLUSTER: ClusterShape = {
  hosts: 2,
  cores: 4,
  mtu: 1024,
  clock: 'virtual',
  seed: 1,
  maxInline: 236,
  maxRdAtomic: 16,
};

function configured(workload: Workload, settings: Record<string, string> = {}): unknown {
  const params = readParameters(workload, Object.entries(settings));
  return workload.configurations!(params, CLUSTER);
}

const sizes = (configurations: unknown): unknown =>
  (configurations as Parameters[]).map(({ size }) => size);

describe('sizes', () => {
  it('are one, a list, or all powers of two to 8 MiB', () => {
    expect(sizes(configured(writeLat))).toEqual([8]);
    expect(sizes(configured(writeLat, { size: '8, 64,4KiB' }))).toEqual([8, 64, 4096]);
    const all = sizes(configured(writeBw, { size: 'all' })) as number[];
    expect(all).toHaveLength(23);
    expect([all[0], all[22]]).toEqual([2, 2 ** 23]);
  });

  it.each([
    ['8,x', 'size=8,x: expected a size such as 64KiB, a list of sizes, or all'],
    ['', 'size=: expected a size such as 64KiB, a list of sizes, or all'],
    ['0', 'size=0: must be from 1 to 2147483648 bytes'],
    ['4GiB', 'size=4GiB: must be from 1 to 2147483648 bytes'],
  ])('of "%s" are refused', (size, message) => {
    expect(configured(writeLat, { size })).toBe(message);
  });

  it('may be 0 for SEND and READ, and are 8 for atomics', () => {
    expect(sizes(configured(sendLat, { size: '0' }))).toEqual([0]);
    expect(sizes(configured(readLat, { size: '0' }))).toEqual([0]);
    expect(sizes(configured(atomicLat, { size: '8' }))).toEqual([8]);
    expect(configured(atomicLat, { size: '16' })).toBe('size=16: must be 8');
    expect(configured(atomicLat, { size: 'all' })).toBe('size=all: must be 8');
  });
});

describe('counts', () => {
  it('are by default what 2000 packets carry, each way of a ping-pong', () => {
    const of = (workload: Workload, size: string): unknown =>
      (configured(workload, { size }) as Parameters[])[0]!['iterations'];
    expect(of(writeLat, '8')).toBe(1000);
    expect(of(writeLat, '4KiB')).toBe(250);
    expect(of(readLat, '4KiB')).toBe(500);
    expect(of(writeBw, '64KiB')).toBe(31);
    expect(of(writeBw, '8MiB')).toBe(4);
    expect(of(msgRate, '8')).toBe(500);
  });

  it('are as given', () => {
    const [params] = configured(writeBw, { iterations: '5e3', warmup: '0', outstanding: '7' }) as [
      Parameters,
    ];
    expect(params).toMatchObject({ iterations: 5000, warmup: 0, outstanding: 7, qps: 1 });
  });

  it('has as many READs posted as of anything else: the device holds back what it must', () => {
    expect(configured(readBw)).toMatchObject([{ outstanding: 128 }]);
    expect(configured(writeBw)).toMatchObject([{ outstanding: 128 }]);
  });

  it.each([
    ['iterations', '0', 1],
    ['iterations', 'many', 1],
    ['warmup', '-1', 0],
    ['outstanding', '1.5', 1],
  ])('%s=%s is refused', (name, value, least) => {
    const message = `${name}=${value}: expected a whole number from ${least}, or auto`;
    expect(configured(writeBw, { [name]: value })).toBe(message);
  });
});

describe('transport and inlining', () => {
  it.each(BENCHMARKS)('$name is RC only', (workload) => {
    expect(configured(workload, { type: 'UD' })).toBe(
      'type=UD: only RC queue pairs are available in this version',
    );
  });

  it('inline=on is refused where the device or the operation cannot', () => {
    expect(configured(writeLat, { inline: 'on', size: '237' })).toBe(
      'inline=on: the device takes 236 bytes inline, but size is 237',
    );
    expect(configured(readLat, { inline: 'on' })).toBe(
      'inline=on: only data of SEND and WRITE can be inline',
    );
    expect(configured(writeLat, { inline: 'on', size: '236' })).toMatchObject([{ inline: 'on' }]);
  });
});
