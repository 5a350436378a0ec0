/** Durations as a program writes them: `ns(500)`, `us(1.5)`. */
import { PS_PER_MS, PS_PER_NS, PS_PER_US, type Picoseconds } from './time.js';

/** Each rounds to whole picoseconds. Throws a RangeError for NaN, for less than 0, and for more than is exact. */
export const ps = (n: number): Picoseconds => duration('ps', n, 1);
export const ns = (n: number): Picoseconds => duration('ns', n, PS_PER_NS);
export const us = (n: number): Picoseconds => duration('us', n, PS_PER_US);
export const ms = (n: number): Picoseconds => duration('ms', n, PS_PER_MS);

function duration(unit: string, value: number, scale: number): Picoseconds {
  const whole = Math.round(value * scale);
  if (!(value >= 0) || !Number.isSafeInteger(whole)) {
    throw new RangeError(`${unit}(${value}): expected a duration from 0 to 2^53 ps (2.5 hours)`);
  }
  return whole as Picoseconds;
}
