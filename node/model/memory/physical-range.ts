/**
 * Frames that belong together, and which of them are free: the whole of a host's RAM, or the part of it that a virtual
 * machine owns. First fit over runs of free frames in order of address.
 */
import { NO_FRAME, type FrameNumber } from './frame-number.js';

interface Run {
  first: number;
  count: number;
}

export class PhysicalRange {
  readonly first: FrameNumber;
  readonly count: number;
  freeFrames: number;
  private readonly free: Run[];

  constructor(first: FrameNumber, count: number) {
    this.first = first;
    this.count = count;
    this.freeFrames = count;
    this.free = count > 0 ? [{ first, count }] : [];
  }

  has(frame: FrameNumber): boolean {
    return frame >= this.first && frame < this.first + this.count;
  }

  /** Takes `count` adjacent frames out, the first at a multiple of `align`; NO_FRAME if there are none. */
  claim(count: number, align = 1): FrameNumber {
    for (let i = 0; i < this.free.length; i++) {
      const run = this.free[i]!;
      const first = Math.ceil(run.first / align) * align;
      const behind = run.first + run.count - (first + count);
      if (behind < 0) continue;
      const before = first - run.first;
      const rest: Run[] = [];
      if (before > 0) rest.push({ first: run.first, count: before });
      if (behind > 0) rest.push({ first: first + count, count: behind });
      if (rest.length === 1) {
        run.first = rest[0]!.first;
        run.count = rest[0]!.count;
      } else {
        this.free.splice(i, 1, ...rest);
      }
      this.freeFrames -= count;
      return first as FrameNumber;
    }
    return NO_FRAME;
  }

  /** Puts frames back. */
  giveBack(first: FrameNumber, count: number): void {
    const at = this.placeOf(first);
    this.free.splice(at, 0, { first, count });
    this.freeFrames += count;
    this.mergeAt(at + 1);
    this.mergeAt(at);
  }

  /** Where in the list of free runs one that begins at `first` belongs. */
  private placeOf(first: number): number {
    let low = 0;
    let high = this.free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.free[middle]!.first < first) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private mergeAt(at: number): void {
    const before = this.free[at - 1];
    const run = this.free[at];
    if (before === undefined || run === undefined) return;
    if (before.first + before.count !== run.first) return;
    before.count += run.count;
    this.free.splice(at, 1);
  }
}
