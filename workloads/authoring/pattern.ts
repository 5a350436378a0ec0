/**
 * What messages carry: seeded bytes that both sides know, so that a receiver can tell every byte that is wrong. None is
 * zero, and the last byte of a message is never that of the message before: it can be polled for.
 */
import type { Core } from '../../node/program/verbs.js';
import { loopInPortions } from './portions.js';

/** Message i starts at byte i modulo this of the pattern; a prime, so that it meets every slot of any ring. */
const PERIOD = 251;
/** Up to this many bytes a loop is faster than a native comparison. */
const SHORT = 128;

export class Pattern {
  /** Holds the messages of all numbers, overlapping. */
  readonly bytes: Uint8Array;
  private readonly size: number;
  /** The same bytes, which can be compared in ranges: no view is made for a message. */
  private readonly buffer: Buffer;

  /** For messages of `size` bytes. */
  static async make(core: Core, seed: number, size: number): Promise<Pattern> {
    const pattern = new Pattern(size);
    let word = (seed ^ 0x9e3779b9) | 1;
    await loopInPortions(core, pattern.bytes.length, (from, to) => {
      word = pattern.fill(from, to, word);
    });
    return pattern;
  }

  private constructor(size: number) {
    this.size = size;
    this.bytes = this.buffer = Buffer.alloc(patternLength(size));
  }

  /** Makes bytes [from, to) from the random word before them, and answers their last one. */
  private fill(from: number, to: number, state: number): number {
    const { bytes } = this;
    const last = bytes.length - 1;
    let word = state;
    for (let at = from; at < to; at++) {
      // xorshift32 (Marsaglia 2003).
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      // The bytes beside it, as the last bytes of messages: PERIOD - 1 further on they begin again.
      const before = bytes[at - 1];
      const around = at === last ? bytes[at - PERIOD + 1] : undefined;
      let byte = word >>> 24;
      while (byte === 0 || byte === before || byte === around) byte = (byte + 1) & 0xff;
      bytes[at] = byte;
    }
    return word;
  }

  /** Where message `number` starts in the pattern. */
  offset(number: number): number {
    return number % PERIOD;
  }

  /** The last byte of message `number`; 0, as in memory that nothing was written to, before the first. */
  mark(number: number): number {
    return number === 0 ? 0 : this.bytes[this.offset(number) + this.size - 1]!;
  }

  /** How many of the bytes from `from` on are not those of message `number`. */
  wrongBytes(number: number, bytes: Uint8Array, from = 0): number {
    const { size } = this;
    const offset = this.offset(number);
    if (
      size > SHORT &&
      this.buffer.compare(bytes, from, from + size, offset, offset + size) === 0
    ) {
      return 0;
    }
    let wrong = 0;
    for (let at = 0; at < size; at++) {
      if (bytes[from + at] !== this.bytes[offset + at]) wrong++;
    }
    return wrong;
  }
}

/** Bytes of a pattern for messages of `size` bytes. */
export const patternLength = (size: number): number => size + PERIOD - 1;
