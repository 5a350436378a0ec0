/**
 * One run of a tree's command in a scratch directory of its own, bounded in time, and its digest. Nothing is left of
 * it: the command leads a process group that is killed if it does not end by itself, and its temporary files are in the
 * directory.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { digestFiles, digestResults, type Digest } from './digest.js';
import type { PlannedRun } from './planned-run.js';

/** From the request to end in order until the whole group is killed. */
const GRACE_MS = 5000;
const TIMED_OUT = 'timed out';

export class TreeRun {
  /** Resolves when nothing of the run is left but its digest. */
  readonly digest: Promise<Digest>;
  private readonly child: ChildProcessByStdio<null, null, Readable>;
  private isLate = false;

  /** Starts `run` by the command of the tree at `tree`, in a new directory `scratch`. */
  constructor(tree: string, run: PlannedRun, scratch: string) {
    const temporary = join(scratch, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const outputs = ['--quiet', '--json', 'results.json', '--out', 'out'];
    const command = [commandOf(tree), ...run.argv, ...outputs];
    this.child = spawn(process.execPath, command, {
      cwd: scratch,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.digest = this.toItsEnd(run, scratch);
  }

  private async toItsEnd(run: PlannedRun, scratch: string): Promise<Digest> {
    let complaint = '';
    this.child.stderr.on('data', (piece: Buffer) => (complaint += piece.toString()));
    const timer = setTimeout(() => {
      this.isLate = true;
      this.stop();
    }, run.seconds * 1000);
    try {
      // Resolved once its output is read to the end, as its host processes have it too.
      const [code, signal] = (await once(this.child, 'close')) as [number | null, string | null];
      const exit = this.isLate ? TIMED_OUT : (code ?? signal ?? 'unknown');
      return digestOf(run, exit, complaint, scratch);
    } finally {
      clearTimeout(timer);
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** Asks the command to end in order, and kills it if it does not. */
  stop(): void {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), GRACE_MS);
    this.child.once('close', () => clearTimeout(timer));
  }

  /** Ends the command and its processes at once. */
  kill(): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** A tree's command. */
export const commandOf = (tree: string): string => join(tree, 'bin', 'pinwire.js');

export const isTimedOut = ({ exit }: Digest): boolean => exit === TIMED_OUT;

function digestOf(
  { name, argv }: PlannedRun,
  exit: number | string,
  complaint: string,
  scratch: string,
): Digest {
  const json = join(scratch, 'results.json');
  const captures = digestFiles(join(scratch, 'captures'));
  return {
    name,
    argv,
    exit,
    ...(exit !== 0 && { error: firstLine(complaint).replaceAll(scratch, '.') }),
    ...(existsSync(json) && digestResults(readFileSync(json, 'utf8'))),
    ...(Object.keys(captures).length > 0 && { captures }),
  };
}

/** What the command itself says of a failure, else the first thing that anything of it said. */
function firstLine(complaint: string): string {
  const lines = complaint.split('\n').map((line) => line.trim());
  return lines.find((line) => line.startsWith('pinwire: ')) ?? lines.find(Boolean) ?? '';
}
