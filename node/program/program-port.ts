/**
 * The program's side of a core: its local time, the one await that may be pending, and the calls into the host.
 * Everything a program does to the emulator goes through here.
 */
import { draw, type DrawnCost } from '../../sim/cost.js';
import type { RandomStream } from '../../sim/random.js';
import type { CallAnswer, CallArguments, CallName, CallOutcome } from './mailbox/calls.js';
import { STAGE } from '../../sim/stages.js';
import { VerbsError } from '../spec/verbs-error.js';
import { AWAIT } from '../spec/awaits.js';
import { CELL, MAX_TEXT, OPERATION_ROW, type CorePage } from './mailbox/core-page.js';
import { SegmentError } from './segment-error.js';

/** What an await is called in the program, by its code. */
const AWAITED: Readonly<Record<number, string>> = {
  [AWAIT.poll]: 'poll',
  [AWAIT.busyPoll]: 'busyPoll',
  [AWAIT.watch]: 'watch',
  [AWAIT.idle]: 'sleep',
  [AWAIT.busy]: 'work',
  [AWAIT.any]: 'core.any',
  [AWAIT.event]: 'event',
  [AWAIT.hear]: 'hear',
  [AWAIT.system]: 'a socket call',
};

/**
 * After these a program lets a few turns of its promises pass before its host takes over: enough for one that did not
 * wait for the answer to go on, or to return, and be found out, wherever it runs. What is polled in a loop needs no
 * such time.
 */
const LINGERS =
  (1 << AWAIT.call) |
  (1 << AWAIT.idle) |
  (1 << AWAIT.busy) |
  (1 << AWAIT.event) |
  (1 << AWAIT.hear);
const LINGER_TURNS = 8;
const TURN = Promise.resolve();

/**
 * What the runtime of a core does when its program checks in: it notes that the program is not stuck. Where the program
 * has the host's own thread, it answers a pause when that thread is needed for something else.
 */
export type CheckIn = () => Promise<void> | undefined;

export class ProgramPort {
  /** The core's local time in ps: it runs ahead of the host within a segment. */
  now = 0;
  /** A segment is running. */
  running = false;
  readonly page: CorePage;
  /** Physical memory of the host. */
  readonly memory: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Arithmetic to be done between this segment and the next, while the host goes on. */
  background: (() => void) | undefined = undefined;
  /**
   * The first rule of segments that the program broke. It fails with this, whatever it makes of the error that it got.
   */
  slip: SegmentError | undefined = undefined;
  private readonly random: RandomStream;
  private readonly checkedIn: CheckIn;
  private wake: (() => void) | undefined = undefined;
  /** Called when the segment ends, once. */
  private ended: (() => void) | undefined = undefined;
  /** What the pending await waits for, and the call that it is, if it is one, with the place that made it. */
  private awaits = 0;
  private calling = '';
  private callSite: Error | undefined = undefined;
  private isOver = false;

  constructor(page: CorePage, memory: ArrayBufferLike, random: RandomStream, checkedIn: CheckIn) {
    this.page = page;
    this.memory = memory;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.random = random;
    this.checkedIn = checkedIn;
  }

  /** The core is busy for a drawn cost, which the current operation counts as `stage`. */
  spend(cost: DrawnCost, stage: number): void {
    this.pass(draw(cost, this.random), stage);
  }

  pass(length: number, stage: number): void {
    this.now += length;
    this.page.chains.advance(OPERATION_ROW, stage, this.now);
  }

  /** The program is not stuck. Its segment goes on at the same virtual time: nothing of this reaches its host. */
  async checkIn(): Promise<void> {
    if (!this.running) throw this.calledAmiss('core.checkIn was called');
    // A loop that forgets to await this never lets it happen, wherever it runs: it has not checked in.
    await TURN;
    const pause = this.checkedIn();
    if (pause !== undefined) await pause;
  }

  /** Ends the segment: the program goes on when the host resumes it. */
  suspend(awaits: number, argument0 = 0, argument1 = 0, argument2 = 0): Promise<void> {
    if (!this.running) throw this.calledAmiss('a second await is pending on this core');
    const { page } = this;
    this.awaits = awaits;
    page.set(CELL.time, this.now);
    page.set(CELL.awaits, awaits);
    page.setArgument(0, argument0);
    page.setArgument(1, argument1);
    page.setArgument(2, argument2);
    this.segmentEnds();
    return new Promise((resolve) => (this.wake = resolve));
  }

