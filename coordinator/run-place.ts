/** Where a command's runs are done: by processes of its own, or by a coordinator elsewhere that serves others too. */
import type { LinkedProcesses } from './formation.js';
import { executeRun, type RunRecord, type RunRequest } from './run.js';

export interface PlacedRun extends RunRequest {
  /** For people: `micro/write-lat, configuration 3 of 24`. */
  readonly name: string;
  /** It cannot begin yet, and why: `waiting for 2 runs before this one`. */
  readonly onWaiting?: (reason: string) => void;
  /** What it waited for has come. */
  readonly onStart?: () => void;
}

export interface RunPlace {
  /** Rejects with a RunError when the run fails or its place is lost. */
  execute(run: PlacedRun): Promise<RunRecord>;
}

/** Processes that run nothing for anybody else; runs are numbered from 1. */
export function runPlaceOf(processes: LinkedProcesses): RunPlace {
  let runs = 0;
  return { execute: (run) => executeRun(processes, ++runs, run) };
}
