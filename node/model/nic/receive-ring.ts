/**
 * A receive queue of a network function: frames are written into its ring by DMA and taken out by the driver. What
 * finds no descriptor is lost, as on real hardware.
 */
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { PAGE_SIZE } from '../memory/physical-memory.js';
import type { DmaEngine } from './dma-engine.js';
import { lookUpTime, type Iommu } from './iommu.js';

/** What the NIC writes for each frame besides its bytes: a completion. */
const DESCRIPTOR = 64;

export interface RingDriver {
  /** A frame can be taken out of `ring`. */
  arrived(ring: ReceiveRing): void;
}

export interface ReceiveRingParts {
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly pool: FramePool;
  readonly dma: DmaEngine;
  readonly iommu: Iommu | null;
}

export class ReceiveRing implements EventSink {
  readonly index: number;
  readonly capacity: number;
  /** Frames written into it, and frames that found no room. */
  frames = 0;
  missed = 0;
  /** The hash of the frame taken last, as its descriptor has it. */
  hash = 0;
  private taken = 0;
  private written = 0;
  private underWay = 0;
  private lastPut = 0;
  private readonly slots: Int32Array;
  private readonly hashes: Float64Array;
  /** Bus address of its buffers, one page each, behind an IOMMU. */
  private readonly buffers: number;
  private readonly sink: number;
  private readonly parts: ReceiveRingParts;
  private readonly driver: RingDriver;

  constructor(index: number, capacity: number, parts: ReceiveRingParts, driver: RingDriver) {
    this.index = index;
    this.capacity = capacity;
    this.slots = new Int32Array(capacity);
    this.hashes = new Float64Array(capacity);
    this.buffers = parts.iommu?.reserve(capacity) ?? 0;
    this.parts = parts;
    this.driver = driver;
    this.sink = parts.scheduler.register(this);
  }

  /** Frames that are there to be taken. */
  get length(): number {
    return this.written - this.taken;
  }

  /** How many frames were taken out so far, and how many put in, those under way among them. */
  get head(): number {
    return this.taken;
  }

  get tail(): number {
    return this.written + this.underWay;
  }

  get full(): boolean {
    return this.tail - this.taken >= this.capacity;
  }

  /** Takes frame `slot` over, whose flow has that hash. */
  receive(slot: FrameSlot, hash: number): void {
    const { scheduler, sequencer, pool, dma, iommu } = this.parts;
    if (this.full) {
      this.missed++;
      pool.release(slot);
      return;
    }
    // Writes never pass each other, so places are known from the beginning.
    const place = (this.written + this.underWay++) % this.capacity;
    this.hashes[place] = hash;
    let now: number = scheduler.now;
    if (iommu !== null) {
      now += lookUpTime(iommu, this.buffers + place * PAGE_SIZE, pool.frames[slot]!.length);
      pool.chains.advance(slot, STAGE.translate, now);
    }
    const visible = dma.write(now, pool.frames[slot]!.length + DESCRIPTOR);
    pool.chains.advance(slot, STAGE.payload_write, visible);
    scheduler.at(visible, sequencer.key(), this.sink, 0, slot);
  }

  /** Takes frame `slot` over, which somebody other than a device has put into it at `at`. */
  put(slot: FrameSlot, hash: number, at: number): void {
    const { scheduler, sequencer, pool } = this.parts;
    if (this.full) {
      this.missed++;
      pool.release(slot);
      return;
    }
    this.hashes[(this.written + this.underWay++) % this.capacity] = hash;
    if (at > this.lastPut) this.lastPut = at;
    scheduler.at(this.lastPut, sequencer.key(), this.sink, 0, slot);
  }

  handle(_kind: number, slot: FrameSlot): void {
    this.underWay--;
    this.frames++;
    this.slots[this.written++ % this.capacity] = slot;
    this.driver.arrived(this);
  }

  /** The oldest frame, or NO_FRAME_SLOT. */
  take(): FrameSlot {
    if (this.taken === this.written) return NO_FRAME_SLOT;
    const place = this.taken++ % this.capacity;
    this.hash = this.hashes[place]!;
    return this.slots[place]! as FrameSlot;
  }
}
