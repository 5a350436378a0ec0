/**
 * A host's RAM: frames of 4 KiB in one buffer. Cores in worker threads and the NIC share it; where cores run in the
 * host's own thread it is a plain ArrayBuffer, as copies into shared memory are made word by word and take twice as
 * long. One DataView and one Uint8Array serve for the life of the host.
 */
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import { FrameTable, NO_PAGE, OWNER_KERNEL } from './frame-table.js';
import { MemoryViews } from './memory-views.js';
import { PhysicalRange } from './physical-range.js';

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
/** A huge page is 2 MiB: this number of adjacent frames, the first at a multiple of it. */
export const HUGE_FRAMES = 512;

export class PhysicalMemory {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What payload was copied out of before. */
  readonly views: MemoryViews;
  readonly frames: number;
  readonly table: FrameTable;
  /** What no virtual machine owns. */
  readonly ram: PhysicalRange;
  private readonly ranges: PhysicalRange[];

  /** `shared`: cores in worker threads see it too. */
  constructor(size: number, shared = false) {
    this.frames = Math.floor(size / PAGE_SIZE);
    const bytes = this.frames * PAGE_SIZE;
    this.buffer = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
    this.views = new MemoryViews(this.bytes, this.frames);
    this.table = new FrameTable(this.frames, (frame) => this.rangeOf(frame).giveBack(frame, 1));
    // Frame 0 is never given out: physical address 0 stays invalid.
    this.ram = new PhysicalRange(1 as FrameNumber, this.frames - 1);
    this.ranges = [this.ram];
  }

  get freeFrames(): number {
    return this.ram.freeFrames;
  }

  /** Sets `count` frames aside as a range of their own, for a virtual machine; undefined if there are not as many. */
  reserve(count: number): PhysicalRange | undefined {
    const first = this.ram.claim(count);
    if (first === NO_FRAME) return undefined;
    const range = new PhysicalRange(first, count);
    this.ranges.push(range);
    return range;
  }

  /**
   * The first of `count` adjacent zeroed frames, now `owner`'s and mapped once each; NO_FRAME if there are none. The
   * first holds page `page`, and so on.
   */
  allocate(
    count: number,
    range = this.ram,
    owner = OWNER_KERNEL,
    page = NO_PAGE,
    align = 1,
  ): FrameNumber {
    const first = range.claim(count, align);
    if (first === NO_FRAME) return NO_FRAME;
    for (let i = 0; i < count; i++) {
      const frame = (first + i) as FrameNumber;
      this.clear(frame);
      this.table.take(frame, owner, page === NO_PAGE ? NO_PAGE : page + i);
    }
    return first;
  }

  /** Unmaps `count` frames; those that nobody pins or holds are free. */
  release(first: FrameNumber, count: number): void {
    for (let i = 0; i < count; i++) this.table.unmap((first + i) as FrameNumber);
  }

  /** The new owner of a frame finds nothing of the previous owner, and nothing that DMA wrote while it was free. */
  private clear(frame: FrameNumber): void {
    if (this.table.soiled[frame] === 0) return;
    this.table.soiled[frame] = 0;
    this.bytes.fill(0, frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE);
  }

  private rangeOf(frame: FrameNumber): PhysicalRange {
    return this.ranges.length === 1 ? this.ram : this.ranges.findLast((range) => range.has(frame))!;
  }
}
