import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BucketHistogram } from '../../../coordinator/operations/bucket-histogram.js';
import {
  FAMILIES,
  HOST_COUNTERS,
  hostCounterFamily,
  type MetricFamily,
} from '../../../coordinator/operations/metric-families.js';
import { Metrics } from '../../../coordinator/operations/metrics.js';
import { runCost } from '../../../coordinator/run/run-cost.js';
import type { RunRecord } from '../../../coordinator/run/run.js';
import { parseHostMetrics, type HostMetrics } from '../../../node/process/host-metrics.js';
import { WAIT_BUCKETS } from '../../../node/links/window-cost.js';
import { FOR_COORDINATOR, type ProcessCost } from '../../../node/process/process-cost.js';
import datagrams from '../../../workloads/host/paths.js';
import sendLatency from '../../../workloads/micro/send-lat.js';
import { runWorkload, type Measurement } from '../../embedded.js';
import { parseExposition, valueOf } from './exposition.js';

type Run = Measurement['run'];

function recordOf(run: Run, more: Partial<RunRecord> = {}): RunRecord {
  const { counters, virtualTime, events, packets, metrics } = run;
  return {
    values: [],
    traceHash: '0123456789abcdef',
    virtualNs: virtualTime / 1000,
    blocked: [],
    counters: Object.values(counters).map((counts, host) => ({ host, counts, counted: {} })),
    events,
    packets,
    rounds: 1,
    cost: undefined,
    metrics,
    began: 1000,
    ended: 1250,
    ...more,
  };
}

const scrape = async (metrics: Metrics) => parseExposition(await metrics.render());

async function lossyRun(): Promise<Run> {
  const faults = { loss: 0.05 };
  const [measured] = await runWorkload(sendLatency, { size: 2048, iterations: 100 }, { faults });
  return measured!.run;
}

