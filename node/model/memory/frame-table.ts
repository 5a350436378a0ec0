/**
 * What a host knows of each of its physical frames: whose it is, which page of that process it holds, and what keeps it
 * where it is. A frame is free when no page table maps it, nobody has pinned it and no DMA holds it.
 *
 * Without a pin or a hold a frame may change hands at any time: a device that still has its physical address then
 * reads or writes another process's page.
 */
import type { FrameNumber } from './frame-number.js';

/** Owners that are no process. */
export const OWNER_FREE = -1;
/** Queues of the NIC, and whatever else the kernel keeps for itself. */
export const OWNER_KERNEL = -2;

export const NO_PAGE = -1;

const FRAME_SIZE = 4096;

/** Who must know when a frame stops being what it was: an IOMMU, an on-demand-paging region, a watcher of DMA. */
export interface FrameListener {
  /**
   * `frame` is about to stop holding page `page` (virtual address / 4096) of process `owner`: replaced, unmapped,
   * copied on write, or freed. Its bytes are still that page's.
   */
  frameReplaced(frame: FrameNumber, owner: number, page: number): void;
  /** The page stays in `frame`, but a write to it will first make a copy: a child shares it now. */
  frameWriteProtected?(frame: FrameNumber, owner: number, page: number): void;
}

export class FrameTable {
  readonly frames: number;
  /** A free frame that may hold other bytes than zeros: it is cleared when it is next given out. */
  readonly soiled: Uint8Array;
  /** Whether it was used since the clock's hand last passed, and when it was used last, as a count of uses. */
  readonly referenced: Uint8Array;
  readonly lastUse: Float64Array;
  /** Its bytes differ from what swap holds of the page. */
  readonly dirty: Uint8Array;
  /** Pages of it that mlock keeps in memory, one per page table that maps it. */
  readonly locks: Int32Array;
  /** When the bytes that a swap device reads into it are there. */
  readonly readyAt: Float64Array;
  readonly listeners: FrameListener[] = [];
  private readonly owners: Int32Array;
  private readonly pages: Float64Array;
  private readonly mappings: Int32Array;
  private readonly pins: Int32Array;
  private readonly holds: Int32Array;
  private uses = 0;
  private readonly becameFree: (frame: FrameNumber) => void;

  constructor(frames: number, becameFree: (frame: FrameNumber) => void) {
    this.frames = frames;
    this.becameFree = becameFree;
    this.soiled = new Uint8Array(frames);
    this.referenced = new Uint8Array(frames);
    this.lastUse = new Float64Array(frames);
    this.dirty = new Uint8Array(frames);
    this.locks = new Int32Array(frames);
    this.readyAt = new Float64Array(frames);
    this.owners = new Int32Array(frames).fill(OWNER_FREE);
    this.pages = new Float64Array(frames).fill(NO_PAGE);
    this.mappings = new Int32Array(frames);
    this.pins = new Int32Array(frames);
    this.holds = new Int32Array(frames);
  }

  /** The process whose page it holds (or held, if only a pin keeps it), or one of the owners above. */
  owner(frame: FrameNumber): number {
    return this.owners[frame]!;
  }

  /** The owner's virtual page number; NO_PAGE when it holds none. */
  page(frame: FrameNumber): number {
    return this.pages[frame]!;
  }

  /** A free frame is handed out, with one mapping. */
  take(frame: FrameNumber, owner: number, page: number): void {
    if (this.owners[frame] !== OWNER_FREE) throw new Error(`frame ${frame} is not free`);
    this.owners[frame] = owner;
    this.pages[frame] = page;
    this.mappings[frame] = 1;
    this.readyAt[frame] = 0;
    this.dirty[frame] = 0;
    this.use(frame);
  }

  /** Another page table maps it too. */
  share(frame: FrameNumber): void {
    this.mappings[frame]!++;
  }

  /** One page table maps it no more. */
  unmap(frame: FrameNumber): void {
    if (this.mappings[frame]!-- === 0) throw new Error(`frame ${frame} was not mapped`);
    this.freeIfUnused(frame);
  }

  /** Of several page tables that mapped it, the one that is left is `owner`'s, at `page`. */
  handOver(frame: FrameNumber, owner: number, page: number): void {
    this.owners[frame] = owner;
    this.pages[frame] = page;
  }

  mapped(frame: FrameNumber): number {
    return this.mappings[frame]!;
  }

  /** It stays where it is until {@link unpin}, whatever its process does. */
  pin(frame: FrameNumber): void {
    this.pins[frame]!++;
  }

  unpin(frame: FrameNumber): void {
    if (this.pins[frame]!-- === 0) throw new Error(`frame ${frame} was not pinned`);
    this.freeIfUnused(frame);
  }

  pinned(frame: FrameNumber): boolean {
    return this.pins[frame]! > 0;
  }

  /** DMA that the kernel or the NIC knows of is under way: it stays until {@link letGo}. */
  hold(frame: FrameNumber): void {
    this.holds[frame]!++;
  }

  letGo(frame: FrameNumber): void {
    if (this.holds[frame]!-- === 0) throw new Error(`frame ${frame} was not held`);
    this.freeIfUnused(frame);
  }

  holdAll(frames: Int32Array): void {
    for (const frame of frames) this.hold(frame as FrameNumber);
  }

  letGoAll(frames: Int32Array): void {
    for (const frame of frames) this.letGo(frame as FrameNumber);
  }

  /** As {@link hold} for the frames of `length` bytes at physical address `address`; on the way of every packet. */
  holdBytes(address: number, length: number): void {
    const last = ((address + length - 1) / FRAME_SIZE) | 0;
    for (let frame = (address / FRAME_SIZE) | 0; frame <= last; frame++) this.holds[frame]!++;
  }

  letGoBytes(address: number, length: number): void {
    const last = ((address + length - 1) / FRAME_SIZE) | 0;
    for (let frame = (address / FRAME_SIZE) | 0; frame <= last; frame++) {
      this.letGo(frame as FrameNumber);
    }
  }

  busy(frame: FrameNumber): boolean {
    return this.holds[frame]! > 0;
  }

  /** A core, or the NIC through a page table, has used it. */
  use(frame: FrameNumber): void {
    this.referenced[frame] = 1;
    this.lastUse[frame] = ++this.uses;
  }

  /** Tells all who listen that the frame is about to stop holding its page. */
  replaced(frame: FrameNumber, owner: number, page: number): void {
    for (const listener of this.listeners) listener.frameReplaced(frame, owner, page);
  }

  writeProtected(frame: FrameNumber, owner: number, page: number): void {
    for (const listener of this.listeners) listener.frameWriteProtected?.(frame, owner, page);
  }

  private freeIfUnused(frame: FrameNumber): void {
    if (this.mappings[frame]! > 0 || this.pins[frame]! > 0 || this.holds[frame]! > 0) return;
    // DMA to an address that nobody has: it was free, and stays so.
    if (this.owners[frame] === OWNER_FREE) return;
    this.owners[frame] = OWNER_FREE;
    this.pages[frame] = NO_PAGE;
    this.soiled[frame] = 1;
    this.becameFree(frame);
  }
}
