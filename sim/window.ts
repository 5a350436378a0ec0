/** What a process and the coordinator tell each other about virtual time. Times in ps; Infinity is "never". */

/** Frames of one ordered pair: how many were sent since the run began, and the least arrival among the new ones. */
export interface SentFrames {
  readonly to: number;
  readonly count: number;
  readonly least: number;
}

/** Frames that a process must hold before it acts: how many `from` has sent it since the run began. */
export interface OwedFrames {
  readonly from: number;
  readonly count: number;
}

/** The coordinator's knowledge, on loan to the one process that can run: see {@link WindowMember}. */
export interface Baton {
  /** Per process, as in {@link Frontier}. */
  readonly next: readonly number[];
  readonly commit: readonly number[];
  /** How often it has gone from process to process since the coordinator gave it away. */
  readonly hops: number;
}

/** A process, after a window: all its frames are flushed and its cores blocked. */
export interface WindowReport {
  /** Its earliest pending event. */
  readonly next: number;
  /** The earliest commit that its pending events allow. */
  readonly commit: number;
  /** The destinations that were sent something since the last report. */
  readonly sent: readonly SentFrames[];
  readonly baton?: Baton;
}

/** Leave to run the events strictly before `horizon`, once every frame owed is there. */
export interface WindowGrant {
  readonly horizon: number;
  /** The sources whose counts have changed since the last grant. */
  readonly owed: readonly OwedFrames[];
  readonly baton?: Baton;
}
