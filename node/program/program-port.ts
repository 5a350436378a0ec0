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

/** A program that broke the rules of segments: a mistake in the program, told with its stack. */
export class SegmentError extends Error {
  override readonly name = 'SegmentError';
}

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
  background: (() => void) | undefined;
  private readonly random: RandomStream;
  private wake: (() => void) | undefined;
  /** Called when the segment ends, once. */
  private ended: (() => void) | undefined;

  constructor(page: CorePage, memory: ArrayBufferLike, random: RandomStream) {
    this.page = page;
    this.memory = memory;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.random = random;
  }

  /** The core is busy for a drawn cost, which the current operation counts as `stage`. */
  spend(cost: DrawnCost, stage: number): void {
    this.pass(draw(cost, this.random), stage);
  }

  pass(length: number, stage: number): void {
    this.now += length;
    this.page.chains.advance(OPERATION_ROW, stage, this.now);
  }

  /** Ends the segment: the program goes on when the host resumes it. */
  suspend(awaits: number, argument0 = 0, argument1 = 0, argument2 = 0): Promise<void> {
    if (this.wake !== undefined) {
      throw new SegmentError(
        'a second await is pending on this core: await the first one, or wait for several with core.any([...])',
      );
    }
    if (!this.running) {
      throw new SegmentError('the emulator was called outside a segment of this core');
    }
    const { page } = this;
    page.set(CELL.time, this.now);
    page.set(CELL.awaits, awaits);
    page.setArgument(0, argument0);
    page.setArgument(1, argument1);
    page.setArgument(2, argument2);
    this.segmentEnds();
    return new Promise((resolve) => (this.wake = resolve));
  }

  /** The program begins with its first resumption. */
  expectResume(wake: () => void): void {
    this.wake = wake;
  }

  /** The host resumes the program at the page's time. */
  resume(): void {
    const { wake } = this;
    this.now = this.page.get(CELL.time);
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
    this.page.set(CELL.time, this.now);
    this.page.set(CELL.awaits, awaits);
    this.segmentEnds();
  }

  /** Has `ended` called when the segment that runs now has ended. */
  onEnd(ended: () => void): void {
    this.ended = ended;
  }

  private segmentEnds(): void {
    const { ended } = this;
    this.running = false;
    this.ended = undefined;
    ended?.();
  }

  async call<N extends CallName>(name: N, args: CallArguments<N>): Promise<CallAnswer<N>> {
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
