/**
 * Transfers by bus address, between a frame's slot and memory that may change hands meanwhile: each TLP touches memory
 * at its own time, in the order of its bytes. Where every page is pinned nobody can see a difference, and all bytes
 * move at once.
 *
 * With an IOMMU each piece is looked up in the driver's domain when it is touched; what is not mapped there (any more)
 * ends the transfer. Without one the address is physical, and whatever lies there is read or written.
 */
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import type { FramePool } from '../fabric/frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { FrameNumber } from '../memory/frame-number.js';
import type { MemoryWatches } from '../memory/memory-watches.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { Profile } from '../../spec/profile.js';
import type { DmaEngine } from './dma-engine.js';
import type { Descriptor, DmaHazards } from './dma-hazards.js';
import { MAY_READ, MAY_WRITE, type Iommu } from './iommu.js';

/** Hears of the end of a transfer into memory that it began. */
export interface TransferOwner {
  /** `arrived`: all of it is in memory. The transfer may be {@link DmaTransfers.free}d. */
  transferEnded(index: number, arrived: boolean): void;
}

export interface Transfer extends Descriptor {
  process: number;
  qpNum: number;
  wrId: number;
  /** What its owner wants to know at its end. */
  count: number;
  epoch: number;
  /** Into memory. */
  write: boolean;
  slot: FrameSlot;
  /** The IOMMU's domain; -1 where addresses are physical. */
  domain: number;
  length: number;
  /** Bytes moved, and bytes of a TLP. */
  moved: number;
  step: number;
  /** Events still to come. */
  pending: number;
  failed: boolean;
  cancelled: boolean;
  owner: TransferOwner | undefined;
  /** Where in the pool's bytes the frame's first byte lies. */
  from: number;
  readonly addresses: number[];
  readonly lengths: number[];
  pieces: number;
}

export class DmaTransfers implements EventSink {
  /** Transfers to or from addresses where there is no memory. */
  aborted = 0;
  private readonly transfers: Transfer[] = [];
  private readonly unused: number[] = [];
  private readonly sink: number;
  private readonly scheduler: Scheduler;
  private readonly sequencer: Sequencer;
  private readonly pool: FramePool;
  private readonly memory: PhysicalMemory;
  private readonly dma: DmaEngine;
  private readonly watches: MemoryWatches;
  private readonly hazards: DmaHazards;
  private readonly iommu: Iommu | null;
  private readonly pcie: Profile['pcie'];

  constructor(
    scheduler: Scheduler,
    sequencer: Sequencer,
    pool: FramePool,
    memory: PhysicalMemory,
    dma: DmaEngine,
    watches: MemoryWatches,
    hazards: DmaHazards,
    iommu: Iommu | null,
    pcie: Profile['pcie'],
  ) {
    this.scheduler = scheduler;
    this.sequencer = sequencer;
    this.pool = pool;
    this.memory = memory;
    this.dma = dma;
    this.watches = watches;
    this.hazards = hazards;
    this.iommu = iommu;
    this.pcie = pcie;
    this.sink = scheduler.register(this);
  }

  /** A transfer between memory and frame `slot`, whose first byte lies at `from` of the pool's bytes. */
  begin(
    write: boolean,
    slot: FrameSlot,
    from: number,
    domain: number,
    process: number,
    qpNum: number,
    wrId: number,
  ): number {
    let index = this.unused.pop();
    if (index === undefined) {
      index = this.transfers.length;
      this.transfers.push(newTransfer());
    }
    const transfer = this.transfers[index]!;
    transfer.write = write;
    transfer.slot = slot;
    transfer.from = from;
    transfer.domain = domain;
    transfer.process = process;
    transfer.qpNum = qpNum;
    transfer.wrId = wrId;
    transfer.length = transfer.moved = transfer.pieces = 0;
    transfer.failed = transfer.cancelled = false;
    transfer.owner = undefined;
    return index;
  }

  at(index: number): Transfer {
    return this.transfers[index]!;
  }

  /** The next `length` bytes of the frame are at bus address `address`. */
  piece(index: number, address: number, length: number): void {
    const transfer = this.transfers[index]!;
    transfer.addresses[transfer.pieces] = address;
    transfer.lengths[transfer.pieces++] = length;
    transfer.length += length;
  }

  /** What looking its addresses up takes; nothing without an IOMMU. */
  lookUp(index: number): number {
    const { addresses, lengths, pieces, domain } = this.transfers[index]!;
    if (this.iommu === null || domain < 0) return 0;
    let time = 0;
    for (let i = 0; i < pieces; i++) time += this.iommu.lookUp(domain, addresses[i]!, lengths[i]!);
    return time;
  }

  /** Reads the transfer's bytes into its frame, asked for at `at`; when the last is here. */
  read(index: number, at: number): number {
    const transfer = this.transfers[index]!;
    const { pcie } = this;
    const ready = this.dma.read(at, transfer.length);
    // Memory is touched when a completion sets out: one crossing before it is here.
    this.schedule(index, ready - pcie.postedWrite.ps, pcie.completionOverhead);
    return ready;
  }

