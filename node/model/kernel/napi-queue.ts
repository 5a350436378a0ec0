/**
 * A receive queue as its driver sees it, in the manner of Linux's NAPI: the first frame of an idle queue arranges an
 * interrupt, moderated; the interrupt begins a softirq on the queue's core, which takes frames one by one until none is
 * left, and gives way to the core's program when it has taken more than its budget. A busy-polling program does the
 * softirq's work itself, without interrupts.
 */
import { draw, type DrawnCost } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { InterruptModeration, NO_INTERRUPT } from '../nic/interrupt-moderation.js';
import { ReceiveRing, type ReceiveRingParts, type RingDriver } from '../nic/receive-ring.js';
import type { Profile } from '../../spec/profile.js';
import type { KernelContext } from './kernel-context.js';
import type { CoreWaiter, KernelCore } from './kernel-core.js';
import { MergedFrames } from './merged-frames.js';

const INTERRUPT = 0;
const POLL = 1;
const INJECTED = 2;
/** The end of a pause that its program did not cut short; the argument numbers it. */
const PAUSE_ENDS = 3;

/** Who takes frames up the stack. */
export interface FrameHandler {
  /** Frame `slot` came over queue `queue`: handles it at the context's time and gives it back, or holds it. */
  frame(slot: FrameSlot, queue: NapiQueue): void;
  /** Handles what `queue` holds. */
  flush(queue: NapiQueue): void;
}

/** How the interrupts of a virtual machine reach it. */
export interface InterruptPath {
  /** When the core of the machine has an interrupt that the device raises at `at`. */
  reaches(at: number): number;
  /** What that core pays before its own handler begins. */
  readonly entry: DrawnCost;
}

export interface NapiParts {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly pool: FramePool;
  readonly context: KernelContext;
  readonly random: RandomStream;
  readonly handler: FrameHandler;
  /** Null on the bare host. */
  readonly interrupts: InterruptPath | null;
}

export class NapiQueue implements EventSink, RingDriver, CoreWaiter {
  readonly ring: ReceiveRing;
  /** Where its interrupts go. */
  core: KernelCore;
  /** The core that polls it for a program: no interrupt is wanted meanwhile. */
  poller: KernelCore | undefined = undefined;
  readonly moderation: InterruptModeration;
  /** The hash of the frame being handled, as its descriptor had it. */
  hash = 0;
  /** What waits for frames that continue it; never beyond a poll. */
  readonly held: MergedFrames;
  /** Frames of this softirq, and when its present batch began. */
  private polled = 0;
  private batchFrom = 0;
  /** Pauses so far. */
  private pauses = 0;
  /** When the last interrupt was over. */
  private entered = 0;
  private readonly sink: number;
  private readonly parts: NapiParts;

  constructor(index: number, core: KernelCore, parts: NapiParts, ringParts: ReceiveRingParts) {
    const { kernel } = parts.profile;
    this.core = core;
    this.parts = parts;
    this.held = new MergedFrames(parts.pool);
    this.moderation = new InterruptModeration(kernel);
    this.ring = new ReceiveRing(index, kernel.ringSize, ringParts, this);
    this.sink = parts.scheduler.register(this);
  }

  arrived(): void {
    const { moderation } = this;
    if (moderation.polled) return;
    if (this.poller !== undefined) {
      this.pollForProgram();
      return;
    }
    const at = moderation.arrival(this.parts.scheduler.now);
    if (at !== NO_INTERRUPT) this.schedule(at, INTERRUPT);
  }

  /** Core `core` begins to poll for a program: what is there already it takes now. */
  beginPolling(core: KernelCore): void {
    this.poller = core;
    if (!this.moderation.polled && this.ring.length > 0) this.pollForProgram();
  }

  endPolling(core: KernelCore): void {
    if (this.poller === core) this.poller = undefined;
  }

  handle(kind: number, argument: number): void {
    if (kind === INTERRUPT) this.interrupt();
    else if (kind === INJECTED) this.enter();
    else if (kind === POLL) this.poll();
    else if (argument === this.pauses) this.endPause();
  }

