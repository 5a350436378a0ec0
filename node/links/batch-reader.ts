/**
 * Takes batches apart into slots of a pool; `frame-batch.ts` has their layout. A batch comes from outside: it is
 * copied, then checked, then used, and what is wrong with it is an answer, not an exception.
 */
import { STAGE_COUNT } from '../../sim/stages.js';
import type { Baton } from '../../sim/window.js';
import {
  BATCH_HEADER,
  CHAINED,
  CHAIN_FIXED,
  DAMAGED,
  FRAME_HEADER,
  KNOWN_FLAGS,
} from './frame-batch.js';
import { MAGIC, PoolWords, SUSPECT, Words, copyWords, roundUp } from './frame-batch.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import { HEADROOM } from '../model/fabric/frame-pool.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';
import type { Places } from '../model/fabric/places.js';

/** Takes batches apart into slots of one pool. */
export class BatchReader {
  /** After {@link read}: the slots of the frames, in the order they were sent, now the caller's. */
  slots = new Int32Array(1024);
  frames = 0;
  /** And the baton that came behind them. */
  baton: Baton | undefined;
  private readonly pool: FramePool;
  private readonly places: Places;
  private readonly process: number;
  private readonly processes: number;
  private readonly run: number;
  private copy = new Words(new ArrayBuffer(1 << 16));
  private readonly poolWords = new PoolWords();
  private readonly sums = new Float64Array(STAGE_COUNT);

  /** `process` is this one, `run` the number of the run. */
  constructor(pool: FramePool, places: Places, process: number, processes: number, run: number) {
    this.pool = pool;
    this.places = places;
    this.process = process;
    this.processes = processes;
    this.run = run;
  }

  /** Of the frames in the pool. */
  get heldBytes(): number {
    return this.pool.used * this.pool.slotSize;
  }

  /**
   * Reads a batch from process `from`. Undefined when all is well; else what is wrong, and no slot is taken. What an
   * earlier run that failed left on its way counts as well and empty.
   */
  read(from: number, message: Uint8Array): string | undefined {
    this.frames = 0;
    this.baton = undefined;
    const bytes = message.length;
    if (bytes < BATCH_HEADER || bytes % 8 !== 0) return `${bytes} bytes are not a batch`;
    if (bytes > this.copy.bytes.length) this.copy = new Words(new ArrayBuffer(bytes));
    this.copy.bytes.set(message);
    const { words } = this.copy;
    if (words[0] !== MAGIC) return 'wrong magic number';
    if (words[1] !== bytes) return `its header says ${words[1]!} bytes, but it has ${bytes}`;
    if (words[4]! < this.run) return undefined;
    if (words[4] !== this.run) return `of run ${words[4]!} in run ${this.run}`;
    const count = words[2]!;
    const processes = words[3]!;
    if (count < 0 || count > bytes / FRAME_HEADER) return `its header says ${count} frames`;
    if (processes !== 0 && processes !== this.processes) return `baton of ${processes} processes`;
    const framesEnd = bytes - (processes === 0 ? 0 : (1 + 2 * processes) * 8);
    if (count > this.slots.length) this.slots = new Int32Array(2 * count);
    let at = BATCH_HEADER;
    while (this.frames < count) {
      const length = this.readFrame(from, at, framesEnd);
      if (typeof length === 'string') return this.giveUp(`frame ${this.frames}: ${length}`);
      at += length;
    }
    if (at !== framesEnd) return this.giveUp(`${framesEnd - at} bytes too many`);
    if (processes !== 0 && !this.readBaton(at >> 3))
      return this.giveUp('a baton with a wrong time');
    return undefined;
  }

