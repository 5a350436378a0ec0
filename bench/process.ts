/** Runs a bench over real processes, through the CLI as a user would, and reads what its run says of itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ProcessRun {
  /** First to last virtual instant, in wall seconds, and the launch before it. */
  readonly wall: number;
  readonly start: number;
  readonly events: number;
  readonly packets: number;
  readonly rounds: number;
  /** Greatest resident memory of one host process in MB; NaN where /proc does not tell. */
  readonly memory: number;
}

const CLI = fileURLToPath(new URL('../../bin/pinwire.js', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('./programs.js', import.meta.url));
const SAMPLE_MS = 50;

/** `pinwire run` of the bench's own programs, or of the workload named first in `argv`. */
export async function runProcessBench(argv: readonly string[]): Promise<ProcessRun> {
  const directory = mkdtempSync(join(tmpdir(), 'pinwire-bench-'));
  const json = join(directory, 'results.json');
  const named = argv[0]?.startsWith('--') === false;
  const args = [
    'run',
    ...(named ? [] : [PROGRAMS]),
    ...argv,
    '--json',
    json,
    '--out',
    directory,
    '--quiet',
  ];
  try {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (piece: Buffer) => (complaint += piece.toString()));
    let memory = NaN;
    const sampler = setInterval(() => (memory = maximum(memory, residentOf(child))), SAMPLE_MS);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    clearInterval(sampler);
    if (code !== 0) throw new Error(`pinwire ${args.join(' ')} ended with ${code}: ${complaint}`);
    const { run } = JSON.parse(readFileSync(json, 'utf8')) as { run: Record<string, number> };
    return {
      wall: run['wall_s']!,
      start: run['start_s']!,
      events: run['events']!,
      packets: run['packets']!,
      rounds: run['rounds']!,
      memory,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const maximum = (a: number, b: number): number => (Number.isNaN(a) || b > a ? b : a);

/** The largest resident set among the children of the CLI, in MB. */
function residentOf({ pid }: ChildProcess): number {
  let largest = NaN;
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8');
      for (const child of children.split(' ').filter((id) => id !== '')) {
        const status = readFileSync(`/proc/${child}/status`, 'utf8');
        const kilobytes = /VmRSS:\s+(\d+)/.exec(status)?.[1];
        if (kilobytes !== undefined) largest = maximum(largest, Number(kilobytes) / 1e3);
      }
    }
  } catch {
    // No /proc here, or the process has just ended: what was seen before stands.
  }
  return largest;
}
