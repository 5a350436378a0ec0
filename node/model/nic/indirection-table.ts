/**
 * The indirection table of receive side scaling: the low bits of a frame's hash choose an entry, the entry a receive
 * queue. It is set and shown as `ethtool -X` and `ethtool -x` do it; what they refuse is refused here, with their
 * words.
 */
import { refuse, type Refusal } from './refusal.js';

const DEFAULT_ENTRIES = 128;

const REFUSED = 'Cannot set RX flow hash configuration: Invalid argument';
const SHOWN_PER_LINE = 8;

export class IndirectionTable {
  /** Receive queue of each entry. */
  readonly entries: Int32Array;
  private readonly mask: number;
  private queues: number;
  /** Whether somebody set the table; until then it follows the number of queues. */
  private configured = false;

  /** `size` is a power of two. */
  constructor(queues: number, size = DEFAULT_ENTRIES) {
    if (size < 1 || (size & (size - 1)) !== 0) throw new RangeError(`${size} entries`);
    this.entries = new Int32Array(size);
    this.mask = size - 1;
    this.queues = queues;
    this.spread(0, queues);
  }

  queueOf(hash: number): number {
    return this.entries[hash & this.mask]!;
  }

  /** `ethtool -X equal N [start S]`: N queues from S on take turns. */
  equal(count: number, start = 0): Refusal | null {
    if (!isCount(count) || count === 0 || !isCount(start) || start + count > this.queues) {
      return refuse('EINVAL', REFUSED);
    }
    this.spread(start, count);
    this.configured = true;
    return null;
  }

  /** `ethtool -X weight W0 W1 ... [start S]`: queue S + i gets a share of the entries that is proportional to Wi. */
  weight(weights: readonly number[], start = 0): Refusal | null {
    const size = this.entries.length;
    if (!weights.every(isCount) || !isCount(start)) return refuse('EINVAL', REFUSED);
    const sum = weights.reduce((total, one) => total + one, 0);
    if (sum === 0) return refuse('EINVAL', 'At least one weight must be non-zero');
    if (sum > size) {
      return refuse('EINVAL', 'Total weight exceeds the size of the indirection table');
    }
    const wanted = new Int32Array(size);
    let entry = 0;
    let partial = 0;
    weights.forEach((one, i) => {
      partial += one;
      // Rounded down, as ethtool does: the running sum's share, so that the last queue ends with the table.
      const end = Math.floor((size * partial) / sum);
      for (; entry < end; entry++) wanted[entry] = start + i;
    });
    return this.set(wanted);
  }

  /** Any table: one queue for each entry, as SIOCETHTOOL takes it. */
  set(queues: ArrayLike<number>): Refusal | null {
    if (queues.length !== this.entries.length) return refuse('EINVAL', REFUSED);
    for (let i = 0; i < queues.length; i++) {
      const queue = queues[i]!;
      if (!isCount(queue) || queue >= this.queues) return refuse('EINVAL', REFUSED);
    }
    this.entries.set(queues);
    this.configured = true;
    return null;
  }

  /** `ethtool -X default`: all queues take turns, and the table follows their number again. */
  reset(): void {
    this.configured = false;
    this.spread(0, this.queues);
  }

  /** `ethtool -L combined N`. A table that somebody set must not name a queue that goes. */
  resize(queues: number): Refusal | null {
    if (!isCount(queues) || queues === 0) {
      return refuse('EINVAL', 'Cannot set device channel parameters: Invalid argument');
    }
    if (this.configured && this.entries.some((queue) => queue >= queues)) {
      return refuse(
        'EINVAL',
        'requested channel counts are too low for existing indirection table settings',
      );
    }
    this.queues = queues;
    if (!this.configured) this.spread(0, queues);
    return null;
  }

  /** `ethtool -x`, its table. */
  show(device: string): string {
    const lines = [`RX flow hash indirection table for ${device} with ${this.queues} RX ring(s):`];
    for (let at = 0; at < this.entries.length; at += SHOWN_PER_LINE) {
      const row = [...this.entries.subarray(at, at + SHOWN_PER_LINE)];
      lines.push(
        `${String(at).padStart(5)}: ${row.map((queue) => String(queue).padStart(6)).join('')}`,
      );
    }
    return lines.join('\n');
  }

  private spread(start: number, count: number): void {
    for (let i = 0; i < this.entries.length; i++) this.entries[i] = start + (i % count);
  }
}

const isCount = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 2 ** 31;
