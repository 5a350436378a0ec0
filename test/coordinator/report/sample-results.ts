/** Results as a run leaves them, to write, read, print and draw. */
import { latencySummary } from '../../../workloads/authoring/statistics.js';
import {
  RESULTS_SCHEMA,
  type Results,
  type WorkloadResult,
} from '../../../coordinator/report/results.js';

/** 1000 latencies around `base` picoseconds with a tail; the same on every machine. */
export function sampleLatencies(base: number, count = 1000): Float64Array {
  let state = 20_011;
  return Float64Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    const slow = state % 97 === 0 ? base : 0;
    return base + (state % 120_000) + slow;
  });
}

const STAGES = [
  { name: 'post', ps: 40_000 },
  { name: 'doorbell', ps: 220_000 },
  { name: 'nic_tx', ps: 150_250 },
  { name: 'serialize', ps: 6_480 },
  { name: 'propagate', ps: 10_000 },
  { name: 'switch', ps: 300_000 },
  { name: 'nic_rx', ps: 150_000 },
  { name: 'payload_write', ps: 330_001 },
];

/** The stages above, and polling for what is left of `latency` picoseconds. */
function stagesOf(latency: number): { name: string; ps: number }[] {
  const told = STAGES.reduce((sum, { ps }) => sum + ps, 0);
  return [...STAGES, { name: 'poll', ps: latency - told }];
}

export function latencyResult(size: number): WorkloadResult {
  const latency = latencySummary(sampleLatencies(1_200_000 + size * 100));
  return {
    workload: 'micro/write-lat',
    params: { size, iterations: 1000, inline: 'auto', qps: 1, type: 'RC' },
    verified: true,
    metrics: [latency],
    stages: stagesOf(Math.round(latency.p50 * 1000)),
    counters: { tx_packets: 2000, rx_packets: 2000 },
    virtual_ns: 2_400_000.5,
    trace_hash: '9f86d081884c7d65',
  };
}

export const bandwidthResult = (size: number): WorkloadResult => ({
  workload: 'micro/write-bw',
  params: { size, iterations: 5000, outstanding: 128, inline: 'auto', qps: 1, type: 'RC' },
  verified: true,
  metrics: [
    { name: 'bandwidth', unit: 'Gb/s', value: Math.min(97.1, size / 84) },
    { name: 'rate', unit: 'Mmsg/s', value: Math.min(11.9, 12_137.5 / size) },
  ],
  counters: { host1: { rx_packets: 7, rx_bytes: 448 }, host0: { tx_packets: 7 } },
  virtual_ns: 411_000,
  trace_hash: '2c26b46b68ffc68f',
});

export const pathResult = (path: string, size: number, base: number): WorkloadResult => ({
  workload: 'host/paths',
  params: { path, size, iterations: 1000 },
  verified: true,
  metrics: [latencySummary(sampleLatencies(base + size * 90))],
  virtual_ns: 9_000_000,
  trace_hash: 'fcde2b2edba56bf4',
});

export const sampleResults = (results: readonly WorkloadResult[]): Results => ({
  schema: RESULTS_SCHEMA,
  run: {
    placement: 'process',
    coreRuntime: 'worker',
    pids: [4001, 4002],
    start_s: 0.41,
    wall_s: 2.75,
    events: 120_000,
    packets: 14_000,
    rounds: 900,
    node: 'v20.20.0',
    argv: ['run', 'micro/write-lat', '--set', 'size=8'],
    pinwire: '0.1.0',
    when: '2026-01-02T03:04:05.000Z',
  },
  cluster: {
    hosts: 2,
    cores: 4,
    profile: 'roce-100g',
    clock: 'virtual',
    topology: 'switch',
    mtu: 1024,
    noise: 'on',
    seed: 1,
  },
  results,
});
