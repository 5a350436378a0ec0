/**
 * One host process as its launcher sees it: `node dist/node/main.js`, started without npm or shell, so that its pid is
 * the process. Where the coordinator listens and the cluster's token go by environment, never by argv.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { hostLabel } from '../run/host-label.js';
import { inspectorFlags } from './inspector-flags.js';
import {
  ENVIRONMENT_VARIABLE,
  printEnvironment,
  type ProcessEnvironment,
} from '../../node/process/process-environment.js';

/**
 * Each run builds its hosts afresh: buffers of megabytes come and go. glibc would learn to take them from its heap,
 * which then keeps what it once grew to: 300 MB after 90 short runs, 115 MB this way.
 */
const MMAP_THRESHOLD = { MALLOC_MMAP_THRESHOLD_: String(128 << 10) };

const ENTRY = fileURLToPath(new URL('../../node/main.js', import.meta.url));
/** A program's line, which names its core (`node/cores/program-console.ts`). */
const NAMED = /^\[host\d+ core \d+ \+/;
/** Lines of standard error that are kept to tell why a process ended. */
const LAST_LINES = 20;

export interface HostProcessOptions {
  readonly hosts: readonly number[];
  readonly environment: ProcessEnvironment;
  /** What the process prints, line by line. */
  readonly print: (line: string) => void;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class HostProcess {
  readonly hosts: readonly number[];
  readonly ended: Promise<Exit>;
  exit: Exit | undefined;
  /** It was told to end: that it does is no loss. */
  isStopping = false;
  /** What it last wrote to standard error. */
  readonly lastLines: string[] = [];
  private readonly child: ChildProcess;

  constructor({ hosts, environment, print }: HostProcessOptions) {
    this.hosts = hosts;
    this.child = spawn(process.execPath, [...inspectorFlags(), '--enable-source-maps', ENTRY], {
      stdio: [environment.lifeline ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: {
        ...MMAP_THRESHOLD,
        ...withoutSecrets(process.env),
        [ENVIRONMENT_VARIABLE]: printEnvironment(environment),
      },
    });
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
      this.child.once('error', (error) => {
        this.lastLines.push(error.message);
        this.exit ??= { code: null, signal: null };
        resolve(this.exit);
      });
    });
    // A process that ended first does not matter to its owner.
    this.child.stdin?.on('error', () => undefined);
    this.forward(this.child.stdout!, print);
    this.forward(this.child.stderr!, (line) => {
      this.lastLines.push(line);
      if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
      print(line);
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** `host2`, `host0 to host3`: what it runs. */
  get label(): string {
    return hostLabel(this.hosts);
  }

  get name(): string {
    return `${this.label} (pid ${this.pid})`;
  }

  /** Ends it at once. Safe in an 'exit' handler. */
  kill(): void {
    if (this.exit === undefined) this.child.kill('SIGKILL');
  }

  /** Lets go of its lifeline: it ends by itself. */
  letGo(): void {
    this.child.stdin?.end();
  }

  private forward(stream: Readable, print: (line: string) => void): void {
    createInterface({ input: stream }).on('line', (line) => {
      print(NAMED.test(line) ? line : `${this.label}: ${line}`);
    });
  }
}

export function describeExit({ code, signal }: Exit): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'could not be started' : `exited with status ${code}`;
}

/** A process receives what it needs of the token; programs, which see its environment, need nothing of it. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('PINWIRE_TOKEN')),
  );
}
