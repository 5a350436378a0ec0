/** Two recordings side by side: in which runs they differ, and in what. */
import type { Digest } from './digest.js';

export interface Difference {
  readonly run: Digest;
  /** What differs, each in a few words: `results (micro/send-lat metrics)`. */
  readonly what: readonly string[];
}

export interface Comparison {
  readonly runs: number;
  readonly different: readonly Difference[];
  /** Runs that are the same but for the events that they took. */
  readonly events: readonly Difference[];
}

/** Names of the first recording in its order, then those that only the second has. */
export function compare(a: readonly Digest[], b: readonly Digest[]): Comparison {
  const others = new Map(b.map((digest) => [digest.name, digest]));
  const names = new Set(a.map(({ name }) => name));
  const different: Difference[] = [];
  const events: Difference[] = [];
  for (const run of a) {
    const other = others.get(run.name);
    const what = other === undefined ? ['only in the first'] : differences(run, other);
    if (what.length > 0) different.push({ run, what });
    else if (run.events !== other?.events) {
      events.push({ run, what: [`events: ${shown(run.events)}, ${shown(other?.events)}`] });
    }
  }
  const added = b.filter(({ name }) => !names.has(name));
  for (const run of added) different.push({ run, what: ['only in the second'] });
  return { runs: a.length + added.length, different, events };
}

/** What differs between two digests of one name, events left out. */
function differences(a: Digest, b: Digest): string[] {
  // Two different command lines have nothing else to be compared.
  if (JSON.stringify(a.argv) !== JSON.stringify(b.argv)) return ['argv'];
  const exits = [a, b].map(({ exit, error = '' }) => `${exit}${error === '' ? '' : ` "${error}"`}`);
  const parts = changed(a.parts, b.parts);
  const captures = changed(a.captures, b.captures);
  return [
    ...(exits[0] === exits[1] ? [] : [`exit: ${exits.join(', ')}`]),
    ...(a.results === b.results
      ? []
      : [parts.length === 0 ? 'results' : `results (${parts.join(', ')})`]),
    ...(captures.length === 0 ? [] : [`captures (${captures.join(', ')})`]),
    ...(a.packets === b.packets ? [] : [`packets: ${shown(a.packets)}, ${shown(b.packets)}`]),
  ];
}

type Hashes = Readonly<Record<string, string>>;

/** Names whose hashes differ, or that only one of them has. */
function changed(a: Hashes = {}, b: Hashes = {}): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => a[name] !== b[name]);
}

const shown = (value: number | undefined): string => String(value ?? 'none');
