/** Values as a caller without types may hand them over. */
import { UsageError } from '../errors/usage-error.js';
import { suggestion } from '../options/option-values.js';

export const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

export const isText = (value: unknown): value is string => typeof value === 'string';

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Throws a UsageError that begins with `what` for a name of the record that is not known. */
export function refuseUnknown(what: string, record: object, known: readonly string[]): void {
  for (const name of Object.keys(record)) {
    if (known.includes(name)) continue;
    throw new UsageError(`${what} ${name}${suggestion(name, known)}`);
  }
}

/** What a value is, in a few words. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : JSON.stringify(value);
}
