/**
 * Receives of one queue pair, posted ahead and posted again a batch at a time. Every slot holds one message. What the
 * other side may send before it hears of a batch is `slots` messages, so no receive is ever missing.
 */
import type { MemoryRegion, QueuePair, RecvWr } from '../../../node/program/verbs.js';

export interface RingShape {
  readonly slots: number;
  readonly slotBytes: number;
}

/** Slots are posted again, and the sender told, a quarter of the ring at a time. */
export const batchOf = ({ slots }: RingShape): number => Math.max(1, slots >> 2);

export class ReceiveRing {
  private readonly qp: QueuePair;
  private readonly region: MemoryRegion;
  private readonly shape: RingShape;
  private readonly freed: number[] = [];

  /** Posts all receives. `region` begins with the slots. */
  constructor(qp: QueuePair, region: MemoryRegion, shape: RingShape) {
    this.qp = qp;
    this.region = region;
    this.shape = shape;
    qp.postRecvList(Array.from({ length: shape.slots }, (_, slot) => this.receive(slot)));
  }

  /** Where a slot begins in the region. */
  at(slot: number): number {
    return slot * this.shape.slotBytes;
  }

  /** The slot's message is done with. True if a batch was posted again. */
  free(slot: number): boolean {
    this.freed.push(slot);
    if (this.freed.length < batchOf(this.shape)) return false;
    this.qp.postRecvList(this.freed.map((each) => this.receive(each)));
    this.freed.length = 0;
    return true;
  }

  private receive(slot: number): RecvWr {
    const { slotBytes } = this.shape;
    return { wrId: slot, sges: [this.region.sge(slot * slotBytes, slotBytes)] };
  }
}
