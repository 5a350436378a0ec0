/**
 * Programs in worker threads, one piscina task per core. A core and its host hand off through Atomics on the core's
 * page; messages only start and end a program. The host waits for a core a few milliseconds at a time, then returns to
 * its event loop, so that sockets and timers live however long a segment is.
 */
import { Piscina } from 'piscina';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { ProgramSource } from '../spec/process-machine.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { Task } from '../program/verbs.js';
import { CONTROL, CorePage } from '../program/mailbox/core-page.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import { hasDebugger } from './attached-debugger.js';
import type { CoreRuntime, ProgramResult } from './core-runtime.js';
import type { HostCore } from './host-core.js';
import type { CoreIdentity } from '../program/program-core.js';
import { SegmentError } from '../program/segment-error.js';
import { endlessText, longText, TELL_MS } from './segment-watchdog.js';
import { spinFor, type Spin } from './spin.js';
import { placeInWorker } from './worker-place.js';

/** What a worker is started with. */
export interface CoreTask {
  readonly identity: CoreIdentity;
  /** The memory of its page. */
  readonly page: SharedArrayBuffer;
  readonly task: Task;
  /** URL of the module that has the program. */
  readonly module: string | undefined;
  readonly spin: number;
  /** The host goes on only when the arithmetic that a segment declared at its end is done. */
  readonly computesFirst: boolean;
}

const WAIT_MS = 5;

/** A segment that has run for long, and what has been done about it. */
interface LongSegment {
  readonly core: HostCore;
  /** When it began, or last checked in: what runs from another time on is another one of these. */
  readonly since: number;
  /** Told on standard error. */
  told: boolean;
  ending: boolean;
  /** Why it is ended, as soon as it is known where it was. */
  error: SegmentError | undefined;
}

interface Worker {
  /** The control words of its page. */
  readonly control: Int32Array;
  readonly outcome: Promise<ProgramResult>;
  /** Set when the worker is gone before its program said how it ended. */
  lost: unknown;
  /** When it was resumed, or was last seen to have checked in, and how often it had by then. */
  since: number;
  checkIns: number;
}

export class WorkerRuntime implements CoreRuntime {
  readonly parallel = true;
  private readonly pool: Piscina<CoreTask, ProgramResult>;
  /** By what their hosts know of them. */
  private readonly pages = new Map<Mailbox, CorePage>();
  private readonly workers = new Map<HostCore, Worker>();
  private readonly module: string | undefined;
  private readonly spin: Spin;
  private readonly computesFirst: boolean;
  private readonly limit: number;
  private long: LongSegment | undefined = undefined;

  constructor(spec: RunSpec, source: ProgramSource | undefined) {
    if (typeof source === 'function') throw new Error('a function cannot go to a worker');
    const local = spec.programs.filter(({ host }) => spec.local.includes(host)).length;
    this.module = source;
    this.limit = spec.segmentLimit;
    this.computesFirst = spec.faults !== null;
    this.spin = spinFor(Math.ceil(spec.hosts / spec.local.length), spec.programs.length);
    this.pool = new Piscina<CoreTask, ProgramResult>({
      filename: new URL('./core-worker.js', import.meta.url).href,
      minThreads: Math.max(1, local),
      maxThreads: Math.max(1, local),
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
    });
  }

  mailbox(): Mailbox {
    // Its chains are in the page, for the thread that has the program.
    const page = new CorePage(undefined);
    this.pages.set(page, page);
    return page;
  }

  async add(core: HostCore, identity: CoreIdentity, task: Task): Promise<void> {
    const { module, spin, computesFirst } = this;
    const { buffer: page, control } = this.pages.get(core.mailbox)!;
    const worker: Worker = {
      control,
      outcome: this.pool.run({ identity, page, task, module, spin: spin.core, computesFirst }),
      lost: undefined,
      since: 0,
      checkIns: 0,
    };
    worker.outcome.catch((error: unknown) => (worker.lost = error));
    this.workers.set(core, worker);
  }

  async ready(): Promise<void> {
    for (const worker of this.workers.values()) {
      while (Atomics.load(worker.control, CONTROL.ready) === 0) {
        if (worker.lost !== undefined) throw toError(worker.lost);
        await pause(1);
      }
    }
  }

  resume(core: HostCore): void {
    const worker = this.workers.get(core)!;
    const { control } = worker;
    worker.since = performance.now();
    Atomics.add(control, CONTROL.go, 1);
    Atomics.notify(control, CONTROL.go);
  }

  isBack(core: HostCore): boolean {
    const worker = this.workers.get(core)!;
    if (this.waitBriefly(worker)) return true;
    const { lost } = worker;
    if (lost !== undefined && !this.waitBriefly(worker)) throw toError(lost);
    const elapsed = silenceOf(worker);
    const isLong = elapsed >= TELL_MS || (this.limit > 0 && elapsed >= this.limit);
    if (isLong && !hasDebugger()) this.look(core, worker.since, elapsed);
    return false;
  }

  /** Tells of a segment that has run for long, and throws when it has run for too long. */
  private look(core: HostCore, since: number, elapsed: number): void {
    if (this.long?.core !== core || this.long.since !== since) {
      this.long = { core, since, told: false, ending: false, error: undefined };
    }
    const { long, limit } = this;
    if (long.error !== undefined) throw long.error;
    const ends = limit > 0 && elapsed >= limit;
    if (ends ? long.ending : long.told) return;
    long.told = true;
    long.ending = ends;
    const name = `host${core.host} core ${core.index}`;
    void placeInWorker(name).then((place = 'a line that cannot be shown') => {
      const text = endlessText(name, Math.floor(elapsed / 1000), place);
      if (ends) long.error = new SegmentError(text);
      else console.error(longText(text, limit));
    });
  }

  turn(): Promise<void> {
    return nextTurn();
  }

  async result(core: HostCore): Promise<ProgramResult> {
    return this.workers.get(core)!.outcome;
  }

  giveUp(core: HostCore): Promise<ProgramResult> {
    Atomics.store(this.workers.get(core)!.control, CONTROL.over, 1);
    this.resume(core);
    return this.result(core);
  }

  /** Each worker tells of its own. */
  async lost(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
    this.workers.clear();
    this.pages.clear();
  }

  /** Spins as far as it may; whether the core has ended its segment. */
  private waitBriefly({ control }: Worker): boolean {
    const go = Atomics.load(control, CONTROL.go);
    for (let turn = 0; turn <= this.spin.host; turn++) {
      if (Atomics.load(control, CONTROL.done) === go) return true;
    }
    const done = Atomics.load(control, CONTROL.done);
    if (done !== go) Atomics.wait(control, CONTROL.done, done, WAIT_MS);
    return Atomics.load(control, CONTROL.done) === go;
  }
}

/** For how many ms of wall time its segment has run without checking in. */
function silenceOf(worker: Worker): number {
  const now = performance.now();
  const checkIns = Atomics.load(worker.control, CONTROL.checkIns);
  if (checkIns !== worker.checkIns) {
    worker.checkIns = checkIns;
    worker.since = now;
  }
  return now - worker.since;
}

const toError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
