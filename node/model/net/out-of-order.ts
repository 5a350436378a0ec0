/**
 * What arrived beyond a gap: ranges of sequence numbers, the one that changed last first, which is the order in which
 * selective acknowledgments tell of them (RFC 2018 4). Their bytes lie in the receive ring already.
 */
import { isAfter, isBefore, sequenceDistance } from './sequence.js';

/** A peer that sends every other byte cannot make the list longer than this. */
const MOST_RANGES = 256;

export class OutOfOrder {
  count = 0;
  /** Sequence numbers in all ranges together. */
  bytes = 0;
  private starts = new Int32Array(8);
  private ends = new Int32Array(8);

  start(index: number): number {
    return this.starts[index]!;
  }

  end(index: number): number {
    return this.ends[index]!;
  }

  /** Adds a range, joined with those that it touches; false if there is no room for one more. */
  add(start: number, end: number): boolean {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const otherStart = this.starts[i]!;
      const otherEnd = this.ends[i]!;
      if (isBefore(otherEnd, start) || isAfter(otherStart, end)) {
        this.starts[kept] = otherStart;
        this.ends[kept++] = otherEnd;
        continue;
      }
      this.bytes -= sequenceDistance(otherEnd, otherStart);
      if (isBefore(otherStart, start)) start = otherStart;
      if (isAfter(otherEnd, end)) end = otherEnd;
    }
    this.count = kept;
    if (kept === MOST_RANGES) return false;
    if (kept === this.starts.length) this.grow();
    this.starts.copyWithin(1, 0, kept);
    this.ends.copyWithin(1, 0, kept);
    this.starts[0] = start;
    this.ends[0] = end;
    this.count++;
    this.bytes += sequenceDistance(end, start);
    return true;
  }

  /**
   * Everything before `next` has arrived; takes away what that covers, and answers up to where it goes on without a
   * gap.
   */
  take(next: number): number {
    // A range never touches another, so one pass finds the only one that can go on.
    let reached = next;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const start = this.starts[i]!;
      const end = this.ends[i]!;
      if (isAfter(start, next)) {
        this.starts[kept] = start;
        this.ends[kept++] = end;
        continue;
      }
      this.bytes -= sequenceDistance(end, start);
      if (isAfter(end, reached)) reached = end;
    }
    this.count = kept;
    return reached;
  }

  clear(): void {
    this.count = this.bytes = 0;
  }

  private grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(starts.length);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}