  /**
   * What is wrong with a call while no segment runs: the program did not wait for the one before. The program fails,
   * even if it forgets this error: at once while its host has not yet looked at what it awaits, else where it would go
   * on.
   */
  calledAmiss(what: string): SegmentError {
    if (this.isOver) {
      this.slip ??= new SegmentError('the emulator was called after the program had ended');
    } else if (this.wake === undefined) {
      this.slip ??= new SegmentError('the emulator was called outside a segment of this core');
    } else {
      this.slip ??= this.withCallSite(
        `${what} while ${this.pending} has not answered: await it first (is an await missing?), ` +
          'or wait for several with core.any([...])',
      );
    }
    this.page.set(CELL.awaits, AWAIT.fail);
    return this.slip;
  }

  /** The program begins with its first resumption. */
  expectResume(wake: () => void): void {
    this.wake = wake;
  }

  /** The host resumes the program at the page's time. */
  resume(): void {
    const { wake } = this;
    this.now = this.page.get(CELL.time);
    if (this.slip !== undefined || this.isOver) {
      // It failed while its host already waited for what it had awaited before.
      this.page.set(CELL.awaits, AWAIT.fail);
      this.segmentEnds();
      return;
    }
    this.running = true;
    this.wake = undefined;
    wake?.();
  }

  /** Does what was declared with the segment's end, if anything. */
  runBackground(): void {
    const { background } = this;
    this.background = undefined;
    background?.();
  }

  /** The program is over. */
  end(awaits: typeof AWAIT.exit | typeof AWAIT.fail): void {
    if (this.isOver) return;
    if (this.wake !== undefined && awaits === AWAIT.exit && this.slip === undefined) {
      this.slip = this.withCallSite(
        `the program returned while ${this.pending} had not answered: an await is missing`,
      );
    }
    this.isOver = true;
    this.page.set(CELL.time, this.now);
    this.page.set(CELL.awaits, this.slip === undefined ? awaits : AWAIT.fail);
    this.segmentEnds();
  }

  /** Has `ended` called when the segment that runs now has ended. */
  onEnd(ended: () => void): void {
    this.ended = ended;
  }

  private get pending(): string {
    return this.awaits === AWAIT.call ? this.calling : (AWAITED[this.awaits] ?? 'its first await');
  }

  /** An error that leads to where the pending call was made, which is where the await is missing. */
  private withCallSite(message: string): SegmentError {
    const error = new SegmentError(message);
    const site = this.awaits === AWAIT.call ? this.callSite?.stack : undefined;
    if (site !== undefined) error.stack = `${error.name}: ${message}\n${site}`;
    return error;
  }

  /** An error about the segment that runs: it says what the program awaited last, and a call's line. */
  afterLastAwait(problem: string): SegmentError {
    if (this.awaits === 0) return new SegmentError(`${problem}; it has awaited none of them yet`);
    return this.withCallSite(`${problem}; it last awaited ${this.pending}`);
  }

  get lingers(): boolean {
    return !this.isOver && (LINGERS & (1 << this.awaits)) !== 0;
  }

  /** Lets what the program does without waiting come first. */
  async linger(): Promise<void> {
    for (let turn = 0; turn < LINGER_TURNS; turn++) await TURN;
  }

  private segmentEnds(): void {
    const { ended } = this;
    this.running = false;
    this.ended = undefined;
    if (ended === undefined) return;
    if (!this.lingers) ended();
    else void this.linger().then(ended);
  }

  async call<N extends CallName>(name: N, args: CallArguments<N>): Promise<CallAnswer<N>> {
    if (!this.running) throw this.calledAmiss(`${name} was called`);
    this.calling = name;
    this.callSite = new Error(name);
    if (!this.page.writeText({ name, args })) {
      throw new VerbsError('EINVAL', `${name}: more than ${MAX_TEXT} bytes of arguments`);
    }
    await this.suspend(AWAIT.call);
    this.page.chains.advance(OPERATION_ROW, STAGE.syscall, this.now);
    const outcome = this.page.readText() as CallOutcome;
    if ('errno' in outcome) throw new VerbsError(outcome.errno, outcome.message);
    return outcome.ok as CallAnswer<N>;
  }
}