describe('the page', () => {
  test('is well formed before anything has happened', async () => {
    const families = await scrape(new Metrics());
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'done' })).toBe(0);
    expect(valueOf(families, 'pinwire_running')).toBe(0);
    expect(families.get('process_resident_memory_bytes')?.type).toBe('gauge');
  });

  test('has what a run counted, host by host and queue pair by queue pair', async () => {
    const run = await lossyRun();
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf(run));
    const families = await scrape(metrics);
    let retransmitted = 0;
    for (const [host, counters] of Object.entries(run.counters)) {
      for (const name of ['tx_packets', 'rx_packets', 'dma_write_bytes', 'fault_lost'] as const) {
        const shown = valueOf(families, `pinwire_host_${name}_total`, { host });
        expect(shown, name).toBe(counters[name]);
      }
      const ofHost = (name: string, direction?: string): number =>
        families
          .get(name)!
          .samples.filter(
            ({ labels }) =>
              labels['host'] === host &&
              (direction === undefined || labels['direction'] === direction),
          )
          .reduce((sum, { value }) => sum + value, 0);
      expect(ofHost('pinwire_qp_packets_total', 'sent')).toBe(counters['tx_packets']);
      expect(ofHost('pinwire_qp_packets_total', 'received')).toBe(counters['rx_packets']);
      expect(ofHost('pinwire_qp_retransmitted_packets_total')).toBe(
        counters['retransmitted_packets'],
      );
      expect(ofHost('pinwire_qp_timeouts_total')).toBe(counters['timeouts']);
      retransmitted += counters['retransmitted_packets']!;
      expect(valueOf(families, 'pinwire_port_frames_total', { host })).toBe(counters['rx_packets']);
      expect(valueOf(families, 'pinwire_port_wait_virtual_seconds_count', { host })).toBe(
        counters['rx_packets'],
      );
      // Every core is somebody's or nobody's all the time.
      expect(ofHost('pinwire_core_virtual_seconds_total')).toBeCloseTo(
        (4 * run.virtualTime) / 1e12,
        9,
      );
    }
    expect(retransmitted).toBeGreaterThan(0);
    expect(valueOf(families, 'pinwire_run_wall_seconds_sum')).toBe(0.25);
    expect(valueOf(families, 'pinwire_run_virtual_seconds_sum')).toBeCloseTo(
      run.virtualTime / 1e12,
      12,
    );
    expect(valueOf(families, 'pinwire_events_total')).toBe(run.events);
    expect(valueOf(families, 'pinwire_packets_total')).toBe(run.packets);
  });

  test('goes on over runs, and over those that failed', async () => {
    const run = await lossyRun();
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf(run));
    metrics.runEnded('failed', undefined);
    metrics.runEnded('done', recordOf(run));
    const families = await scrape(metrics);
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'done' })).toBe(2);
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'failed' })).toBe(1);
    expect(valueOf(families, 'pinwire_host_tx_packets_total', { host: 'host0' })).toBe(
      2 * run.counters['host0']!['tx_packets']!,
    );
    expect(valueOf(families, 'pinwire_run_wall_seconds_count')).toBe(2);
    // A gauge is the last run's.
    expect(
      valueOf(families, 'pinwire_core_program', { host: 'host0', core: '0', role: 'client' }),
    ).toBe(1);
  });

  test('has receive queues, and what interrupts took of a core', async () => {
    const all = await runWorkload(datagrams, { path: 'kernel', size: '64', iterations: '20' });
    const { run } = all[0]!;
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf(run));
    const families = await scrape(metrics);
    const queues = run.metrics[0]!.queues.filter(({ frames }) => frames > 0);
    expect(queues.length).toBeGreaterThan(0);
    for (const { queue, frames, interrupts } of queues) {
      const counters = run.counters['host0']!;
      expect(frames).toBe(counters[`rx_queue${queue}_frames`]);
      const labels = { host: 'host0', owner: 'host', queue: String(queue) };
      expect(valueOf(families, 'pinwire_rx_queue_frames_total', labels)).toBe(frames);
      expect(valueOf(families, 'pinwire_rx_queue_interrupts_total', labels)).toBe(interrupts);
    }
    const kernel = families
      .get('pinwire_core_virtual_seconds_total')!
      .samples.filter(({ labels }) => labels['mode'] === 'kernel');
    expect(kernel.some(({ value }) => value > 0)).toBe(true);
  });

  test('has what a run cost between processes', async () => {
    const buckets = new Array<number>(WAIT_BUCKETS).fill(0);
    buckets[0] = 3;
    buckets[11] = 2;
    buckets[WAIT_BUCKETS - 1] = 1;
    const part: ProcessCost = {
      busy: 500,
      waiting: 20_010,
      windows: 6,
      waits: [
        { whom: 1, ms: 20_000, buckets },
        { whom: FOR_COORDINATOR, ms: 10, buckets: new Array<number>(WAIT_BUCKETS).fill(1) },
      ],
      sent: [{ process: 1, messages: 5, bytes: 700, frames: 9 }],
      controlBytes: 40,
    };
    const cost = runCost(9, [part, { ...part, waits: [], sent: [] }], [[0], [1]]);
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf(await lossyRun(), { cost }));
    const families = await scrape(metrics);
    const labels = { process: 'host0', for: 'host1' };
    expect(valueOf(families, 'pinwire_process_waiting_seconds_total', labels)).toBe(20);
    expect(valueOf(families, 'pinwire_process_busy_seconds_total', { process: 'host0' })).toBe(0.5);
    const below = (le: string): number =>
      valueOf(families, 'pinwire_window_wait_seconds_bucket', { ...labels, le });
    expect(below('0.000001')).toBe(3);
    expect(below('0.001024')).toBe(3);
    expect(below('0.004096')).toBe(5);
    expect(below('+Inf')).toBe(6);
    expect(valueOf(families, 'pinwire_window_wait_seconds_sum', labels)).toBe(20);
    const link = { process: 'host0', to: 'host1' };
    expect(valueOf(families, 'pinwire_fabric_bytes_total', link)).toBe(700);
    expect(valueOf(families, 'pinwire_rounds_total')).toBe(9);
  });

  test('asks for what is so at the moment', async () => {
    let refused = 1;
    const metrics = new Metrics({
      hosts: () => ({ up: 3, missing: 1 }),
      queueLength: () => 2,
      progress: () => ({ now: 5e9, events: 70, packets: 7 }),
      refusals: () => ({ token: refused, garbage: 0 }),
      fates: () => ({ admitted: 4 }),
    });
    await metrics.render();
    refused = 5;
    const families = await scrape(metrics);
    expect(valueOf(families, 'pinwire_hosts', { state: 'missing' })).toBe(1);
    expect(valueOf(families, 'pinwire_queue_length')).toBe(2);
    expect(valueOf(families, 'pinwire_running')).toBe(1);
    expect(valueOf(families, 'pinwire_run_virtual_seconds_now')).toBe(0.005);
    expect(valueOf(families, 'pinwire_refused_connections_total', { reason: 'token' })).toBe(5);
    expect(valueOf(families, 'pinwire_connections_total', { fate: 'admitted' })).toBe(4);
  });

  test('stays readable, however many queue pairs and processes there are', async () => {
    const run = await lossyRun();
    const [host] = run.metrics;
    const [pair] = host!.queuePairs;
    const queuePairs = Array.from({ length: 1000 }, (_, number) => ({ ...pair!, number }));
    const many: HostMetrics[] = [0, 1, 2].map((number) => ({ ...host!, host: number, queuePairs }));
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf({ ...run, metrics: many }));
    const { samples } = (await scrape(metrics)).get('pinwire_qp_packets_total')!;
    expect(samples).toHaveLength(1024);
    const total = samples.reduce((sum, { value }) => sum + value, 0);
    expect(total).toBe(3000 * (pair!.sentPackets + pair!.receivedPackets));

    const histogram = new BucketHistogram(FAMILIES.waits, WAIT_BUCKETS, 1e-6);
    const one = new Array<number>(WAIT_BUCKETS).fill(1);
    for (let i = 0; i < 500; i++) histogram.add({ process: `host${i}`, for: 'host0' }, one, 1);
    const { values } = (await histogram.get()) as { values: readonly unknown[] };
    expect(values.length).toBeLessThanOrEqual(1024);
  });

  test('escapes what a program is called', async () => {
    const run = await lossyRun();
    const [host] = run.metrics;
    const role = 'a "quoted"\\role\nof two lines';
    const cores = host!.cores.map((core) => ({ ...core, role }));
    const metrics = new Metrics();
    metrics.runEnded('done', recordOf({ ...run, metrics: [{ ...host!, cores }] }));
    const labels = { host: 'host0', core: '0', role };
    expect(valueOf(await scrape(metrics), 'pinwire_core_program', labels)).toBe(1);
  });
});

