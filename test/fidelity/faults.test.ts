/** What faults cost, beside plain arithmetic, and which stage it is put down to. */
import { describe, expect, it } from 'vitest';
import { writeLat } from '../workloads/micro/benchmarks.js';
import { measured } from './measured.js';

const PINGS = { iterations: 10, warmup: 2 };

describe('frames that a fault delays', () => {
  it.each(['switch', 'direct'] as const)(
    'over a %s: come later by the delay, on their way and nowhere else',
    async (topology) => {
      const bed = { noise: false, topology };
      const prompt = await measured(writeLat, PINGS, bed);
      const faults = { delayed: 1, delay: 5e6 };
      const late = await measured(writeLat, PINGS, { ...bed, faults });
      const propagate = prompt.stages['propagate']! + 5000;
      expect(late.latency.p50).toBeCloseTo(prompt.latency.p50 + 5000, 6);
      expect(late.stages).toEqual({ ...prompt.stages, propagate });
    },
  );
});
