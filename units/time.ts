/**
 * Virtual time: whole picoseconds in a JS number, exact to 2^53 ps = 2.5 hours.
 * An {@link Instant} is a point on the run's clock, which starts at 0; {@link Picoseconds} is a length.
 */
import type { Brand } from './brand.js';

export type Picoseconds = Brand<number, 'Picoseconds'>;
export type Instant = Brand<number, 'Instant'>;

/** The last instant that is exact. A run that would pass it is refused before it starts. */
export const LAST_INSTANT = Number.MAX_SAFE_INTEGER as Instant;
export const START = 0 as Instant;

export const PS_PER_NS = 1_000;
export const PS_PER_US = 1_000_000;
export const PS_PER_MS = 1_000_000_000;
export const PS_PER_S = 1_000_000_000_000;

/** Whole picoseconds, rounded up: every cost becomes whole once, where it is read. */
export const picoseconds = (value: number): Picoseconds => Math.ceil(value) as Picoseconds;
/** Nanoseconds as whole picoseconds; the sum is rounded to 1e-6 ps first, so 0.1 ns is 100 ps and not 101. */
export const nanoseconds = (value: number): Picoseconds =>
  Math.ceil(Math.round(value * 1e9) / 1e6) as Picoseconds;
export const instant = (value: number): Instant => value as Instant;
export const after = (at: Instant, length: Picoseconds): Instant => (at + length) as Instant;
export const between = (from: Instant, to: Instant): Picoseconds => (to - from) as Picoseconds;
export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

const DURATION = /^([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(ps|ns|us|µs|ms|s|min)$/i;
const PS_PER_UNIT: Readonly<Record<string, number>> = {
  ps: 1,
  ns: PS_PER_NS,
  us: PS_PER_US,
  µs: PS_PER_US,
  ms: PS_PER_MS,
  s: PS_PER_S,
  min: 60 * PS_PER_S,
};

/** Reads `600ns`, `1.5us`, `2 ms`. Undefined if it is no duration, so that the caller can name the option. */
export function parseDuration(text: string): Picoseconds | undefined {
  const match = DURATION.exec(text.trim());
  if (match === null) return undefined;
  const value = Number(match[1]) * (PS_PER_UNIT[match[2]!.toLowerCase()] ?? NaN);
  const whole = Math.ceil(Math.round(value * 1e6) / 1e6);
  return Number.isSafeInteger(whole) ? (whole as Picoseconds) : undefined;
}

/** Prints a length with the unit a person would choose: `40 ns`, `1.58 us`, `12.3 ms`. */
export function formatDuration(length: number): string {
  const size = Math.abs(length);
  if (size < PS_PER_NS) return `${length} ps`;
  if (size < PS_PER_US) return `${trim(length / PS_PER_NS)} ns`;
  if (size < PS_PER_MS) return `${trim(length / PS_PER_US)} us`;
  if (size < PS_PER_S) return `${trim(length / PS_PER_MS)} ms`;
  return `${trim(length / PS_PER_S)} s`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(6)));
}
