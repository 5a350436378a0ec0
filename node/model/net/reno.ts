/** Reno's congestion avoidance (RFC 5681 3.1): a segment more per round trip, half of the window at a loss. */
import { decayIdle, LEAST_THRESHOLD, slowStart, type CongestionControl } from './congestion.js';

export class Reno implements CongestionControl {
  window: number;
  threshold = Infinity;
  private readonly initial: number;

  constructor(initialWindow: number) {
    this.initial = initialWindow;
    this.window = initialWindow;
  }

  acknowledged(segments: number): void {
    const rest = slowStart(this, segments);
    this.window += rest / this.window;
  }

  lost(): void {
    this.threshold = Math.max(this.window / 2, LEAST_THRESHOLD);
    this.window = this.threshold;
  }

  timedOut(): void {
    this.threshold = Math.max(this.window / 2, LEAST_THRESHOLD);
    this.window = 1;
  }

  idled(timeouts: number): void {
    decayIdle(this, this.initial, timeouts);
  }
}
