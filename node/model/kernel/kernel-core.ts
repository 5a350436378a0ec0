/**
 * One core as the kernel uses it: interrupts and softirqs take it from whatever runs there. A program that was busy
 * meanwhile is that much later; one that waits goes on when the core is free.
 */

/** What gave the core up to its program. */
export interface CoreWaiter {
  /** The program has gone to sleep at `at`: the core is free. */
  coreIsFree(at: number): void;
}

export class KernelCore {
  readonly index: number;
  /** The kernel's own work keeps the core until then. */
  freeAt = 0;
  /** All the time that interrupts and softirqs took, in ps. */
  taken = 0;
  /** A program wants the core: it is neither blocked nor asleep. */
  wanted = false;
  private readonly waiters: CoreWaiter[] = [];
  /** Time that nobody wanted, up to when the program woke last; since when it sleeps, and what was taken before. */
  private idle = 0;
  private sleepsSince = 0;
  private takenBefore = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** When an interrupt at `at` is begun with. */
  from(at: number): number {
    return at > this.freeAt ? at : this.freeAt;
  }

  /** The kernel worked here from `start` to `end`. */
  worked(start: number, end: number): void {
    this.taken += end - start;
    this.freeAt = end;
  }

  /** Of {@link taken}, what lies before `at`. */
  takenBy(at: number): number {
    return this.freeAt > at ? this.taken - (this.freeAt - at) : this.taken;
  }

  /** Nothing wants the core at `at`: it has gone to sleep (C1). */
  asleep(at: number): boolean {
    return at >= this.freeAt && !this.wanted;
  }

  /** All the time up to `at` that nobody wanted the core. */
  idleBy(at: number): number {
    if (this.wanted) return this.idle;
    return this.idle + at - this.sleepsSince - (this.takenBy(at) - this.takenBefore);
  }

  /** The program wants the core from `at` on. */
  programWakes(at: number): void {
    if (this.wanted) return;
    this.idle = this.idleBy(at);
    this.wanted = true;
  }

  /** The program blocks, sleeps or ends at `at`. */
  programSleeps(at: number): void {
    if (!this.wanted) return;
    this.wanted = false;
    this.sleepsSince = at;
    this.takenBefore = this.takenBy(at);
    for (const waiter of this.waiters.splice(0)) waiter.coreIsFree(at);
  }

  /** `waiter` lets the program have the core, and wants to hear when it needs it no more. */
  yieldTo(waiter: CoreWaiter): void {
    this.waiters.push(waiter);
  }

  /** It has waited long enough. */
  stopYielding(waiter: CoreWaiter): void {
    const at = this.waiters.indexOf(waiter);
    if (at >= 0) this.waiters.splice(at, 1);
  }
}
