import { describe, expect, it } from 'vitest';
import { isWorse, seedLine, type SeedOutcome } from '../../../coordinator/cli/seed-outcome.js';
import { RunError } from '../../../coordinator/errors/run-error.js';
import type { Metric } from '../../../coordinator/report/results.js';
import { Measured } from '../../../coordinator/run/measure.js';

const latency = (p50: number): Metric => ({
  ...{ name: 'latency', unit: 'ns', count: 100, min: 1, p50, p90: 9e3, p99: 9e3, 'p99.9': 9e3 },
  ...{ max: 9e3, mean: p50, stddev: 1 },
});
const bandwidth = (value: number): Metric => ({ name: 'bandwidth', unit: 'Gb/s', value });

function outcome(
  seed: number,
  metric: Metric | undefined,
  { verified = true, error }: { verified?: boolean | null; error?: string } = {},
): SeedOutcome {
  const measured = new Measured();
  const result = { workload: 'w', params: {}, verified, virtual_ns: 1, trace_hash: '' };
  if (metric !== undefined) {
    const metrics = [metric];
    measured.add({ ...result, metrics }, { verified, metrics });
  }
  return {
    seed,
    measured,
    error: error === undefined ? undefined : new RunError(error),
    seconds: 0.123,
  };
}

describe('the line of a seed', () => {
  it('has its verdict, its first figure and how long it took', () => {
    expect(seedLine(outcome(7, latency(1580)), 100)).toBe(
      'seed   7  ok      latency p50 1.580 us  0.12 s',
    );
    expect(seedLine(outcome(7, bandwidth(97.26)), 7)).toBe(
      'seed 7  ok      bandwidth 97.3 Gb/s  0.12 s',
    );
  });

  it('says what did not verify, and what there was nothing to verify of', () => {
    expect(seedLine(outcome(1, latency(900), { verified: false }), 9)).toContain('seed 1  FAILED');
    expect(seedLine(outcome(1, latency(900), { verified: null }), 9)).toContain('seed 1  -  ');
  });

  it('has the first line of an error', () => {
    expect(seedLine(outcome(1, undefined, { error: 'host0 core 0: oh\n  at x' }), 9)).toBe(
      'seed 1  FAILED  0.12 s  host0 core 0: oh',
    );
  });
});

describe('the worst seed', () => {
  const fails = outcome(3, undefined, { error: 'oh' });
  const wrong = outcome(2, latency(1), { verified: false });

  it('is one that failed, then one that did not verify, then the one of the worst figure', () => {
    expect(isWorse(fails, wrong)).toBe(true);
    expect(isWorse(wrong, fails)).toBe(false);
    expect(isWorse(wrong, outcome(1, latency(9e6)))).toBe(true);
    expect(isWorse(outcome(1, latency(2)), outcome(2, latency(1)))).toBe(true);
    expect(isWorse(outcome(1, latency(1)), outcome(2, latency(2)))).toBe(false);
  });

  it('has the least of a rate', () => {
    expect(isWorse(outcome(1, bandwidth(90)), outcome(2, bandwidth(97)))).toBe(true);
    expect(isWorse(outcome(1, bandwidth(97)), outcome(2, bandwidth(90)))).toBe(false);
  });

  it('is the first of equals', () => {
    expect(isWorse(outcome(2, latency(5)), outcome(1, latency(5)))).toBe(false);
  });
});
