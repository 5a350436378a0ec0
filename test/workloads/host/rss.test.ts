/** host/rss: what it runs, what it refuses, and that its verification sees what goes wrong. */
import { describe, expect, it } from 'vitest';
import { PS_PER_MS, PS_PER_US } from '../../../units/time.js';
import rss from '../../../workloads/host/rss.js';
import type { Parameters } from '../../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions, type Measurement } from '../../embedded.js';

const SHAPE = {
  hosts: 2,
  cores: 4,
  mtu: 1024,
  clock: 'virtual',
  seed: 1,
  maxInline: 236,
  maxRdAtomic: 16,
} as const;
const DEFAULTS: Parameters = Object.fromEntries(
  Object.entries(rss.parameters).map(([name, spec]) => [name, spec.default]),
);

const configurations = (params: Parameters, shape: Partial<typeof SHAPE> = {}) =>
  rss.configurations!(
    { ...DEFAULTS, warmup: PS_PER_MS, window: PS_PER_MS, work: 0, ...params },
    {
      ...SHAPE,
      ...shape,
    },
  );

async function one(params: Parameters, options: ClusterOptions = {}): Promise<Measurement> {
  const quick = { iterations: 50, window: PS_PER_MS, queues: '2', flows: '16', ...params };
  return (await runWorkload(rss, quick, { cores: 2, ...options }))[0]!;
}

describe('host/rss runs', () => {
  it('every steering on 1, 2, 4, ... queues to the number of cores, by default', () => {
    const all = configurations({}) as Parameters[];
    expect(all.map(({ steering, queues }) => `${String(steering)} ${String(queues)}`)).toEqual(
      [1, 2, 4].flatMap((queues) =>
        ['single', 'rss', 'spray', 'rfs'].map((steering) => `${steering} ${queues}`),
      ),
    );
    const some = configurations({
      steering: 'rss',
      queues: '3,4',
      flows: '1,1e4',
      placement: 'both',
    });
    expect(some).toHaveLength(8);
  });

  it.each([
    [{ steering: 'rps' }, /steering=rps: expected single, rss, spray, rfs/],
    [{ queues: '5' }, /queues=5: .*the host has 4 \(--cores\)/],
    [{ queues: '0' }, /queues=0/],
    [{ flows: '10001' }, /at most 10000/],
    [{ flows: 'many' }, /flows=many/],
    [{ placement: 'near' }, /placement=near/],
    [{ table: 'odd' }, /table=odd: expected equal, skewed/],
    [{ table: '1:2:3', queues: '2' }, /3 weights, and 2 queues/],
    [{ table: '100:100', queues: '2' }, /at most 128/],
  ])('not with %j', (params, message) => {
    expect(configurations(params)).toMatch(message);
  });

  it('not under the real clock', () => {
    expect(configurations({}, { clock: 'real' } as never)).toMatch(/needs --clock virtual/);
  });
});

describe('host/rss', () => {
  it('counts every packet where it ended, and explains the median one’s latency', async () => {
    const { summary } = await one({ steering: 'rss', queues: '1' });
    expect(summary.verified).toBe(true);
    const {
      sent,
      read,
      dropped_by_ring,
      dropped_by_socket_buffer,
      lost_on_wire,
      rejected_by_protocols,
    } = summary.counters!;
    expect(rejected_by_protocols).toBe(0);
    expect(dropped_by_ring).toBeGreaterThan(0);
    expect(lost_on_wire).toBe(0);
    expect(read! + dropped_by_ring! + dropped_by_socket_buffer!).toBe(sent);
    const latency = summary.metrics.find(({ name }) => name === 'latency')!;
    expect(latency).toMatchObject({ count: 50, unit: 'ns' });
    const sum = summary.stages!.reduce((total, { ps }) => total + ps, 0);
    expect('p50' in latency && latency.p50 * 1e3).toBe(sum);
  });

  it('says how many packets the fabric lost, and is no worse for it', async () => {
    const { summary } = await one({ steering: 'rss' }, { faults: { loss: 0.01 } });
    expect(summary.verified).toBe(true);
    expect(summary.counters!['lost_on_wire']).toBeGreaterThan(5);
  });

  it('does not verify when the fabric doubles packets', async () => {
    const { summary } = await one({ steering: 'rss' }, { faults: { duplicate: 0.01 } });
    expect(summary.verified).toBe(false);
    expect(summary.note).toMatch(/delivered twice/);
  });

  it('does not verify when the fabric lets packets pass each other', async () => {
    const faults = { delayed: 0.02, delay: 20 * PS_PER_US };
    const { summary } = await one({ steering: 'rss', flows: '2' }, { faults });
    expect(summary.verified).toBe(false);
    expect(summary.note).toMatch(/out of order/);
  });

  it('drops damaged packets by their checksums', async () => {
    const { summary } = await one({ steering: 'single' }, { faults: { icrc: 0.01 } });
    expect(summary.note).toBeUndefined();
    expect(summary.verified).toBe(true);
    expect(summary.counters!['rejected_by_protocols']).toBeGreaterThan(5);
  });

  it('has programs without a flow do nothing, and their cores idle', async () => {
    const { summary } = await one({ steering: 'rss', flows: '1' }, { cores: 4 });
    expect(summary.verified).toBe(true);
    const loads = [0, 1, 2, 3].map((core) => summary.counters![`core${core}_load_percent`]);
    expect(loads.filter((load) => load === 0)).toHaveLength(3);
  });

  it('tells how many times the rate of one queue each way has', async () => {
    const params = { queues: '2', flows: '16', iterations: 20, window: PS_PER_MS };
    const results = await runWorkload(rss, params, { cores: 2 });
    const comparison = rss.compare!(results, { ...SHAPE, cores: 2 })!;
    expect(comparison.metrics.map(({ name }) => name)).toEqual([
      'speedup_rss',
      'speedup_spray',
      'speedup_rfs',
    ]);
    for (const metric of comparison.metrics) {
      expect('value' in metric && metric.value).toBeGreaterThan(1.2);
    }
  });
});
