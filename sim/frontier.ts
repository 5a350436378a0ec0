/**
 * What is known of everybody's virtual time: per process its earliest pending event, and the earliest commit that its
 * pending events and the frames in flight to it allow. The coordinator keeps one; with the baton it travels.
 *
 * A process may run the events strictly before its horizon, min over the others of commit + path: whatever has not
 * been reported is caused, hop by hop, by an event that some process still has ahead of it.
 */
import type { Lookahead } from './lookahead.js';

/** Answers of {@link Frontier.soleRunnable} that are no process. */
const NOBODY = -1;
const SEVERAL = -2;

export class Frontier {
  readonly lookahead: Lookahead;
  /** Earliest pending event, frames in flight to the process included. */
  readonly next: Float64Array;
  /** Earliest commit. Never earlier than `next`. */
  readonly commit: Float64Array;

  /** All processes start at time 0, where anything may happen. */
  constructor(lookahead: Lookahead) {
    this.lookahead = lookahead;
    this.next = new Float64Array(lookahead.processes);
    this.commit = new Float64Array(lookahead.processes);
  }

  set(process: number, next: number, commit: number): void {
    this.next[process] = next;
    this.commit[process] = commit;
  }

  /** A frame that arrives in `process` at `arrival` is on its way. */
  inFlight(process: number, arrival: number): void {
    const reply = arrival + this.lookahead.reaction[process]!;
    if (arrival < this.next[process]!) this.next[process] = arrival;
    if (reply < this.commit[process]!) this.commit[process] = reply;
  }

  horizon(process: number): number {
    const { commit, lookahead } = this;
    let least = Infinity;
    for (let other = 0; other < lookahead.processes; other++) {
      if (other === process) continue;
      const bound = commit[other]! + lookahead.path(other, process);
      if (bound < least) least = bound;
    }
    return least;
  }

  /** The process with the earliest commit: the likeliest to hold the others back. */
  slowest(): number {
    let slowest = 0;
    for (let process = 1; process < this.commit.length; process++) {
      if (this.commit[process]! < this.commit[slowest]!) slowest = process;
    }
    return slowest;
  }

  /** Whether `process` has an event before its horizon; `slowest` spares most processes the full look. */
  runnable(process: number, slowest: number): boolean {
    const next = this.next[process]!;
    if (next === Infinity) return false;
    if (
      process !== slowest &&
      next >= this.commit[slowest]! + this.lookahead.path(slowest, process)
    ) {
      return false;
    }
    return next < this.horizon(process);
  }

  /** The one process that is runnable, or {@link NOBODY}, or {@link SEVERAL}. */
  soleRunnable(): number {
    const slowest = this.slowest();
    let sole = NOBODY;
    for (let process = 0; process < this.next.length; process++) {
      if (!this.runnable(process, slowest)) continue;
      if (sole !== NOBODY) return SEVERAL;
      sole = process;
    }
    return sole;
  }

  /** Nothing is pending anywhere. */
  finished(): boolean {
    return this.next.every((time) => time === Infinity);
  }
}
