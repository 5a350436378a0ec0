/**
 * A send queue of whole frames that a driver fills: each is fetched over PCIe after its doorbell, and goes out in
 * order. The frame's bytes are in its slot from the beginning; their way over the bus is a matter of time only.
 */
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Profile } from '../../spec/profile.js';
import { PAGE_SIZE } from '../memory/physical-memory.js';
import type { DmaEngine } from './dma-engine.js';
import { lookUpTime, type Iommu } from './iommu.js';
import type { RateLimit } from './rate-limit.js';
import type { TransmitSource, Transmitter } from './transmitter.js';

export interface FrameQueueParts {
  readonly profile: Profile;
  readonly pool: FramePool;
  readonly dma: DmaEngine;
  readonly iommu: Iommu | null;
  readonly transmitter: Transmitter;
  readonly random: RandomStream;
  readonly scheduler: { readonly now: number };
}

export class FrameQueue implements TransmitSource {
  readyAt = Infinity;
  waiting = false;
  readonly capacity: number;
  /** Called when a queue that was full has room for half of its frames. */
  onRoom: (() => void) | undefined = undefined;
  private count = 0;
  private head = 0;
  private wasFull = false;
  private lastReady = 0;
  private readonly slots: Int32Array;
  private readonly readies: Float64Array;
  /** Bus address of its buffers, one page each, behind an IOMMU. */
  private readonly buffers: number;
  private readonly parts: FrameQueueParts;
  /** Its function's; null for none. */
  private readonly limit: RateLimit | null;

  constructor(parts: FrameQueueParts, capacity: number, limit: RateLimit | null = null) {
    this.parts = parts;
    this.capacity = capacity;
    this.limit = limit;
    this.slots = new Int32Array(capacity);
    this.readies = new Float64Array(capacity);
    this.buffers = parts.iommu?.reserve(capacity) ?? 0;
  }

  get full(): boolean {
    if (this.count === this.capacity) this.wasFull = true;
    return this.count === this.capacity;
  }

  /** Takes frame `slot` over: its descriptor is written and its doorbell rung at `at`, which may be to come. */
  post(slot: FrameSlot, at: number): void {
    const { profile, pool, dma, iommu, random } = this.parts;
    const { chains } = pool;
    const place = (this.head + this.count++) % this.capacity;
    let ready = at + draw(profile.pcie.postedWrite, random);
    chains.advance(slot, STAGE.doorbell, ready);
    ready += draw(profile.nic.wqeFetch, random);
    chains.advance(slot, STAGE.wqe_fetch, ready);
    if (iommu !== null) {
      ready += lookUpTime(iommu, this.buffers + place * PAGE_SIZE, pool.frames[slot]!.length);
      chains.advance(slot, STAGE.translate, ready);
    }
    ready = dma.read(ready, pool.frames[slot]!.length);
    chains.advance(slot, STAGE.payload_fetch, ready);
    const { tx } = profile.nic;
    ready += draw(tx, random) - tx.ps;
    chains.advance(slot, STAGE.nic_tx, ready);
    if (ready < this.lastReady) ready = this.lastReady;
    this.lastReady = ready;
    this.slots[place] = slot;
    this.readies[place] = ready;
    if (this.count === 1) this.offer();
  }

  transmit(): void {
    const { pool, transmitter, scheduler } = this.parts;
    const { now } = scheduler;
    // Another queue of the function may have sent meanwhile.
    if (this.limit !== null && this.limit.freeAt > now) {
      this.offer();
      return;
    }
    const slot = this.slots[this.head]! as FrameSlot;
    this.head = (this.head + 1) % this.capacity;
    this.count--;
    pool.chains.advance(slot, STAGE.nic_wait, now);
    this.limit?.took(now, pool.frames[slot]!.length);
    transmitter.forward(slot);
    this.offer();
    if (this.wasFull && this.count <= this.capacity / 2) {
      this.wasFull = false;
      this.onRoom?.();
    }
  }

  /** Tells the port when the frame at the head is ready. */
  private offer(): void {
    if (this.count === 0) {
      this.readyAt = Infinity;
      return;
    }
    const ready = this.readies[this.head]!;
    const free = this.limit?.freeAt ?? 0;
    this.readyAt = ready > free ? ready : free;
    this.parts.transmitter.activate(this);
  }
}
