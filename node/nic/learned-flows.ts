/**
 * Accelerated receive flow steering (aRFS): the kernel tells the NIC in which queue's core the program of a flow runs,
 * and the NIC follows until the flow has been idle for a while. A flow moves at once: whoever moves it sees to it that
 * the old queue holds no frame of it, or they pass each other (Linux: rps_dev_flow.last_qtail).
 */
import type { FrameFlow } from './frame-flow.js';
import { NO_RULE } from './flow-table.js';
import { TupleMap, type FiveTuple } from './tuple-map.js';

/** Places looked at for an idle flow whose place a new one may take (mlx5: MLX5E_ARFS_EXPIRY_QUOTA). */
const EXPIRY_QUOTA = 60;

export class LearnedFlows {
  /** Flows that were not learned because the table was full of busy ones. */
  refused = 0;
  private readonly capacity: number;
  private readonly idle: number;
  private readonly places = new TupleMap();
  /** By place: the flow, its queue, and when it was last seen. */
  private readonly tuples: FiveTuple[] = [];
  private readonly queues: Int32Array;
  private readonly seen: Float64Array;
  private readonly free: number[] = [];
  private hand = 0;

  /** A flow that no frame came of for `idle` picoseconds is forgotten; never, if that is 0, as under the real clock. */
  constructor(capacity: number, idle: number) {
    this.capacity = capacity;
    this.idle = idle === 0 ? Infinity : idle;
    this.queues = new Int32Array(capacity);
    this.seen = new Float64Array(capacity);
  }

  get size(): number {
    return this.places.size;
  }

  /** From now on frames of `tuple` go to `queue`; false if there is no place for it. */
  learn(tuple: FiveTuple, queue: number, now: number): boolean {
    let place = this.places.get(tuple);
    if (place < 0) {
      place = this.newPlace(now);
      if (place < 0) {
        this.refused++;
        return false;
      }
      const { protocol, source, destination, sourcePort, destinationPort } = tuple;
      this.tuples[place] = { protocol, source, destination, sourcePort, destinationPort };
      this.places.set(tuple, place);
    }
    this.queues[place] = queue;
    this.seen[place] = now;
    return true;
  }

  forget(tuple: FiveTuple): void {
    const place = this.places.get(tuple);
    if (place >= 0) this.release(place);
  }

  /** The queue of the frame's flow, or {@link NO_RULE}. */
  queueOf(flow: FrameFlow, now: number): number {
    if (this.places.size === 0 || flow.sourcePort < 0 || flow.source < 0) return NO_RULE;
    const place = this.places.get(flow);
    if (place < 0) return NO_RULE;
    if (now - this.seen[place]! > this.idle) {
      this.release(place);
      return NO_RULE;
    }
    this.seen[place] = now;
    return this.queues[place]!;
  }

  private newPlace(now: number): number {
    const released = this.free.pop();
    if (released !== undefined) return released;
    if (this.tuples.length < this.capacity) return this.tuples.length;
    for (let i = Math.min(EXPIRY_QUOTA, this.capacity); i > 0; i--) {
      const place = this.hand;
      this.hand = (place + 1) % this.capacity;
      if (now - this.seen[place]! > this.idle) {
        this.places.delete(this.tuples[place]!);
        return place;
      }
    }
    return -1;
  }

  private release(place: number): void {
    this.places.delete(this.tuples[place]!);
    this.free.push(place);
  }
}
