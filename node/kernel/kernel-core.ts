/**
 * One core as the kernel uses it: interrupts and softirqs take it from whatever runs there. A program that was busy meanwhile
 * is that much later; one that waits goes on when the core is free.
 */
export interface CoreProgram {
  /** Blocked or asleep: nothing of it wants the core. */
  readonly idle: boolean;
}

export class KernelCore {
  readonly index: number;
  /** The kernel's own work keeps the core until then. */
  freeAt = 0;
  /** All the time that interrupts and softirqs took, in ps. */
  taken = 0;
  /** Whose program runs here. */
  program: CoreProgram | undefined;

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

  /** Nothing wants the core at `at`: it has gone to sleep (C1). */
  asleep(at: number): boolean {
    return at >= this.freeAt && (this.program === undefined || this.program.idle);
  }
}
