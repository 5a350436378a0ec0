/**
 * Round-trip time and retransmission timeout (RFC 6298). As in Linux, four times the variance counts for at least the
 * minimum RTO *beyond* the smoothed round trip, not for the sum.
 */
import type { TcpTuning } from './tcp-tuning.js';

export class RttEstimator {
  /** ps; 0 before the first sample. */
  smoothed = 0;
  rto: number;
  /** The least round trip seen. */
  least = Infinity;
  private variance = 0;
  private readonly tuning: TcpTuning;

  constructor(tuning: TcpTuning) {
    this.tuning = tuning;
    this.rto = tuning.rtoInitial;
  }

  sample(rtt: number): void {
    if (rtt < this.least) this.least = rtt;
    if (this.smoothed === 0) {
      this.smoothed = Math.max(1, rtt);
      this.variance = rtt / 2;
    } else {
      this.variance += (Math.abs(this.smoothed - rtt) - this.variance) / 4;
      this.smoothed += (rtt - this.smoothed) / 8;
    }
    this.settle();
  }

  /** Ends the back-off, as progress was made (Linux: tcp_set_rto). */
  settle(): void {
    if (this.smoothed === 0) return;
    const { rtoMin, rtoMax } = this.tuning;
    const margin = Math.max(rtoMin, 4 * this.variance);
    this.rto = Math.ceil(Math.min(rtoMax, this.smoothed + margin));
  }

  backOff(): void {
    this.rto = Math.min(this.rto * 2, this.tuning.rtoMax);
  }
}
