/**
 * The rate limit of a network function: it bounds the rate at which all its send queues together put bytes on the wire.
 * A frame that a busy port or a sleeping core kept waiting is made up for, so that over time the rate is kept exactly;
 * a function that was silent saves up no more than that.
 */

/** How long a function may fall behind its rate and still catch up, in ps. */
const ALLOWANCE = 5e6;

export class RateLimit {
  /** Picoseconds per byte. */
  readonly perByte: number;
  private nextAt = 0;

  constructor(perByte: number) {
    this.perByte = perByte;
  }

  /** When the next frame may leave. */
  get freeAt(): number {
    return Math.ceil(this.nextAt);
  }

  /** A frame of `length` bytes leaves at `now`. */
  took(now: number, length: number): void {
    const since = this.nextAt > now - ALLOWANCE ? this.nextAt : now - ALLOWANCE;
    this.nextAt = since + length * this.perByte;
  }
}
