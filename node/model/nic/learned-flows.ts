/**
 * Accelerated receive flow steering (aRFS): the kernel tells the NIC in which queue's core the program of a flow runs,
 * and the NIC follows until the flow has been idle for a while. Frames of a flow must not pass each other, so it goes
 * to its new queue only when the old one has given out the last frame of it: Linux's rule (get_rps_cpu,
 * rps_dev_flow.last_qtail).
 */
import type { FrameFlow } from './frame-flow.js';
import { NO_RULE } from './flow-table.js';
import { TupleMap, type FiveTuple } from './tuple-map.js';

/** Places looked at for an idle flow whose place a new one may take (mlx5: MLX5E_ARFS_EXPIRY_QUOTA). */
const EXPIRY_QUOTA = 60;
/** Places that there is room for at first. */
const LEAST_PLACES = 64;

/** How far a receive queue is: frames taken out, frames put in; both count up. */
export interface QueuePosition {
  readonly head: number;
  readonly tail: number;
  /** A frame would be lost. */
  readonly full: boolean;
}

export class LearnedFlows {
  /** Flows that were not learned because the table was full of busy ones. */
  refused = 0;
  private readonly capacity: number;
  private readonly idle: number;
  private readonly positions: readonly QueuePosition[];
  private readonly places = new TupleMap();
  /** By place: the flow, the queue where it is and the one where it is to go, and when it was last seen. */
  private readonly tuples: FiveTuple[] = [];
  private queues = new Int32Array(0);
  private wanted = new Int32Array(0);
  private seen = new Float64Array(0);
  /** By place: its queue's tail behind the flow's last frame. */
  private tails = new Float64Array(0);
  private readonly free: number[] = [];
  private hand = 0;

  /**
   * A flow that no frame came of for `idle` picoseconds is forgotten; never, if that is 0, as under the real clock. A
   * queue without a position has nothing to wait for.
   */
  constructor(capacity: number, idle: number, positions: readonly QueuePosition[] = []) {
    this.capacity = capacity;
    this.idle = idle === 0 ? Infinity : idle;
    this.positions = positions;
  }

  get size(): number {
    return this.places.size;
  }

  /**
   * Frames of `tuple` are to go to `queue`; up to now they came to `from`, if it was not known before. False if there
   * is no place for it.
   */
  learn(tuple: FiveTuple, queue: number, now: number, from = queue): boolean {
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
      this.queues[place] = from;
      // Which of the frames in it are the flow's nobody knows: all of them may be.
      this.tails[place] = this.positions[from]?.tail ?? 0;
    }
    this.wanted[place] = queue;
    this.seen[place] = now;
    return true;
  }

  forget(tuple: FiveTuple): void {
    const place = this.places.get(tuple);
    if (place >= 0) this.release(place);
  }

  /** The queue for a frame of the flow that arrives at `now`, or {@link NO_RULE}. */
  queueOf(flow: FrameFlow, now: number): number {
    if (this.places.size === 0 || flow.sourcePort < 0 || flow.source < 0) return NO_RULE;
    const place = this.places.get(flow);
    if (place < 0) return NO_RULE;
    const drained = this.hasDrained(place);
    if (drained && now - this.seen[place]! > this.idle) {
      this.release(place);
      return NO_RULE;
    }
    this.seen[place] = now;
    if (drained) this.queues[place] = this.wanted[place]!;
    const queue = this.queues[place]!;
    const position = this.positions[queue];
    if (position !== undefined) this.tails[place] = position.tail + (position.full ? 0 : 1);
    return queue;
  }

  /** Whether its queue holds no frame of the flow in `place`. */
  private hasDrained(place: number): boolean {
    const position = this.positions[this.queues[place]!];
    return position === undefined || position.head >= this.tails[place]!;
  }

  private newPlace(now: number): number {
    const released = this.free.pop();
    if (released !== undefined) return released;
    const next = this.tuples.length;
    if (next < this.capacity) {
      if (next === this.queues.length) this.grow();
      return next;
    }
    for (let i = Math.min(EXPIRY_QUOTA, this.capacity); i > 0; i--) {
      const place = this.hand;
      this.hand = (place + 1) % this.capacity;
      if (now - this.seen[place]! > this.idle && this.hasDrained(place)) {
        this.places.delete(this.tuples[place]!);
        return place;
      }
    }
    return -1;
  }

  /** Most hosts of a large cluster never learn a flow: there is room for as many as have come, and some more. */
  private grow(): void {
    const places = Math.min(this.capacity, Math.max(LEAST_PLACES, 2 * this.queues.length));
    const { queues, wanted, seen, tails } = this;
    this.queues = new Int32Array(places);
    this.queues.set(queues);
    this.wanted = new Int32Array(places);
    this.wanted.set(wanted);
    this.seen = new Float64Array(places);
    this.seen.set(seen);
    this.tails = new Float64Array(places);
    this.tails.set(tails);
  }

  private release(place: number): void {
    this.places.delete(this.tuples[place]!);
    this.free.push(place);
  }
}
