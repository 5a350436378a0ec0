/**
 * When a segment is lost and what that does to the window: fast recovery with SACK (RFC 6675) or without (NewReno,
 * RFC 6582), and slow start after a timeout. Not modelled: RACK and tail-loss probes, undoing what was spurious.
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

  /** After an ACK was taken in: is anything lost that was not known to be? */
  detect(una: number, next: number, hasSack: boolean): void {
    if (hasSack) {
      const news = this.sent.loseBelowSacked(this.threshold);
      if (news && this.state === 'open') this.enter(next);
    } else if (this.state === 'open' && this.duplicates >= this.threshold) {
      // Duplicates of what an earlier recovery sent twice tell of no loss (RFC 6582 3.2 step 2).
      if (this.isKnown && !isAfter(una, this.recover)) return;
      this.sent.lose(0);
      this.enter(next);
    }
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
