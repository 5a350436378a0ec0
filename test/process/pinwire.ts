/**
 * The `pinwire` command as tests run it: started, watched, interrupted; and the processes that it leaves, which must be
 * none.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Results } from '../../coordinator/report/results.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin', 'pinwire.js');
/** The workload that can be told to go wrong. */
export const PING_PONG = join(ROOT, 'test', 'process', 'modules', 'ping-pong.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A program to start instead of node with the command. */
  readonly file?: string;
  /** A command that becomes the one given after it, to start it somewhere else (`ip netns exec NAME`). */
  readonly within?: readonly string[];
  /** Leads a process group of its own, as a terminal's foreground job does. */
  readonly group?: boolean;
}

export class Pinwire {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(
    args: readonly string[],
    { env = {}, file, within = [], group = false }: StartOptions = {},
  ) {
    const start = file === undefined ? [process.execPath, BIN] : [file];
    const command = [...within, ...start, ...args];
    this.child = spawn(command[0]!, command.slice(1), {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: group,
    });
    this.child.stdout!.on('data', (data: Buffer) => (this.stdout += data.toString()));
    this.child.stderr!.on('data', (data: Buffer) => (this.stderr += data.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Waits until standard output holds `text`. */
  async says(text: string): Promise<void> {
    await until(() => this.stdout.includes(text), `"${text}" on standard output`);
  }

  /** Waits until there are `count` host processes below this one; their pids. */
  async hosts(count: number): Promise<number[]> {
    let pids: number[] = [];
    await until(() => {
      pids = hostsBelow(this.child.pid!);
      return pids.length === count;
    }, `${count} host processes`);
    return pids;
  }
}

/** Runs the command to its end. */
export const pinwire = (args: readonly string[], options?: StartOptions): Promise<Ended> =>
  new Pinwire(args, options).ended;

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'pinwire-test-'));

export const readResults = (path: string): Results =>
  JSON.parse(readFileSync(path, 'utf8')) as Results;

/** What must not depend on where the work was done. */
export const reproducible = ({ cluster, results }: Pick<Results, 'cluster' | 'results'>): string =>
  JSON.stringify({ cluster, results });

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${what}`);
    await sleep(20);
  }
}

/** Whether a process is alive; one that has ended and is not yet collected is not. */
export function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid);
}

interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): ProcessLine[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null || match[3]!.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4]! }];
  });
}

function hostsBelow(ancestor: number): number[] {
  const all = processes();
  const below = new Set([ancestor]);
  // Parents may be listed after their children.
  for (let before = 0; before !== below.size;) {
    before = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all
    .filter(({ pid, command }) => below.has(pid) && command.includes('dist/node/main.js'))
    .map(({ pid }) => pid);
}
