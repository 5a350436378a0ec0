import { describe, expect, it } from 'vitest';
import type { Core, Picoseconds } from '../../../node/program/verbs.js';
import { STAGES } from '../../../node/program/verbs.js';
import {
  LatencyRecorder,
  type LatencyRecord,
} from '../../../workloads/authoring/latency-recorder.js';
import { medianIndex } from '../../../workloads/authoring/statistics.js';
import { runEmbedded } from '../../embedded.js';

const COMPUTE = STAGES.indexOf('compute');
const BACKLOG = STAGES.indexOf('backlog');

/** Records operations of these lengths, each idle for a third and busy for the rest. */
async function recorded(
  lengths: readonly number[],
  options: { halves?: boolean; rows?: number } = {},
): Promise<LatencyRecord> {
  const { values: results, failure } = await runEmbedded({
    hosts: 1,
    program: async (core: Core) => {
      const recorder = new LatencyRecorder(core, { clock: 'virtual', ...options });
      for (const length of lengths) {
        recorder.begin();
        const idle = Math.floor(length / 3) as Picoseconds;
        await core.sleep(idle);
        await core.work((length - idle) as Picoseconds);
        recorder.end();
      }
      return recorder.record();
    },
  });
  expect(failure).toBeNull();
  return results[0] as LatencyRecord;
}

/** Different numbers in no order. */
const shuffled = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => 1_000_000 + ((index * 7919) % count) * 3);

describe('the recorder', () => {
  it('keeps every latency, and the stages of the median operation', async () => {
    const lengths = shuffled(99);
    const { samples, stages } = await recorded(lengths);
    expect([...samples]).toEqual(lengths);
    const median = lengths[medianIndex(lengths)]!;
    expect(stages![BACKLOG]).toBe(Math.floor(median / 3));
    expect(stages![COMPUTE]).toBe(median - Math.floor(median / 3));
  });

  it('halves round trips, rounding up, and their stages so that they sum to it', async () => {
    const { samples, stages } = await recorded([1001, 2001, 3001], { halves: true });
    expect([...samples]).toEqual([501, 1001, 1501]);
    expect(stages!.reduce((sum, ps) => sum + ps, 0)).toBe(1001);
    expect(stages![BACKLOG]).toBe(334);
  });

  it('of equal latencies takes the operation that the median rank points to', async () => {
    // Whole round trips differ where their halves do not: rank is by half, then by index.
    const { samples, stages } = await recorded([2000, 1999, 2000, 1999], { halves: true });
    expect([...samples]).toEqual([1000, 1000, 1000, 1000]);
    expect(stages![BACKLOG]).toBe(333);
  });

  it('with room for few operations still has the median one, in whatever order they come', async () => {
    for (const rows of [16, 64]) {
      const lengths = shuffled(1009);
      const { stages } = await recorded(lengths, { rows });
      const median = lengths[medianIndex(lengths)]!;
      expect(stages!.reduce((sum, ps) => sum + ps, 0)).toBe(median);
    }
  });

  it('tells no stages rather than those of another operation', async () => {
    // Ever longer: what was near the median early on is not at the end.
    const lengths = Array.from({ length: 500 }, (_, index) => 1_000_000 + index);
    const { samples, stages } = await recorded(lengths, { rows: 16 });
    expect(samples).toHaveLength(500);
    expect(stages).toBeNull();
  });
});
