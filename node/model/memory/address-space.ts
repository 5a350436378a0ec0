/**
 * A process's virtual memory. A page is mapped first and gets a frame when it is used (demand-zero); it may lose it to
 * the pager, share it with a child until one of the two writes (copy on write), or keep it: pinned, locked, or huge.
 *
 * Every function that may take time takes the instant at which it begins and returns the one at which it ends; or
 * EFAULT for a page that is not mapped, or ENOMEM without a free frame.
 */
import { alignUp } from '../../../units/size.js';
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import type { FrameTable } from './frame-table.js';
import { firstPage, PAGE, pageCount, PageTable } from './page-table.js';
import type { Pager } from './pager.js';
import { HUGE_FRAMES, PAGE_SIZE, type PhysicalMemory } from './physical-memory.js';
import { NO_SLOT } from './swap-device.js';

/** What is wrong, where an instant is expected. */
export const EFAULT = -14;
export const ENOMEM = -12;

/** What {@link AddressSpace.faultIn} had to do. */
export const FAULT = { none: 0, minor: 1, major: 2 } as const;

export class AddressSpace {
  /** The number of its process on this host. */
  readonly number: number;
  readonly pager: Pager;
  readonly table = new PageTable();
  minorFaults = 0;
  majorFaults = 0;
  /** Pages in memory, and pages that are only in swap. */
  resident = 0;
  swapped = 0;
  /** What the last {@link faultIn} had to do. */
  lastFault: number = FAULT.none;
  private readonly memory: PhysicalMemory;
  private readonly frames: FrameTable;

  constructor(number: number, pager: Pager) {
    this.number = number;
    this.pager = pager;
    this.memory = pager.memory;
    this.frames = pager.memory.table;
    pager.spaces.set(number, this);
  }

  /**
   * Maps `length` zeroed bytes on adjacent frames that are there at once and stay, as a shared mapping of hugetlbfs
   * would: neither replaced, nor counted as locked. Its address, or undefined when the host has no such frames.
   */
  allocate(length: number, at: number): number | undefined {
    const pages = alignUp(Math.max(length, 1), PAGE_SIZE) / PAGE_SIZE;
    this.pager.at = at;
    const page = this.table.end + 1;
    const first = this.pager.run(pages, 1, this.number, page);
    if (first === NO_FRAME) return undefined;
    this.table.map(pages, PAGE.mapped | PAGE.fixed);
    for (let i = 0; i < pages; i++) this.settle(page + i, (first + i) as FrameNumber);
    return page * PAGE_SIZE;
  }

  /** Maps `pages` pages, none of them present; `huge` rounds up to pages of 2 MiB. The address. */
  map(pages: number, huge: boolean): number {
    if (!huge) return this.table.map(pages, PAGE.mapped) * PAGE_SIZE;
    const rounded = alignUp(pages, HUGE_FRAMES);
    return this.table.map(rounded, PAGE.mapped | PAGE.huge, HUGE_FRAMES) * PAGE_SIZE;
  }