  /** Reads the frame at byte `at`; answers with its length in the batch. */
  private readFrame(from: number, at: number, end: number): number | string {
    if (end - at < FRAME_HEADER) return 'its header is cut short';
    const { pool, places } = this;
    const { words, doubles } = this.copy;
    const word = at >> 2;
    const double = at >> 3;
    const source = words[word]! >>> 16;
    const destination = words[word]! & 0xffff;
    const length = words[word + 1]!;
    const element = words[word + 2]! >>> 16;
    const flags = (words[word + 2]! >>> 8) & 0xff;
    const headers = words[word + 2]! & 0xff;
    const mask = words[word + 3]!;
    const arrival = doubles[double + 2]!;
    const key = doubles[double + 3]!;
    if (places.processAt(element, destination) !== this.process) {
      return `destination host ${destination} at element ${element}`;
    }
    if (!places.maySend(from, element, source, destination)) return `source host ${source}`;
    if (headers > HEADROOM) return `${headers} bytes of headers`;
    if (length < headers || length - headers > pool.slotSize - HEADROOM) return `${length} bytes`;
    if ((flags & ~KNOWN_FLAGS) !== 0) return `flags ${flags}`;
    if (mask < 0 || mask >= 1 << STAGE_COUNT) return `stage mask ${mask}`;
    if (!isWhole(arrival)) return `arrival ${arrival}`;
    if (!isWhole(key)) return `key ${key}`;
    const chained = (flags & CHAINED) !== 0;
    if (!chained && mask !== 0) return 'stages without an operation';
    const cells = chained ? CHAIN_FIXED + bitCount(mask) : 0;
    const before = roundUp(headers) >> 2;
    const count = before + (roundUp(length - headers) >> 2);
    const size = FRAME_HEADER + cells * 8 + count * 4;
    if (size > end - at) return 'it is cut short';
    // Operations of many ranks have negative numbers; all else in a chain is a time.
    const operation = chained ? doubles[double + 4]! : 1;
    if (operation === 0 || !Number.isSafeInteger(operation)) return `operation ${operation}`;
    for (let cell = 1; cell < cells; cell++) {
      if (!isWhole(doubles[double + 4 + cell]!)) return 'a time of its chain';
    }

    const slot = pool.allocate();
    this.slots[this.frames++] = slot;
    const payloadAt = pool.payloadAt(slot);
    const frame = pool.frames[slot]!;
    frame.start = payloadAt - headers;
    frame.length = length;
    frame.headerLength = headers;
    frame.source = source;
    frame.destination = destination;
    frame.element = element;
    frame.time = arrival;
    frame.key = key;
    frame.suspect = (flags & SUSPECT) !== 0;
    frame.damaged = (flags & DAMAGED) !== 0;
    if (chained) this.readChain(slot, double + 4, mask);
    else pool.chains.clear(slot);
    const first = word + ((FRAME_HEADER + cells * 8) >> 2);
    copyWords(words, first, this.poolWords.of(pool), (payloadAt >> 2) - before, count);
    return size;
  }

  private readChain(slot: FrameSlot, double: number, mask: number): void {
    const { sums } = this;
    const { doubles } = this.copy;
    let next = double + CHAIN_FIXED;
    for (let stage = 0; stage < STAGE_COUNT; stage++) {
      sums[stage] = (mask & (1 << stage)) === 0 ? 0 : doubles[next++]!;
    }
    const operation = doubles[double]!;
    const started = doubles[double + 1]!;
    this.pool.chains.resume(slot, operation, started, doubles[double + 2]!, sums);
  }

  private readBaton(double: number): boolean {
    const { processes } = this;
    const { doubles } = this.copy;
    const hops = doubles[double]!;
    const times = Array.from(doubles.subarray(double + 1, double + 1 + 2 * processes));
    if (!isWhole(hops) || !times.every((time) => time === Infinity || isWhole(time))) return false;
    this.baton = { hops, next: times.slice(0, processes), commit: times.slice(processes) };
    return true;
  }

  /** Frees what was read before the fault. */
  private giveUp(reason: string): string {
    for (let i = 0; i < this.frames; i++) this.pool.release(this.slots[i]! as FrameSlot);
    this.frames = 0;
    this.baton = undefined;
    return reason;
  }
}

/** Finite, a safe integer, not negative. */
const isWhole = (value: number): boolean =>
  value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value;

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
