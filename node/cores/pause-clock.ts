/**
 * When a program that has the host's own thread, and checks in, makes way for whatever else waits for that thread:
 * sockets, timers, signals.
 */

/** Of wall time: well within the second after which a user notices. */
const PAUSE_EVERY_MS = 250;
/** Check-ins that follow one another within this time are frequent. */
const FREQUENT_MS = 1;
/** Of frequent ones, how many pass between two looks at the clock: a look takes as long as the rest of a check-in. */
const UNSEEN = 7;

/** The machine's own: that of the realm throws inside segments (see guards.ts). */
const monotonic = performance.now.bind(performance);

export class PauseClock {
  private pausedAt = monotonic();
  private lookedAt = this.pausedAt;
  private unseen = 0;

  /** Called with every check-in. */
  isPauseDue(): boolean {
    if (this.unseen > 0) {
      this.unseen--;
      return false;
    }
    const now = monotonic();
    this.unseen = now - this.lookedAt < FREQUENT_MS ? UNSEEN : 0;
    this.lookedAt = now;
    if (now - this.pausedAt < PAUSE_EVERY_MS) return false;
    this.pausedAt = now;
    return true;
  }
}
