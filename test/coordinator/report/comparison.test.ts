import { describe, expect, test } from 'vitest';
import { compareResults } from '../../../coordinator/report/comparison.js';
import type { Results, WorkloadResult } from '../../../coordinator/report/results.js';
import { bandwidthResult, latencyResult, sampleResults } from './sample-results.js';

const withResults = (...results: WorkloadResult[]): Results => sampleResults(results);
const differences = (a: Results, b: Results, tolerance = 0): readonly string[] =>
  compareResults(a, b, { tolerance }).differences;

describe('two files', () => {
  const file = withResults(latencyResult(8), latencyResult(64), bandwidthResult(64));

  test('of the same results are equal, wherever and whenever they were made', () => {
    const elsewhere: Results = {
      ...file,
      run: { ...file.run, placement: 'process', wall_s: 99, pids: [1, 2] },
    };
    expect(compareResults(file, elsewhere, { tolerance: 0 })).toEqual({
      differences: [],
      compared: 3,
    });
  });

  test('are paired by workload and parameters, in whatever order', () => {
    const other = withResults(bandwidthResult(64), latencyResult(64), latencyResult(8));
    expect(differences(file, other)).toEqual([]);
  });

  test('of which one has a result that the other lacks differ', () => {
    const other = withResults(latencyResult(8), bandwidthResult(64), bandwidthResult(4096));
    expect(differences(file, other)).toEqual([
      'micro/write-lat (size 64 B): only in the first file',
      'micro/write-bw (size 4 KiB): only in the second file',
    ]);
  });

  test('of different clusters differ', () => {
    const other = { ...file, cluster: { ...file.cluster, seed: 2, profile: 'cx6-hdr' } };
    expect(differences(file, other)).toEqual([
      `cluster profile: ${file.cluster.profile} -> cx6-hdr`,
      `cluster seed: ${file.cluster.seed} -> 2`,
    ]);
  });
});

describe('a result', () => {
  const result = bandwidthResult(64);
  const changed = (change: Partial<WorkloadResult>): readonly string[] =>
    differences(withResults(result), withResults({ ...result, ...change }));

  test('differs by any figure, with its unit and by how much', () => {
    const metrics = result.metrics.map((metric, at) =>
      at === 0 && 'value' in metric ? { ...metric, value: metric.value * 1.5 } : metric,
    );
    expect(changed({ metrics })).toEqual([
      expect.stringMatching(/^micro\/write-bw \(size 64 B\): bandwidth \[Gb\/s\]: .* \(\+50 %\)$/),
    ]);
  });

  test('differs by a counter of a host, a stage, its verdict, its virtual time, its trace', () => {
    expect(changed({ counters: { host0: { tx_packets: 8 } } })).toEqual([
      'micro/write-bw (size 64 B): counter host1: {"rx_packets":7,"rx_bytes":448} -> none',
      'micro/write-bw (size 64 B): counter host0 tx_packets: 7 -> 8',
    ]);
    expect(changed({ stages: [{ name: 'post', ps: 1 }] })).toEqual([
      'micro/write-bw (size 64 B): stage [ps] post: none -> 1',
    ]);
    expect(changed({ verified: false, note: 'why', virtual_ns: 1, trace_hash: 'other' })).toEqual([
      'micro/write-bw (size 64 B): verified true -> false',
      `micro/write-bw (size 64 B) virtual_ns: ${result.virtual_ns} -> 1`,
      `micro/write-bw (size 64 B) trace_hash: ${result.trace_hash} -> other`,
      'micro/write-bw (size 64 B) note: none -> why',
    ]);
  });

  test('differs by a metric that it lacks', () => {
    expect(changed({ metrics: result.metrics.slice(1) })).toEqual([
      'micro/write-bw (size 64 B): bandwidth: only in the first file',
    ]);
  });
});

describe('with a tolerance', () => {
  const scaled = (by: number): Results => {
    const result = bandwidthResult(64);
    const metrics = result.metrics.map((metric) =>
      'value' in metric ? { ...metric, value: metric.value * by } : metric,
    );
    return withResults({ ...result, metrics, trace_hash: 'another', virtual_ns: 1 });
  };

  test('figures within it are equal and hashes do not count; those beyond it differ', () => {
    expect(differences(scaled(1), scaled(1.01), 0.02)).toEqual([]);
    expect(differences(scaled(1), scaled(0.99), 0.02)).toEqual([]);
    expect(differences(scaled(1), scaled(1.03), 0.02).length).toBe(2);
  });
});
