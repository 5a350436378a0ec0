/** Pinwire's side of a comparison: the CLI as a user starts it, and a look at what it did. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Results } from '../../coordinator/report/results.js';
import { RunError } from '../../coordinator/errors/run-error.js';
import type { Work } from './work.js';

const CLI = fileURLToPath(new URL('../../../bin/pinwire.js', import.meta.url));
/** One process for all hosts, no noise (the peers have none), and packets of 4096 B as the peers'. */
const SETTINGS = ['--placement', 'embedded', '--noise', 'off', '--mtu', '4096', '--quiet'];

const jsonIn = (scratch: string): string => join(scratch, 'pinwire.json');

export const pinwireCommand = (
  { argv }: Work,
  iterations: number,
  scratch: string,
): readonly string[] => [
  process.execPath,
  CLI,
  'run',
  ...argv,
  ...['--set', `iterations=${iterations}`],
  ...SETTINGS,
  ...['--out', join(scratch, 'pinwire'), '--json', jsonIn(scratch)],
];

/** Units that the run which has just ended did. Throws a RunError if it did less than it was asked to. */
export function pinwireUnits(work: Work, iterations: number, scratch: string): number {
  const { results, run } = JSON.parse(readFileSync(jsonIn(scratch), 'utf8')) as Results;
  const units = iterations * work.unitsPerIteration;
  const isWhole = results.length === 1 && results[0]!.params['iterations'] === iterations;
  // `verified` is null where there is nothing to verify, and false fails the run.
  if (isWhole && run.packets >= units) return units;
  throw new RunError(
    `pinwire ${work.name}: ${units} units were asked for, and ${run.packets} packets flew`,
  );
}
