/**
 * Memory regions and their keys. A key is index << 8 | tag: an index into the table of regions, and a tag that changes
 * each time the index is used again, so that an old key fails. lkey and rkey are the same number.
 *
 * A region's pages are pinned when it is registered, or, on demand, are what the NIC has found of them so far: the
 * pager takes them away, and the NIC asks for them again (page-faults.ts).
 */
import type { AddressSpace } from '../memory/address-space.js';
import { NO_FRAME, type FrameNumber } from '../memory/frame-number.js';
import type { FrameListener } from '../memory/frame-table.js';
import { PAGE_SIZE } from '../memory/physical-memory.js';
import { ACCESS_WRITES } from './access-flags.js';

/** What {@link AddressResolver.resolve} answers where there is no one physical address. */
export const REFUSED = -1;
/** It may be accessed, and lies in several places: ask for its pieces. */
export const SCATTERED = -2;
/** It may be accessed when its pages are there: they have to be faulted in. */
export const ABSENT = -3;

/** A page could not be brought in: the next access is refused. */
export const BAD_FRAME = -2 as FrameNumber;

export type TakePiece = (physical: number, length: number) => void;

export interface RegionEntry {
  readonly key: number;
  readonly pd: number;
  /** As SGEs and RETHs name it: its virtual address, or another if it was registered so. */
  readonly address: number;
  readonly length: number;
  readonly access: number;
  /** Physical address of its first byte, if its pages are adjacent and pinned; -1 if not. */
  readonly physical: number;
  /** Its first byte's place in its first page. */
  readonly skew: number;
  /** Its frames, page by page; null where nobody needs them. */
  readonly frames: Int32Array | null;
  /** On demand: whose pages they are, the first of them, and which the NIC may write. Null for pinned pages. */
  readonly demand: DemandPages | null;
  /** Pages of 2 MiB. */
  readonly huge: boolean;
}

export interface DemandPages {
  readonly space: AddressSpace;
  readonly firstPage: number;
  readonly writable: Uint8Array;
}

/** What says where the memory that an SGE names lies. */
export interface AddressResolver {
  /** What was resolved holds as long as this stays. */
  readonly generation: number;
  /** The physical (or bus) address of `length` bytes at `address`; REFUSED, SCATTERED or ABSENT. */
  resolve(key: number, pd: number, address: number, length: number, access: number): number;
  /** Hands out the adjacent pieces of what was found SCATTERED. */
  pieces(key: number, address: number, length: number, take: TakePiece): void;
}

/** Frames that somebody holds, and the place of the first byte in the first. */
export interface HeldFrames {
  readonly frames: Int32Array;
  readonly skew: number;
}

export type RegionChange = Partial<Omit<RegionEntry, 'key'>>;

export class MemoryRegionTable implements AddressResolver, FrameListener {
  private readonly regions: (RegionEntry | undefined)[] = [undefined];
  private readonly tags: number[] = [0];
  private readonly freeIndices: number[] = [];
  /** The region found last: bulk transfers stay in one. */
  private last: RegionEntry | undefined = undefined;
  /** Pinned pages, all regions together; and regions on demand. */
  pinnedPages = 0;
  onDemand = 0;
  /** Counts what makes resolved addresses wrong: deregistrations, and pages that the NIC lost. */
  generation = 0;

  /** A region of adjacent memory at `physical`, which somebody else keeps there. */
  register(
    pd: number,
    address: number,
    length: number,
    access: number,
    physical: number,
  ): RegionEntry {
    const skew = address % PAGE_SIZE;
    const pages = { physical, skew, frames: null, demand: null, huge: false };
    return this.add({ pd, address, length, access, ...pages });
  }

  add(region: Omit<RegionEntry, 'key'>): RegionEntry {
    const index = this.freeIndices.pop() ?? this.regions.length;
    const tag = ((this.tags[index] ?? 0x11) + 1) & 0xff;
    this.tags[index] = tag;
    const key = ((index << 8) | tag) >>> 0;
    const { pd, address, length, access, physical, skew, frames, demand, huge } = region;
    const entry: RegionEntry = {
      key,
      pd,
      address,
      length,
      access,
      physical,
      skew,
      frames,
      demand,
      huge,
    };
    this.regions[index] = entry;
    this.count(entry, 1);
    return entry;
  }

  /** ibv_rereg_mr: the region is another from now on, under the same key. */
  change(key: number, change: RegionChange): RegionEntry {
    const before = this.find(key)!;
    const entry: RegionEntry = { ...before, ...change, key };
    this.count(before, -1);
    this.count(entry, 1);
    this.regions[key >>> 8] = entry;
    this.last = undefined;
    this.generation++;
    return entry;
  }

