/** Frames with random contents, and what must be equal of two of them. */
import type { RandomStream } from '../../../../sim/random.js';
import { STAGE_COUNT } from '../../../../sim/stages.js';
import { HEADROOM } from '../../../../node/model/fabric/frame-pool.js';
import type { FramePool } from '../../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';

export interface FrameShape {
  readonly source: number;
  readonly destination: number;
  readonly headers: number;
  /** Payload, padding and ICRC. */
  readonly rest: number;
  readonly arrival: number;
  readonly chained: boolean;
}

/** Puts a frame of this shape and random bytes into a new slot. */
export function makeFrame(pool: FramePool, shape: FrameShape, random: RandomStream): FrameSlot {
  const slot = pool.allocate();
  const start = pool.payloadAt(slot) - shape.headers;
  const frame = pool.frames[slot]!;
  frame.start = start;
  frame.headerLength = shape.headers;
  frame.length = shape.headers + shape.rest;
  frame.source = shape.source;
  frame.destination = frame.element = shape.destination;
  frame.time = shape.arrival;
  frame.key = random.word() * 2 ** 20;
  frame.suspect = random.below(2) === 1;
  for (let i = 0; i < frame.length; i++) pool.bytes[start + i] = random.below(256);
  pool.chains.clear(slot);
  if (!shape.chained) return slot;
  const operation = (1 + random.below(1e6)) * (random.unit() < 0.5 ? -1 : 1);
  pool.chains.begin(slot, operation, random.below(1e9));
  for (let i = random.below(12); i > 0; i--) {
    const { chains } = pool;
    chains.advance(slot, random.below(STAGE_COUNT), chains.asOf(slot) + 1 + random.word());
  }
  return slot;
}

/** Any frame that fits the pool, from `source` to `destination`. */
export function randomShape(
  pool: FramePool,
  source: number,
  destination: number,
  random: RandomStream,
): FrameShape {
  return {
    source,
    destination,
    headers: random.below(HEADROOM + 1),
    rest: random.below(4) === 0 ? pool.slotSize - HEADROOM : random.below(pool.mtu),
    arrival: random.word() * 2 ** 21 + random.word(),
    chained: random.below(2) === 0,
  };
}

/** All that a frame is, in a form that `toEqual` can compare; the slot's own number left out. */
export function describeFrame(pool: FramePool, slot: FrameSlot): unknown {
  const start = pool.frames[slot]!.start;
  const { chains } = pool;
  const operation = chains.operation(slot);
  const chain = [operation, chains.started(slot), chains.asOf(slot), ...chains.stages(slot)];
  return {
    startsBeforePayload: pool.payloadAt(slot) - start,
    headers: pool.frames[slot]!.headerLength,
    bytes: Buffer.from(pool.bytes.slice(start, start + pool.frames[slot]!.length)).toString('hex'),
    source: pool.frames[slot]!.source,
    destination: pool.frames[slot]!.destination,
    element: pool.frames[slot]!.element,
    time: pool.frames[slot]!.time,
    key: pool.frames[slot]!.key,
    suspect: pool.frames[slot]!.suspect,
    chain: operation === 0 ? 0 : chain,
  };
}
