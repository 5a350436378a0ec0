/**
 * The arithmetic of a comparison. What a unit of work costs is a slope: the CPU time of a long run less that of a short
 * one, so that start-up, compiling and warming up cancel out. Ratios are taken within a round, whose runs followed each
 * other: the machine's speed changes in the course of minutes, and pairs do not see it.
 */
import { RunError } from '../../coordinator/errors/run-error.js';

/** One run: how many units of work it did, in how many seconds of CPU time. */
export interface Sample {
  readonly units: number;
  readonly cpu: number;
}

/** What pinwire and the peer each needed for the same, in seconds of CPU time. */
export interface Pair {
  readonly pinwire: number;
  readonly peer: number;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** CPU seconds per unit. Throws a RunError if the long run was not the more expensive one. */
export function slope(short: Sample, long: Sample): number {
  const units = long.units - short.units;
  const cpu = long.cpu - short.cpu;
  if (units > 0 && cpu > 0) return cpu / units;
  throw new RunError(
    `${long.units} units took ${long.cpu.toFixed(3)} s of CPU time, and ${short.units} took ${short.cpu.toFixed(3)} s: no slope can be told; the machine is too busy`,
  );
}

/** Pinwire's speed over the peer's, round by round: 1 is the peer, and more is better. */
export const ratios = (rounds: readonly Pair[]): number[] =>
  rounds.map(({ pinwire, peer }) => peer / pinwire);

/** Of one value or more. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  const lower = sorted.length % 2 === 1 ? upper : sorted[middle - 1]!;
  return { min: sorted[0]!, median: (lower + upper) / 2, max: sorted.at(-1)! };
}
