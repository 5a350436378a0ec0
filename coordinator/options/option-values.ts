/** Option values as a person writes them. Each reader throws a one-line UsageError that names the option. */
import { formatSize, parseSize } from '../../units/size.js';
import { parseDuration, type Picoseconds } from '../../units/time.js';
import { closest } from './closest.js';
import { UsageError } from '../errors/usage-error.js';

/** A whole number in least..most. */
export function readWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new UsageError(`${option}: expected a whole number, not "${text}"`);
  }
  if (value < least || value > most) {
    throw new UsageError(`${option}: must be between ${least} and ${most}, not ${text}`);
  }
  return value;
}

/** A size in bytes. */
export function readSize(option: string, text: string, least: number, most: number): number {
  const value = parseSize(text);
  if (value === undefined) {
    throw new UsageError(`${option}: expected a size such as 64MiB, not "${text}"`);
  }
  if (value < least || value > most) {
    throw new UsageError(
      `${option}: must be between ${formatSize(least)} and ${formatSize(most)}, not ${text}`,
    );
  }
  return value;
}

/** A length of virtual time, in ps. */
export function readDuration(option: string, text: string): Picoseconds {
  const value = parseDuration(text);
  if (value === undefined) {
    throw new UsageError(`${option}: expected a duration such as 10ms, not "${text}"`);
  }
  return value;
}

const WAIT = /^(\d*\.?\d+)\s*(ms|s|m|min|h)$/;
const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** How long somebody waits, in ms of wall clock; Infinity for `forever`. */
export function readWait(option: string, text: string): number {
  if (text.trim() === 'forever') return Infinity;
  const match = WAIT.exec(text.trim());
  if (match === null) {
    throw new UsageError(`${option}: expected a time such as 30s, 5m or forever, not "${text}"`);
  }
  return Number(match[1]) * MS_PER_UNIT[match[2]!]!;
}

/** A length of wall-clock time in whole ms. */
export function readWallTime(option: string, text: string): number {
  const match = WAIT.exec(text.trim());
  const ms = match === null ? 0 : Math.round(Number(match[1]) * MS_PER_UNIT[match[2]!]!);
  if (ms > 0) return ms;
  throw new UsageError(`${option}: expected a time such as 90s or 5m, not "${text}"`);
}

export function readChoice<T extends string>(
  option: string,
  text: string,
  choices: readonly T[],
): T {
  if (choices.includes(text as T)) return text as T;
  throw new UsageError(
    `${option}: expected ${choices.join(' or ')}, not "${text}"${suggestion(text, choices)}`,
  );
}

/** `; did you mean X?` if a known word is near, else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const near = closest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
