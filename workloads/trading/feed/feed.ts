/**
 * A feed: messages and the times at which an exchange means to publish them. A file's window and the
 * synthetic generator both end here, and everything behind it takes no notice of which it was.
 */

/** Flat arrays, so that a feed can be handed to a program on another core or in another process. */
export interface Feed {
  /**
   * Framed messages that bring an empty book to the state the first message finds: a subscriber applies
   * them before the run, in no time. Empty if there is nothing to know.
   */
  readonly primer: Uint8Array;
  /** The messages, framed `[u16 length][message]`. */
  readonly bytes: Uint8Array;
  /** Where each message starts in `bytes`, behind its length. */
  readonly starts: Uint32Array;
  /** When each is meant to be published: whole picoseconds from the first, never falling. */
  readonly times: Float64Array;
}

/** What no feed can be made of: said in one line before a run starts. */
export class FeedError extends Error {
  override readonly name = 'FeedError';
}

/** The length of the message that starts at `start` in framed bytes. */
export const framedLength = (bytes: Uint8Array, start: number): number =>
  (bytes[start - 2]! << 8) | bytes[start - 1]!;

/** The start of every message in framed bytes that are known to be well formed. */
export function* eachFramed(bytes: Uint8Array): Generator<number> {
  for (let start = 2; start <= bytes.length; start += framedLength(bytes, start) + 2) yield start;
}

/** Messages that are read, or made, in one portion of the work on a feed. */
export const MESSAGES_PER_PORTION = 256;
