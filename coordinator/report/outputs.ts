/**
 * The files that a command leaves behind: `--json FILE`, results.json and report.html in `--out DIR`, and percentile
 * distributions in `--hgrm DIR`. Each is written beside its place and renamed, so that nobody reads half of one.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { formatHgrm } from './hgrm.js';
import { formatResults, type Results } from './results.js';
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';

export interface Outputs {
  /** A file, or {@link STANDARD_OUTPUT}. */
  readonly json: string | undefined;
  readonly hgrm: string | undefined;
  /** Undefined for none: `explain` leaves no directory unless it is asked to. */
  readonly out: string | undefined;
}

/** `--json -`. */
export const STANDARD_OUTPUT = '-';
export const DEFAULT_OUT = join('results', 'latest');

/** Makes the directories, and finds out before anything starts whether all can be written. Throws a UsageError. */
export function prepareOutputs({ json, hgrm, out }: Outputs, capture: string | undefined): void {
  if (out !== undefined) makeDirectory('--out', out);
  if (capture !== undefined) makeDirectory('--capture', capture);
  if (hgrm !== undefined) makeDirectory('--hgrm', hgrm);
  if (json === undefined || json === STANDARD_OUTPUT) return;
  makeDirectory('--json', dirname(json));
  const status = statSync(json, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) throw new UsageError(`--json ${json}: is a directory`);
  if (status !== undefined) mustBeWritable('--json', json);
}

/** Writes them; answers with the paths in `out`. Throws a RunError if the disk is full. */
export async function writeOutputs(
  { json, hgrm, out }: Outputs,
  results: Results,
  samples: ReadonlyMap<number, Float64Array>,
): Promise<string[]> {
  const text = formatResults(results);
  if (json !== undefined && json !== STANDARD_OUTPUT) write(json, text);
  if (hgrm !== undefined) writeDistributions(hgrm, results, samples);
  if (out === undefined) return [];
  const paths = [join(out, 'results.json'), join(out, 'report.html')];
  write(paths[0]!, text);
  // Plots take half a second to load: only those who print some wait for it.
  const { renderReport } = await import('./report.js');
  write(paths[1]!, renderReport(results, { samples }));
  return paths;
}

/** `micro-write-lat.hgrm`; with several results of one workload `micro-write-lat-1.hgrm`, ... in their order. */
function writeDistributions(
  directory: string,
  { results }: Results,
  samples: ReadonlyMap<number, Float64Array>,
): void {
  const written = new Map<string, number>();
  for (const [index, { workload }] of results.entries()) {
    const latencies = samples.get(index);
    const number = (written.get(workload) ?? 0) + 1;
    written.set(workload, number);
    if (latencies === undefined || latencies.length === 0) continue;
    const isAlone = results.filter((each) => each.workload === workload).length === 1;
    const name = workload.replaceAll(/[^\w.-]/g, '-') + (isAlone ? '' : `-${number}`);
    write(join(directory, `${name}.hgrm`), formatHgrm(latencies));
  }
}

/** What is no regular file (a pipe, a device) has no place beside it, and is written as it is. */
function write(path: string, text: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  const place = status === undefined || status.isFile() ? beside : path;
  try {
    writeFileSync(place, text);
    if (place === beside) renameSync(beside, path);
  } catch (error) {
    if (place === beside) rmSync(beside, { force: true });
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
