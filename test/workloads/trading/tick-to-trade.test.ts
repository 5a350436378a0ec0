import { describe, expect, it } from 'vitest';
import tickToTrade from '../../../workloads/trading/tick-to-trade.js';
import type {
  ClusterShape,
  DistributionMetric,
  Parameters,
} from '../../../workloads/authoring/workload.js';
import { readParameters } from '../../../coordinator/plan/parameters.js';
import { runWorkload, type ClusterOptions, type Measurement } from '../../embedded.js';
import { add, executed, framed, NINE_THIRTY, remove, replace } from './wire-formats/messages.js';

async function measure(
  params: Parameters = {},
  options: ClusterOptions = {},
): Promise<Measurement> {
  const [measurement] = await runWorkload(tickToTrade, params, options);
  return measurement!;
}

const metric = ({ summary }: Measurement, name: string): DistributionMetric =>
  summary.metrics.find((each) => each.name === name) as DistributionMetric;

const sumOf = ({ summary }: Measurement): number =>
  summary.stages!.reduce((sum, { ps }) => sum + ps, 0);

/** Stamped this number of microseconds after 09:30. */
const at = (us: number): { at: number } => ({ at: NINE_THIRTY + us * 1000 });

/** Two ticks (messages 5 and 6) about one stock, and a reference that nobody knows. */
const MESSAGES = [
  add(1, 'B', 100, 9_900, at(0)),
  add(2, 'S', 60, 10_000, at(10)),
  add(3, 'S', 100, 10_100, at(20)),
  remove(77, at(30)),
  executed(2, 60, at(40)),
  replace(1, 4, 50, 9_800, at(41)),
];
const file = (bytes = framed(MESSAGES)): ReadonlyMap<string, Uint8Array> =>
  new Map([['feed', bytes]]);
const RETREAT = { feed: 'file', tick: 'retreat' };

