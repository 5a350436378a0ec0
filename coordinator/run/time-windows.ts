/**
 * Virtual time across processes, the coordinator's side: takes reports, answers with grants. Pure: who carries the
 * messages is not its business. `sim/window-member.ts` argues why windows are safe.
 *
 * A process gets a grant only when it has an event before its horizon, so a process that waits for the network costs
 * nothing. While it runs, it counts with its state at the grant, or with frames reported to it since, if earlier.
 */
import { Frontier } from '../../sim/frontier.js';
import type { Lookahead } from '../../sim/lookahead.js';
import type { Baton, OwedFrames, WindowGrant, WindowReport } from '../../sim/window.js';

export interface AddressedGrant {
  readonly process: number;
  readonly grant: WindowGrant;
}

export interface WindowCounters {
  /** How often at least one process was granted a window, by the coordinator or by a baton's hop. */
  rounds: number;
  /** Grants sent. */
  asks: number;
  /** Batons given away, and how often these went on from process to process. */
  batons: number;
  hops: number;
  /** Per process: reports after which it had events, and had to wait for another's. */
  readonly waits: number[];
}

export class TimeWindows {
  readonly counters: WindowCounters;
  private readonly frontier: Frontier;
  private readonly useBaton: boolean;
  private readonly running: Uint8Array;
  private runningCount: number;
  private batonOut = false;
  private started = false;
  /** Per process: least arrival of frames reported to it and not yet granted. */
  private readonly ungranted: Float64Array;
  /** Per ordered pair [from * processes + to]: frames reported. */
  private readonly counts: Float64Array;
  /** Per destination: sources with frames reported that its last grant did not count. */
  private readonly news: Set<number>[];

  /**
   * Every process begins as running from 0: its first report says where it starts. Nobody is granted anything before
   * all have reported once, so no frame of a run reaches a process that has not been built yet.
   */
  constructor(lookahead: Lookahead, useBaton = true) {
    const { processes } = lookahead;
    this.frontier = new Frontier(lookahead);
    this.useBaton = useBaton;
    this.running = new Uint8Array(processes).fill(1);
    this.runningCount = processes;
    this.ungranted = new Float64Array(processes).fill(Infinity);
    this.counts = new Float64Array(processes * processes);
    this.news = Array.from({ length: processes }, () => new Set<number>());
    this.counters = {
      rounds: 0,
      asks: 0,
      batons: 0,
      hops: 0,
      waits: new Array<number>(processes).fill(0),
    };
  }

  /** Nothing is pending, in flight or running: the run has come to its end. */
  get finished(): boolean {
    return this.runningCount === 0 && !this.batonOut && this.frontier.finished();
  }

  /** Who holds virtual time back: the process with the earliest commit, which runs; -1 before all have begun. */
  get slowest(): number {
    return this.started ? this.frontier.slowest() : -1;
  }

  /** The virtual time that every process has reached: nothing earlier is pending anywhere. */
  get reached(): number {
    return this.frontier.next.reduce((least, time) => Math.min(least, time), Infinity);
  }

  /**
   * Takes in the report of `process` and answers with the grants that now can be given; none when the run is
   * finished or others are still running. Throws on a report that was not due, and when nothing can ever run again.
   */
  report(process: number, report: WindowReport): AddressedGrant[] {
    this.accept(process, report.baton);
    const { frontier, ungranted } = this;
    frontier.set(process, report.next, report.commit);
    if (ungranted[process]! < Infinity) frontier.inFlight(process, ungranted[process]!);
    for (const { to, count, least } of report.sent) {
      this.counts[process * this.running.length + to] = count;
      this.news[to]!.add(process);
      if (least < ungranted[to]!) ungranted[to] = least;
      frontier.inFlight(to, least);
    }
    this.started ||= this.runningCount === 0;
    return this.started ? this.grants(process) : [];
  }

  private accept(process: number, baton: Baton | undefined): void {
    if (baton === undefined) {
      if (this.batonOut || this.running[process] === 0) {
        throw new Error(`process ${process} reported a window that it was not granted`);
      }
      this.running[process] = 0;
      this.runningCount--;
      return;
    }
    if (!this.batonOut) throw new Error(`process ${process} returned a baton that was not given`);
    this.batonOut = false;
    this.counters.hops += baton.hops;
    this.counters.rounds += baton.hops;
    this.frontier.next.set(baton.next);
    this.frontier.commit.set(baton.commit);
  }

  private grants(reporter: number): AddressedGrant[] {
    const { frontier, running } = this;
    const slowest = frontier.slowest();
    const ready: number[] = [];
    for (let process = 0; process < running.length; process++) {
      if (running[process] === 0 && frontier.runnable(process, slowest)) ready.push(process);
    }
    if (frontier.next[reporter]! < Infinity && !ready.includes(reporter)) {
      this.counters.waits[reporter]!++;
    }
    if (ready.length === 0) {
      if (this.runningCount === 0 && !frontier.finished()) throw new Error(this.deadlock());
      return [];
    }
    this.counters.rounds++;
    const lends = ready.length === 1 && this.runningCount === 0 && this.quietBut(ready[0]!);
    if (lends && this.useBaton) return [this.lend(ready[0]!)];
    // Horizons rest on commits alone, which granting does not change: all grants of a round go out together.
    return ready.map((process) => {
      running[process] = 1;
      this.runningCount++;
      return this.grant(process);
    });
  }

  private grant(process: number, baton?: Baton): AddressedGrant {
    this.counters.asks++;
    this.ungranted[process] = Infinity;
    const owed: OwedFrames[] = [];
    for (const from of this.news[process]!) {
      owed.push({ from, count: this.counts[from * this.running.length + process]! });
    }
    this.news[process]!.clear();
    const horizon = this.frontier.horizon(process);
    return { process, grant: { horizon, owed, ...(baton && { baton }) } };
  }

  private lend(process: number): AddressedGrant {
    this.batonOut = true;
    this.counters.batons++;
    const { next, commit } = this.frontier;
    return this.grant(process, { next: Array.from(next), commit: Array.from(commit), hops: 0 });
  }

  /** Whether no frame is in flight to any process but `process`. */
  private quietBut(process: number): boolean {
    return this.ungranted.every((least, to) => to === process || least === Infinity);
  }

  private deadlock(): string {
    const lines = Array.from(this.frontier.next, (next, process) => {
      const commit = this.frontier.commit[process]!;
      const horizon = this.frontier.horizon(process);
      return `process ${process}: next event ${next} ps, earliest commit ${commit} ps, horizon ${horizon} ps`;
    });
    return `virtual time is stuck, no process may run its next event: ${lines.join('; ')}`;
  }
}
