/**
 * Programs that a kernel has blocked, and their waking: a program runs again at once when it polls, else when the
 * scheduler has put it on its core. Of several reasons to wake it only the first counts, and none that belonged to an
 * earlier wait.
 */
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { MAX_CORES } from '../../../units/elements.js';
import type { Profile } from '../../spec/profile.js';
import type { KernelContext } from './kernel-context.js';
import type { KernelSocket } from './socket-table.js';
import type { SystemCaller } from './system-calls.js';

/** Kinds of its events: a blocked call goes on; a descriptor that is waited for among other things is there. */
const CALL = 0;
const DESCRIPTOR = 1;

export interface SleeperParts {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly random: RandomStream;
  readonly context: KernelContext;
}

interface Wait {
  caller: SystemCaller;
  /** Counts this core's waits. */
  number: number;
  waking: boolean;
  /** The descriptor that woke it. */
  socket: KernelSocket | undefined;
}

export class Sleepers implements EventSink {
  private readonly waits: (Wait | undefined)[] = [];
  private readonly sink: number;
  private readonly parts: SleeperParts;
  private readonly callGoesOn: (caller: SystemCaller) => void;
  private readonly descriptorIsThere: (caller: SystemCaller, socket: KernelSocket) => void;

  constructor(
    parts: SleeperParts,
    callGoesOn: (caller: SystemCaller) => void,
    descriptorIsThere: (caller: SystemCaller, socket: KernelSocket) => void,
  ) {
    this.parts = parts;
    this.callGoesOn = callGoesOn;
    this.descriptorIsThere = descriptorIsThere;
    this.sink = parts.scheduler.register(this);
  }

  /** The caller begins a wait: what was to wake it before is of no more use. */
  begin(caller: SystemCaller): void {
    const wait = this.waits[caller.index];
    if (wait === undefined) {
      this.waits[caller.index] = { caller, number: 1, waking: false, socket: undefined };
      return;
    }
    wait.caller = caller;
    wait.number++;
    wait.waking = false;
    wait.socket = undefined;
  }

  /** The caller's blocked call can go on. `polling`: it never left its core. */
  wake(caller: SystemCaller, polling: boolean): void {
    this.arrange(caller, polling, CALL, undefined);
  }

  /** What it waits for of `socket` among other things is there. */
  wakeFor(caller: SystemCaller, polling: boolean, socket: KernelSocket): void {
    this.arrange(caller, polling, DESCRIPTOR, socket);
  }

  handle(kind: number, argument: number): void {
    const index = argument % MAX_CORES;
    const wait = this.waits[index]!;
    if ((argument - index) / MAX_CORES !== wait.number) return;
    wait.waking = false;
    if (kind === CALL) this.callGoesOn(wait.caller);
    else this.descriptorIsThere(wait.caller, wait.socket!);
  }

  private arrange(
    { index }: SystemCaller,
    polling: boolean,
    kind: number,
    socket: KernelSocket | undefined,
  ): void {
    const { context, profile, random, scheduler, sequencer } = this.parts;
    const wait = this.waits[index]!;
    if (wait.waking) return;
    wait.waking = true;
    wait.socket = socket;
    let at = Math.max(context.time, scheduler.now);
    // Arrakis measured it on an idle core: leaving C1 is in it.
    if (!polling) at += draw(profile.kernel.wakeup, random);
    scheduler.at(at, sequencer.key(), this.sink, kind, index + wait.number * MAX_CORES);
  }
}
