/** `host/paths`: what it measures, verifies and refuses. */
import { describe, expect, it } from 'vitest';
import paths from '../../../workloads/host/paths.js';
import sendLat from '../../../workloads/micro/send-lat.js';
import type {
  ClusterShape,
  DistributionMetric,
  Summary,
} from '../../../workloads/authoring/workload.js';
import { runWorkload } from '../../embedded.js';

const SHAPE: ClusterShape = {
  hosts: 2,
  cores: 4,
  mtu: 1024,
  clock: 'virtual',
  seed: 1,
  maxInline: 236,
  maxRdAtomic: 16,
};

const configurations = (params: Record<string, string | number>) =>
  paths.configurations!(
    {
      size: 'all',
      path: 'all',
      protocol: 'tcp',
      moderation: 'on',
      receiver: 'idle',
      library: 'socket',
      iterations: 'auto',
      warmup: 20,
      ...params,
    },
    SHAPE,
  );

const latencyOf = ({ metrics }: Summary): DistributionMetric =>
  metrics.find(({ name }) => name === 'latency') as DistributionMetric;

describe('host/paths', () => {
  it('runs sizes of powers of two from 16 B to 64 KiB over every path', () => {
    const all = configurations({});
    if (typeof all === 'string') throw new Error(all);
    const sizes = all.filter(({ path }) => path === 'rdma').map(({ size }) => size);
    expect(sizes).toEqual(Array.from({ length: 13 }, (_, i) => 2 ** (i + 4)));
    expect(all.length % sizes.length).toBe(0);
  });

  it('refuses what no such run can be', () => {
    expect(configurations({ path: 'tunnel' })).toContain('path=tunnel');
    expect(configurations({ size: '0' })).toContain('size=0');
    expect(configurations({ size: '128KiB' })).toContain('size=128KiB');
    expect(configurations({ size: '2KiB', protocol: 'udp' })).toContain('1472');
    expect(configurations({ iterations: '0' })).toContain('iterations=0');
  });

  it('goes with datagrams up to what one of them carries', () => {
    const all = configurations({ protocol: 'udp', path: 'kernel' });
    expect((all as { size: number }[]).at(-1)!.size).toBe(1024);
  });

  it.each(['kernel', 'busy-poll', 'bypass', 'rdma'])(
    'looks at every byte of every message, and explains the median operation: %s',
    async (path) => {
      for (const protocol of ['tcp', 'udp']) {
        const [{ summary } = undefined!] = await runWorkload(paths, {
          path,
          protocol,
          size: '1000',
          iterations: '10',
        });
        expect(summary.verified).toBe(true);
        expect(summary.counters).toEqual({ checked_messages: 60, wrong_bytes: 0 });
        const sum = summary.stages!.reduce((total, { ps }) => total + ps, 0);
        expect(sum).toBe(Math.round(latencyOf(summary).p50 * 1e3));
      }
    },
  );

  it('has programs that write their frames themselves', async () => {
    const params = { path: 'bypass', protocol: 'udp', library: 'raw', iterations: '30' };
    const [{ summary } = undefined!] = await runWorkload(paths, { ...params, size: '1000' });
    expect(summary.verified).toBe(true);
    expect(summary.counters).toEqual({ checked_messages: 100, wrong_bytes: 0 });
    expect(summary.stages!.map(({ name }) => name)).not.toContain('stack');
    expect(configurations({ library: 'raw' })).toContain('protocol=udp');
  });

  it('measures over RDMA what micro/send-lat measures', async () => {
    const effort = { size: '64', iterations: '50', warmup: 20 };
    const [mine] = await runWorkload(paths, { ...effort, path: 'rdma' });
    const [theirs] = await runWorkload(sendLat, { ...effort, warmup: '20' });
    expect(latencyOf(mine!.summary)).toEqual(latencyOf(theirs!.summary));
  });

  it('says how much slower each path is than RDMA', async () => {
    const runs = await runWorkload(paths, { size: '16,64', iterations: '10' });
    const { metrics, verified } = paths.compare!(runs, SHAPE)!;
    expect(verified).toBe(true);
    expect(metrics.map(({ name }) => name)).toContain('kernel_over_rdma_16B');
    for (const metric of metrics) expect('value' in metric && metric.value).toBeGreaterThan(1);
  });

  it('carries messages over a fabric that loses and damages frames: TCP sends them again', async () => {
    const faults = { loss: 0.02, icrc: 0.02 };
    const [{ summary } = undefined!] = await runWorkload(
      paths,
      { path: 'kernel', size: '4KiB', iterations: '100' },
      { faults },
    );
    expect(summary.verified).toBe(true);
    expect(latencyOf(summary).max).toBeGreaterThan(1e6);
  });
});
