/** Batches as they come in, stored until the simulation has time to take them. */
import type { Baton } from '../../sim/window.js';
import type { BatchReader } from './batch-reader.js';

interface StoredBatch {
  readonly from: number;
  readonly message: Uint8Array;
}

/** Where frames and batons go; both may throw, and what they throw ends the run. */
export interface Receiver {
  frame(from: number, slot: number): void;
  baton(from: number, baton: Baton): void;
}

export class Inbox {
  private readonly reader: BatchReader;
  private stored: StoredBatch[] = [];

  constructor(reader: BatchReader) {
    this.reader = reader;
  }

  get isEmpty(): boolean {
    return this.stored.length === 0;
  }

  store(from: number, message: Uint8Array): void {
    this.stored.push({ from, message });
  }

  /** Hands over all that is stored, in order. Throws, naming the link's other end, at a malformed batch. */
  empty(receiver: Receiver): void {
    if (this.isEmpty) return;
    const { reader } = this;
    const stored = this.stored;
    this.stored = [];
    for (const { from, message } of stored) {
      const wrong = reader.read(from, message);
      if (wrong !== undefined) {
        throw new Error(`link from process ${from}: malformed batch: ${wrong}`);
      }
      for (let i = 0; i < reader.frames; i++) receiver.frame(from, reader.slots[i]!);
      if (reader.baton !== undefined) receiver.baton(from, reader.baton);
    }
  }
}
