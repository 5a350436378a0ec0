/**
 * When a segment is lost and what that does to the window: fast recovery with SACK (RFC 6675) or without (NewReno,
 * RFC 6582), by the order of sending (RACK, RFC 8985), and slow start after a timeout. Not modelled: undoing what was
 * spurious, and a reordering window that adapts.
 */
import type { CongestionControl } from './congestion.js';
import type { NetCounters } from './net-counters.js';
import type { SentSegments } from './sent-segments.js';
import { isAfter, isBefore } from './sequence.js';

export class LossRecovery {
  state: 'open' | 'recovery' | 'loss' = 'open';
  /** The first segment to be sent again in a recovery goes whatever the window (RFC 6675 5 (4.3)). */
  mustResend = false;
  private readonly sent: SentSegments;
  private readonly congestion: CongestionControl;
  private readonly threshold: number;
  private readonly counters: NetCounters;
  private duplicates = 0;
  /** SND.NXT when the last recovery began; `isKnown` once there was one. */
  private recover = 0;
  private isKnown = false;

  constructor(
    sent: SentSegments,
    congestion: CongestionControl,
    threshold: number,
    counters: NetCounters,
  ) {
    this.sent = sent;
    this.congestion = congestion;
    this.threshold = threshold;
    this.counters = counters;
  }

  /** An ACK without SACK repeats the last one. */
  duplicate(): void {
    this.duplicates++;
    this.sent.presume();
  }

  /** SND.UNA advanced over `gone` segments. */
  advanced(una: number, gone: number, hasSack: boolean): void {
    if (!hasSack) this.sent.unpresume(gone);
    if (this.state === 'open') {
      this.duplicates = this.sent.presumed = 0;
      return;
    }
    if (!isBefore(una, this.recover)) {
      if (this.state === 'recovery') this.congestion.window = this.congestion.threshold;
      this.state = 'open';
      this.duplicates = this.sent.presumed = 0;
    } else if (this.state === 'recovery' && !hasSack && gone > 0) {
      // A partial ACK: the next segment is missing too.
      if (this.sent.lose(0)) this.mustResend = true;
    }
  }

  /**
   * After an ACK was taken in, or when time has passed: is anything lost that was not known to be? How long to wait for
   * what may be lost or only late; 0 if there is no such thing.
   */
  detect(una: number, next: number, hasSack: boolean, leastRtt: number, now: number): number {
    const { sent } = this;
    if (hasSack) {
      let news = sent.loseBelowSacked(this.threshold);
      sent.patience = 0;
      if (sent.sacked > 0 || sent.resent > 0) {
        news = sent.loseOlder(this.reorderingWindow(leastRtt), now) || news;
      }
      if (news && this.state === 'open') this.enter(next);
      return sent.patience;
    }
    if (this.state === 'open' && this.duplicates >= this.threshold) {
      // Duplicates of what an earlier recovery sent twice tell of no loss (RFC 6582 3.2 step 2).
      if (this.isKnown && !isAfter(una, this.recover)) return 0;
      this.sent.lose(0);
      this.enter(next);
    }
    return 0;
  }

  /** Until a loss is certain, segments may overtake each other by a quarter of a round trip (RFC 8985 6.2 step 4). */
  private reorderingWindow(leastRtt: number): number {
    if (this.state !== 'open' || this.sent.sacked >= this.threshold) return 0;
    return leastRtt === Infinity ? 0 : leastRtt / 4;
  }

  timedOut(una: number, next: number): void {
    // Not twice for one window.
    if (this.state === 'open' || !isBefore(una, this.recover)) this.congestion.timedOut();
    this.congestion.window = 1;
    this.state = 'loss';
    this.recover = next;
    this.isKnown = true;
    this.duplicates = 0;
    this.sent.loseAll();
  }

  private enter(next: number): void {
    this.state = 'recovery';
    this.recover = next;
    this.isKnown = true;
    this.mustResend = true;
    this.counters.tcp_fast_retransmits++;
    this.congestion.lost();
  }
}
