/**
 * The way to every element of another process: puts frames into a batch per destination process and frees their slots.
 * Batches leave when they are full, or flushed, which they are before each report of virtual time.
 */
import type { Baton } from '../../sim/window.js';
import { BatchWriter } from './batch-writer.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import type { Port } from '../model/fabric/port.js';
import { LEAST_FRAME } from '../model/fabric/flight-times.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';
import type { Places } from '../model/fabric/places.js';
import type { Mesh } from './mesh.js';

/** A batch of this many bytes does not wait. */
const FULL_BYTES = 1 << 16;

/** Hears of each frame before it leaves: a {@link WindowMember}, or a counter where there are no windows. */
export interface SendObserver {
  sent(to: number, arrival: number, tail: number): void;
}

export interface RemoteLinkParts {
  readonly pool: FramePool;
  readonly places: Places;
  readonly mesh: Mesh;
  /** The number of the run. */
  readonly run: number;
  readonly observer: SendObserver;
  /** Time per byte by which a frame's last bit comes behind its head, at the ports that act on the head. */
  readonly tailRate?: number;
  /** A batch of this number of frames does not wait either: under the real clock the other side should begin early. */
  readonly fullFrames?: number;
}

export class RemoteLink implements Port {
  /** By destination process: batches sent, their bytes, and the frames in them. */
  readonly messages: Float64Array;
  readonly bytes: Float64Array;
  readonly frames: Float64Array;
  private readonly parts: RemoteLinkParts;
  private readonly tailRate: number;
  private readonly fullFrames: number;
  private readonly open: (BatchWriter | undefined)[];
  /** Writers whose bytes the sockets have done with. */
  private readonly spare: BatchWriter[] = [];

  constructor(parts: RemoteLinkParts) {
    this.parts = parts;
    this.tailRate = parts.tailRate ?? 0;
    this.fullFrames = parts.fullFrames ?? Infinity;
    this.messages = new Float64Array(parts.mesh.processes);
    this.bytes = new Float64Array(parts.mesh.processes);
    this.frames = new Float64Array(parts.mesh.processes);
    this.open = new Array<BatchWriter | undefined>(parts.mesh.processes).fill(undefined);
  }

  send(slot: FrameSlot): void {
    const { pool, places, observer } = this.parts;
    const { element, destination } = pool.frames[slot]!;
    const to = places.processAt(element, destination)!;
    observer.sent(to, pool.frames[slot]!.time, this.tailOf(slot));
    const batch = (this.open[to] ??= this.writer());
    batch.add(pool, slot);
    pool.release(slot);
    if (batch.length >= FULL_BYTES || batch.frames >= this.fullFrames) {
      this.dispatch(to, batch, undefined);
    }
  }

  /** Sends whatever has been collected. */
  flush(): void {
    for (let to = 0; to < this.open.length; to++) {
      const batch = this.open[to];
      if (batch !== undefined) this.dispatch(to, batch, undefined);
    }
  }

  /** Sends the baton to process `to`, behind all the frames for it. */
  pass(to: number, baton: Baton): void {
    this.dispatch(to, this.open[to] ?? this.writer(), baton);
  }

  /** By how much the frame's last bit comes later than the least frame's: nobody answers before it. */
  private tailOf(slot: FrameSlot): number {
    const { element, destination, length } = this.parts.pool.frames[slot]!;
    if (!this.parts.places.isLastPort(element, destination)) return 0;
    return Math.floor((length - LEAST_FRAME) * this.tailRate);
  }

  private writer(): BatchWriter {
    return this.spare.pop() ?? new BatchWriter(this.parts.run, FULL_BYTES + FULL_BYTES / 4);
  }

  private dispatch(to: number, batch: BatchWriter, baton: Baton | undefined): void {
    this.open[to] = undefined;
    const message = batch.finish(baton);
    this.messages[to]!++;
    this.bytes[to]! += message.byteLength;
    this.frames[to]! += batch.frames;
    this.parts.mesh.send(to, message, () => {
      batch.clear();
      this.spare.push(batch);
    });
  }
}
