/**
 * The pager of a range of frames: it finds a frame for a page, and when none is free it takes one from somebody. Which
 * one is the policy's choice: `clock` (a hand goes round the frames and takes the first that was not used since it last
 * passed) or `lru` (the one whose last use is longest ago). Frames that are pinned, locked, held by DMA or still being
 * read are never taken.
 *
 * There is no daemon that keeps some frames free: who needs one reclaims it himself and waits for what that takes
 * (direct reclaim). A page is written to swap before its frame is reused, unless swap holds those bytes already.
 */
import { draw, type DrawnCost } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { AddressSpace } from './address-space.js';
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import type { FrameTable } from './frame-table.js';
import { PAGE_SIZE, type PhysicalMemory } from './physical-memory.js';
import type { PhysicalRange } from './physical-range.js';
import { NO_SLOT, type SwapDevice } from './swap-device.js';

export interface PagerCosts {
  /** Making a page present, zeroing included, without the trap into the kernel. */
  readonly minorFault: DrawnCost;
  /** Copying or clearing memory, in ps per byte. */
  readonly copy: number;
}

export interface PagerOptions {
  readonly memory: PhysicalMemory;
  readonly range: PhysicalRange;
  readonly swap: SwapDevice;
  readonly policy: 'clock' | 'lru';
  readonly costs: PagerCosts;
  readonly random: RandomStream;
}

export class Pager {
  readonly memory: PhysicalMemory;
  readonly range: PhysicalRange;
  readonly swap: SwapDevice;
  /** Address spaces by the number of their process. */
  readonly spaces = new Map<number, AddressSpace>();
  /** Pages that were taken from their process. */
  replacements = 0;
  /** When the request in progress has come so far: set before one, read after it. */
  at = 0;
  private readonly table: FrameTable;
  private readonly policy: 'clock' | 'lru';
  private readonly costs: PagerCosts;
  private readonly random: RandomStream;
  private hand: number;

  constructor(options: PagerOptions) {
    this.memory = options.memory;
    this.range = options.range;
    this.swap = options.swap;
    this.policy = options.policy;
    this.costs = options.costs;
    this.random = options.random;
    this.table = options.memory.table;
    this.hand = options.range.first;
  }

  /** What a page fault costs beyond the trap and the devices. */
  faultCost(): number {
    return draw(this.costs.minorFault, this.random);
  }

  copyCost(bytes: number): number {
    return Math.ceil(bytes * this.costs.copy);
  }

  /** A zeroed frame for page `page` of process `owner`; NO_FRAME if nothing can be taken from anybody. */
  frame(owner: number, page: number): FrameNumber {
    return this.run(1, 1, owner, page);
  }

  /**
   * `count` adjacent frames, the first at a multiple of `align`. Pages are replaced until there are some, if there can
   * be.
   */
  run(count: number, align: number, owner: number, page: number): FrameNumber {
    const { memory, range } = this;
    for (;;) {
      const first = memory.allocate(count, range, owner, page, align);
      if (first !== NO_FRAME) return first;
      if (count > 1 && range.freeFrames + this.replaceable() < count) return NO_FRAME;
      if (!this.replaceOne()) return NO_FRAME;
    }
  }

  /**
   * The pages of a frame that several processes map are the same number in each. Another process that maps it is its
   * owner now.
   */
  handOver(frame: FrameNumber, page: number): void {
    for (const [number, space] of this.spaces) {
      if (space.table.frameOf(page) === frame) {
        this.table.handOver(frame, number, page);
        return;
      }
    }
  }

  /** Why nothing can be taken, for people. */
  get shortage(): string {
    const { table, range } = this;
    const kept = { pinned: 0, locked: 0, busy: 0 };
    for (let frame = range.first; frame < range.first + range.count; frame++) {
      if (table.owner(frame) < 0) continue;
      if (table.pinned(frame)) kept.pinned++;
      else if (table.locks[frame]! > 0) kept.locked++;
      else if (table.busy(frame)) kept.busy++;
    }
    return (
      `no frame is free or evictable: of ${range.count}, ${kept.pinned} are pinned, ${kept.locked} locked, ` +
      `${kept.busy} under DMA; swap holds ${this.swap.used} of ${this.swap.capacity} pages`
    );
  }

  private replaceOne(): boolean {
    const frame = this.policy === 'clock' ? this.byClock() : this.byLastUse();
    if (frame === NO_FRAME) return false;
    this.replace(frame);
    return true;
  }

  private byClock(): FrameNumber {
    const { table, range } = this;
    const end = range.first + range.count;
    // Once round to clear, once round to find.
    for (let steps = 0; steps <= 2 * range.count; steps++) {
      const frame = this.hand as FrameNumber;
      this.hand = frame + 1 === end ? range.first : frame + 1;
      if (!this.mayTake(frame)) continue;
      if (table.referenced[frame] === 0) return frame;
      table.referenced[frame] = 0;
    }
    return NO_FRAME;
  }

  private byLastUse(): FrameNumber {
    const { table, range } = this;
    let oldest = NO_FRAME;
    for (let at = range.first as number; at < range.first + range.count; at++) {
      const frame = at as FrameNumber;
      if (!this.mayTake(frame)) continue;
      if (oldest === NO_FRAME || table.lastUse[frame]! < table.lastUse[oldest]!) oldest = frame;
    }
    return oldest;
  }

  private mayTake(frame: FrameNumber): boolean {
    const { table } = this;
    return (
      table.owner(frame) >= 0 &&
      table.mapped(frame) > 0 &&
      table.locks[frame] === 0 &&
      !table.pinned(frame) &&
      !table.busy(frame) &&
      table.readyAt[frame]! <= this.at &&
      (table.dirty[frame] === 0 || !this.swap.full)
    );
  }

  private replaceable(): number {
    const { range } = this;
    let count = 0;
    for (let frame = range.first as number; frame < range.first + range.count; frame++) {
      if (this.mayTake(frame as FrameNumber)) count++;
    }
    return count;
  }

  private replace(frame: FrameNumber): void {
    const { table, swap } = this;
    const page = table.page(frame);
    const spaces = [...this.spaces.values()].filter((space) => space.table.frameOf(page) === frame);
    for (const space of spaces) table.replaced(frame, space.number, page);
    let slot = NO_SLOT;
    if (table.dirty[frame] === 1) {
      slot = swap.claim();
      for (let i = 1; i < spaces.length; i++) swap.share(slot);
      const at = frame * PAGE_SIZE;
      const bytes = this.memory.bytes.subarray(at, at + PAGE_SIZE);
      this.at = swap.write(slot, bytes, this.at);
    }
    this.replacements++;
    for (const space of spaces) space.lost(page, slot);
    for (let i = 0; i < spaces.length; i++) table.unmap(frame);
  }
}
