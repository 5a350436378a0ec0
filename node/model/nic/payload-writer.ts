/**
 * Payload on its way from the NIC to memory. Bytes become visible when the DMA write has arrived, not when the
 * packet was checked: until then a core reads what was there before.
 */
import type { Instant } from '../../../units/time.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { MemoryWatches } from '../memory/memory-watches.js';
import type { DmaEngine } from './dma-engine.js';
import { lookUpTime, type Iommu } from './iommu.js';

/** Below this a loop beats building a view. */
const SHORT = 24;

interface PayloadWrite {
  slot: FrameSlot;
  /** Where in the pool's bytes what is written begins. */
  from: number;
  /** Physical addresses and lengths, in order of the payload. */
  readonly addresses: number[];
  readonly lengths: number[];
  segments: number;
}

export class PayloadWriter implements EventSink {
  private readonly writes: PayloadWrite[] = [];
  private readonly free: number[] = [];
  private readonly sink: number;
  private readonly scheduler: Scheduler;
  private readonly sequencer: Sequencer;
  private readonly pool: FramePool;
  private readonly memory: PhysicalMemory;
  private readonly dma: DmaEngine;
  private readonly watches: MemoryWatches;
  private readonly iommu: Iommu | null;

  constructor(
    scheduler: Scheduler,
    sequencer: Sequencer,
    pool: FramePool,
    memory: PhysicalMemory,
    dma: DmaEngine,
    watches: MemoryWatches,
    iommu: Iommu | null,
  ) {
    this.scheduler = scheduler;
    this.sequencer = sequencer;
    this.pool = pool;
    this.memory = memory;
    this.dma = dma;
    this.watches = watches;
    this.iommu = iommu;
    this.sink = scheduler.register(this);
  }

  /** Begins the write of frame `slot`'s payload, or of its bytes from `from` on, and takes the frame over. */
  begin(slot: FrameSlot, from = this.pool.payloadAt(slot)): number {
    let index = this.free.pop();
    if (index === undefined) {
      index = this.writes.length;
      this.writes.push({ slot, from, addresses: [], lengths: [], segments: 0 });
    }
    const write = this.writes[index]!;
    write.slot = slot;
    write.from = from;
    write.segments = 0;
    return index;
  }

  /** The next `length` bytes of the payload go to physical address `address`. */
  segment(index: number, address: number, length: number): void {
    const write = this.writes[index]!;
    write.addresses[write.segments] = address;
    write.lengths[write.segments] = length;
    write.segments++;
    // The frames stay what they are until the bytes are in memory.
    this.memory.table.holdBytes(address, length);
  }

  /** Starts the DMA now; when all of it is visible. The frame's chain is advanced to that. */
  start(index: number, length: number): Instant {
    let now: number = this.scheduler.now;
    if (this.iommu !== null) now = this.translated(index, now);
    const visible = this.dma.write(now, length);
    this.pool.chains.advance(this.writes[index]!.slot, STAGE.payload_write, visible);
    this.scheduler.at(visible, this.sequencer.key(), this.sink, 0, index);
    return visible;
  }

  /** When the IOMMU has translated the write's addresses, asked at `at`. */
  private translated(index: number, at: number): number {
    const { addresses, lengths, segments, slot } = this.writes[index]!;
    let end = at;
    for (let i = 0; i < segments; i++) end += lookUpTime(this.iommu, addresses[i]!, lengths[i]!);
    this.pool.chains.advance(slot, STAGE.translate, end);
    return end;
  }

  /** Nothing is written after all: gives the frame back. */
  abandon(index: number): void {
    const write = this.writes[index]!;
    const { table } = this.memory;
    for (let i = 0; i < write.segments; i++) {
      table.letGoBytes(write.addresses[i]!, write.lengths[i]!);
    }
    this.pool.release(write.slot);
    this.free.push(index);
  }

  handle(_kind: number, index: number): void {
    const { pool, memory, watches } = this;
    const write = this.writes[index]!;
    const { slot } = write;
    let { from } = write;
    for (let i = 0; i < write.segments; i++) {
      const address = write.addresses[i]!;
      const length = write.lengths[i]!;
      copyToMemory(pool, slot, from, length, memory.bytes, address);
      watches.written(address, length, pool.chains, slot);
      memory.table.letGoBytes(address, length);
      from += length;
    }
    pool.release(slot);
    this.free.push(index);
  }
}

function copyToMemory(
  pool: FramePool,
  slot: FrameSlot,
  from: number,
  length: number,
  memory: Uint8Array,
  address: number,
): void {
  if (length === pool.mtu && from === pool.payloadAt(slot)) {
    memory.set(pool.payloads[slot]!, address);
  } else if (length <= SHORT) {
    const { bytes } = pool;
    for (let i = 0; i < length; i++) memory[address + i] = bytes[from + i]!;
  } else {
    memory.set(pool.bytes.subarray(from, from + length), address);
  }
}

/** Copies payload out of memory into frame `slot` at byte `offset` of its payload. */
export function copyFromMemory(
  memory: PhysicalMemory,
  address: number,
  length: number,
  pool: FramePool,
  slot: FrameSlot,
  offset: number,
): void {
  const to = pool.payloadAt(slot) + offset;
  if (length <= SHORT) {
    const { bytes } = pool;
    for (let i = 0; i < length; i++) bytes[to + i] = memory.bytes[address + i]!;
  } else {
    pool.bytes.set(memory.views.at(address, length), to);
  }
}
