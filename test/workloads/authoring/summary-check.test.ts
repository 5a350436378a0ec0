import { describe, expect, it } from 'vitest';
import { latencySummary } from '../../../workloads/authoring/statistics.js';
import { summaryProblem, withMediansStages } from '../../../workloads/authoring/summary-check.js';
import type { Summary } from '../../../workloads/authoring/workload.js';

const latency = latencySummary([2000, 1000, 3000]);
const good: Summary = {
  verified: true,
  metrics: [latency, { name: 'rate', unit: 'msg/s', value: 5 }],
  stages: [{ name: 'post', ps: 2000 }],
  counters: { lost: 0 },
  samples: Float64Array.of(1),
};

describe('a summary', () => {
  it('of finite figures is one', () => {
    expect(summaryProblem(good)).toBeUndefined();
    expect(summaryProblem({ verified: null, note: 'nothing to verify', metrics: [] })).toBe(
      undefined,
    );
  });

  it.each<[unknown, string]>([
    [undefined, 'it is missing, not { verified, metrics }'],
    [[good], 'it is a list, not { verified, metrics }'],
    [{ ...good, verified: 'yes' }, "verified is 'yes', not true, false or null"],
    [{ verified: true }, 'metrics is missing, not a list'],
    [{ ...good, note: 5 }, 'note is 5, not a text'],
    [{ ...good, samples: [1] }, 'samples is a list, not a Float64Array'],
    [
      { ...good, metrics: [{ name: 'rate', unit: 'msg/s', value: NaN }] },
      'metric rate: value is NaN',
    ],
    [{ ...good, metrics: [{ name: 'rate', unit: 'msg/s' }] }, 'metric rate: value is missing'],
    [{ ...good, metrics: [{ unit: 'msg/s', value: 1 }] }, 'metric 0: its name is missing'],
    [{ ...good, metrics: [{ name: 'rate', value: 1 }] }, 'metric rate: its unit is missing'],
    [{ ...good, metrics: [{ ...latency, p99: Infinity }] }, 'metric latency: p99 is Infinity'],
    [{ ...good, stages: [{ name: 'lunch', ps: 1 }] }, "stage 0: there is no stage 'lunch'"],
    [{ ...good, stages: [{ name: 'post', ps: 0.5 }] }, 'stage post: 0.5 is not a whole number'],
    [{ ...good, counters: { lost: NaN } }, 'counter lost is NaN, not a finite number'],
  ])('that is wrong is reported with its name: %#', (summary, told) => {
    expect(summaryProblem(summary)).toContain(told);
  });
});

describe('stages', () => {
  it('of the median operation stay', () => {
    expect(withMediansStages(good)).toBe(good);
  });

  it('of another operation are left out with a note, and all else stays', () => {
    const stages = [{ name: 'post' as const, ps: 1999 }];
    const { note, ...rest } = withMediansStages({ ...good, stages, note: 'three only' });
    expect({ ...rest, stages: good.stages }).toEqual(good);
    expect(note).toBe(
      'three only; stages left out: they sum to 1.999 ns, and the median of latency is 2 ns',
    );
  });

  it('that explain no metric stay as they are', () => {
    const summary = { ...good, metrics: [] };
    expect(withMediansStages(summary)).toBe(summary);
  });
});
