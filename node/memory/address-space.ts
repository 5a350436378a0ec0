/**
 * A process's virtual memory: a page table over the host's physical frames. Virtual addresses differ from physical ones,
 * so whoever forgets to translate is found. Every allocation is a run of adjacent frames, behind a guard page.
 * Not modelled yet: demand paging, replacement, swap; every mapped page is present.
 */
import { alignUp } from '../../units/size.js';
import { NO_FRAME, type FrameNumber } from './frame-number.js';
import { PAGE_SHIFT, PAGE_SIZE, type PhysicalMemory } from './physical-memory.js';

/** Where a process's memory begins: beyond any physical address. */
export const USER_BASE = 0x10_0000_0000;
const BASE_PAGE = USER_BASE / PAGE_SIZE;

export class AddressSpace {
  private readonly memory: PhysicalMemory;
  /** Frame by virtual page number less BASE_PAGE. */
  private readonly table: FrameNumber[] = [];
  /** Pages of each allocation, by address. */
  private readonly allocations = new Map<number, number>();

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  /** Maps `length` zeroed bytes, page-aligned; the virtual address, or undefined when the host has no more memory. */
  allocate(length: number): number | undefined {
    const pages = alignUp(Math.max(length, 1), PAGE_SIZE) / PAGE_SIZE;
    const first = this.memory.allocate(pages);
    if (first === NO_FRAME) return undefined;
    this.table.push(NO_FRAME);
    const address = (BASE_PAGE + this.table.length) * PAGE_SIZE;
    for (let page = 0; page < pages; page++) this.table.push((first + page) as FrameNumber);
    this.allocations.set(address, pages);
    return address;
  }

  /** Unmaps an allocation. False if there is none at that address. */
  release(address: number): boolean {
    const pages = this.allocations.get(address);
    if (pages === undefined) return false;
    const first = this.pageOf(address);
    this.memory.release(this.table[first]!, pages);
    this.table.fill(NO_FRAME, first, first + pages);
    this.allocations.delete(address);
    return true;
  }

  /** Everything goes back to the host: the process is over. */
  releaseAll(): void {
    for (const address of [...this.allocations.keys()]) this.release(address);
  }

  /** The physical address of a run of `length` mapped, physically adjacent bytes; -1 if any is not mapped. */
  translate(address: number, length: number): number {
    if (!Number.isSafeInteger(address) || address < USER_BASE || length < 0) return -1;
    const first = this.pageOf(address);
    const last = this.pageOf(address + Math.max(length, 1) - 1);
    const frame = this.table[first];
    if (frame === undefined || frame === NO_FRAME) return -1;
    for (let page = first + 1; page <= last; page++) {
      if (this.table[page] !== frame + (page - first)) return -1;
    }
    return frame * PAGE_SIZE + (address % PAGE_SIZE);
  }

  private pageOf(address: number): number {
    return Math.floor(address / 2 ** PAGE_SHIFT) - BASE_PAGE;
  }
}
