/**
 * Where a queue pair takes its receives from: a ring of receive WQEs in host memory. It may be the queue pair's own or
 * one that several share, so what has been taken from it is the taker's (receive-wqe.ts).
 */
export interface ReceiveSource {
  /** No receive is posted that has not been taken. */
  readonly empty: boolean;
  /** How many were posted, as the NIC has been told. */
  readonly produced: number;
  /** The most SGEs that one of its WQEs has. */
  readonly maxSge: number;
  /** Physical address of the WQE that is taken next. */
  readonly next: number;
  /** Takes it; answers how many have been taken, which is what its CQE says. */
  take(): number;
  /** A doorbell: receives up to number `produced` are posted. */
  post(produced: number): void;
  /** Forgets all receives up to number `posted` (rule 63). */
  discard(posted: number): void;
}
