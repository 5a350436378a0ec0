/** What a sender may have in the network, in segments: the part of congestion control in which algorithms differ. */

export interface CongestionControl {
  /** Congestion window and slow-start threshold, in segments; the window's fraction carries over. */
  window: number;
  threshold: number;
  /** `segments` were acknowledged outside of fast recovery, while the window was what held the sender back. */
  acknowledged(segments: number, now: number, rtt: number): void;
  /** Duplicate ACKs told of a loss: fast recovery begins. */
  lost(): void;
  /** The retransmission timer expired: slow start from one segment. */
  timedOut(): void;
  /** Nothing was in the network for `timeouts` retransmission timeouts (RFC 5681 4.1). */
  idled(timeouts: number): void;
}

/** RFC 5681 (4): never below two segments. */
export const LEAST_THRESHOLD = 2;

/** Slow start: a segment for each acknowledged, up to the threshold. What is left is for congestion avoidance. */
export function slowStart(control: CongestionControl, segments: number): number {
  if (control.window >= control.threshold) return segments;
  const grown = Math.min(segments, Math.ceil(control.threshold - control.window));
  control.window += grown;
  return segments - grown;
}

/** Linux's tcp_cwnd_restart: halved per timeout, not below the initial window; the threshold remembers. */
export function decayIdle(control: CongestionControl, initial: number, timeouts: number): void {
  const least = Math.min(initial, control.window);
  control.threshold = Math.max(control.threshold, control.window * 0.75);
  for (let i = 1; i < timeouts && control.window > least; i++) control.window /= 2;
  control.window = Math.max(control.window, least);
}
