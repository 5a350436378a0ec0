/**
 * Runs a command and says how much CPU time it took, user and system, with all the processes that it started and waited
 * for: `pinwire run` starts a process for its hosts, and `smpirun` is a shell script. Node tells that of itself only,
 * so bash's `time` does it, which every Debian has: it reads what the kernel counted for children that have ended
 * (wait4).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { RunError } from '../../coordinator/errors/run-error.js';

/** File descriptor 3 is a pipe for the figures; the command keeps its own standard error. */
const TIMED = `TIMEFORMAT='%3U %3S'; { time "$@" 2>&4 3>&- 4>&-; } 4>&2 2>&3`;
/** Time to end in good order before it is killed. */
const GRACE_MS = 2000;

export interface TimedRun {
  /** Seconds. */
  readonly cpu: number;
  readonly output: string;
}

/** One command at a time, each the leader of a process group, so that nothing of it is left when it has to go. */
export class TimedCommands {
  private readonly scratch: string;
  private running: ChildProcess | undefined;
  private isStopped = false;

  /** Commands run in `scratch`, and find it as the place for temporary files: some leave them when they are killed. */
  constructor(scratch: string) {
    this.scratch = scratch;
  }

  /** Throws a RunError if the command fails, or cannot be started. */
  async run(command: readonly string[]): Promise<TimedRun> {
    if (this.isStopped) throw new RunError('stopped');
    const child = spawn('bash', ['-c', TIMED, 'bash', ...command], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      cwd: this.scratch,
      env: { ...process.env, TMPDIR: this.scratch },
      detached: true,
    });
    this.running = child;
    const [, output, complaint, figures] = child.stdio.map(gathered);
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) =>
        resolve(code === 0 ? undefined : `ended with ${signal ?? `status ${code}`}`),
      );
    });
    this.running = undefined;
    if (failure !== undefined) {
      const said = complaint!.text.trim() === '' ? output!.text : complaint!.text;
      throw new RunError(`${command.join(' ')} ${failure}: ${tellingLine(said)}`);
    }
    return { cpu: cpuSeconds(figures!.text), output: output!.text };
  }

  /** Ends what runs, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const child = this.running;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    signal(child, 'SIGTERM');
    const timer = setTimeout(() => this.kill(), GRACE_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Ends it at once. Safe in an 'exit' handler. */
  kill(): void {
    if (this.running !== undefined) signal(this.running, 'SIGKILL');
  }
}

/** Seconds out of bash's `1.234 0.567`: user and system. */
export function cpuSeconds(figures: string): number {
  const match = /^(\d+[.,]\d+) (\d+[.,]\d+)\n$/.exec(figures);
  if (match === null) throw new RunError(`bash's time says "${figures.trim()}"`);
  // Some locales write a comma.
  const [user, system] = match.slice(1).map((text) => Number(text.replace(',', '.')));
  return user! + system!;
}

/** Compilers name the error first and explain it afterwards. */
function tellingLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /\berror: |^wrong: /.test(line)) ?? lines.at(-1) ?? 'it says nothing';
}

function gathered(stream: ChildProcess['stdio'][number]): { text: string } {
  const all = { text: '' };
  stream?.on('data', (piece: Buffer) => (all.text += piece.toString()));
  return all;
}

function signal(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name);
  } catch {
    // It has just ended.
  }
}
