/** Digests of many runs, some at a time: each is handed over when it is done, and nothing is left of what was begun. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from './digest.js';
import type { PlannedRun } from './planned-run.js';
import { TreeRun } from './tree-run.js';

export interface RecordingOptions {
  readonly tree: string;
  readonly runs: readonly PlannedRun[];
  /** Runs at the same time. */
  readonly jobs: number;
  /** Called for every run that has ended, in the order in which they end. */
  readonly done: (digest: Digest, seconds: number) => void;
}

export class Recording {
  private readonly options: RecordingOptions;
  private readonly scratch = mkdtempSync(join(tmpdir(), 'pinwire-digests-'));
  private readonly under = new Set<TreeRun>();
  private started = 0;
  private isStopped = false;

  constructor(options: RecordingOptions) {
    this.options = options;
  }

  /** Resolves when every run has ended. */
  async whole(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.options.jobs }, () => this.oneByOne()));
    } finally {
      await this.stop();
    }
  }

  private async oneByOne(): Promise<void> {
    const { tree, runs, done } = this.options;
    while (this.goesOn() && this.started < runs.length) {
      const index = this.started++;
      const begun = performance.now();
      const run = new TreeRun(tree, runs[index]!, join(this.scratch, String(index)));
      this.under.add(run);
      const digest = await run.digest.finally(() => this.under.delete(run));
      if (this.goesOn()) done(digest, (performance.now() - begun) / 1000);
    }
  }

  /** What is interrupted says nothing of the tree. */
  private goesOn(): boolean {
    return !this.isStopped;
  }

  /** Ends what is under way in order; resolves when nothing is left of it. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const run of this.under) run.stop();
    await Promise.allSettled([...this.under].map(({ digest }) => digest));
    this.clear();
  }

  /** Ends everything at once. Safe in an 'exit' handler. */
  kill(): void {
    this.isStopped = true;
    for (const run of this.under) run.kill();
    this.clear();
  }

  private clear(): void {
    rmSync(this.scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
