/**
 * A feed that loses datagrams, made whole: what comes too soon is kept until what is missing has come, and what is
 * missing is asked for, again if need be.
 */
import type { FeedMessage } from './feed-subscription.js';
import { MoldReceiver } from './mold-receiver.js';
import { END_OF_SESSION, HEARTBEAT, parseMoldHeader } from '../wire-formats/moldudp64.js';

/** As many messages as one request can name. */
const MOST_ASKED = END_OF_SESSION - 1;

export interface Request {
  readonly sequence: number;
  readonly count: number;
}

export class MulticastSubscription {
  /** The end was told, and everything before it has come. */
  ended = false;
  requests = 0;
  private readonly receiver: MoldReceiver;
  private readonly patience: number;
  private messages: FeedMessage[] = [];
  /** Datagrams from beyond a gap, by their first message. */
  private readonly kept = new Map<number, Uint8Array>();
  private isAsked = 0;
  private askedAt = 0;

  /** Asks again for the same messages after `patience` ps. */
  constructor(session: string, patience: number) {
    this.patience = patience;
    this.receiver = new MoldReceiver(session, (_bytes, start, _end, sequence) => {
      this.messages.push({ start, sequence });
    });
  }

  /** Datagrams that are none of this feed's. */
  get faults(): number {
    const { foreign, malformed } = this.receiver.counts;
    return foreign + malformed;
  }

  get gaps(): number {
    return this.receiver.counts.gap;
  }

  /** Takes the datagram in [at, end): its new messages, if they are the next ones. */
  receive(bytes: Uint8Array, at: number, end: number): FeedMessage[] {
    const verdict = this.receiver.receive(bytes, at, end);
    if (verdict === 'end') this.ended = true;
    if (verdict === 'gap') this.keep(bytes, at, end);
    return this.taken();
  }

  /** A kept datagram whose turn has come, and its messages. */
  next(): { bytes: Uint8Array; messages: FeedMessage[] } | undefined {
    for (const [sequence, bytes] of this.kept) {
      if (sequence > this.receiver.expected) continue;
      this.kept.delete(sequence);
      this.receiver.receive(bytes, 0, bytes.length);
      const messages = this.taken();
      if (messages.length > 0) return { bytes, messages };
    }
    return undefined;
  }

  /** What to ask for at `now`, if anything. */
  wanted(now: number): Request | undefined {
    const { receiver } = this;
    const sequence = receiver.expected;
    const first = Math.min(...this.kept.keys(), sequence + receiver.missing);
    const count = Number.isFinite(first) ? first - sequence : 0;
    if (count <= 0 || (this.isAsked === sequence && now - this.askedAt < this.patience)) {
      return undefined;
    }
    this.isAsked = sequence;
    this.askedAt = now;
    this.requests++;
    return { sequence, count: Math.min(count, MOST_ASKED) };
  }

  private keep(bytes: Uint8Array, at: number, end: number): void {
    const { sequence, count } = parseMoldHeader(bytes, at, end)!;
    if (count !== HEARTBEAT && count !== END_OF_SESSION) {
      this.kept.set(sequence, bytes.slice(at, end));
    }
  }

  private taken(): FeedMessage[] {
    const { messages } = this;
    this.messages = [];
    return messages;
  }
}
