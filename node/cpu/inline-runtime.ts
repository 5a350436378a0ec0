/** Programs in the host's own thread: what the library, most tests and an embedded run use. */
import type { RunFailure, RunSpec } from '../run-spec.js';
import type { ProgramSource } from '../process-machine.js';
import type { Program, Task } from '../verbs.js';
import { describeFailure, type CoreRuntime, type ProgramResult } from './core-runtime.js';
import { allowGlobals, banGlobals } from './guards.js';
import type { HostCore } from './host-core.js';
import { loadProgram } from './load-program.js';
import { ProgramCore, type CoreIdentity } from './program-core.js';
import type { ProgramPort } from './program-port.js';
import { foreignAwait, MAX_TURNS, startProgram } from './run-segment.js';

interface Running {
  readonly core: ProgramCore;
  value: unknown;
  error: unknown;
}

export class InlineRuntime implements CoreRuntime {
  readonly parallel = false;
  private readonly running = new Map<HostCore, Running>();
  private readonly source: ProgramSource | undefined;
  /** Under the real clock a program may ask what time it is. */
  private readonly guarded: boolean;
  private program: Program | undefined;
  /** The core whose segment runs, and how many turns it has taken. */
  private current: ProgramPort | undefined;
  private turns = 0;

  /** Without a source there is nobody to add. */
  constructor(spec: RunSpec, source: ProgramSource | undefined) {
    this.source = source;
    this.guarded = spec.clock === 'virtual';
  }

  async add(core: HostCore, identity: CoreIdentity, task: Task): Promise<void> {
    const program = (this.program ??= await loadProgram(this.source));
    const running: Running = {
      core: new ProgramCore(identity, core.page),
      value: undefined,
      error: undefined,
    };
    this.running.set(core, running);
    startProgram(
      running.core,
      () => program(running.core, task),
      (value) => (running.value = value),
      (error) => (running.error = error),
    );
  }

  async ready(): Promise<void> {
    // Nothing to wait for: the programs are in this thread.
  }

  resume(core: HostCore): void {
    this.turns = 0;
    this.current = this.running.get(core)!.core.port;
    if (this.guarded) banGlobals();
    this.current.resume();
  }

  isBack(): boolean {
    if (!this.current!.running) {
      this.current!.runBackground();
      if (this.guarded) allowGlobals();
      return true;
    }
    if (++this.turns > MAX_TURNS) {
      if (this.guarded) allowGlobals();
      throw foreignAwait();
    }
    return false;
  }

  turn(): null {
    return null;
  }

  async result(core: HostCore): Promise<ProgramResult> {
    const running = this.running.get(core)!;
    return { value: running.value, counters: running.core.counters };
  }

  async failure(core: HostCore): Promise<RunFailure> {
    return describeFailure(core, this.running.get(core)!.error);
  }

  async close(): Promise<void> {
    this.running.clear();
  }
}
