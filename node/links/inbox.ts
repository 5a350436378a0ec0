/** Batches as they come in, stored until the simulation has time to take them. */
import type { Baton } from '../../sim/window.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';
import type { BatchReader } from './batch-reader.js';

/** Frames of all processes that wait for their time. A cluster's whole traffic in flight is a small part of it. */
const MAX_HELD_BYTES = 2 ** 31;

interface StoredBatch {
  readonly from: number;
  readonly message: Uint8Array;
}

/** Where frames and batons go; both may throw, and what they throw ends the run. */
export interface Receiver {
  frame(from: number, slot: FrameSlot): void;
  baton(from: number, baton: Baton): void;
}

export class Inbox {
  private readonly reader: BatchReader;
  private readonly maxHeld: number;
  private stored: StoredBatch[] = [];

  constructor(reader: BatchReader, maxHeld = MAX_HELD_BYTES) {
    this.reader = reader;
    this.maxHeld = maxHeld;
  }

  get isEmpty(): boolean {
    return this.stored.length === 0;
  }

  store(from: number, message: Uint8Array): void {
    this.stored.push({ from, message });
  }

  /**
   * Hands over all that is stored, in order. Throws, naming the link's other end, at a malformed batch, and at one more
   * than there is room for: who sends without end before its time ends the run, not the process.
   */
  empty(receiver: Receiver): void {
    if (this.isEmpty) return;
    const { reader } = this;
    const stored = this.stored;
    this.stored = [];
    for (const { from, message } of stored) {
      if (reader.heldBytes > this.maxHeld) {
        throw new Error(
          `link from process ${from}: more frames before their time than ${this.maxHeld} bytes hold`,
        );
      }
      const wrong = reader.read(from, message);
      if (wrong !== undefined) {
        throw new Error(`link from process ${from}: malformed batch: ${wrong}`);
      }
      for (let i = 0; i < reader.frames; i++) receiver.frame(from, reader.slots[i]! as FrameSlot);
      if (reader.baton !== undefined) receiver.baton(from, reader.baton);
    }
  }
}
