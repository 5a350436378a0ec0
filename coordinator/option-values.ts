/** Option values as a person writes them. Each reader throws a one-line UsageError that names the option. */
import { formatSize, parseSize } from '../units/size.js';
import { closest } from './closest.js';
import { UsageError } from './usage-error.js';

/** A whole number in least..most. */
export function readWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new UsageError(`${option}: expected a whole number, not "${text}"`);
  }
  if (value < least || value > most) {
    throw new UsageError(`${option}: must lie between ${least} and ${most}, and is ${text}`);
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
      `${option}: must lie between ${formatSize(least)} and ${formatSize(most)}, and is ${text}`,
    );
  }
  return value;
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
