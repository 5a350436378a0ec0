/** The files that a command leaves behind: `--json FILE`, and results.json and report.html in `--out DIR`. */
import { accessSync, constants, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatResults, type Results } from './results.js';
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';

export interface Outputs {
  readonly json: string | undefined;
  /** Undefined for none: `explain` leaves no directory unless it is asked to. */
  readonly out: string | undefined;
}

export const DEFAULT_OUT = join('results', 'latest');

/** Makes the directories, and finds out before anything starts whether all can be written. Throws a UsageError. */
export function prepareOutputs({ json, out }: Outputs, capture: string | undefined): void {
  if (out !== undefined) makeDirectory('--out', out);
  if (capture !== undefined) makeDirectory('--capture', capture);
  if (json === undefined) return;
  makeDirectory('--json', dirname(json));
  const status = statSync(json, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) throw new UsageError(`--json ${json}: is a directory`);
  if (status !== undefined) mustBeWritable('--json', json);
}

/** Writes them; answers with the paths in `out`. Throws a RunError if the disk is full. */
export async function writeOutputs(
  { json, out }: Outputs,
  results: Results,
  samples: ReadonlyMap<number, Float64Array>,
): Promise<string[]> {
  const text = formatResults(results);
  if (json !== undefined) write(json, text);
  if (out === undefined) return [];
  const paths = [join(out, 'results.json'), join(out, 'report.html')];
  write(paths[0]!, text);
  // Plots take half a second to load: only those who print some wait for it.
  const { renderReport } = await import('./report.js');
  write(paths[1]!, renderReport(results, { samples }));
  return paths;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new RunError(`${path} could not be written: ${(error as Error).message}`);
  }
}

function makeDirectory(option: string, path: string): void {
  try {
    makeWithParents(resolve(path));
  } catch (error) {
    throw new UsageError(`${option} ${path}: ${(error as Error).message}`);
  }
  mustBeWritable(option, path);
}

/** Step by step: mkdirSync's `recursive` never returns below /proc (Node 20). */
function makeWithParents(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) return;
  if (status === undefined) makeWithParents(dirname(path));
  mkdirSync(path);
}

function mustBeWritable(option: string, path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new UsageError(`${option} ${path}: ${(error as Error).message}`);
  }
}
