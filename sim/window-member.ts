/**
 * Virtual time across processes, one process's side. The coordinator's is `coordinator/run/time-windows.ts`.
 *
 * A process runs in windows. A grant brings a horizon and the counts of the frames that others have sent it; once it
 * holds them all it runs every event strictly before the horizon, flushes what it sent, and reports: its earliest
 * pending event, the earliest commit that its events allow, and what it sent to whom.
 *
 * Why no frame can come too late:
 *  - Whatever another process has done and reported is among the frames owed, so it is here before the window begins.
 *  - What it has not reported is caused by an event not earlier than its reported commit, perhaps by way of third
 *    processes, and each hop adds its lookahead; the horizon is the least such arrival ({@link Frontier.horizon}).
 *  - Or it answers a frame that this process sends during the window: no earlier than that frame's arrival, plus the
 *    other's reaction, plus the way back. Each frame sent lowers the horizon to that ({@link sent}), so a process that
 *    is alone with events may be granted Infinity.
 * None of it depends on how fast or in what order messages travel, except that one socket keeps its order.
 *
 * The earliest commit may be any lower bound on the commit times of the frames that the pending events, and only
 * they, can lead to; the next event's time is one. A later bound is safe because others' horizons rest on
 * nothing but commits, and {@link sent} holds every frame against the bound last reported.
 *
 * The baton: when this process alone can run and nothing is in flight to another, the coordinator lends it the whole
 * {@link Frontier}. After its window it does what the coordinator would: goes on itself while it is still the only one,
 * hands the baton on behind its frames when these went to the one process that can run now, or else returns it.
 */
import { Frontier } from './frontier.js';
import type { Lookahead } from './lookahead.js';
import type { Baton, OwedFrames, SentFrames, WindowGrant, WindowReport } from './window.js';

/** A baton goes home after this number of hops, so that the coordinator learns how far a run has come. */
const HOPS_BEFORE_RETURN = 1024;

/** What follows a window. */
export type Afterwards =
  | { readonly kind: 'report'; readonly report: WindowReport }
  | { readonly kind: 'pass'; readonly to: number; readonly baton: Baton }
  /** The horizon has moved on: begin again at once. */
  | { readonly kind: 'again' };

export class WindowMember {
  readonly process: number;
  readonly lookahead: Lookahead;
  /** Events strictly before it may run; it sinks when a frame is sent, so it is read before each event. */
  horizon = 0;
  /** Windows run, and how many grants found an owed frame missing. */
  windows = 0;
  waits = 0;

  private readonly receivedCounts: Float64Array;
  private readonly sentCounts: Float64Array;
  /** Per destination: least arrival since the last report; Infinity if nothing was sent. */
  private readonly leastNew: Float64Array;
  private granted: number | undefined = undefined;
  private owed: readonly OwedFrames[] = [];
  /** No frame may leave with a commit before it: the bound others rely on. */
  private commitFloor = 0;
  private readonly frontier: Frontier;
  /** Undefined while the baton is elsewhere. */
  private hops: number | undefined = undefined;

  constructor(process: number, lookahead: Lookahead) {
    this.process = process;
    this.lookahead = lookahead;
    this.receivedCounts = new Float64Array(lookahead.processes);
    this.sentCounts = new Float64Array(lookahead.processes);
    this.leastNew = new Float64Array(lookahead.processes).fill(Infinity);
    this.frontier = new Frontier(lookahead);
  }

  /** Whether a grant is open, ready or not. */
  get isGranted(): boolean {
    return this.granted !== undefined;
  }

  /** Takes a grant from the coordinator. */
  grant(grant: WindowGrant): void {
    this.open(grant.horizon, grant.owed);
    if (grant.baton !== undefined) this.hold(grant.baton);
    if (!this.ready()) this.waits++;
  }

  /**
   * Takes the baton from another process; the frames that came before it on that socket are all there is to wait for.
   */
  takeBaton(baton: Baton): void {
    this.hold(baton);
    this.open(this.frontier.horizon(this.process), []);
  }

  /** A frame from process `from` has come. Throws if it is too late: see {@link assertArrival}. */
  received(from: number, arrival: number): void {
    this.receivedCounts[from]!++;
    const reply = arrival + this.lookahead.reaction[this.process]!;
    if (reply < this.commitFloor) this.commitFloor = reply;
    this.assertArrival(from, arrival);
  }

