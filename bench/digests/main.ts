/**
 * `npm run digests`: records what a tree's command computes, and compares two recordings, so that a change that must
 * not change results can be shown not to.
 *
 *     npm run digests -- [--tree DIR] [--draws N] [--seed S] [--suites micro,host,hpc,trading|none] [--seeds 1..3]
 *                        [--jobs N] [--out FILE]
 *     npm run digests -- compare A.jsonl B.jsonl [--events]
 */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Interrupted, watchInterruptions } from '../../coordinator/terminal/interruption.js';
import { readWhole } from '../../coordinator/options/option-values.js';
import { UsageError } from '../../coordinator/errors/usage-error.js';
import { compare, type Difference } from './comparison.js';
import type { Digest } from './digest.js';
import { formatDigest, readDigests } from './digest-file.js';
import { drawRuns } from './draw.js';
import { suiteRuns, SUITES, type PlannedRun } from './planned-run.js';
import { Recording } from './recording.js';
import { commandOf, isTimedOut } from './tree-run.js';

/** Of the compiled file. */
const OWN_TREE = fileURLToPath(new URL('../../..', import.meta.url));
const MOST_DRAWS = 100_000;

const OPTIONS = {
  tree: { type: 'string', default: OWN_TREE },
  draws: { type: 'string', default: '60' },
  seed: { type: 'string', default: '1' },
  suites: { type: 'string', default: SUITES.join(',') },
  seeds: { type: 'string', default: '1..3' },
  jobs: { type: 'string', default: '1' },
  out: { type: 'string', default: join('results', 'digests.jsonl') },
  events: { type: 'boolean', default: false },
} as const;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = readArguments(argv);
  const [command, ...files] = positionals;
  if (command === undefined) return record(values);
  if (command !== 'compare') throw new UsageError(`unknown command "${command}" (known: compare)`);
  const [first, second, ...more] = files;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new UsageError('compare: name two recordings');
  }
  return compareFiles(first, second, values.events);
}

type Values = ReturnType<typeof readArguments>['values'];

function readArguments(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function record(values: Values): Promise<number> {
  const tree = resolve(values.tree);
  for (const file of [commandOf(tree), join(tree, 'dist', 'coordinator', 'main.js')]) {
    if (!existsSync(file)) throw new UsageError(`--tree: ${file} is missing (npm run build)`);
  }
  const runs = plannedRuns(values);
  const jobs = readWhole('--jobs', values.jobs, 1, 64);
  mkdirSync(dirname(resolve(values.out)), { recursive: true });
  writeFileSync(values.out, '');

  print(`${runs.length} runs of ${tree}`);
  const digests: Digest[] = [];
  const done = (digest: Digest, seconds: number): void => {
    digests.push(digest);
    appendFileSync(values.out, formatDigest(digest));
    const count = `${digests.length}/${runs.length}`.padStart(9);
    const { name, exit, argv, error } = digest;
    print(`${count}  ${name}  exit ${exit}  ${seconds.toFixed(1)} s  ${argv[1]!}  ${error ?? ''}`);
  };
  const recording = new Recording({ tree, runs, jobs, done });
  const interruption = watchInterruptions(() => recording.kill());
  try {
    await Promise.race([recording.whole(), interruption.arrived]);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    await recording.stop();
    print(`interrupted: ${digests.length} of ${runs.length} runs are in ${values.out}`);
    return 130;
  } finally {
    interruption.dispose();
  }
  const late = digests.filter(isTimedOut).length;
  print(`${digests.length} runs in ${values.out}: ${countsByExit(digests)}`);
  return late > 0 ? 1 : 0;
}

/** Draws first: they are short, and a suite takes minutes. */
function plannedRuns({ draws, seed, suites, seeds }: Values): PlannedRun[] {
  const count = readWhole('--draws', draws, 0, MOST_DRAWS);
  return [
    ...drawRuns(readWhole('--seed', seed, 0, Number.MAX_SAFE_INTEGER), count),
    ...suiteRuns(readSuites(suites), readSeeds(seeds)),
  ];
}

function readSuites(text: string): string[] {
  if (text === 'none') return [];
  const names = text.split(',');
  const unknown = names.find((name) => !SUITES.some((suite) => suite === name));
  if (unknown === undefined) return [...new Set(names)];
  throw new UsageError(`--suites: expected some of ${SUITES.join(',')}, or none; not "${unknown}"`);
}

/** `2`, or `1..3`. */
function readSeeds(text: string): number[] {
  const [first = '', last = first] = text.split('..');
  const least = readWhole('--seeds', first, 0, Number.MAX_SAFE_INTEGER);
  const most = readWhole('--seeds', last, least, least + 1000);
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

function countsByExit(digests: readonly Digest[]): string {
  const counts = new Map<string, number>();
  for (const { exit } of digests) counts.set(`${exit}`, (counts.get(`${exit}`) ?? 0) + 1);
  return [...counts].map(([exit, count]) => `${count} with exit ${exit}`).join(', ');
}

function compareFiles(first: string, second: string, countEvents: boolean): number {
  const { runs, different, events } = compare(readDigests(first), readDigests(second));
  for (const each of different) show(each);
  if (events.length > 0) {
    print(`the same results from other events${countEvents ? '' : ' (not counted)'}:`);
    for (const each of events) show(each);
  }
  const count = different.length + (countEvents ? events.length : 0);
  print(`${runs} runs, ${count} different`);
  return count > 0 ? 1 : 0;
}

/** With the command line, to repeat it in either tree. */
const show = ({ run: { name, argv }, what }: Difference): void =>
  print(`${name}: ${what.join('; ')}\n  pinwire ${argv.join(' ')}`);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`digests: ${error.message}\n`);
  process.exitCode = 2;
}
