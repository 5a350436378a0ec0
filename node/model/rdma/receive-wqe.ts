/**
 * The receive WQE that a message is scattered into: first read where it lies, then taken from its source. Each taker
 * has one of these; several may share a source.
 */
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { ACCESS } from './access-flags.js';
import { REFUSED, SCATTERED, type AddressResolver, type TakePiece } from './memory-region.js';
import type { PageFaults } from './page-faults.js';
import type { ReceiveSource } from './receive-source.js';
import {
  newReceiveEntry,
  newSgeEntry,
  parseReceiveEntry,
  parseSge,
  receiveSgeAt,
} from './work-queue-entry.js';

const NEVER = -1;

export class ReceiveWqe {
  wrId = 0;
  /** Bytes of its buffers. */
  length = 0;
  /** How many of the source's receives had been taken with it. */
  count = 0;
  /** Why its buffers cannot be used: pages of them are not in memory. */
  absent = false;
  private at = 0;
  private maxSge = 0;
  private readonly addresses: number[] = [];
  private readonly lengths: number[] = [];
  private pieces = 0;
  /** The generation of regions in which the pieces hold; NEVER when they do not. */
  private generation = NEVER;
  /** What is being read of the queue's memory. */
  private readonly entry = newReceiveEntry();
  private readonly sge = newSgeEntry();

  /**
   * Reads the next receive of `source`, which stays there. False if an SGE is not this PD's to write, or {@link
   * absent}.
   */
  look(
    source: ReceiveSource,
    memory: PhysicalMemory,
    regions: AddressResolver,
    pd: number,
  ): boolean {
    this.at = source.next;
    this.maxSge = source.maxSge;
    parseReceiveEntry(memory.view, this.at, this.entry);
    this.wrId = this.entry.wrId;
    return this.resolve(memory, regions, pd);
  }

  /** Takes the receive last looked at. */
  take(source: ReceiveSource): void {
    this.count = source.take();
  }

  /** Takes the next receive without looking at its buffers: nothing will be written to them. */
  takeUnchecked(source: ReceiveSource, memory: PhysicalMemory): void {
    parseReceiveEntry(memory.view, source.next, this.entry);
    this.wrId = this.entry.wrId;
    this.count = source.take();
  }

  /** Whether the buffers still are what they were when they were looked at (rule 28). */
  holds(memory: PhysicalMemory, regions: AddressResolver, pd: number): boolean {
    return this.generation === regions.generation || this.resolve(memory, regions, pd);
  }

  /** Has its pages on demand brought in. */
  faultIn(memory: PhysicalMemory, faults: PageFaults): void {
    const { view } = memory;
    const { entry, sge } = this;
    parseReceiveEntry(view, this.at, entry);
    const count = Math.min(entry.sgeCount, this.maxSge);
    for (let i = 0; i < count; i++) {
      parseSge(view, receiveSgeAt(this.at, i), sge);
      const { address, length, lkey: key } = sge;
      if (length > 0) faults.beginIfAbsent(key, address, length, true);
    }
  }

  /** Calls `take` for each piece of the `length` bytes at `offset` of its buffers. */
  scatter(offset: number, length: number, take: TakePiece): void {
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

  /** Finds where its buffers lie. */
  private resolve(memory: PhysicalMemory, regions: AddressResolver, pd: number): boolean {
    const { view } = memory;
    const { at, entry, sge } = this;
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
      const physical = regions.resolve(key, pd, address, length, ACCESS.LOCAL_WRITE);
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
}