  /** Whether a window is granted and every frame owed is there. */
  ready(): boolean {
    return this.granted !== undefined && this.missing < 0;
  }

  /** A process whose frames are owed and not all here, or -1. */
  get missing(): number {
    for (const { from, count } of this.owed) {
      if (this.receivedCounts[from]! < count) return from;
    }
    return -1;
  }

  /** Opens the window: from here on {@link horizon} is the granted one. It never moves back. */
  begin(): void {
    if (!this.ready()) throw new Error(`process ${this.process} began a window that is not ready`);
    if (this.granted! > this.horizon) this.horizon = this.granted!;
    this.granted = undefined;
    this.windows++;
  }

  /**
   * A frame leaves for process `to`: counted, held against the promised commit, and its reply bounds the horizon.
   * `tail` is how much longer this frame takes to be received than the least one, on which `reaction` rests.
   */
  sent(to: number, arrival: number, tail = 0): void {
    const { lookahead } = this;
    if (arrival < this.commitFloor + lookahead.direct(this.process, to)) {
      throw new Error(
        `${this.linkName(this.process, to)}: a frame arrives at ${arrival} ps, but no commit before ` +
          `${this.commitFloor} ps was to be expected and the lookahead is ${lookahead.direct(this.process, to)} ps`,
      );
    }
    this.sentCounts[to]!++;
    if (arrival < this.leastNew[to]!) this.leastNew[to] = arrival;
    const reply = arrival + tail + lookahead.reaction[to]! + lookahead.path(to, this.process);
    if (reply < this.horizon) this.horizon = reply;
  }

  /**
   * Closes the window (or, before the first one, says where this process starts). Every frame sent is flushed and
   * nothing before {@link horizon} is pending; `commit` is the earliest commit that the pending events allow.
   */
  finish(next: number, commit = next): Afterwards {
    if (commit < next)
      throw new Error(`a commit at ${commit} ps before the next event at ${next} ps`);
    this.commitFloor = commit;
    if (this.hops === undefined) return { kind: 'report', report: this.report(next, commit) };
    const { frontier, process, leastNew } = this;
    frontier.set(process, next, commit);
    for (let to = 0; to < leastNew.length; to++) {
      if (leastNew[to]! < Infinity) frontier.inFlight(to, leastNew[to]!);
    }
    const sole = frontier.soleRunnable();
    if (sole === process) {
      this.open(frontier.horizon(process), []);
      return { kind: 'again' };
    }
    if (sole >= 0 && this.hops < HOPS_BEFORE_RETURN && this.sentOnlyTo(sole)) {
      const baton = this.baton(this.hops + 1);
      this.hops = undefined;
      leastNew[sole] = Infinity;
      return { kind: 'pass', to: sole, baton };
    }
    const baton = this.baton(this.hops);
    this.hops = undefined;
    return { kind: 'report', report: { ...this.report(next, commit), baton } };
  }

  /** The invariant of every run: no frame arrives before a time already acted on. */
  assertArrival(from: number, arrival: number): void {
    if (arrival >= this.horizon) return;
    throw new Error(
      `${this.linkName(from, this.process)}: a frame arrives at ${arrival} ps, ` +
        `but everything before ${this.horizon} ps has been acted on`,
    );
  }

  private open(horizon: number, owed: readonly OwedFrames[]): void {
    if (this.granted !== undefined) throw new Error(`process ${this.process} was granted twice`);
    this.granted = horizon;
    this.owed = owed;
  }

  private hold(baton: Baton): void {
    if (this.hops !== undefined) throw new Error(`process ${this.process} got a second baton`);
    this.hops = baton.hops;
    this.frontier.next.set(baton.next);
    this.frontier.commit.set(baton.commit);
  }

  private baton(hops: number): Baton {
    return {
      next: Array.from(this.frontier.next),
      commit: Array.from(this.frontier.commit),
      hops,
    };
  }

  private report(next: number, commit: number): WindowReport {
    const sent: SentFrames[] = [];
    for (let to = 0; to < this.leastNew.length; to++) {
      const least = this.leastNew[to]!;
      if (least < Infinity) sent.push({ to, count: this.sentCounts[to]!, least });
    }
    this.leastNew.fill(Infinity);
    return { next, commit, sent };
  }

  private sentOnlyTo(process: number): boolean {
    return this.leastNew.every((least, to) => to === process || least === Infinity);
  }

  private linkName(from: number, to: number): string {
    return `link process ${from} -> process ${to}`;
  }
}
