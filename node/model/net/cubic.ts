/**
 * CUBIC's congestion avoidance (RFC 9438): the window follows C (t - K)^3 + W_max, t since congestion avoidance began,
 * or Reno's line where that is higher. HyStart++, which ends slow start before the first loss, is not modelled.
 */
import { PS_PER_S } from '../../../units/time.js';
import { decayIdle, LEAST_THRESHOLD, slowStart, type CongestionControl } from './congestion.js';

/** C, in segments per second cubed, and the multiplicative decrease (RFC 9438 4.6, 5). */
const C = 0.4;
const BETA = 0.7;
/** What makes Reno's additive increase as fast as BETA's smaller decrease allows (RFC 9438 4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

export class Cubic implements CongestionControl {
  window: number;
  threshold = Infinity;
  private readonly initial: number;
  /** W_max; 0 before the first loss. */
  private greatest = 0;
  /** When congestion avoidance began, -1 outside of it; the window then; K in seconds; the line W_est. */
  private epoch = -1;
  private atEpoch = 0;
  private k = 0;
  private estimate = 0;
  /** cwnd_prior: the window at the last reduction. */
  private prior = 0;

  constructor(initialWindow: number) {
    this.initial = initialWindow;
    this.window = initialWindow;
  }

  acknowledged(segments: number, now: number, rtt: number): void {
    const rest = slowStart(this, segments);
    if (rest === 0) return;
    if (this.epoch < 0) this.begin(now);
    const t = (now - this.epoch) / PS_PER_S;
    this.estimate += ((this.estimate >= this.prior ? 1 : ALPHA) * rest) / this.window;
    if (this.cubic(t) < this.estimate) {
      this.window = Math.max(this.window, this.estimate);
      return;
    }
    const aim = this.cubic(t + rtt / PS_PER_S);
    const target = Math.min(Math.max(aim, this.window), 1.5 * this.window);
    this.window += (rest * (target - this.window)) / this.window;
  }

  lost(): void {
    this.reduce();
    this.window = this.threshold;
  }

  timedOut(): void {
    this.reduce();
    this.window = 1;
    // RFC 9438 4.8: after a timeout the cubic begins at its plateau.
    this.greatest = 0;
  }

  idled(timeouts: number): void {
    decayIdle(this, this.initial, timeouts);
    this.epoch = -1;
  }

  private begin(now: number): void {
    this.epoch = now;
    this.atEpoch = this.window;
    this.estimate = this.window;
    if (this.greatest <= this.window) {
      this.greatest = this.window;
      this.k = 0;
    } else this.k = cubeRoot((this.greatest - this.atEpoch) / C);
  }

  private cubic(t: number): number {
    const x = t - this.k;
    return C * x * x * x + this.greatest;
  }

  private reduce(): void {
    const { window } = this;
    // Fast convergence: a flow whose peak falls leaves room for newer ones.
    this.greatest = window < this.greatest ? (window * (1 + BETA)) / 2 : window;
    this.prior = window;
    this.threshold = Math.max(window * BETA, LEAST_THRESHOLD);
    this.epoch = -1;
  }
}

/** Newton's steps from above: the same bits everywhere, which Math.cbrt does not promise. */
export function cubeRoot(value: number): number {
  if (value <= 0) return 0;
  let root = Math.max(1, value);
  for (;;) {
    const next = (2 * root + value / (root * root)) / 3;
    if (next >= root) return root;
    root = next;
  }
}
