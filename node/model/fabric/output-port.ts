/**
 * A switch's output port: one frame at a time leaves it, in the order of their arrival at it, which is that of (time,
 * source, sequence). Cut-through: a frame's last bit leaves one serialisation after its head. All links of a cluster
 * have one rate.
 */
import type { Scheduler } from '../../../sim/scheduler.js';
import { PS_PER_NS } from '../../../units/time.js';
import type { Profile } from '../../spec/profile.js';
import { WAY } from './frame.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { QueuePolicy } from './queue-policy.js';

/** Bucket 0 holds waits below a nanosecond, bucket b those from 2^(b-1) to below 2^b ns, the last all longer ones. */
export const PORT_WAIT_BUCKETS = 32;
const LONGEST_WAIT_NS = 2 ** (PORT_WAIT_BUCKETS - 1) - 1;

/** The link behind a port, and what is at its other end. */
export interface OutgoingLink {
  /** Frame `slot` has come to the port, and may be lost there. */
  expect(slot: FrameSlot): void;
  /** Frame `slot`'s head and its last bit leave the port at the instants `dequeued` and `serialized` of its way. */
  carry(slot: FrameSlot): void;
}

export class OutputPort {
  /** Frames' waits in all, in ps, and how many of which length: {@link PORT_WAIT_BUCKETS}. */
  waited = 0;
  readonly waits = new Uint32Array(PORT_WAIT_BUCKETS);
  /** Greatest number of bytes that waited, and frames that found no room. */
  deepest = 0;
  overflowed = 0;
  private freeAt = 0;
  private readonly number: number;
  private readonly link: Profile['link'];
  private readonly policy: QueuePolicy;
  private readonly scheduler: Scheduler;
  private readonly pool: FramePool;
  private readonly outgoing: OutgoingLink;

  constructor(
    number: number,
    link: Profile['link'],
    policy: QueuePolicy,
    scheduler: Scheduler,
    pool: FramePool,
    outgoing: OutgoingLink,
  ) {
    this.number = number;
    this.link = link;
    this.policy = policy;
    this.scheduler = scheduler;
    this.pool = pool;
    this.outgoing = outgoing;
  }

  /** The head of frame `slot` is here now. */
  take(slot: FrameSlot): void {
    const { pool, link } = this;
    const { now } = this.scheduler;
    this.outgoing.expect(slot);
    const start = now > this.freeAt ? now : this.freeAt;
    if (start > now && !this.admits(slot, start - now)) {
      this.overflowed++;
      pool.release(slot);
      return;
    }
    this.count(start - now);
    const { length, way } = pool.frames[slot]!;
    const end = start + Math.ceil((length + link.framing) * link.rate);
    this.freeAt = end;
    way[WAY.dequeued] = start;
    way[WAY.serialized] = end;
    this.outgoing.carry(slot);
  }

  private count(wait: number): void {
    this.waited += wait;
    const nanoseconds = Math.min(wait / PS_PER_NS, LONGEST_WAIT_NS);
    this.waits[32 - Math.clz32(nanoseconds)]!++;
  }

  /** Whether there is room for what waits `wait` picoseconds behind others. */
  private admits(slot: FrameSlot, wait: number): boolean {
    const { rate } = this.link;
    const waiting = rate === 0 ? 0 : Math.floor(wait / rate);
    if (!this.policy.admits(slot, this.number, waiting)) return false;
    if (waiting > this.deepest) this.deepest = waiting;
    return true;
  }
}
