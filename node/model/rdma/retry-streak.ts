/**
 * How often a queue pair has sent the same request again without anything new being acknowledged. It may do so
 * without end (unlimited RNR retries), which is not an error of the model but looks like a run that hangs; so a long
 * streak is noted once.
 */

/** A queue pair that went on sending the same again. */
export interface LongStreak {
  readonly qp: number;
  readonly why: 'RNR' | 'no answer';
  /** When the first of them was, in ps. */
  readonly since: number;
}

/** Retries in a row after which somebody should know. */
export const LONG_STREAK = 1000;

export class RetryStreak {
  private count = 0;
  private since = 0;
  private readonly qp: number;
  private readonly noted: LongStreak[];

  /** Long streaks are added to `noted`. */
  constructor(qp: number, noted: LongStreak[]) {
    this.qp = qp;
    this.noted = noted;
  }

  retried(why: LongStreak['why'], now: number): void {
    if (this.count === 0) this.since = now;
    if (++this.count === LONG_STREAK) this.noted.push({ qp: this.qp, why, since: this.since });
  }

  /** Something new was acknowledged. */
  progressed(): void {
    this.count = 0;
  }
}
