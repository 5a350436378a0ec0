/** Framed ITCH messages, one behind the other, in bytes that grow. */
import { LONGEST_ITCH } from './itch-layouts.js';
import { emitItch, type ItchMessage, type ItchRecord } from './itch.js';

const LENGTH_BYTES = 2;

export class ItchWriter {
  private buffer = new Uint8Array(64 * (LENGTH_BYTES + LONGEST_ITCH));
  private view = new DataView(this.buffer.buffer);
  private size = 0;

  /** Appends a message and answers where it starts, behind its length. */
  append(record: ItchRecord): number {
    const start = this.size + LENGTH_BYTES;
    if (start + LONGEST_ITCH > this.buffer.length) {
      const larger = new Uint8Array(2 * this.buffer.length);
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    const length = emitItch(record, this.buffer, start);
    this.buffer[start - 2] = length >>> 8;
    this.buffer[start - 1] = length & 0xff;
    this.size = start + length;
    return start;
  }

  /** A copy of what was written. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.size);
  }

  /** Reads back the message at `start` as a subscriber will. */
  read(start: number, message: ItchMessage): void {
    message.read(this.view, start);
  }
}
