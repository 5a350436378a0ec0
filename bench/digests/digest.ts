/**
 * What one run computed, as one line of JSON: hashes of its results and captures, and a few numbers for people. Two
 * trees that compute the same have the same digests; what may differ from run to run (`run` of the results) is left
 * out, but for the events, which tell how the work was done and are compared apart.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Results } from '../../coordinator/report/results.js';

export interface Digest {
  readonly name: string;
  readonly argv: readonly string[];
  /** The exit status, a signal's name, or `timed out`. */
  readonly exit: number | string;
  /** What the command said of its failure, in one line. */
  readonly error?: string;
  /** SHA-256 of `cluster` and `results`; missing if the command wrote none. */
  readonly results?: string;
  /** Of each key of `results`, workload by workload: where a difference lies. */
  readonly parts?: Readonly<Record<string, string>>;
  /** SHA-256 of every capture file, by its path below the captures' directory. */
  readonly captures?: Readonly<Record<string, string>>;
  readonly packets?: number;
  readonly events?: number;
  /** The latest virtual instant of its results. */
  readonly virtual_ns?: number;
}

const PART_DIGITS = 16;

export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');

/** The part of a digest that comes from the text of a `--json` file. */
export function digestResults(
  text: string,
): Required<Pick<Digest, 'results' | 'parts' | 'packets' | 'events' | 'virtual_ns'>> {
  const { run, cluster, results } = JSON.parse(text) as Results;
  const lists = new Map<string, unknown[]>();
  for (const result of results) {
    for (const [key, value] of Object.entries(result)) {
      const part = `${result.workload} ${key}`;
      lists.set(part, [...(lists.get(part) ?? []), value]);
    }
  }
  const parts = [['cluster', cluster] as const, ...lists].map(
    ([part, value]) => [part, sha256(canonical(value)).slice(0, PART_DIGITS)] as const,
  );
  return {
    results: sha256(canonical({ cluster, results })),
    parts: Object.fromEntries(parts),
    packets: run.packets,
    events: run.events,
    virtual_ns: Math.max(0, ...results.map((result) => result.virtual_ns)),
  };
}

/** JSON with the keys of every object in order: which key was written first is no result. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

/** Hashes of all files below a directory, by path with /; none if there is no such directory. */
export function digestFiles(directory: string): Record<string, string> {
  const files = entriesOf(directory)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [
      relative(directory, file).split(sep).join('/'),
      sha256(readFileSync(file)),
    ]),
  );
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
