/** Fills batches with frames of a pool; `frame-batch.ts` has their layout. */
import { STAGE_COUNT } from '../../sim/stages.js';
import type { Baton } from '../../sim/window.js';
import {
  BATCH_HEADER,
  CHAINED,
  CHAIN_FIXED,
  DAMAGED,
  FRAME_HEADER,
  MAGIC,
  SUSPECT,
} from './frame-batch.js';
import { PoolWords, Words, copyWords, roundUp } from './frame-batch.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import { HEADROOM } from '../model/fabric/frame-pool.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';

/** A batch being filled. */
export class BatchWriter {
  /** Frames in it. */
  frames = 0;
  private readonly run: number;
  private out: Words;
  private end = BATCH_HEADER;
  private readonly poolWords = new PoolWords();
  private readonly sums = new Float64Array(STAGE_COUNT);

  /** `run` is the number of the run it is sent in. */
  constructor(run: number, capacity = 1 << 16) {
    this.run = run;
    this.out = new Words(new ArrayBuffer(roundUp(capacity)));
  }

  /** Bytes of the batch so far. */
  get length(): number {
    return this.end;
  }

  /** Copies the frame in `slot`; the slot stays the caller's. */
  add(pool: FramePool, slot: FrameSlot): void {
    const frame = pool.frames[slot]!;
    const { length, headerLength: headers } = frame;
    const payloadAt = pool.payloadAt(slot);
    if (frame.start !== payloadAt - headers) {
      throw new Error(
        `the headers of the frame in slot ${slot} do not end where its payload begins`,
      );
    }
    this.reserve(FRAME_HEADER + (CHAIN_FIXED + STAGE_COUNT) * 8 + HEADROOM + pool.slotSize);
    const { words, doubles } = this.out;
    const word = this.end >> 2;
    const double = this.end >> 3;
    words[word] = (frame.source << 16) | frame.destination;
    words[word + 1] = length;
    doubles[double + 2] = frame.time;
    doubles[double + 3] = frame.key;
    let next = double + 4;
    let flags = (frame.suspect ? SUSPECT : 0) | (frame.damaged ? DAMAGED : 0);
    let mask = 0;
    const { chains } = pool;
    pool.settleChain(slot);
    if (chains.operation(slot) !== 0) {
      flags |= CHAINED;
      doubles[next++] = chains.operation(slot);
      doubles[next++] = chains.started(slot);
      doubles[next++] = chains.asOf(slot);
      const sums = chains.stages(slot, this.sums);
      for (let stage = 0; stage < STAGE_COUNT; stage++) {
        const sum = sums[stage]!;
        if (sum === 0) continue;
        mask |= 1 << stage;
        doubles[next++] = sum;
      }
    }
    words[word + 2] = (frame.element << 16) | (flags << 8) | headers;
    words[word + 3] = mask;
    const before = roundUp(headers) >> 2;
    const count = before + (roundUp(length - headers) >> 2);
    copyWords(this.poolWords.of(pool), (payloadAt >> 2) - before, words, next << 1, count);
    this.end = (next << 3) + (count << 2);
    this.frames++;
  }

  /** Writes header and baton; the answer is a view that lasts until {@link clear}. */
  finish(baton?: Baton): Uint8Array<ArrayBuffer> {
    const processes = baton === undefined ? 0 : baton.next.length;
    if (baton !== undefined) {
      this.reserve((1 + 2 * processes) * 8);
      let double = this.end >> 3;
      this.out.doubles[double++] = baton.hops;
      for (const time of baton.next) this.out.doubles[double++] = time;
      for (const time of baton.commit) this.out.doubles[double++] = time;
      this.end = double << 3;
    }
    const { words } = this.out;
    words[0] = MAGIC;
    words[1] = this.end;
    words[2] = this.frames;
    words[3] = processes;
    words[4] = this.run;
    words[5] = 0;
    return this.out.bytes.subarray(0, this.end) as Uint8Array<ArrayBuffer>;
  }

  clear(): void {
    this.frames = 0;
    this.end = BATCH_HEADER;
  }

  private reserve(more: number): void {
    const needed = this.end + more;
    if (needed <= this.out.bytes.length) return;
    const wider = new Words(new ArrayBuffer(roundUp(Math.max(needed, 2 * this.out.bytes.length))));
    wider.bytes.set(this.out.bytes.subarray(0, this.end));
    this.out = wider;
  }
}
