/** The first difference between two results: where it is, and what is there. */
import { describe, expect, it } from 'vitest';
import { firstDifference } from '../../../bench/placements/first-difference.js';

const RESULTS = [{ metrics: [{ name: 'latency', p50: 1.5 }], note: 'x' }, { metrics: [] }];

describe('two results', () => {
  it('that are written alike have none', () => {
    expect(firstDifference(RESULTS, structuredClone(RESULTS))).toBeUndefined();
  });

  it.each([
    [
      'a figure',
      [{ metrics: [{ name: 'latency', p50: 2 }], note: 'y' }, { metrics: [] }],
      ['[0].metrics[0].p50', '1.5', '2'],
    ],
    [
      'a list that is shorter',
      [{ metrics: [], note: 'x' }, { metrics: [] }],
      ['[0].metrics[0]', '{"name":"latency","p50":1.5}', 'nothing'],
    ],
    ['a result more', [...RESULTS, null], ['[2]', 'nothing', 'null']],
    [
      'a value of another kind',
      [{ metrics: 'none', note: 'x' }, { metrics: [] }],
      ['[0].metrics', '[{"name":"latency","p50":1.5}]', '"none"'],
    ],
    [
      'keys in another order',
      [{ note: 'x', metrics: [{ name: 'latency', p50: 1.5 }] }, { metrics: [] }],
      ['keys of [0]', '"metrics,note"', '"note,metrics"'],
    ],
  ])('differ in %s', (_what, other, [path, a, b]) => {
    expect(firstDifference(RESULTS, other)).toEqual({ path, a, b });
  });

  it('differ in a zero’s sign no more than their JSON does', () => {
    expect(firstDifference([0], [-0])).toBeUndefined();
  });
});
