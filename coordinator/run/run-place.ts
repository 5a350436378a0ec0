/** Where a command's runs are done: by processes of its own, or by a coordinator elsewhere that serves others too. */
import type { RunRecord, RunRequest } from './run.js';

export interface PlacedRun extends RunRequest {
  /** For people: `micro/write-lat, configuration 3 of 24`. */
  readonly name: string;
  /** It cannot begin yet, and why: `waiting for 2 runs ahead of this one`. */
  readonly onWaiting?: (reason: string) => void;
  /** What it waited for has come. */
  readonly onStart?: () => void;
}

export interface RunPlace {
  /** Of the host processes. */
  readonly pids: readonly number[];
  /** Connections that were turned away. */
  readonly refused: number;
  /** Rejects with a RunError when the run fails or its place is lost. */
  execute(run: PlacedRun): Promise<RunRecord>;
  /** Nothing is left of the command's own part afterwards. */
  stop(): Promise<void>;
  /** Ends it at once. Safe in an 'exit' handler. */
  kill(): void;
}
