/**
 * Memory regions and their keys. A key is index << 8 | tag: an index into the table of regions, and a tag that changes
 * each time the index is used again, so that an old key fails. lkey and rkey are the same number.
 */
import { PAGE_SIZE } from '../memory/physical-memory.js';

export const ACCESS_LOCAL_WRITE = 1;
export const ACCESS_REMOTE_WRITE = 2;
export const ACCESS_REMOTE_READ = 4;
export const ACCESS_REMOTE_ATOMIC = 8;
export const ACCESS_ALL = 15;

export interface RegionEntry {
  readonly key: number;
  readonly pd: number;
  /** Virtual, as SGEs and RETHs name it. */
  readonly address: number;
  readonly length: number;
  readonly access: number;
  /** Physical address of its first byte; the pages are adjacent and pinned. */
  readonly physical: number;
  /** Its frames, page by page; null where nobody looks at them. */
  readonly frames: Int32Array | null;
}

/** What says where the memory that an SGE names lies. */
export interface AddressResolver {
  /** What was resolved holds as long as this stays. */
  readonly generation: number;
  /** The physical (or bus) address of `length` bytes at `address`, or -1 if they may not be accessed so. */
  resolve(key: number, pd: number, address: number, length: number, access: number): number;
}

export class MemoryRegionTable implements AddressResolver {
  private readonly regions: (RegionEntry | undefined)[] = [undefined];
  private readonly tags: number[] = [0];
  private readonly freeIndices: number[] = [];
  /** The region found last: bulk transfers stay in one. */
  private last: RegionEntry | undefined;
  /** Pinned pages, all regions together. */
  pinnedPages = 0;
  /** Counts deregistrations: what was resolved in this generation still holds. */
  generation = 0;

  register(
    pd: number,
    address: number,
    length: number,
    access: number,
    physical: number,
    frames: Int32Array | null = null,
  ): RegionEntry {
    const index = this.freeIndices.pop() ?? this.regions.length;
    const tag = ((this.tags[index] ?? 0x11) + 1) & 0xff;
    this.tags[index] = tag;
    const entry: RegionEntry = {
      key: ((index << 8) | tag) >>> 0,
      pd,
      address,
      length,
      access,
      physical,
      frames,
    };
    this.regions[index] = entry;
    this.pinnedPages += pagesOf(entry);
    return entry;
  }

  deregister(key: number): boolean {
    const entry = this.find(key);
    if (entry === undefined) return false;
    this.regions[key >>> 8] = undefined;
    this.freeIndices.push(key >>> 8);
    this.last = undefined;
    this.generation++;
    this.pinnedPages -= pagesOf(entry);
    return true;
  }

  find(key: number): RegionEntry | undefined {
    if (this.last?.key === key) return this.last;
    const entry = this.regions[key >>> 8];
    if (entry?.key !== key) return undefined;
    this.last = entry;
    return entry;
  }

  /**
   * The physical address behind `length` bytes at `address`, or -1: the key must exist and be of this PD, allow `access`
   * (0 for a local read, which always is allowed), and the range must lie inside, with no wrap (rules 23-25).
   */
  resolve(key: number, pd: number, address: number, length: number, access: number): number {
    const entry = this.find(key);
    if (entry?.pd !== pd || (entry.access & access) !== access) return -1;
    const offset = address - entry.address;
    if (!(offset >= 0) || offset + length > entry.length) return -1;
    return entry.physical + offset;
  }

  /** The regions of protection domain `pd`. */
  of(pd: number): RegionEntry[] {
    return this.regions.filter((entry) => entry !== undefined).filter((entry) => entry.pd === pd);
  }

  usedBy(pd: number): boolean {
    return this.regions.some((entry) => entry?.pd === pd);
  }
}

export const pagesOf = (region: { address: number; length: number }): number =>
  Math.floor((region.address + Math.max(region.length, 1) - 1) / PAGE_SIZE) -
  Math.floor(region.address / PAGE_SIZE) +
  1;
