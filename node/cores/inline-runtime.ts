/**
 * Programs in the host's own thread: what the library, most tests and an embedded run use.
 *
 * A segment that never ends keeps the whole process. One that awaits something foreign leaves the thread idle: when all
 * microtasks are done and it has not ended, it never will. A segment that never stops computing is the watchdog's. One
 * that computes for long and checks in is paused now and then, for a turn of the event loop.
 */
import { setImmediate as afterThisTurn } from 'node:timers';
import type { ChainLog } from '../../sim/chain-log.js';
import type { RunSpec } from '../spec/run-spec.js';
import type { ProgramSource } from '../spec/process-machine.js';
import type { Program, Task } from '../program/verbs.js';
import type { CoreRuntime, ProgramResult } from './core-runtime.js';
import { allowGlobals, banGlobals } from './guards.js';
import type { HostCore } from './host-core.js';
import { loadProgram } from './load-program.js';
import { CorePage } from '../program/mailbox/core-page.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import { LostRejections } from './lost-rejections.js';
import { nameLines } from './program-console.js';
import { ProgramCore, type CoreIdentity } from '../program/program-core.js';
import type { ProgramPort } from '../program/program-port.js';
import type { SegmentError } from '../program/segment-error.js';
import { PauseClock } from './pause-clock.js';
import { foreignAwait, startProgram } from './run-segment.js';
import { SegmentWatchdog } from './segment-watchdog.js';
import { toldError, type ToldError } from './told-error.js';

interface Running {
  readonly core: ProgramCore;
  value: unknown;
  failed: boolean;
  error: unknown;
}

export class InlineRuntime implements CoreRuntime {
  readonly parallel = false;
  /** By what their hosts know of them. */
  private readonly pages = new Map<Mailbox, CorePage>();
  private readonly running = new Map<HostCore, Running>();
  private readonly source: ProgramSource | undefined;
  /** Under the real clock a program may ask what time it is. */
  private readonly guarded: boolean;
  private readonly watchdog = SegmentWatchdog.get();
  private readonly rejections = new LostRejections();
  private program: Program | undefined = undefined;
  /** The core whose segment runs, or ran last. */
  private current: ProgramPort | undefined = undefined;
  private currentCore: HostCore | undefined = undefined;
  /** Its program has the thread: its segment runs, and is not paused. */
  private isInside = false;
  private readonly pauses = new PauseClock();
  /** A pause of the segment that runs, from the call for it until its program goes on. */
  private pause: Promise<void> | undefined = undefined;
  private isClosed = false;
  /** The core whose program has the thread. */
  private speaker: ProgramCore | undefined = undefined;
  private readonly leaveConsole = nameLines(() => this.speaker);
  /** {@link look} is to be called when all microtasks are done. */
  private willLook = false;
  /** Why the segment that runs never ends. */
  private endless: SegmentError | undefined = undefined;
  /** Has the host, which awaits the segment's end, look at {@link isBack} again. */
  private goOn: (() => void) | undefined = undefined;

  /** Without a source there is nobody to add. */
  constructor(spec: RunSpec, source: ProgramSource | undefined) {
    this.source = source;
    this.guarded = spec.clock === 'virtual';
    this.watchdog.limit(spec.segmentLimit);
  }

  mailbox(log: ChainLog): Mailbox {
    const page = new CorePage(log);
    this.pages.set(page, page);
    return page;
  }

  async add(core: HostCore, identity: CoreIdentity, task: Task): Promise<void> {
    const program = (this.program ??= await loadProgram(this.source));
    const running: Running = {
      core: new ProgramCore(identity, this.pages.get(core.mailbox)!, this.checkIn),
      value: undefined,
      failed: false,
      error: undefined,
    };
    this.running.set(core, running);
    startProgram(
      running.core,
      () => program(running.core, task),
      (value) => (running.value = value),
      (error) => {
        running.failed = true;
        running.error = error;
      },
    );
  }

