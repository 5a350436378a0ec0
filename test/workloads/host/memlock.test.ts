/** A greedy process beside others, with and without a quota. */
import { describe, expect, it } from 'vitest';
import memlock from '../../../workloads/host/memlock.js';
import type { Metric, Summary } from '../../../workloads/authoring/workload.js';
import { runWorkload } from '../../embedded.js';

const SMALL = {
  ram_size: 8 << 20,
  greed_size: 6.5 * 2 ** 20,
  working_set_size: 1 << 20,
  accesses: 300,
};

const figure = ({ metrics }: Summary, name: string): Metric =>
  metrics.find((metric) => metric.name === name)!;

describe('host/memlock', () => {
  it.each(['clock', 'lru'])(
    'without a quota neighbours page, with one they do not; what is locked never moves (%s)',
    async (pager) => {
      const all = await runWorkload(memlock, { ...SMALL, quota: 'none,2MiB', pager });
      const [none, quota] = all.map(({ summary }) => summary) as [Summary, Summary];
      for (const { summary, run } of all) {
        expect(summary.verified).toBe(true);
        expect(run.left.memoryFrames).toBe(0);
      }
      expect(figure(none, 'fault_rate')).toMatchObject({ value: expect.any(Number) as number });
      expect((figure(none, 'fault_rate') as { value: number }).value).toBeGreaterThan(100);
      expect(figure(quota, 'fault_rate')).toMatchObject({ value: 0 });
      expect(figure(quota, 'kept')).toMatchObject({ value: 2 * (2 << 20) });
      expect(quota.note).toContain('ENOMEM');
      // A page fault waits for the page of another to be written, then for its own to be read.
      expect(figure(none, 'latency')).toMatchObject({ min: 90, p50: 90 });
      expect((figure(none, 'latency') as { max: number }).max).toBeGreaterThan(105_000);
      expect(figure(quota, 'latency')).toMatchObject({ min: 90, max: 90 });
      const said = memlock.compare!(
        all.map(({ params, summary }) => ({ params, summary })),
        null as never,
      )!;
      expect((said.metrics[0] as { value: number }).value).toBeGreaterThan(100);
    },
  );

  it('gives an error that says how many cores are missing, and which quota is none', () => {
    const defaults = { neighbours: 2, quota: 'none' };
    const cluster = (cores: number) => ({ cores }) as never;
    expect(memlock.configurations!(defaults, cluster(2))).toContain('need 3 cores');
    expect(memlock.configurations!({ ...defaults, quota: '1,x' }, cluster(4))).toContain('quota=x');
  });
});
