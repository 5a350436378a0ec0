/**
 * The receiving side of MoldUDP64: every message once and in order, whichever copy comes first.
 *
 * A datagram whose first message is not the next one is a gap: nothing of it is taken, and its owner
 * decides whether to keep it and ask for what is missing, or to {@link MoldReceiver.skip} it.
 */
import {
  END_OF_SESSION,
  HEARTBEAT,
  MOLD_HEADER,
  parseMoldHeader,
} from '../wire-formats/moldudp64.js';

export type MoldVerdict =
  /** At least one message was new and was taken. */
  | 'taken'
  /** All of its messages were taken before. */
  | 'duplicate'
  /** Messages before it are missing, a heartbeat's or the end's own word included. */
  | 'gap'
  | 'heartbeat'
  | 'end'
  /** Of another session. */
  | 'foreign'
  /** Too short for what it says it holds. */
  | 'malformed';

const LENGTH_BYTES = 2;

export class MoldReceiver {
  /** The number of the next message. */
  expected: number;
  /** After a gap: how many messages are missing, from `expected` on. */
  missing = 0;
  /** Messages given up by `skip`. */
  lost = 0;
  readonly counts: Record<MoldVerdict, number> = {
    taken: 0,
    duplicate: 0,
    gap: 0,
    heartbeat: 0,
    end: 0,
    foreign: 0,
    malformed: 0,
  };
  private readonly session: string;
  private readonly take: (bytes: Uint8Array, start: number, end: number, sequence: number) => void;

  constructor(
    session: string,
    take: (bytes: Uint8Array, start: number, end: number, sequence: number) => void,
    expected = 1,
  ) {
    this.session = session;
    this.take = take;
    this.expected = expected;
  }

  /** Takes the new messages of the datagram in [at, end). */
  receive(bytes: Uint8Array, at: number, end: number): MoldVerdict {
    const verdict = this.judge(bytes, at, end);
    this.counts[verdict]++;
    return verdict;
  }

  /** Gives up what is missing: the datagram that showed the gap can then be received. */
  skip(): void {
    this.lost += this.missing;
    this.expected += this.missing;
    this.missing = 0;
  }

  private judge(bytes: Uint8Array, at: number, end: number): MoldVerdict {
    const header = parseMoldHeader(bytes, at, end);
    if (header === undefined) return 'malformed';
    if (header.session !== this.session) return 'foreign';
    const { sequence, count } = header;
    const control = count === HEARTBEAT || count === END_OF_SESSION;
    if (!control && !holds(bytes, at + MOLD_HEADER, end, count)) return 'malformed';
    if (sequence > this.expected) {
      this.missing = sequence - this.expected;
      return 'gap';
    }
    if (control) return count === HEARTBEAT ? 'heartbeat' : 'end';
    if (sequence + count <= this.expected) return 'duplicate';
    this.deliver(bytes, at + MOLD_HEADER, sequence, count);
    return 'taken';
  }

  /** Hands over what is new; the part that overlaps with what was taken is passed over. */
  private deliver(bytes: Uint8Array, at: number, sequence: number, count: number): void {
    let start = at + LENGTH_BYTES;
    for (let number = sequence; number < sequence + count; number++) {
      const end = start + messageLength(bytes, start);
      if (number === this.expected) {
        this.expected++;
        this.take(bytes, start, end, number);
      }
      start = end + LENGTH_BYTES;
    }
    this.missing = 0;
  }
}

/** Whether [at, end) is exactly `count` messages. */
function holds(bytes: Uint8Array, at: number, end: number, count: number): boolean {
  let from = at;
  for (let i = 0; i < count; i++) {
    if (from + LENGTH_BYTES > end) return false;
    from += LENGTH_BYTES + messageLength(bytes, from + LENGTH_BYTES);
  }
  return from === end;
}

const messageLength = (bytes: Uint8Array, start: number): number =>
  (bytes[start - 2]! << 8) | bytes[start - 1]!;
