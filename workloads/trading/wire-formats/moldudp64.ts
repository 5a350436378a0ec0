/**
 * MoldUDP64: numbered messages in datagrams.
 *
 *    0         10           18      20
 *   | session | sequence   | count | length, message | length, message | ...
 *
 * The sequence is that of the first message; each message has its own. A count of 0 is a heartbeat and
 * 0xffff the end of the session: both tell the number of the next message. Messages are never split.
 * A request for what was lost has the same 20 bytes, the count being how many are wanted.
 */
import { emitFields, parseFields, type Fields, type RecordOf } from './layout.js';

export const MOLD_HEADER = 20;
export const HEARTBEAT = 0;
export const END_OF_SESSION = 0xffff;

const HEADER = {
  session: [0, 10, 'text'],
  sequence: [10, 8, 'amount'],
  count: [18, 2, 'number'],
} as const satisfies Fields;
export type MoldHeader = RecordOf<typeof HEADER>;

const LENGTH_BYTES = 2;
const SEQUENCE_AT = HEADER.sequence[0];
const COUNT_AT = HEADER.count[0];
const MOST_MESSAGES = END_OF_SESSION - 1;

/** Reads the header of a datagram or a request in [at, end). Undefined if it is too short or numbers 2^53 messages. */
export function parseMoldHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
): MoldHeader | undefined {
  return end - at < MOLD_HEADER ? undefined : parseFields(HEADER, bytes, at);
}

export function emitMoldHeader(header: MoldHeader, into: Uint8Array, at: number): number {
  emitFields(HEADER, header, into, at);
  return MOLD_HEADER;
}

/** Packs messages into a datagram; the bytes are reused for the next one. */
export class MoldPacker {
  readonly datagram: Uint8Array;
  /** The number of the next message to be packed. */
  sequence: number;
  private readonly view: DataView;
  private count = 0;
  private size = MOLD_HEADER;

  /** `bytes` is the most a datagram may have: a path's MTU less the headers around it. */
  constructor(session: string, bytes: number, sequence = 1) {
    this.datagram = new Uint8Array(bytes);
    this.view = new DataView(this.datagram.buffer);
    this.sequence = sequence;
    emitMoldHeader({ session, sequence, count: 0 }, this.datagram, 0);
  }

  /** Messages in the datagram now. */
  get packed(): number {
    return this.count;
  }

  /** Whether a message of this length still fits. One that fits in no datagram is a RangeError. */
  fits(length: number): boolean {
    if (MOLD_HEADER + LENGTH_BYTES + length > this.datagram.length) {
      throw new RangeError(`a message of ${length} bytes fits in no datagram`);
    }
    return this.size + LENGTH_BYTES + length <= this.datagram.length && this.count < MOST_MESSAGES;
  }

  /** Adds the message in [start, end), which fits. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const { datagram } = this;
    this.view.setUint16(this.size, end - start);
    let to = this.size + LENGTH_BYTES;
    for (let from = start; from < end; from++) datagram[to++] = bytes[from]!;
    this.size = to;
    this.count++;
  }

  /** Completes the header and answers the datagram's length; the next message starts a new one. */
  finish(): number {
    return this.close(this.count);
  }

  heartbeat(): number {
    return this.close(HEARTBEAT);
  }

  endOfSession(): number {
    return this.close(END_OF_SESSION);
  }

  private close(count: number): number {
    if (count !== this.count && this.count > 0) throw new RangeError('messages are still packed');
    const { size, view } = this;
    view.setUint32(SEQUENCE_AT, Math.floor(this.sequence / 2 ** 32));
    view.setUint32(SEQUENCE_AT + 4, this.sequence >>> 0);
    view.setUint16(COUNT_AT, count);
    this.sequence += this.count;
    this.count = 0;
    this.size = MOLD_HEADER;
    return size;
  }
}
