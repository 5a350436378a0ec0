/**
 * When an ACK leaves (RFC 1122 4.2.3.2, as Linux does it): at once for the first segments of a connection and for
 * every second full one, else with the data that answers, or after 40 ms.
 */
import { PS_PER_MS } from '../../../units/time.js';
import type { TcpTuning } from './tcp-tuning.js';

/** TCP_MSS_DEFAULT: what a full segment is taken to be before one was seen. */
const FIRST_GUESS = 536;
/** The delay of an ACK, unless data or a round trip says otherwise: HZ / 2. */
const LONGEST_DELAY = 500 * PS_PER_MS;

export class AckPolicy {
  /** Something is to be acknowledged; at once, if `isUrgent`; else by the deadline `at`. */
  isPending = false;
  isUrgent = false;
  at = Infinity;
  /** The application said TCP_QUICKACK. */
  alwaysQuick = false;
  /** The longest segment that the peer has sent. */
  segmentSize = FIRST_GUESS;
  private readonly tuning: TcpTuning;
  /** ACKs still to be sent at once. */
  private quick = 0;
  /** Answers go out within a moment of requests, so ACKs may travel with them. */
  private isInteractive = false;
  /** The delay (ATO) that fits the peer's pace; 0 before its first segment. */
  private delay = 0;
  private lastReceived = 0;
  /** Segments shorter than a full one that came since the last ACK. */
  private pushed = 0;

  constructor(tuning: TcpTuning) {
    this.tuning = tuning;
  }

  /** A segment with data came (tcp_event_data_recv). */
  received(length: number, window: number, rto: number, now: number): void {
    const { delayedAckMin } = this.tuning;
    this.isPending = true;
    if (length >= this.segmentSize) this.segmentSize = length;
    else this.pushed++;
    const pause = now - this.lastReceived;
    if (this.delay === 0) {
      this.beQuick(window);
      this.delay = delayedAckMin;
    } else if (pause <= delayedAckMin / 2) this.delay = this.delay / 2 + delayedAckMin / 2;
    else if (pause < this.delay) this.delay = Math.min(this.delay / 2 + pause, rto);
    else if (pause > rto) this.beQuick(window);
    this.lastReceived = now;
  }

  /** A segment that was no news: the peer misses ACKs of ours. */
  receivedAgain(window: number): void {
    this.beQuick(window);
    this.isInteractive = false;
    this.delay = this.tuning.delayedAckMin;
    this.isPending = this.isUrgent = true;
  }

  /** The peer has ended: what we still say, our own end above all, takes the ACK along (tcp_fin). */
  ended(): void {
    this.isPending = true;
    this.isInteractive = true;
  }

  urge(): void {
    this.isPending = this.isUrgent = true;
  }

  /** Whether the ACK that is pending leaves now, `unacknowledged` bytes having come; else it has a deadline. */
  decide(unacknowledged: number, rtt: number, now: number): boolean {
    if (!this.isPending) return false;
    const isQuick = this.alwaysQuick || (this.quick > 0 && !this.isInteractive);
    if (this.isUrgent || isQuick || unacknowledged > this.segmentSize) return true;
    if (this.at === Infinity) this.at = now + this.patience(rtt);
    return false;
  }

  /** The program has read: whether the peer's pace asks for an ACK now (tcp_cleanup_rbuf). */
  decideAfterRead(unacknowledged: number, isDrained: boolean): boolean {
    if (!this.isPending) return false;
    if (unacknowledged > this.segmentSize) return true;
    return isDrained && (this.pushed > 1 || (this.pushed > 0 && !this.isInteractive));
  }

  /** A segment of ours took the ACK along. */
  sent(): void {
    this.isPending = this.isUrgent = false;
    this.at = Infinity;
    this.pushed = 0;
    if (this.quick > 0) this.quick--;
  }

  /** We sent data: an answer, if it came soon enough after what the peer sent. */
  answered(now: number): void {
    if (now - this.lastReceived < this.delay) this.isInteractive = true;
  }

  /** The delay is over, and nothing took the ACK along. */
  expired(rto: number): void {
    if (this.isInteractive) {
      this.isInteractive = false;
      this.delay = this.tuning.delayedAckMin;
    } else this.delay = Math.min(this.delay * 2, rto);
    this.urge();
  }

  private beQuick(window: number): void {
    const acks = Math.max(2, Math.floor(window / (2 * this.segmentSize)));
    this.quick = Math.max(this.quick, Math.min(acks, this.tuning.quickAcks));
  }

  /** tcp_send_delayed_ack. */
  private patience(rtt: number): number {
    const { delayedAckMin, delayedAckMax } = this.tuning;
    if (this.delay <= delayedAckMin) return delayedAckMin;
    let most = this.isInteractive || this.pushed > 0 ? delayedAckMax : LONGEST_DELAY;
    if (rtt > 0) most = Math.min(most, Math.max(rtt, delayedAckMin));
    return Math.min(this.delay, most);
  }
}
