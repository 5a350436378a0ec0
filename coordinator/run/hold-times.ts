/**
 * For whom a process has waited with its report at the coordinator: at each instant for the process that holds virtual
 * time back, the one with the earliest commit. That is always one that runs, so nobody is blamed who waits himself.
 */
export interface Hold {
  /** Who held it back longest. */
  readonly by: number;
  /** In ms, since its report. */
  readonly held: number;
}

export class HoldTimes {
  /** By process: how long it has held virtual time back in all, in ms. */
  private readonly charged: Float64Array;
  /** Per process a row: what {@link charged} was when its last report came. */
  private readonly before: Float64Array;
  private slowest = -1;
  private since = 0;

  constructor(processes: number) {
    this.charged = new Float64Array(processes);
    this.before = new Float64Array(processes * processes);
  }

  /** A report has come at `now`, on the wall clock in ms; `hadBaton` if nobody else has run since the last one. */
  reported(process: number, now: number, hadBaton: boolean): void {
    const whom = hadBaton || this.slowest < 0 ? process : this.slowest;
    this.charged[whom]! += this.since === 0 ? 0 : now - this.since;
    this.since = now;
    this.before.set(this.charged, process * this.charged.length);
  }

  /** From here on all wait for `slowest`; -1: for the next process that reports. */
  waitFor(slowest: number): void {
    this.slowest = slowest;
  }

  /** What kept `process` since its report, at the time of the last report of all. */
  of(process: number): Hold {
    const { before, charged } = this;
    const row = process * charged.length;
    let by = process;
    let longest = 0;
    let held = 0;
    for (let other = 0; other < charged.length; other++) {
      const each = charged[other]! - before[row + other]!;
      held += each;
      if (each > longest) {
        longest = each;
        by = other;
      }
    }
    return { by, held };
  }
}
