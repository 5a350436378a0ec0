/**
 * Batches, their layout: many frames of a {@link FramePool} in one binary message from process to process.
 *
 *     batch   magic | bytes of all | frames | processes in the baton, or 0          6 words of 32 bits
 *             run | 0
 *             frame, frame, ...                                                     each a multiple of 8 bytes
 *             baton: hops, next per process, commit per process                     float64 each
 *
 *     frame   source << 16 | destination | bytes                            2 words
 *             element << 16 | flags << 8 | header bytes | stage mask                2 words
 *             arrival | key                                                         float64 each
 *             chain, if flagged: operation, started, accounted for, then the sums of the stages in the mask
 *             headers, ending at a multiple of 8 | payload, padding, ICRC
 *
 * Headers end where an aligned payload begins, here as in the pool, so bytes are copied as words; the up to seven bytes
 * before and after a frame come along unread. Fields are in the machine's own order: a peer of the other order
 * fails at the magic number. What comes from outside is copied, then checked, then used.
 */
import type { FramePool } from '../model/fabric/frame-pool.js';

/** `pnw2` */
export const MAGIC = 0x32776e70;
export const BATCH_HEADER = 24;
export const FRAME_HEADER = 32;
export const SUSPECT = 1;
export const CHAINED = 2;
/** The frame's FCS is wrong. */
export const DAMAGED = 4;
export const KNOWN_FLAGS = SUSPECT | CHAINED | DAMAGED;
/** Operation, intended start, accounted for. */
export const CHAIN_FIXED = 3;

export const roundUp = (length: number): number => (length + 7) & ~7;

/** One buffer and the three ways it is looked at. */
export class Words {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }
}

/** The word view of a pool's bytes, made anew when the pool has grown. */
export class PoolWords {
  private bytes: Uint8Array | undefined;
  private words: Int32Array = new Int32Array(0);

  of(pool: FramePool): Int32Array {
    if (this.bytes !== pool.bytes) {
      this.bytes = pool.bytes;
      this.words = new Int32Array(pool.bytes.buffer);
    }
    return this.words;
  }
}

/** Copies `count` words; a loop, because a view per frame would cost more. */
export function copyWords(
  from: Int32Array,
  at: number,
  to: Int32Array,
  into: number,
  count: number,
): void {
  if (count > LOOPED_WORDS) {
    to.set(from.subarray(at, at + count), into);
    return;
  }
  for (let i = 0; i < count; i++) to[into + i] = from[at + i]!;
}

/** Up to here a loop is quicker than making a view. */
const LOOPED_WORDS = 96;
