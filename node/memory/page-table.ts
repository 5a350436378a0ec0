/**
 * A process's page table: for each virtual page whether it is mapped, where it is, and what a write to it means.
 * Virtual addresses are given out in order and never again, so one who holds on to an old one is found.
 */
import { alignUp } from '../../units/size.js';
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import { PAGE_SIZE } from './physical-memory.js';
import { NO_SLOT } from './swap-device.js';

/** Where a process's memory begins: beyond any physical address. */
export const USER_BASE = 0x10_0000_0000;
const BASE_PAGE = USER_BASE / PAGE_SIZE;

/** What is true of a page. One that is mapped and not present is in its slot of swap, or else all zeros. */
export const PAGE = {
  mapped: 1,
  present: 2,
  /** Its frame is other processes' too: a write makes a copy. */
  copyOnWrite: 4,
  /** Of a run of adjacent frames that were given at once, stay, and are shared with children. */
  fixed: 8,
  /** Part of a page of 2 MiB; `fixed` once it is present. */
  huge: 16,
  /** mlock keeps it in memory. */
  locked: 32,
  /** Children do not get it. */
  dontFork: 64,
} as const;

export class PageTable {
  /** Pages ever mapped, guard pages included. */
  length = 0;
  private flags = new Uint8Array(64);
  private frames = new Int32Array(64).fill(NO_FRAME);
  private slots = new Int32Array(64).fill(NO_SLOT);

  /** Maps `count` pages with `flags`, the first at a multiple of `align`, behind a guard page; the first page's number. */
  map(count: number, flags: number, align = 1): number {
    const first = alignUp(this.length + 1 + BASE_PAGE, align) - BASE_PAGE;
    this.grow(first + count);
    this.flags.fill(flags, first, first + count);
    return first + BASE_PAGE;
  }

  /** The first page of a process, and the one behind its last. */
  get first(): number {
    return BASE_PAGE;
  }

  get end(): number {
    return BASE_PAGE + this.length;
  }

  flagsOf(page: number): number {
    const index = page - BASE_PAGE;
    return index >= 0 && index < this.length ? this.flags[index]! : 0;
  }

  frameOf(page: number): FrameNumber {
    const index = page - BASE_PAGE;
    return (index >= 0 && index < this.length ? this.frames[index]! : NO_FRAME) as FrameNumber;
  }

  slotOf(page: number): number {
    return this.slots[page - BASE_PAGE]!;
  }

  /** The page is present in `frame`. */
  place(page: number, frame: FrameNumber): void {
    this.frames[page - BASE_PAGE] = frame;
    this.flags[page - BASE_PAGE]! |= PAGE.present;
  }

  /** The page is present no more. */
  displace(page: number): void {
    this.frames[page - BASE_PAGE] = NO_FRAME;
    this.flags[page - BASE_PAGE]! &= ~(PAGE.present | PAGE.copyOnWrite);
  }

  setSlot(page: number, slot: number): void {
    this.slots[page - BASE_PAGE] = slot;
  }

  set(page: number, flags: number): void {
    this.flags[page - BASE_PAGE]! |= flags;
  }

  clear(page: number, flags: number): void {
    this.flags[page - BASE_PAGE]! &= ~flags;
  }

  /** The page is mapped no more. */
  forget(page: number): void {
    this.frames[page - BASE_PAGE] = NO_FRAME;
    this.flags[page - BASE_PAGE] = 0;
    this.slots[page - BASE_PAGE] = NO_SLOT;
  }

  /** Whether each of `count` pages from `first` on is mapped. */
  allMapped(first: number, count: number): boolean {
    for (let page = first; page < first + count; page++) {
      if ((this.flagsOf(page) & PAGE.mapped) === 0) return false;
    }
    return true;
  }

  /** Has room for as many pages as `other`, all unmapped. */
  growLike(other: PageTable): void {
    this.grow(other.length);
  }

  private grow(length: number): void {
    this.length = length;
    if (length <= this.flags.length) return;
    const size = Math.max(length, this.flags.length * 2);
    const { flags, frames, slots } = this;
    this.flags = new Uint8Array(size);
    this.flags.set(flags);
    this.frames = new Int32Array(size).fill(NO_FRAME);
    this.frames.set(frames);
    this.slots = new Int32Array(size).fill(NO_SLOT);
    this.slots.set(slots);
  }
}

/** The pages that `length` bytes at `address` touch: the first, and how many. A length of 0 touches the one it lies in. */
export const firstPage = (address: number): number => Math.floor(address / PAGE_SIZE);

export const pageCount = (address: number, length: number): number =>
  firstPage(address + Math.max(length, 1) - 1) - firstPage(address) + 1;
