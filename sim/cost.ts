/** Drawing a cost: its least value, and what noise adds. */
import type { Picoseconds } from '../units/time.js';
import type { RandomStream } from './random.js';

/** See `Jitter` and `Cost` of node/spec/profile.ts: whole picoseconds, and what is drawn on top. */
export interface DrawnCost {
  readonly ps: number;
  readonly jitter: Jitter | null;
}

interface Jitter {
  readonly mean: number;
  readonly tailProbability: number;
  readonly tailMean: number;
}

/** Whole picoseconds, never less than `cost.ps`. Without jitter nothing is drawn. */
export const draw = (cost: DrawnCost, random: RandomStream): Picoseconds =>
  (cost.jitter === null ? cost.ps : drawn(cost.ps, cost.jitter, random)) as Picoseconds;

function drawn(least: number, jitter: Jitter, random: RandomStream): number {
  let extra = jitter.mean > 0 ? random.exponential(jitter.mean) : 0;
  if (jitter.tailProbability > 0 && random.unit() < jitter.tailProbability) {
    extra += random.exponential(jitter.tailMean);
  }
  return least + Math.ceil(extra);
}
