/**
 * A host's RAM: frames of 4 KiB in one SharedArrayBuffer, so that cores in worker threads and the NIC see the same
 * bytes. One DataView and one Uint8Array serve for the life of the host.
 */
import { NO_FRAME, type FrameNumber } from './frame-number.js';

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;

export class PhysicalMemory {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly frames: number;
  /** Free runs of frames, in order of address: [first, count]. */
  private readonly free: { first: number; count: number }[];

  constructor(size: number) {
    this.frames = Math.floor(size / PAGE_SIZE);
    this.buffer = new SharedArrayBuffer(this.frames * PAGE_SIZE);
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
    // Frame 0 is never given out: physical address 0 stays invalid.
    this.free = [{ first: 1, count: this.frames - 1 }];
  }

  get freeFrames(): number {
    return this.free.reduce((sum, run) => sum + run.count, 0);
  }

  /** The first of `count` adjacent zeroed frames, first fit; NO_FRAME if there are none. */
  allocate(count: number): FrameNumber {
    for (let i = 0; i < this.free.length; i++) {
      const run = this.free[i]!;
      if (run.count < count) continue;
      const { first } = run;
      run.first += count;
      run.count -= count;
      if (run.count === 0) this.free.splice(i, 1);
      return first as FrameNumber;
    }
    return NO_FRAME;
  }

  /** Gives frames back. They are zeroed here, so that whoever gets them next finds nothing. */
  release(first: FrameNumber, count: number): void {
    this.bytes.fill(0, first * PAGE_SIZE, (first + count) * PAGE_SIZE);
    let at = this.free.findIndex((run) => run.first > first);
    if (at < 0) at = this.free.length;
    this.free.splice(at, 0, { first, count });
    this.mergeAt(at + 1);
    this.mergeAt(at);
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
