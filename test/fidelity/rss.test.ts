/**
 * Sharing packets out among cores: beside what was published of Linux, and what must hold whatever the constants are.
 *
 * Published: netperf TCP_RR, 500 instances, 8 cores, one queue of hardware (Linux, the commits that brought RPS and RFS
 * in 2010):
 * 104 thousand transactions a second on one core, 290 thousand by RPS, 303 thousand by RFS. Those add sending, TCP
 * and a program's turn to each packet; none of the model's constants was set from them.
 */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../coordinator/profiles/profiles.js';
import { PS_PER_MS, PS_PER_US } from '../../units/time.js';
import rss from '../../workloads/host/rss.js';
import type { Parameters } from '../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions } from '../embedded.js';

interface Row {
  readonly rate: number;
  readonly warm: number;
  readonly reordered: number;
  readonly late: number;
  readonly offered: number;
}

/** One row for each configuration, in order. */
async function rows(params: Parameters, options: ClusterOptions = {}): Promise<Row[]> {
  const quick = { iterations: 20, window: 2 * PS_PER_MS, ...params };
  const measurements = await runWorkload(rss, quick, { cores: 8, ...options });
  return measurements.map(({ summary, params: { offered } }) => {
    expect(summary.note).toBeUndefined();
    expect(summary.verified).toBe(true);
    const value = (name: string): number => {
      const metric = summary.metrics.find((each) => each.name === name);
      return metric !== undefined && 'value' in metric ? metric.value : NaN;
    };
    return {
      rate: value('rate'),
      warm: value('warm_share'),
      reordered: value('reordered'),
      late: summary.counters!['late'] as number,
      offered: Number(offered) * 8,
    };
  });
}

describe('8 cores, against one queue', () => {
  const PUBLISHED_LEAST = 2.5;

  it.each([
    ['with noise', true],
    ['without noise', false],
  ])('%s: RSS serves at least 2.5 times as much, and RFS no less than RSS', async (_, noise) => {
    const params = { placement: 'scattered', queues: '8', steering: 'single,rss,rfs' };
    const [single, spread, followed] = await rows(params, { noise });
    const table = [
      `${''.padEnd(24)} model [M packets/s]   published [K transactions/s]`,
      `one queue ${single!.rate.toFixed(3).padStart(26)} ${'104'.padStart(24)}`,
      `RSS       ${spread!.rate.toFixed(3).padStart(26)} ${'290'.padStart(24)}`,
      `RFS       ${followed!.rate.toFixed(3).padStart(26)} ${'303'.padStart(24)}`,
    ];
    process.stdout.write(`\n${table.join('\n')}\n`);
    expect(spread!.rate / single!.rate).toBeGreaterThanOrEqual(PUBLISHED_LEAST);
    expect(followed!.rate).toBeGreaterThanOrEqual(spread!.rate);
  });
});

describe('without noise', () => {
  const quiet: ClusterOptions = { noise: false };

  it('more queues are never slower, up to what is offered', async () => {
    for (const steering of ['rss', 'spray', 'rfs']) {
      const byQueues = await rows({ steering, offered: 0.3 }, quiet);
      for (let i = 1; i < byQueues.length; i++) {
        expect(byQueues[i]!.rate).toBeGreaterThan(0.99 * byQueues[i - 1]!.rate);
      }
      expect(byQueues.at(-1)!.rate).toBeLessThan(1.01 * byQueues[0]!.offered);
      expect(byQueues.at(-1)!.rate).toBeGreaterThan(4 * byQueues[0]!.rate);
    }
  });

  it('cores whose flows are warm and their own serve what their constants say', async () => {
    const { kernel, cpu } = loadProfile('roce-100g', []);
    const each =
      kernel.stackIn.ps +
      kernel.schedule.ps +
      cpu.syscall.ps +
      kernel.copyIn.ps +
      Math.ceil(18 * cpu.copy) +
      kernel.userReturn.ps;
    const [row] = await rows({ queues: '8', steering: 'rss', window: 4 * PS_PER_MS }, quiet);
    expect(row!.warm).toBe(1);
    expect(row!.rate / ((8 * PS_PER_US) / each)).toBeCloseTo(1, 1);
  });

  it('the share of warm packets falls when there are more flows than caches hold', async () => {
    const { cache } = loadProfile('roce-100g', []);
    const room = 4 * cache.flows;
    const flows = [room / 8, 2 * room, 5 * room].join(',');
    const options = { ...quiet, cores: 4 };
    const [few, many, most] = await rows({ queues: '4', steering: 'rss', flows }, options);
    expect(few!.warm).toBeGreaterThan(0.99);
    expect(many!.warm).toBeLessThan(0.7);
    expect(most!.warm).toBeLessThan(0.6 * many!.warm);
    expect(many!.rate).toBeLessThan(few!.rate);
    expect(most!.rate).toBeLessThan(many!.rate);
  });

  it('spraying gives up order and warm caches; the others keep order', async () => {
    const [single, hashed, sprayed, followed] = await rows({ queues: '8' }, quiet);
    expect(sprayed!.late).toBeGreaterThan(100);
    expect([single!.late, hashed!.late, followed!.late]).toEqual([0, 0, 0]);
    expect(sprayed!.warm).toBeLessThan(0.3);
    expect(hashed!.rate).toBeGreaterThan(1.2 * sprayed!.rate);
  });

  it('RFS finds the program’s core where the hash does not', async () => {
    const params = { queues: '4', placement: 'scattered', steering: 'rss,rfs' };
    const [hashed, followed] = await rows(params, { ...quiet, cores: 4 });
    expect(hashed!.warm).toBeLessThan(0.8);
    expect(followed!.warm).toBeGreaterThan(0.95);
    expect(followed!.rate).toBeGreaterThan(1.1 * hashed!.rate);
  });

  it('a skewed table takes from the rate what an equal one gives back', async () => {
    const params = { queues: '8', steering: 'rss', table: 'equal,skewed,repaired' };
    const [equal, skewed, repaired] = await rows(params, quiet);
    expect(skewed!.rate).toBeLessThan(0.8 * equal!.rate);
    expect(repaired!.rate / equal!.rate).toBeCloseTo(1, 2);
  });

  it('one flow stays on one queue, and is served at the rate of one core', async () => {
    const [one, many] = await rows({ queues: '8', steering: 'rss', flows: '1,256' }, quiet);
    expect(many!.rate / one!.rate).toBeGreaterThan(7);
  });
});