describe('tick to trade', () => {
  it('answers the ticks of a file, at its own times', async () => {
    const measured = await measure(RETREAT, { inputs: file(), noise: false });
    const { summary } = measured;
    expect(summary).toMatchObject({ verified: true });
    expect(summary.counters).toMatchObject({
      messages: 6,
      datagrams: 6,
      orders: 2,
      accepted_orders: 2,
      unknown_references: 1,
      late_messages: 0,
      // The first order finds 100 shares at the new ask, the second 50 at the new bid.
      executed_shares: 150,
      cancelled_shares: 50,
    });
    const latency = metric(measured, 'latency');
    expect(latency.count).toBe(2);
    expect(metric(measured, 'feed_latency').count).toBe(6);
    expect(metric(measured, 'feed_latency').p50).toBeLessThan(latency.min);
    expect(metric(measured, 'tick_to_ack').min).toBeGreaterThan(latency.max);
  });

  it.each(['open', 'day'])('answers a made-up feed, shape %s', async (shape) => {
    const measured = await measure({ shape, messages: 300, rate: 200_000 });
    const { verified, counters } = measured.summary;
    expect(verified).toBe(true);
    expect(counters!['orders']).toBeGreaterThan(10);
    expect(metric(measured, 'latency').count).toBe(counters!['orders']);
    expect(metric(measured, 'feed_latency').count).toBe(300);
  });

  it('tells the median order stage by stage, to the picosecond, alone in its datagram or not', async () => {
    for (const rate of [50_000, 2e6, 50e6]) {
      for (const faults of [{}, { loss: 0.01 }]) {
        const measured = await measure({ messages: 300, rate }, { faults });
        expect(measured.summary.verified).toBe(true);
        expect(sumOf(measured) / 1000).toBe(metric(measured, 'latency').p50);
        for (const { ps } of measured.summary.stages!) expect(ps).toBeGreaterThan(0);
      }
    }
  });

  it('counts from the instant that was meant: what the feed is behind is backlog', async () => {
    const calm = await measure({ messages: 400, rate: 100_000 });
    const flood = await measure({ messages: 400, rate: 100e6 });
    const backlog = (measured: Measurement): number =>
      measured.summary.stages!.find(({ name }) => name === 'backlog')?.ps ?? 0;
    expect(backlog(calm)).toBe(0);
    expect(backlog(flood)).toBeGreaterThan(10e6);
    expect(metric(flood, 'latency').p50).toBeGreaterThan(3 * metric(calm, 'latency').p50);
    expect(flood.summary.counters!['datagrams']).toBeLessThan(100);
    expect(flood.summary.verified).toBe(true);
  });

  it('waits for receives and for answers where there are too few, and loses nothing', async () => {
    const { summary } = await measure({
      messages: 3000,
      rate: 50e6,
      receives: 4,
      book: 1_000_000,
      gateway: 100_000_000,
    });
    expect(summary.verified).toBe(true);
    expect(summary.counters!['feed_wait_ns']).toBeGreaterThan(100_000);
    expect(summary.counters!['held_orders']).toBeGreaterThan(0);
    expect(summary.counters!['accepted_orders']).toBe(summary.counters!['orders']);
  });

  it('is right where frames are lost, duplicated and delayed', async () => {
    const faults = { loss: 0.01, duplicate: 0.01, delayed: 0.02, delay: 3_000_000 };
    const { summary, run } = await measure({ messages: 500 }, { faults });
    expect(summary.verified).toBe(true);
    expect(run.counters['host0']!['fault_lost']).toBeGreaterThan(0);
  });

  it('gives the same figures again for the same seed, and others for another', async () => {
    const run = async (seed: number): Promise<string> => {
      const { summary, run: whole } = await measure({ messages: 200 }, { seed });
      return JSON.stringify([summary, whole.traceHash]);
    };
    expect(await run(5)).toBe(await run(5));
    expect(await run(5)).not.toBe(await run(6));
  });

  it('sends what a NIC does not take inline by DMA', async () => {
    const { summary } = await measure({ messages: 80 }, { profile: 'cx3-qdr' });
    expect(summary).toMatchObject({ verified: true });
    expect(summary.counters!['orders']).toBeGreaterThan(0);
  });

  it('stretches the times of a file', async () => {
    const spanOf = async (scale: number): Promise<number> => {
      const { run } = await measure({ ...RETREAT, scale }, { inputs: file(), noise: false });
      return run.virtualTime;
    };
    const stretched = (await spanOf(11)) - (await spanOf(1));
    expect(stretched / 1e6).toBeCloseTo(10 * 41, 0);
  });

  it('fills the books with what is before its window', async () => {
    const inputs = file();
    const { summary } = await measure({ ...RETREAT, from: '35us' }, { inputs });
    expect(summary.verified).toBe(true);
    expect(summary.counters).toMatchObject({ messages: 2, orders: 2, unknown_references: 0 });
  });

  it('has no latency where no tick is answered, and says so', async () => {
    const { summary } = await measure({ ...RETREAT, duration: 35e6 }, { inputs: file() });
    expect(summary).toMatchObject({
      verified: true,
      note: 'no tick was answered, so there is no latency',
    });
    expect(summary.metrics.map(({ name }) => name)).toEqual(['feed_latency']);
  });
});

describe('the check of what was received', () => {
  it('fails for an order more or less, another byte, other books', async () => {
    const { run, params } = await measure(RETREAT, { inputs: file() });
    const shape = { seed: 1 } as ClusterShape;
    const [publisher, gateway, strategy] = run.values as Record<string, unknown>[];
    const verdict = (changed: { gateway?: object; strategy?: object }): boolean | null =>
      tickToTrade.summarise(
        [publisher, { ...gateway, ...changed.gateway }, { ...strategy, ...changed.strategy }],
        params,
        shape,
        file(),
      ).verified;
    expect(verdict({})).toBe(true);
    const orders = gateway!['orders'] as Uint8Array;
    expect(verdict({ gateway: { orders: orders.slice(47) } })).toBe(false);
    expect(verdict({ gateway: { orders: Uint8Array.of(...orders, ...orders) } })).toBe(false);
    const bent = orders.slice();
    bent[60]! ^= 1;
    expect(verdict({ gateway: { orders: bent } })).toBe(false);
    expect(verdict({ gateway: { malformed: 1 } })).toBe(false);
    expect(verdict({ strategy: { digest: '0'.repeat(16) } })).toBe(false);
    expect(verdict({ strategy: { wrongReplies: 1 } })).toBe(false);
    expect(verdict({ strategy: { acknowledged: new Float64Array(1) } })).toBe(false);
  });
});