  /** The program for which the softirq made way has nothing more to do. */
  coreIsFree(at: number): void {
    this.pauses++;
    const { now } = this.parts.scheduler;
    this.batchFrom = at > now ? at : now;
    this.schedule(this.batchFrom, POLL);
  }

  private pollForProgram(): void {
    const { scheduler, profile, random } = this.parts;
    this.moderation.silence();
    this.polled = 0;
    this.batchFrom = scheduler.now;
    this.schedule(scheduler.now + draw(profile.kernel.busyPoll, random), POLL);
  }

  private interrupt(): void {
    const { scheduler, interrupts } = this.parts;
    const { now } = scheduler;
    if (!this.moderation.fires(now)) return;
    const at = interrupts === null ? now : interrupts.reaches(now);
    if (at > now) this.schedule(at, INJECTED);
    else this.enter();
  }

  /** The interrupt is at the core. */
  private enter(): void {
    const { scheduler, profile, random, interrupts } = this.parts;
    const { now } = scheduler;
    const { core } = this;
    const start = core.from(now);
    let end = start + draw(profile.kernel.irq, random);
    if (interrupts !== null) end += draw(interrupts.entry, random);
    if (core.asleep(now)) end += draw(profile.kernel.idleExit, random);
    core.worked(start, end);
    this.entered = this.batchFrom = end;
    this.polled = 0;
    this.schedule(end, POLL);
  }

  /** Takes one frame up the stack; the next one when that is done. After the last, what is held. */
  private poll(): void {
    const { scheduler, pool, context, handler, profile } = this.parts;
    const slot = this.ring.take();
    if (slot === NO_FRAME_SLOT && this.held.count === 0) {
      this.moderation.complete(scheduler.now, 0);
      return;
    }
    const core = this.poller ?? this.core;
    const start = core.from(scheduler.now);
    if (slot === NO_FRAME_SLOT) {
      context.begin(core.index, start);
      handler.flush(this);
      core.worked(start, context.time);
      this.schedule(context.time, POLL);
      return;
    }
    this.hash = this.ring.hash;
    pool.chains.advance(slot, STAGE.irq, this.entered < start ? this.entered : start);
    pool.chains.advance(slot, STAGE.softirq, start);
    context.begin(core.index, start, pool.chains, slot);
    handler.frame(slot, this);
    this.polled++;
    if (this.polled % profile.kernel.napiBudget === 0) handler.flush(this);
    core.worked(start, context.time);
    if (this.isOverBudget(core)) this.pause(core, context.time);
    else this.schedule(context.time, POLL);
  }

  /**
   * Whether a batch is over beyond the softirq's budget, and a program wants the core. A busy-polling one has it
   * already.
   */
  private isOverBudget(core: KernelCore): boolean {
    const { netdevBudget, napiBudget } = this.parts.profile.kernel;
    if (this.polled < netdevBudget || this.polled % napiBudget !== 0) return false;
    if (core.wanted && this.poller === undefined) return true;
    this.batchFrom = core.freeAt;
    return false;
  }

  /**
   * Beyond its budget the softirq goes on as a thread (ksoftirqd), which shares the core with a program that wants it:
   * after each batch it is off for as long as the batch took, or until the program has nothing more to do. Linux's
   * scheduler gives longer turns; each side's share is the same.
   */
  private pause(core: KernelCore, now: number): void {
    const { scheduler, sequencer } = this.parts;
    const until = now + (now - this.batchFrom);
    this.batchFrom = until;
    this.pauses++;
    core.yieldTo(this);
    scheduler.at(until, sequencer.key(), this.sink, PAUSE_ENDS, this.pauses);
  }

  private endPause(): void {
    this.core.stopYielding(this);
    this.poll();
  }

  private schedule(at: number, kind: number): void {
    const { scheduler, sequencer } = this.parts;
    scheduler.at(at, sequencer.key(), this.sink, kind, 0);
  }
}
