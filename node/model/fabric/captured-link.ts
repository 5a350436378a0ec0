/** A link that hands every frame sent over it to a capture, as the wire sees it: at its departure, checksums in place. */
import type { Scheduler } from '../../../sim/scheduler.js';
import { finishFrame } from './finished-frame.js';
import type { FramePool } from './frame-pool.js';
import type { Link } from './link.js';

/** Takes the bytes of frame `slot` down; they were at the host's port at `at`. */
export type FrameTap = (slot: number, at: number, outbound: boolean) => void;

export class CapturedLink implements Link {
  private readonly inner: Link;
  private readonly pool: FramePool;
  private readonly scheduler: Scheduler;
  private readonly txLatency: number;
  private readonly tap: FrameTap;

  constructor(
    inner: Link,
    pool: FramePool,
    scheduler: Scheduler,
    txLatency: number,
    tap: FrameTap,
  ) {
    this.inner = inner;
    this.pool = pool;
    this.scheduler = scheduler;
    this.txLatency = txLatency;
    this.tap = tap;
  }

  send(slot: number): void {
    const { pool } = this;
    if (!pool.frames[slot]!.suspect) finishFrame(pool, slot);
    this.tap(slot, this.scheduler.now + this.txLatency, true);
    this.inner.send(slot);
  }
}
