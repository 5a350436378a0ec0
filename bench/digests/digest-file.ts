/** A recording as a file: one digest a line, in the order in which the runs ended. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../../coordinator/errors/usage-error.js';
import type { Digest } from './digest.js';

export const formatDigest = (digest: Digest): string => `${JSON.stringify(digest)}\n`;

/** Throws a UsageError that says which line is no digest, or has the name of one before it. */
export function readDigests(path: string): Digest[] {
  const digests = new Map<string, Digest>();
  for (const [index, line] of textOf(path).split('\n').entries()) {
    if (line.trim() === '') continue;
    const digest = parseDigest(line);
    if (digest === undefined)
      throw new UsageError(`${path}:${index + 1}: is not the digest of a run`);
    if (digests.has(digest.name)) {
      throw new UsageError(`${path}:${index + 1}: "${digest.name}" is recorded twice`);
    }
    digests.set(digest.name, digest);
  }
  return [...digests.values()];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}

function parseDigest(line: string): Digest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { name, argv, exit } = Object(value) as Partial<Record<keyof Digest, unknown>>;
  const isDigest =
    typeof name === 'string' &&
    Array.isArray(argv) &&
    (typeof exit === 'number' || typeof exit === 'string');
  return isDigest ? (value as Digest) : undefined;
}
