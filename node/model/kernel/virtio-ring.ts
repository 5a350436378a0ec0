/**
 * The send queue of a virtual machine that has no function of the NIC's: memory that it shares with the host (virtio).
 * Telling the host of a frame makes the machine leave its core and come back (an exit), unless the host is looking at
 * the queue already.
 */
import type { Scheduler } from '../../../sim/scheduler.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { RateLimit } from '../nic/rate-limit.js';
import type { Profile } from '../../spec/profile.js';
import type { KernelContext } from './kernel-context.js';
import type { SendRing } from './network-device.js';

/** Who empties such queues. */
export interface RingServer {
  /** `ring` has a frame from `at` on, and nobody looks at it. */
  kicked(ring: VirtioRing, at: number): void;
}

export interface VirtioRingParts {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  /** The machine's kernel at work. */
  readonly context: KernelContext;
  readonly limit: RateLimit | null;
  readonly server: RingServer;
}

export class VirtioRing implements SendRing {
  onRoom: (() => void) | undefined = undefined;
  /** The host looks at it, so that nobody need tell it of more. */
  watched = false;
  private head = 0;
  private count = 0;
  private wasFull = false;
  private lastReady = 0;
  private readonly slots: Int32Array;
  private readonly readies: Float64Array;
  private readonly parts: VirtioRingParts;

  constructor(parts: VirtioRingParts) {
    this.parts = parts;
    const { ringSize } = parts.profile.kernel;
    this.slots = new Int32Array(ringSize);
    this.readies = new Float64Array(ringSize);
  }

  get full(): boolean {
    if (this.count === this.slots.length) this.wasFull = true;
    return this.count === this.slots.length;
  }

  post(slot: FrameSlot): void {
    const { context, profile, pool, server } = this.parts;
    const kicks = !this.watched;
    if (kicks) {
      this.watched = true;
      context.spend(profile.vm.exit, STAGE.irq);
      pool.chains.advance(slot, STAGE.irq, context.time);
    }
    // Cores of the machine share the queue: a frame is never before the one that was put there first.
    if (context.time > this.lastReady) this.lastReady = context.time;
    const place = (this.head + this.count++) % this.slots.length;
    this.slots[place] = slot;
    this.readies[place] = this.lastReady;
    if (kicks) server.kicked(this, this.lastReady);
  }

  /** When the oldest frame may be taken: it is there, and the machine's rate allows it. Infinity if there is none. */
  get readyAt(): number {
    if (this.count === 0) return Infinity;
    const ready = this.readies[this.head]!;
    const free = this.parts.limit?.freeAt ?? 0;
    return ready > free ? ready : free;
  }

  /** Takes the oldest frame out at `at`. */
  take(at: number): FrameSlot {
    const { pool, limit } = this.parts;
    const slot = this.slots[this.head]! as FrameSlot;
    this.head = (this.head + 1) % this.slots.length;
    this.count--;
    limit?.took(at, pool.frames[slot]!.length);
    return slot;
  }

  /** Called at the scheduler's time after frames were taken: a sender that waited for room may go on. */
  makeRoom(): void {
    if (!this.wasFull || this.count > this.slots.length / 2) return;
    this.wasFull = false;
    this.onRoom?.();
  }
}