  deregister(key: number): boolean {
    const entry = this.find(key);
    if (entry === undefined) return false;
    this.regions[key >>> 8] = undefined;
    this.freeIndices.push(key >>> 8);
    this.last = undefined;
    this.generation++;
    this.count(entry, -1);
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
   * The physical address behind `length` bytes at `address`: the key must exist and be of this PD, allow `access` (0
   * for a local read, which always is allowed), and the range must lie inside, with no wrap (rules 23-25).
   */
  resolve(key: number, pd: number, address: number, length: number, access: number): number {
    const entry = this.find(key);
    if (entry?.pd !== pd || (entry.access & access) !== access) return REFUSED;
    const offset = address - entry.address;
    if (!(offset >= 0) || offset + length > entry.length) return REFUSED;
    if (entry.physical >= 0) return entry.physical + offset;
    return resolvePages(entry, offset, length, (access & ACCESS_WRITES) !== 0);
  }

  pieces(key: number, address: number, length: number, take: TakePiece): void {
    const entry = this.find(key)!;
    const at = entry.skew + address - entry.address;
    piecesOf(entry.frames!, at, length, take);
  }

  /**
   * The frames of `length` bytes at `address`, all of which are there, if they are on demand; null for pinned memory.
   */
  demandFrames(key: number, address: number, length: number): HeldFrames | null {
    const entry = this.find(key)!;
    if (entry.demand === null) return null;
    const at = entry.skew + address - entry.address;
    const first = Math.floor(at / PAGE_SIZE);
    const end = Math.floor((at + length - 1) / PAGE_SIZE) + 1;
    return { frames: entry.frames!.slice(first, end), skew: at % PAGE_SIZE };
  }

  /** The regions of protection domain `pd`. */
  of(pd: number): RegionEntry[] {
    return this.regions.filter((entry) => entry !== undefined).filter((entry) => entry.pd === pd);
  }

  usedBy(pd: number): boolean {
    return this.regions.some((entry) => entry?.pd === pd);
  }

  /** The pager, or the process itself, takes a page away: the NIC must not use it any more. */
  frameReplaced(_frame: FrameNumber, owner: number, page: number): void {
    if (this.onDemand > 0) this.invalidate(owner, page, NO_FRAME);
  }

  frameWriteProtected(frame: FrameNumber, owner: number, page: number): void {
    if (this.onDemand > 0) this.invalidate(owner, page, frame);
  }

  private invalidate(owner: number, page: number, stays: FrameNumber): void {
    for (const entry of this.regions) {
      const demand = entry?.demand;
      if (!demand || demand.space.number !== owner) continue;
      const index = page - demand.firstPage;
      if (index < 0 || index >= demand.writable.length || entry.frames![index]! < 0) continue;
      entry.frames![index] = stays;
      demand.writable[index] = 0;
      this.generation++;
    }
  }

  private count(entry: RegionEntry, by: 1 | -1): void {
    if (entry.demand !== null) this.onDemand += by;
    else this.pinnedPages += by * pagesOf(entry);
  }
}

/** Pages that a region touches. */
export const pagesOf = (region: { skew: number; length: number }): number =>
  Math.floor((region.skew + Math.max(region.length, 1) - 1) / PAGE_SIZE) + 1;

/** The adjacent pieces of `length` bytes from byte `at` of a run of pages. */
export function piecesOf(frames: Int32Array, at: number, length: number, take: TakePiece): void {
  let page = Math.floor(at / PAGE_SIZE);
  let offset = at % PAGE_SIZE;
  let left = length;
  while (left > 0) {
    const first = frames[page]!;
    let size = Math.min(PAGE_SIZE - offset, left);
    while (size < left && frames[page + 1] === frames[page]! + 1) {
      page++;
      size = Math.min(size + PAGE_SIZE, left);
    }
    take(first * PAGE_SIZE + offset, size);
    left -= size;
    offset = 0;
    page++;
  }
}

function resolvePages(
  { frames, demand, skew }: RegionEntry,
  offset: number,
  length: number,
  writes: boolean,
): number {
  const at = skew + offset;
  const first = Math.floor(at / PAGE_SIZE);
  const last = Math.floor((at + Math.max(length, 1) - 1) / PAGE_SIZE);
  let adjacent = true;
  let absent = false;
  for (let page = first; page <= last; page++) {
    const frame = frames![page]!;
    if (frame === BAD_FRAME) {
      frames![page] = NO_FRAME;
      return REFUSED;
    }
    if (frame === NO_FRAME || (writes && demand !== null && demand.writable[page] === 0)) {
      absent = true;
    }
    if (frame !== frames![first]! + (page - first)) adjacent = false;
  }
  if (absent) return ABSENT;
  return adjacent ? frames![first]! * PAGE_SIZE + (at % PAGE_SIZE) : SCATTERED;
}
