/**
 * A receive queue as the NIC sees it: a ring of buffers in host memory, and the one that the message in progress
 * is being scattered into.
 */
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { ACCESS_LOCAL_WRITE, REFUSED, SCATTERED, type AddressResolver } from './memory-region.js';
import type { PageFaults } from './page-faults.js';
import {
  newReceiveEntry,
  newSgeEntry,
  parseReceiveEntry,
  parseSge,
  receiveSgeAt,
} from './work-queue-entry.js';

const NEVER = -1;

export class ReceiveQueue {
  produced = 0;
  consumed = 0;
  /** The receive taken for the message in progress. */
  wrId = 0;
  length = 0;
  private readonly addresses: number[] = [];
  private readonly lengths: number[] = [];
  private pieces = 0;
  /** Why the receive taken last cannot be used: pages of it are not in memory. */
  absent = false;
  /** The generation of regions in which the pieces hold; NEVER when they do not. */
  private generation = NEVER;
  private readonly base: number;
  private readonly stride: number;
  private readonly depth: number;
  private readonly maxSge: number;
  /** What is being read of the queue's memory. */
  private readonly entry = newReceiveEntry();
  private readonly sge = newSgeEntry();

  constructor(base: number, stride: number, depth: number, maxSge: number) {
    this.base = base;
    this.stride = stride;
    this.depth = depth;
    this.maxSge = maxSge;
  }

  get empty(): boolean {
    return this.consumed === this.produced;
  }

  /** Takes the next receive without looking at its buffers: nothing will be written to them. */
  takeUnchecked(memory: PhysicalMemory): void {
    parseReceiveEntry(memory.view, this.wqeAt(this.consumed++), this.entry);
    this.wrId = this.entry.wrId;
  }

  /** Takes the next receive. False if one of its SGEs is not this PD's to write, or {@link absent}. */
  take(memory: PhysicalMemory, regions: AddressResolver, pd: number): boolean {
    this.takeUnchecked(memory);
    return this.resolve(memory, regions, pd);
  }

  /** Whether the buffers of the receive in progress still are what they were when it was taken (rule 28). */
  holds(memory: PhysicalMemory, regions: AddressResolver, pd: number): boolean {
    return this.generation === regions.generation || this.resolve(memory, regions, pd);
  }

  /** The receive taken last is the next one again: it was not used. */
  putBack(): void {
    this.consumed--;
  }

  /** Has the pages on demand of the receive taken last brought in. */
  faultIn(memory: PhysicalMemory, faults: PageFaults): void {
    const { view } = memory;
    const { entry, sge } = this;
    const at = this.wqeAt(this.consumed - 1);
    parseReceiveEntry(view, at, entry);
    const count = Math.min(entry.sgeCount, this.maxSge);
    for (let i = 0; i < count; i++) {
      parseSge(view, receiveSgeAt(at, i), sge);
      const { address, length, lkey: key } = sge;
      if (length > 0) faults.beginIfAbsent(key, address, length, true);
    }
  }

  /** Calls `take` for each piece of the `length` bytes at `offset` of the receive in progress. */
  scatter(offset: number, length: number, take: (physical: number, length: number) => void): void {
    let skip = offset;
    let left = length;
    for (let i = 0; i < this.pieces && left > 0; i++) {
      const size = this.lengths[i]!;
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const piece = Math.min(size - skip, left);
      take(this.addresses[i]! + skip, piece);
      left -= piece;
      skip = 0;
    }
  }

  /** Forgets all receives up to number `posted` (rule 63). */
  discard(posted: number): void {
    this.produced = this.consumed = posted;
  }

  /** Finds where the buffers of the receive taken last lie. */
  private resolve(memory: PhysicalMemory, regions: AddressResolver, pd: number): boolean {
    const { view } = memory;
    const { entry, sge } = this;
    const at = this.wqeAt(this.consumed - 1);
    this.length = 0;
    this.pieces = 0;
    this.generation = NEVER;
    this.absent = false;
    parseReceiveEntry(view, at, entry);
    const count = Math.min(entry.sgeCount, this.maxSge);
    for (let i = 0; i < count; i++) {
      parseSge(view, receiveSgeAt(at, i), sge);
      const { address, length, lkey: key } = sge;
      if (length === 0) continue;
      const physical = regions.resolve(key, pd, address, length, ACCESS_LOCAL_WRITE);
      if (physical === REFUSED) return false;
      if (physical >= 0) this.addPiece(physical, length);
      else if (physical === SCATTERED) regions.pieces(key, address, length, this.addPiece);
      else this.absent = true;
    }
    if (this.absent) return false;
    this.generation = regions.generation;
    return true;
  }

  private readonly addPiece = (physical: number, length: number): void => {
    this.addresses[this.pieces] = physical;
    this.lengths[this.pieces++] = length;
    this.length += length;
  };

  private wqeAt(index: number): number {
    return this.base + (index % this.depth) * this.stride;
  }
}
