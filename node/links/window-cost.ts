/**
 * Where a process's wall time goes in a run under windows: into its own windows, or into waiting, and for whom. Every
 * instant between {@link begin} and {@link end} is one or the other, so busy and waited add up to the whole.
 *
 * A wait for leave is another process's for as long as the coordinator had this one's report and waited for the other,
 * and the coordinator's for the rest, which is the way there and back. No two machines' clocks are compared.
 */

/** Bucket 0 holds waits below a microsecond, bucket b those from 2^(b-1) to below 2^b us, the last all longer ones. */
export const WAIT_BUCKETS = 26;

/** What a process waits for; 0 and up are the process whose frames are due, or whose socket is full. */
const NOTHING = -1;
const LEAVE = -2;

export class WindowCost {
  /** In ms: inside windows. */
  busy = 0;
  /** Windows begun. */
  windows = 0;
  /** In ms, by who was waited for: each process, then {@link coordinator}, then {@link theEnd}. */
  readonly waited: Float64Array;
  /** How many waits of which length: {@link WAIT_BUCKETS} for each of these. */
  readonly buckets: Uint32Array;
  readonly coordinator: number;
  /** Nothing more came until the run was over. */
  readonly theEnd: number;
  private readonly process: number;
  private waitsFor = NOTHING;
  private since = 0;

  constructor(process: number, processes: number) {
    this.process = process;
    this.coordinator = processes;
    this.theEnd = processes + 1;
    this.waited = new Float64Array(processes + 2);
    this.buckets = new Uint32Array((processes + 2) * WAIT_BUCKETS);
  }

  /** The run begins. Times are `performance.now()`'s. */
  begin(now: number): void {
    this.since = now;
  }

  /**
   * Leave has come, for which this process's report has waited `held` ms at the coordinator because of process `by`.
   */
  granted(now: number, by: number, held: number): void {
    if (this.waitsFor !== LEAVE) return;
    const whole = now - this.since;
    const theirs = by === this.process ? 0 : Math.min(held, whole);
    if (theirs > 0) this.add(by, theirs);
    if (whole > theirs) this.add(this.coordinator, whole - theirs);
    this.waitsFor = NOTHING;
    this.since = now;
  }

  /** It could go on, but for `process`: whose frames are due, or who does not take what was sent. */
  hindered(now: number, process: number): void {
    if (this.waitsFor === process) return;
    this.settle(now);
    this.waitsFor = process;
  }

  /** Nothing is in the way any more. */
  unhindered(now: number): void {
    this.settle(now);
    this.waitsFor = NOTHING;
  }

  /** The window is over, and leave for the next one has yet to come. */
  closed(now: number): void {
    this.settle(now);
    this.waitsFor = LEAVE;
  }

  end(now: number): void {
    if (this.waitsFor === LEAVE) this.add(this.theEnd, now - this.since);
    else this.settle(now);
    this.waitsFor = NOTHING;
    this.since = now;
  }

  private settle(now: number): void {
    if (this.waitsFor === NOTHING) this.busy += now - this.since;
    else if (this.waitsFor >= 0) this.add(this.waitsFor, now - this.since);
    this.since = now;
  }

  private add(whom: number, ms: number): void {
    this.waited[whom]! += ms;
    const bucket = 32 - Math.clz32(Math.min(ms * 1000, 2 ** WAIT_BUCKETS));
    this.buckets[whom * WAIT_BUCKETS + Math.min(bucket, WAIT_BUCKETS - 1)]!++;
  }
}
