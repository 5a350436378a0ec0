/**
 * RC delivers everything exactly once and in order, whatever the links do: random programs on both sides of faulty
 * links against a plain model. SIMULATION_COUNT seeds from SIMULATION_SEED on, for longer campaigns.
 */
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

const first = Number(process.env['SIMULATION_SEED'] ?? 1);
const count = Number(process.env['SIMULATION_COUNT'] ?? 40);

describe('random traffic over links that lose, double, damage and delay', () => {
  it(
    `is delivered exactly once, in order, and leaves nothing behind: seeds ${first} to ${first + count - 1}`,
    { timeout: Math.max(60_000, count * 5_000) },
    async () => {
      let retransmitted = 0;
      for (let seed = first; seed < first + count; seed++) {
        const simulation = await simulate(seed);
        expect(simulation.problems).toEqual([]);
        retransmitted += simulation.retransmitted;
      }
      // The faults have been at work.
      if (count >= 10) expect(retransmitted).toBeGreaterThan(100);
    },
  );
});