describe.each(['kernel', 'busy-poll', 'bypass'])('tick to trade over %s', (path) => {
  it('has the same books, orders and answers as over RDMA', async () => {
    const measured = await measure({ ...RETREAT, path }, { inputs: file(), noise: false });
    expect(measured.summary).toMatchObject({ verified: true });
    expect(measured.summary.counters).toMatchObject({
      messages: 6,
      datagrams: 6,
      orders: 2,
      accepted_orders: 2,
      executed_shares: 150,
      cancelled_shares: 50,
      feed_gaps: 0,
      feed_requests: 0,
    });
    const rdma = await measure(RETREAT, { inputs: file(), noise: false });
    expect(metric(measured, 'latency').p50).toBeGreaterThan(metric(rdma, 'latency').p50);
  });

  it('tells the median order stage by stage, to the picosecond, however fast the feed is', async () => {
    for (const rate of [20_000, 2e6, 50e6]) {
      const measured = await measure({ path, messages: 300, rate });
      expect(measured.summary.verified).toBe(true);
      expect(sumOf(measured) / 1000).toBe(metric(measured, 'latency').p50);
      for (const { ps } of measured.summary.stages!) expect(ps).toBeGreaterThan(0);
    }
  });

  it('asks for the messages that the feed loses, and takes each once and in order', async () => {
    for (const seed of [1, 2, 3]) {
      const faults = { loss: 0.03, duplicate: 0.02, delayed: 0.02, delay: 30_000_000 };
      const params = { path, messages: 400, rate: 100_000 };
      const { summary, run } = await measure(params, { faults, seed });
      expect(summary.verified).toBe(true);
      expect(summary.counters!['feed_requests']).toBeGreaterThan(0);
      expect(run.blocked).toEqual([]);
    }
  });

  it('loses nothing for good where the feed outruns the trader', async () => {
    const params = { path, messages: 4000, rate: 50e6, book: 2_000_000, gateway: 5_000_000 };
    const { summary } = await measure(params);
    expect(summary.verified).toBe(true);
    expect(summary.counters!['held_orders']).toBeGreaterThan(0);
  });
});

it('tick-to-trade compares its paths, in the order that the textbook has them', async () => {
  const measured = await runWorkload(tickToTrade, { path: 'all', messages: 200, rate: 20_000 });
  const medians = measured.map((each) => metric(each, 'latency').p50);
  expect(measured.map(({ params }) => params['path'])).toEqual([
    'kernel',
    'busy-poll',
    'bypass',
    'rdma',
  ]);
  expect(medians).toEqual([...medians].sort((a, b) => b - a));
  const { metrics } = tickToTrade.compare!(measured, undefined!)!;
  expect(metrics.map(({ name }) => name)).toEqual([
    'kernel_over_rdma',
    'busy_poll_over_rdma',
    'bypass_over_rdma',
  ]);
});

describe('what is refused before a run', () => {
  const all = readParameters(tickToTrade, []);
  const checked = (bytes: Uint8Array | undefined, params: Parameters = {}): string | undefined =>
    tickToTrade.check!(bytes === undefined ? new Map() : file(bytes), {
      ...all,
      feed: 'f',
      ...params,
    });

  it('is a broken file, by its offset', () => {
    const bytes = framed(MESSAGES);
    expect(checked(bytes)).toBeUndefined();
    expect(checked(bytes.subarray(0, bytes.length - 3))).toMatch(/^feed=f: byte \d+: truncated/);
    const unknown = bytes.slice();
    unknown[40] = 0x7a;
    expect(checked(unknown)).toBe("feed=f: byte 38: unknown message type 'z'");
    expect(checked(new Uint8Array(0))).toBe('feed=f: byte 0: no message');
  });

  it('is a window without messages, or one that cannot be read', () => {
    const bytes = framed(MESSAGES);
    expect(checked(bytes, { from: '10:00' })).toMatch(/^no message between 10:00:00/);
    expect(checked(bytes, { from: 'noon' })).toMatch(/^from=noon: expected a time of day/);
  });

  it('is a made-up feed that lasts too long', () => {
    expect(checked(undefined, { messages: 1000, rate: 0.01 })).toMatch(/longer than a run can/);
  });

  it('is an unknown path, and one core', async () => {
    await expect(measure({ path: 'tunnel' })).rejects.toThrow('path=tunnel');
    await expect(measure({}, { cores: 1 })).rejects.toThrow('two cores');
  });
});
