/**
 * A link that hands every frame sent over it to a capture, as the wire sees it: at its departure, checksums in place.
 */
import { finishFrame } from './finished-frame.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import { WAY } from './frame.js';
import type { Port } from './port.js';

/** Takes the bytes of frame `slot` down; they were at the host's port at `at`. */
export type FrameTap = (slot: FrameSlot, at: number, outbound: boolean) => void;

export class CapturedLink implements Port {
  private readonly inner: Port;
  private readonly pool: FramePool;
  private readonly tap: FrameTap;

  constructor(inner: Port, pool: FramePool, tap: FrameTap) {
    this.inner = inner;
    this.pool = pool;
    this.tap = tap;
  }

  send(slot: FrameSlot): void {
    const { pool } = this;
    const frame = pool.frames[slot]!;
    if (!frame.suspect) finishFrame(pool, slot);
    this.tap(slot, frame.way[WAY.leftNic]!, true);
    this.inner.send(slot);
  }
}