describe('what a host tells to watch', () => {
  test('arrives as it was sent, and no other way', async () => {
    const { metrics } = await lossyRun();
    expect(parseHostMetrics(metrics)).toEqual(metrics);
    const [host] = metrics;
    for (const wrong of [
      null,
      [{ ...host, host: -1 }],
      [{ ...host, cores: [{ ...host!.cores[0], kernel: NaN }] }],
      [{ ...host, queuePairs: [{ ...host!.queuePairs[0], sentBytes: '7' }] }],
      [{ ...host, queues: [{ ...host!.queues[0], owner: 'x'.repeat(99) }] }],
      [{ ...host, port: { ...host!.port, waits: [1, 2] } }],
      [{ ...host, port: undefined }],
    ]) {
      expect(typeof parseHostMetrics(wrong)).toBe('string');
    }
  });
});

describe('the table of metrics', () => {
  const hostCounters = Object.keys(HOST_COUNTERS) as (keyof typeof HOST_COUNTERS)[];
  const families: MetricFamily[] = [
    ...Object.values(FAMILIES),
    ...hostCounters.map(hostCounterFamily),
  ];

  test('keeps to Prometheus’s conventions for names', () => {
    for (const { name, kind, labels } of families) {
      expect(name).toMatch(/^pinwire_[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });

  test('knows every counter of a host but those of queues and programs', async () => {
    const run = await lossyRun();
    const names = Object.keys(run.counters['host0']!);
    const known = names.filter((name) => name in HOST_COUNTERS);
    const unknown = names.filter((name) => !(name in HOST_COUNTERS));
    expect(known.length).toBeGreaterThan(20);
    expect(
      unknown.filter(
        (name) => !/^(rx_queue\d|vm\d|eth_|tcp_|arp_|ip_|udp_|switch_queue)/.test(name),
      ),
    ).toEqual([]);
  });

  test('is the page of the documentation', () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(pinwire_\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map(
      ([, name, kind, labels, meaning]) => ({ name, kind, labels, meaning }),
    );
    const byName = (rows: readonly { name?: string | undefined }[]) =>
      rows.toSorted((a, b) => (a.name! < b.name! ? -1 : 1));
    expect(byName(rows)).toEqual(
      byName(
        families.map(({ name, kind, labels, help }) => ({
          name,
          kind,
          labels: labels.map((label) => `\`${label}\``).join(', '),
          meaning: help,
        })),
      ),
    );
  });
});