  /** Unmaps what of these pages is mapped. A frame that is pinned or held stays until it is not. */
  unmap(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      if ((this.table.flagsOf(page) & PAGE.mapped) === 0) continue;
      this.drop(page);
      this.table.forget(page);
    }
  }

  /** MADV_DONTNEED: the pages are mapped, and all zeros again. */
  discard(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      this.drop(page);
      if ((this.table.flagsOf(page) & PAGE.huge) !== 0) this.table.clear(page, PAGE.fixed);
    }
  }

  /**
   * Makes `page` present at `at`, and this process's own for a write. Every read and write of it comes through here.
   */
  faultIn(page: number, write: boolean, at: number): number {
    const { table, frames, pager } = this;
    const flags = table.flagsOf(page);
    this.lastFault = FAULT.none;
    if ((flags & PAGE.mapped) === 0) return EFAULT;
    let done = at;
    if ((flags & PAGE.present) !== 0) {
      if (write && (flags & PAGE.copyOnWrite) !== 0) {
        done = this.copyOnWrite(page, at);
        if (done < 0) return done;
      }
    } else if ((flags & PAGE.huge) !== 0) {
      done = this.faultHuge(page, at);
      if (done < 0) return done;
    } else {
      pager.at = at;
      const frame = pager.frame(this.number, page);
      if (frame === NO_FRAME) return ENOMEM;
      done = this.fill(page, frame, pager.at + pager.faultCost());
    }
    const frame = table.frameOf(page);
    frames.use(frame);
    if (write) this.dirty(page, frame);
    const ready = frames.readyAt[frame]!;
    return ready > done ? ready : done;
  }

  /** The page was taken: it is in swap slot `slot`, or where it was before if that is NO_SLOT. */
  lost(page: number, slot: number): void {
    const { table } = this;
    table.displace(page);
    if (slot !== NO_SLOT) {
      if (table.slotOf(page) !== NO_SLOT) this.pager.swap.release(table.slotOf(page));
      table.setSlot(page, slot);
    }
    this.resident--;
    if (table.slotOf(page) !== NO_SLOT) this.swapped++;
  }

  /** mlock keeps the page in memory; the caller makes it present. */
  lock(page: number): void {
    const { table, frames } = this;
    if ((table.flagsOf(page) & PAGE.locked) !== 0) return;
    table.set(page, PAGE.locked);
    if (table.frameOf(page) !== NO_FRAME) frames.locks[table.frameOf(page)]!++;
  }

  unlock(page: number): void {
    const { table, frames } = this;
    if ((table.flagsOf(page) & PAGE.locked) === 0) return;
    table.clear(page, PAGE.locked);
    if (table.frameOf(page) !== NO_FRAME) frames.locks[table.frameOf(page)]!--;
  }

  /**
   * Pins `count` pages for writing, faults included; all of them or none. When it is done at the earliest; `into` gets
   * their frames.
   */
  pin(first: number, count: number, at: number, into: Int32Array): number {
    const { table, frames } = this;
    let now = at;
    for (let i = 0; i < count; i++) {
      now = this.faultIn(first + i, true, now);
      if (now < 0) {
        this.unpin(into, i);
        return now;
      }
      const frame = table.frameOf(first + i);
      frames.pin(frame);
      into[i] = frame;
    }
    return now;
  }

  /** Unpins the first `count` of `pinned`. What was written to them meanwhile, nobody noted: they are dirty. */
  unpin(pinned: Int32Array, count = pinned.length): void {
    for (let i = 0; i < count; i++) {
      const frame = pinned[i]! as FrameNumber;
      this.frames.dirty[frame] = 1;
      this.frames.unpin(frame);
    }
  }

  /**
   * Makes `child` a copy of this: frames are shared until either writes, but for pages pinned or under DMA, which are
   * copied at once so that the parent keeps the frames its devices know (Linux 5.12), pages of {@link allocate} and
   * huge ones, which stay shared, and those the child is not to have.
   */
  fork(child: AddressSpace, at: number): number {
    const { table, frames, pager } = this;
    let now = at;
    table.forEach((page, flags) => {
      if ((flags & PAGE.dontFork) !== 0 || now < 0) return;
      const frame = table.frameOf(page);
      child.table.mapAt(page, flags & (PAGE.mapped | PAGE.fixed | PAGE.huge));
      if (frame === NO_FRAME) {
        child.inheritSlot(page, table.slotOf(page));
        if (table.slotOf(page) !== NO_SLOT) child.swapped++;
      } else if ((flags & (PAGE.fixed | PAGE.huge)) !== 0) {
        frames.share(frame);
        child.settle(page, frame);
      } else if (frames.pinned(frame) || frames.busy(frame)) {
        pager.at = now;
        const copy = pager.frame(child.number, page);
        if (copy === NO_FRAME) {
          now = ENOMEM;
          return;
        }
        now = pager.at + pager.copyCost(PAGE_SIZE);
        this.copyPage(frame, copy);
        child.settle(page, copy);
        frames.dirty[copy] = 1;
      } else {
        frames.share(frame);
        frames.writeProtected(frame, this.number, page);
        table.set(page, PAGE.copyOnWrite);
        child.settle(page, frame);
        child.table.set(page, PAGE.copyOnWrite);
        child.inheritSlot(page, table.slotOf(page));
      }
    });
    return now;
  }

  /** Everything goes back to the host: the process is over. */
  releaseAll(): void {
    this.table.forEach((page) => {
      this.drop(page);
      this.table.forget(page);
    });
    this.pager.spaces.delete(this.number);
  }

  /**
   * The physical address of `length` bytes that are present on adjacent frames and stay where they are; -1 if they are
   * not so. Only what is pinned, or was {@link allocate}d, stays.
   */
  translate(address: number, length: number): number {
    if (!Number.isSafeInteger(address) || !(length >= 0) || !(length <= 2 ** 52)) return -1;
    const { table, frames } = this;
    const first = firstPage(address);
    const frame = table.frameOf(first);
    if (frame === NO_FRAME) return -1;
    for (let i = 0; i < pageCount(address, length); i++) {
      const each = (frame + i) as FrameNumber;
      if (table.frameOf(first + i) !== each) return -1;
      const stays = (table.flagsOf(first + i) & PAGE.fixed) !== 0 || frames.pinned(each);
      if (!stays) return -1;
    }
    return frame * PAGE_SIZE + (address % PAGE_SIZE);
  }

  /** The bytes of a page that is not present: from swap, or zeros. */
  private fill(page: number, frame: FrameNumber, at: number): number {
    const { table, frames, pager, memory } = this;
    const slot = table.slotOf(page);
    let done = at;
    if (slot === NO_SLOT) {
      this.minorFaults++;
      this.lastFault = FAULT.minor;
    } else {
      const bytes = memory.bytes.subarray(frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE);
      done = pager.swap.read(slot, bytes, at);
      frames.readyAt[frame] = done;
      this.majorFaults++;
      this.swapped--;
      this.lastFault = FAULT.major;
    }
    this.settle(page, frame);
    return done;
  }

  /** All 2 MiB at once. */
  private faultHuge(page: number, at: number): number {
    const { pager } = this;
    const first = Math.floor(page / HUGE_FRAMES) * HUGE_FRAMES;
    pager.at = at;
    const frame = pager.run(HUGE_FRAMES, HUGE_FRAMES, this.number, first);
    if (frame === NO_FRAME) return ENOMEM;
    for (let i = 0; i < HUGE_FRAMES; i++) {
      this.table.set(first + i, PAGE.fixed);
      this.settle(first + i, (frame + i) as FrameNumber);
    }
    this.minorFaults++;
    this.lastFault = FAULT.minor;
    const rest = (HUGE_FRAMES - 1) * PAGE_SIZE;
    return pager.at + pager.faultCost() + pager.copyCost(rest);
  }

  /** A write to a page whose frame others share: it gets a frame of its own, unless the others have gone. */
  private copyOnWrite(page: number, at: number): number {
    const { table, frames, pager } = this;
    const shared = table.frameOf(page);
    this.lastFault = FAULT.minor;
    this.minorFaults++;
    if (frames.mapped(shared) === 1) {
      frames.handOver(shared, this.number, page);
      table.clear(page, PAGE.copyOnWrite);
      return at + pager.faultCost();
    }
    pager.at = at;
    frames.hold(shared);
    const own = pager.frame(this.number, page);
    frames.letGo(shared);
    if (own === NO_FRAME) return ENOMEM;
    const done = Math.max(pager.at, frames.readyAt[shared]!) + pager.faultCost();
    this.copyPage(shared, own);
    this.drop(page);
    this.settle(page, own);
    return done + pager.copyCost(PAGE_SIZE);
  }

  /** The page is in `frame`, which counts this mapping already. */
  private settle(page: number, frame: FrameNumber): void {
    const { table, frames } = this;
    table.place(page, frame);
    this.resident++;
    const flags = table.flagsOf(page);
    if ((flags & PAGE.locked) !== 0) frames.locks[frame]!++;
    if ((flags & PAGE.fixed) !== 0) frames.locks[frame]!++;
  }

  /** The page's bytes are gone, wherever they are. Locks stay the page's. */
  private drop(page: number): void {
    const { table, frames, pager } = this;
    const frame = table.frameOf(page);
    if (table.slotOf(page) !== NO_SLOT) {
      pager.swap.release(table.slotOf(page));
      table.setSlot(page, NO_SLOT);
      if (frame === NO_FRAME) this.swapped--;
    }
    if (frame === NO_FRAME) return;
    frames.replaced(frame, this.number, page);
    const flags = table.flagsOf(page);
    if ((flags & PAGE.locked) !== 0) frames.locks[frame]!--;
    if ((flags & PAGE.fixed) !== 0) frames.locks[frame]!--;
    table.displace(page);
    this.resident--;
    if (frames.mapped(frame) > 1 && frames.owner(frame) === this.number) {
      pager.handOver(frame, page);
    }
    frames.unmap(frame);
  }

  /** What swap holds of the page is old. */
  private dirty(page: number, frame: FrameNumber): void {
    const { table, frames, pager } = this;
    frames.dirty[frame] = 1;
    const slot = table.slotOf(page);
    if (slot === NO_SLOT) return;
    pager.swap.release(slot);
    table.setSlot(page, NO_SLOT);
  }

  private inheritSlot(page: number, slot: number): void {
    if (slot === NO_SLOT) return;
    this.pager.swap.share(slot);
    this.table.setSlot(page, slot);
  }

  private copyPage(from: FrameNumber, to: FrameNumber): void {
    const at = from * PAGE_SIZE;
    this.memory.bytes.copyWithin(to * PAGE_SIZE, at, at + PAGE_SIZE);
  }
}
