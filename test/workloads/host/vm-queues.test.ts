/**
 * A shared queue lets a noisy machine hurt its neighbour, own queues do not; an IOMMU keeps a machine's DMA at home.
 */
import { describe, expect, it } from 'vitest';
import vmQueues from '../../../workloads/host/vm-queues.js';
import type {
  DistributionMetric,
  Parameters,
  Summary,
} from '../../../workloads/authoring/workload.js';
import { runWorkload } from '../../embedded.js';

const value = ({ metrics }: Summary, name: string): number => {
  const metric = metrics.find((each) => each.name === name)!;
  return 'p50' in metric ? metric.p50 : metric.value;
};
const tail = ({ metrics }: Summary): number => (metrics[0] as DistributionMetric).p99;

describe('host/vm-queues', () => {
  it('shows what a queue of one’s own is worth, and what a rate limit is', async () => {
    const measured = await runWorkload(vmQueues, { iterations: 150, iommu: 'none' });
    const of = (asked: Parameters): Summary =>
      measured.find(({ params }) =>
        Object.entries(asked).every(([name, each]) => params[name] === each),
      )!.summary;
    for (const { summary, run } of measured) {
      expect(summary.verified, summary.note).toBe(true);
      expect(run.left.frames).toBe(0);
      const sum = summary.stages!.reduce((total, { ps }) => total + ps, 0);
      expect(sum).toBe(Math.round(value(summary, 'latency') * 1000));
    }
    const quiet = of({ queues: 'own', noise: 'none' });
    const beside = of({ queues: 'own', noise: 'both', rate: 0 });
    expect(tail(beside)).toBeLessThan(1.1 * tail(quiet));
    expect(value(beside, 'lost')).toBe(0);
    expect(value(beside, 'host_load')).toBeLessThan(1);

    const shared = of({ queues: 'shared', noise: 'both', rate: 0 });
    expect(value(shared, 'host_load')).toBeGreaterThan(99);
    expect(value(shared, 'latency')).toBeGreaterThan(5 * value(beside, 'latency'));
    const limited = of({ queues: 'shared', noise: 'both', rate: 0.5 });
    expect(value(limited, 'noise_out')).toBeLessThan(0.52);
    expect(value(limited, 'latency')).toBeLessThan(1.5 * value(quiet, 'latency'));

    const shape = { hosts: 2, cores: 4 } as never;
    const { metrics } = vmQueues.compare!(measured, shape)!;
    const factor = metrics.find(({ name }) => name === 'shared_over_own_both_p50')!;
    expect('value' in factor && factor.value).toBe(
      value(shared, 'latency') / value(beside, 'latency'),
    );
  });

  it('ruins the other machine’s memory without an IOMMU, byte for byte as predicted, and not with one', async () => {
    const measured = await runWorkload(vmQueues, { noise: 'none', iterations: 1, attempts: 5 });
    const attacks = measured.filter(({ params }) => 'iommu' in params);
    expect(attacks.map(({ summary }) => summary.verified)).toEqual([true, true]);
    const [off, on] = attacks.map(({ summary }) => summary) as [Summary, Summary];
    expect(value(off, 'ruined_bytes')).toBe(5 * 512);
    expect(value(off, 'stolen_bytes')).toBe(5 * 512);
    expect(value(on, 'ruined_bytes')).toBe(0);
    expect(value(on, 'stolen_bytes')).toBe(0);
    expect(value(on, 'iommu_faults')).toBe(10);
  });

  it('refuses what it cannot do, in a line', () => {
    const shape = { clock: 'virtual' } as never;
    const base = { queues: 'all', noise: 'none', rate: '0', iommu: 'none', interval: 1 };
    const wrong = (params: Parameters): unknown =>
      vmQueues.configurations!({ ...base, ...params }, shape);
    expect(wrong({ queues: 'mine' })).toMatch(/queues=mine: expected shared, own/);
    expect(wrong({ noise: 'loud' })).toMatch(/noise=loud/);
    expect(wrong({ rate: '1,x' })).toMatch(/rate=1,x: expected Gb\/s/);
    expect(wrong({ rate: '' })).toMatch(/rate=/);
    expect(wrong({ iommu: 'maybe' })).toMatch(/iommu=maybe/);
    expect(vmQueues.configurations!(base, { clock: 'real' } as never)).toMatch(
      /needs --clock virtual/,
    );
  });
});