  /**
   * Writes the frame's bytes to memory from `at` on; `owner` hears of the end. When all is visible, if nothing happens.
   */
  write(index: number, at: number, owner: TransferOwner): number {
    const transfer = this.transfers[index]!;
    transfer.owner = owner;
    const visible = this.dma.write(at, transfer.length);
    this.schedule(index, visible, this.pcie.writeOverhead);
    return visible;
  }

  /** The frame of a read is needed now: what is missing of it is read. False if it could not be had. */
  finish(index: number): boolean {
    const transfer = this.transfers[index]!;
    while (transfer.moved < transfer.length && !transfer.failed) this.move(transfer);
    return !transfer.failed;
  }

  /** Its owner has done with the transfer; its frame is the owner's. */
  free(index: number): void {
    const transfer = this.transfers[index]!;
    transfer.cancelled = true;
    if (transfer.pending === 0) this.unused.push(index);
  }

  handle(_kind: number, index: number): void {
    const transfer = this.transfers[index]!;
    transfer.pending--;
    if (!transfer.cancelled) {
      if (transfer.moved < transfer.length && !transfer.failed) this.move(transfer);
      if (transfer.pending === 0 && transfer.owner !== undefined) {
        transfer.owner.transferEnded(index, !transfer.failed);
      }
      return;
    }
    if (transfer.pending === 0) this.unused.push(index);
  }

  /** One event per TLP, the last of them at `last`; or only that where nothing can change meanwhile. */
  private schedule(index: number, last: number, overhead: number): void {
    const transfer = this.transfers[index]!;
    const { scheduler, sequencer, pcie } = this;
    const { now } = scheduler;
    const { length } = transfer;
    const step = this.stays(transfer) ? Math.max(length, 1) : pcie.maxPayload;
    const count = Math.max(1, Math.ceil(length / step));
    transfer.step = step;
    transfer.pending = count;
    for (let i = 1; i <= count; i++) {
      const behind = length - Math.min(i * step, length) + (count - i) * overhead;
      const at = last - Math.ceil(behind * pcie.rate);
      scheduler.at(at > now ? at : now, sequencer.key(), this.sink, 0, index);
    }
  }

  /** Whether all its pages are pinned: nothing that its addresses mean can change. */
  private stays(transfer: Transfer): boolean {
    const { table, frames } = this.memory;
    for (let i = 0; i < transfer.pieces; i++) {
      const end = transfer.addresses[i]! + transfer.lengths[i]!;
      for (let at = transfer.addresses[i]!; at < end; at += PAGE_SIZE - (at % PAGE_SIZE)) {
        const physical = this.physical(transfer, at);
        if (physical < 0) return false;
        const frame = Math.floor(physical / PAGE_SIZE) as FrameNumber;
        if (frame >= frames || !table.pinned(frame)) return false;
      }
    }
    return true;
  }

  private physical(transfer: Transfer, address: number): number {
    if (transfer.domain < 0) return address < this.memory.bytes.length ? address : -1;
    return this.iommu!.translate(transfer.domain, address, transfer.write ? MAY_WRITE : MAY_READ);
  }

  /** Moves the bytes of the next TLP. */
  private move(transfer: Transfer): void {
    const { addresses, lengths } = transfer;
    const end = Math.min(transfer.moved + transfer.step, transfer.length);
    let piece = 0;
    let skip = transfer.moved;
    while (skip >= lengths[piece]!) skip -= lengths[piece++]!;
    while (transfer.moved < end) {
      if (skip === lengths[piece]) {
        piece++;
        skip = 0;
        continue;
      }
      const address = addresses[piece]! + skip;
      const length = Math.min(
        lengths[piece]! - skip,
        end - transfer.moved,
        PAGE_SIZE - (address % PAGE_SIZE),
      );
      if (!this.movePiece(transfer, address, length)) return;
      transfer.moved += length;
      skip += length;
    }
  }

  /** Moves bytes that lie in one page. */
  private movePiece(transfer: Transfer, address: number, length: number): boolean {
    const { pool, memory, hazards } = this;
    const { write, slot, domain } = transfer;
    const physical = this.physical(transfer, address);
    if (physical < 0) {
      transfer.failed = true;
      this.aborted++;
      const { qpNum, wrId } = transfer;
      if (domain >= 0) {
        this.iommu!.fault(this.scheduler.now, domain, address, write, qpNum, wrId);
      }
      return false;
    }
    if (domain < 0) hazards.check(write, transfer, physical, length, transfer.moved);
    const at = transfer.from + transfer.moved;
    if (write) {
      memory.bytes.set(pool.bytes.subarray(at, at + length), physical);
      this.watches.written(physical, length, pool.chains, slot);
    } else {
      pool.bytes.set(memory.bytes.subarray(physical, physical + length), at);
    }
    return true;
  }
}

const newTransfer = (): Transfer => ({
  process: 0,
  qpNum: 0,
  wrId: 0,
  count: 0,
  epoch: 0,
  write: false,
  slot: NO_FRAME_SLOT,
  domain: -1,
  length: 0,
  moved: 0,
  step: 0,
  pending: 0,
  failed: false,
  cancelled: false,
  owner: undefined,
  from: 0,
  addresses: [],
  lengths: [],
  pieces: 0,
});