  async ready(): Promise<void> {
    // Nothing to wait for: the programs are in this thread.
  }

  resume(core: HostCore): void {
    const { core: own } = this.running.get(core)!;
    this.current = own.port;
    this.currentCore = core;
    this.enter(core, own);
    own.port.resume();
  }

  isBack(): boolean {
    const { endless } = this;
    if (endless === undefined && this.current!.running) return false;
    // A program that waits for more than its pause may end its segment within it.
    if (!this.isInside) this.goInside();
    if (endless === undefined) this.current!.runBackground();
    this.leave();
    this.endless = undefined;
    if (endless !== undefined) throw endless;
    return true;
  }

  /** The end of the segment that runs, or the news that it has none. */
  turn(): Promise<void> {
    this.lookWhenIdle();
    return new Promise(this.expectEnd);
  }

  async result(core: HostCore): Promise<ProgramResult> {
    const { core: own, value, failed, error } = this.running.get(core)!;
    const { counters, port } = own;
    if (port.slip !== undefined) return { value, counters, failure: toldError(port.slip) };
    return { value, counters, failure: failed ? toldError(error) : null };
  }

  giveUp(core: HostCore): Promise<ProgramResult> {
    return this.result(core);
  }

  lost(): Promise<ToldError | undefined> {
    return this.rejections.first();
  }

  async close(): Promise<void> {
    this.leaveConsole();
    await this.rejections.close();
    this.running.clear();
    this.pages.clear();
    // The watchdog, which outlives the run, holds this runtime until the next segment: nothing of a host with it.
    this.isClosed = true;
    this.current = undefined;
    this.currentCore = undefined;
    this.speaker = undefined;
    this.program = undefined;
    this.goOn = undefined;
  }

  /** The program of `core` has the thread from here on. */
  private enter(core: HostCore, own: ProgramCore): void {
    this.isInside = true;
    this.speaker = own;
    this.watchdog.segmentBegins(core.host, core.index, this.endSegment);
    if (this.guarded) banGlobals();
  }

  private goInside(): void {
    const core = this.currentCore!;
    this.enter(core, this.running.get(core)!.core);
  }

  /** The thread is the host's again. */
  private leave(): void {
    this.isInside = false;
    this.speaker = undefined;
    this.watchdog.segmentEnds();
    if (this.guarded) allowGlobals();
  }

  private readonly checkIn = (): Promise<void> | undefined => {
    if (this.pause === undefined && this.pauses.isPauseDue()) {
      this.pause = new Promise((resolve) => {
        afterThisTurn(() => {
          this.endPause(resolve);
        });
      });
      this.lookWhenIdle();
    }
    return this.pause;
  };

  private endPause(goOn: () => void): void {
    this.pause = undefined;
    // The run was given up meanwhile: so is the program.
    if (this.isClosed) return;
    // There may be another segment by now, or none, if nobody waited for this.
    if (!this.isInside && this.current!.running) this.goInside();
    this.lookWhenIdle();
    goOn();
  }

  private readonly expectEnd = (goOn: () => void): void => {
    this.goOn = goOn;
    this.current!.onEnd(goOn);
  };

  private lookWhenIdle(): void {
    if (this.willLook) return;
    this.willLook = true;
    process.nextTick(this.lookLater);
  }

  /** Ticks come before the microtasks that a macrotask leaves, but after all those that a microtask leaves. */
  private readonly lookLater = (): void => {
    queueMicrotask(() => {
      process.nextTick(this.look);
    });
  };

  /** All microtasks are done: a segment that still runs pauses, or awaits what nobody here will resolve. */
  private readonly look = (): void => {
    this.willLook = false;
    if (this.pause !== undefined) {
      if (this.isInside) this.leave();
      return;
    }
    const { current } = this;
    if (current?.running === true && !this.watchdog.hasEnded) {
      this.endSegment(foreignAwait(current));
    }
  };

  private readonly endSegment = (error: SegmentError): void => {
    this.endless = error;
    this.goOn!();
  };
}
