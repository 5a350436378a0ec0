/**
 * A process's page table: for each virtual page whether it is mapped, where it is, and what a write to it means.
 * Virtual addresses are given out in order and never again, so one who holds on to an old one is found. A directory of
 * leaves with 512 entries each: what is not mapped takes no room.
 */
import { alignUp } from '../../../units/size.js';
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import { PAGE_SIZE } from './physical-memory.js';
import { NO_SLOT } from './swap-device.js';

/** Where a process's memory begins: beyond any physical address. */
export const USER_BASE = 0x10_0000_0000;
const BASE_PAGE = USER_BASE / PAGE_SIZE;
const LEAF_PAGES = 512;

/** What is true of a page. One that is mapped and not present is in its slot of swap, or else all zeros. */
export const PAGE = {
  mapped: 1,
  present: 2,
  /** Its frame is other processes' too: a write makes a copy. */
  copyOnWrite: 4,
  /** Part of a run of adjacent frames that were given at once, stay, and are shared with children. */
  fixed: 8,
  /** Part of a page of 2 MiB; `fixed` once it is present. */
  huge: 16,
  /** mlock keeps it in memory. */
  locked: 32,
  /** Children do not get it. */
  dontFork: 64,
} as const;

class Leaf {
  /** Pages that are mapped. */
  mapped = 0;
  readonly flags = new Uint8Array(LEAF_PAGES);
  readonly frames = new Int32Array(LEAF_PAGES).fill(NO_FRAME);
  readonly slots = new Int32Array(LEAF_PAGES).fill(NO_SLOT);
}

export class PageTable {
  /** Pages that are mapped. */
  mapped = 0;
  /** Pages ever mapped, guard pages included. */
  private length = 0;
  private readonly leaves: (Leaf | undefined)[] = [];

  /** The page behind the last that was ever mapped. */
  get end(): number {
    return BASE_PAGE + this.length;
  }

  /**
   * Maps `count` pages with `flags`, the first at a multiple of `align`, behind a guard page; the first page's number.
   */
  map(count: number, flags: number, align = 1): number {
    const first = alignUp(this.end + 1, align);
    this.length = first + count - BASE_PAGE;
    for (let page = first; page < first + count; page++) this.mapAt(page, flags);
    return first;
  }

  /** Maps a page at a number that another process's table gave out; the table's end is behind it. */
  mapAt(page: number, flags: number): void {
    const index = page - BASE_PAGE;
    const leaf = (this.leaves[Math.floor(index / LEAF_PAGES)] ??= new Leaf());
    leaf.flags[index % LEAF_PAGES] = flags;
    leaf.mapped++;
    this.mapped++;
    if (index >= this.length) this.length = index + 1;
  }

  flagsOf(page: number): number {
    const leaf = this.leafOf(page);
    return leaf === undefined ? 0 : leaf.flags[(page - BASE_PAGE) % LEAF_PAGES]!;
  }

  frameOf(page: number): FrameNumber {
    const leaf = this.leafOf(page);
    return leaf === undefined
      ? NO_FRAME
      : (leaf.frames[(page - BASE_PAGE) % LEAF_PAGES]! as FrameNumber);
  }

  slotOf(page: number): number {
    const leaf = this.leafOf(page);
    return leaf === undefined ? NO_SLOT : leaf.slots[(page - BASE_PAGE) % LEAF_PAGES]!;
  }

  /** The page, which is mapped, is present in `frame`. */
  place(page: number, frame: FrameNumber): void {
    const leaf = this.leafOf(page)!;
    const at = (page - BASE_PAGE) % LEAF_PAGES;
    leaf.frames[at] = frame;
    leaf.flags[at]! |= PAGE.present;
  }

  /** The page is present no more. */
  displace(page: number): void {
    const leaf = this.leafOf(page)!;
    const at = (page - BASE_PAGE) % LEAF_PAGES;
    leaf.frames[at] = NO_FRAME;
    leaf.flags[at]! &= ~(PAGE.present | PAGE.copyOnWrite);
  }

  setSlot(page: number, slot: number): void {
    this.leafOf(page)!.slots[(page - BASE_PAGE) % LEAF_PAGES] = slot;
  }

  set(page: number, flags: number): void {
    this.leafOf(page)!.flags[(page - BASE_PAGE) % LEAF_PAGES]! |= flags;
  }

  clear(page: number, flags: number): void {
    this.leafOf(page)!.flags[(page - BASE_PAGE) % LEAF_PAGES]! &= ~flags;
  }

  /** The page is mapped no more. */
  forget(page: number): void {
    const leaf = this.leafOf(page)!;
    const at = (page - BASE_PAGE) % LEAF_PAGES;
    leaf.frames[at] = NO_FRAME;
    leaf.flags[at] = 0;
    leaf.slots[at] = NO_SLOT;
    this.mapped--;
    if (--leaf.mapped > 0) return;
    this.leaves[Math.floor((page - BASE_PAGE) / LEAF_PAGES)] = undefined;
  }

  /** Calls `visit` with each mapped page, in order. What is visited may be forgotten. */
  forEach(visit: (page: number, flags: number) => void): void {
    for (const [number, leaf] of this.leaves.entries()) {
      if (leaf === undefined) continue;
      const first = BASE_PAGE + number * LEAF_PAGES;
      for (let at = 0; at < LEAF_PAGES; at++) {
        const flags = leaf.flags[at]!;
        if ((flags & PAGE.mapped) !== 0) visit(first + at, flags);
      }
    }
  }

  /** Whether each of `count` pages from `first` on is mapped. */
  allMapped(first: number, count: number): boolean {
    for (let page = first; page < first + count; page++) {
      if ((this.flagsOf(page) & PAGE.mapped) === 0) return false;
    }
    return true;
  }

  private leafOf(page: number): Leaf | undefined {
    return page < BASE_PAGE ? undefined : this.leaves[Math.floor((page - BASE_PAGE) / LEAF_PAGES)];
  }
}

/**
 * The pages that `length` bytes at `address` touch: the first, and how many. A length of 0 touches the one it lies in.
 */
export const firstPage = (address: number): number => Math.floor(address / PAGE_SIZE);

export const pageCount = (address: number, length: number): number =>
  firstPage(address + Math.max(length, 1) - 1) - firstPage(address) + 1;
