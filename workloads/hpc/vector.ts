/** The doubles that a rank reduces, and as much room again for what it receives. */
import type { Communicator, MessageBuffer } from './communicator.js';

export const BYTES_PER_ELEMENT = 8;
/** An addition of two vectors reads both and writes one. */
const BYTES_PER_ADDITION = 3 * BYTES_PER_ELEMENT;

export class Vector {
  readonly values: Float64Array;
  private readonly communicator: Communicator;
  private readonly whole: MessageBuffer;
  private readonly received: Float64Array;

  static async allocate(communicator: Communicator, length: number): Promise<Vector> {
    const region = await communicator.allocate(2 * length * BYTES_PER_ELEMENT);
    return new Vector(communicator, { region, offset: 0, length: length * BYTES_PER_ELEMENT });
  }

  private constructor(communicator: Communicator, whole: MessageBuffer) {
    this.communicator = communicator;
    this.whole = whole;
    const { buffer, byteOffset } = whole.region.bytes;
    const length = whole.length / BYTES_PER_ELEMENT;
    this.values = new Float64Array(buffer, byteOffset, length);
    this.received = new Float64Array(buffer, byteOffset + whole.length, length);
  }

  get length(): number {
    return this.values.length;
  }

  /** Elements [from, to) as a message. */
  part(from: number, to: number): MessageBuffer {
    const length = (to - from) * BYTES_PER_ELEMENT;
    return { region: this.whole.region, offset: from * BYTES_PER_ELEMENT, length };
  }

  /** Where elements [from, to) of another rank go until they are added. */
  room(from: number, to: number): MessageBuffer {
    const part = this.part(from, to);
    return { ...part, offset: this.whole.length + part.offset };
  }

  /** Adds what was received for elements [from, to). One operation each, or what memory takes for it. */
  async add(from: number, to: number): Promise<void> {
    if (from === to) return;
    const count = to - from;
    const { values, received } = this;
    await this.communicator.core.compute(
      { flops: count, bytes: count * BYTES_PER_ADDITION },
      () => {
        for (let i = from; i < to; i++) values[i] = values[i]! + received[i]!;
      },
    );
  }
}
