import { describe, expect, test } from 'vitest';
import { BatchReader } from '../../../node/links/batch-reader.js';
import { BatchWriter } from '../../../node/links/batch-writer.js';
import { FRAME_HEADER } from '../../../node/links/frame-batch.js';
import { FramePool } from '../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../node/model/fabric/frame-slot.js';
import { RandomStream } from '../../../sim/random.js';
import { describeFrame, makeFrame, randomShape } from '../model/fabric/random-frames.js';
import type { FrameShape } from '../model/fabric/random-frames.js';
import { unlinked } from './unlinked.js';

/** Hosts 0 and 1 live in process 0, hosts 2 and 3 in process 1; batches go from 0 to 1. */
const PLACEMENT = Int32Array.of(0, 0, 1, 1);
const PLACES = unlinked(PLACEMENT);
const RUN = 7;
const random = new RandomStream(1, 'frame batch');
const newReader = (pool: FramePool): BatchReader => new BatchReader(pool, PLACES, 1, 2, RUN);

const SMALL: FrameShape = {
  source: 0,
  destination: 2,
  headers: 54,
  rest: 12,
  arrival: 1_000_000,
  chained: true,
};

/** A batch of `frames` frames of one shape, as the bytes that would travel. */
function batch(shape: FrameShape, frames = 1, baton = false): Buffer {
  const pool = new FramePool(1024, 16);
  const writer = new BatchWriter(RUN);
  for (let i = 0; i < frames; i++) writer.add(pool, makeFrame(pool, shape, random));
  const times = { next: [5, Infinity], commit: [6, Infinity], hops: 3 };
  return Buffer.from(writer.finish(baton ? times : undefined));
}

describe('a batch', () => {
  for (const mtu of [256, 1024, 4096]) {
    test(`gives back every frame it was filled with, MTU ${mtu}`, () => {
      const sender = new FramePool(mtu, 2);
      const receiver = new FramePool(mtu, 2);
      const writer = new BatchWriter(RUN, 64);
      const reader = newReader(receiver);
      for (let round = 0; round < 20; round++) {
        const frames = random.below(60);
        const expected: unknown[] = [];
        writer.clear();
        for (let i = 0; i < frames; i++) {
          const shape = randomShape(sender, random.below(2), 2 + random.below(2), random);
          const slot = makeFrame(sender, shape, random);
          expected.push(describeFrame(sender, slot));
          writer.add(sender, slot);
          sender.release(slot);
        }
        // At an odd place in memory, as a socket may deliver it.
        const message = Buffer.alloc(writer.length + 3).subarray(3);
        message.set(writer.finish());
        expect(reader.read(0, message)).toBeUndefined();
        const slots = Array.from(reader.slots.subarray(0, reader.frames)) as FrameSlot[];
        expect(slots.map((slot) => describeFrame(receiver, slot))).toEqual(expected);
        for (const slot of slots) receiver.release(slot);
        expect(receiver.used).toBe(0);
      }
    });
  }

  test('carries the baton behind its frames, or alone', () => {
    const reader = newReader(new FramePool(1024));
    for (const frames of [2, 0]) {
      expect(reader.read(0, batch(SMALL, frames, true))).toBeUndefined();
      expect(reader.frames).toBe(frames);
      expect(reader.baton).toEqual({ next: [5, Infinity], commit: [6, Infinity], hops: 3 });
    }
    expect(reader.read(0, batch(SMALL, 1))).toBeUndefined();
    expect(reader.baton).toBeUndefined();
  });

  test('that an earlier run left on its way is nothing', () => {
    const pool = new FramePool(1024, 8);
    const bytes = batch(SMALL, 2, true);
    bytes.writeInt32LE(RUN - 1, 16);
    const reader = newReader(pool);
    expect(reader.read(0, bytes)).toBeUndefined();
    expect([reader.frames, reader.baton, pool.used]).toEqual([0, undefined, 0]);
  });

  test('does not take a frame whose headers end short of its payload', () => {
    const pool = new FramePool(1024, 4);
    const slot = makeFrame(pool, SMALL, random);
    pool.frames[slot]!.start -= 4;
    expect(() => new BatchWriter(RUN).add(pool, slot)).toThrow(
      'do not end where its payload begins',
    );
  });
});

describe('a malformed batch is named, and takes no slot', () => {
  const FRAME = 24;
  const cases: readonly [string, RegExp, (bytes: Buffer) => Buffer | undefined][] = [
    ['empty', /^0 bytes are not a batch/, () => Buffer.alloc(0)],
    ['text', /^5 bytes are not a batch/, () => Buffer.from('hello')],
    ['other magic', /magic/, (bytes) => void bytes.writeInt32LE(1, 0)],
    ['cut short', /header says/, (bytes) => bytes.subarray(0, bytes.length - 8)],
    ['more frames than there are', /frame 2: .*cut short/, (b) => void b.writeInt32LE(3, 8)],
    ['fewer frames than there are', /bytes too many/, (bytes) => void bytes.writeInt32LE(1, 8)],
    ['a negative count', /header says -1 frames/, (bytes) => void bytes.writeInt32LE(-1, 8)],
    ['another baton', /baton of 9 processes/, (bytes) => void bytes.writeInt32LE(9, 12)],
    ['of a run to come', /of run 8 in run 7/, (bytes) => void bytes.writeInt32LE(8, 16)],
    ['a source elsewhere', /source host 2/, (bytes) => void bytes.writeInt16LE(2, FRAME + 2)],
    ['a source beyond all', /source host 4/, (bytes) => void bytes.writeInt16LE(4, FRAME + 2)],
    ['a destination elsewhere', /destination host 1/, (bytes) => void bytes.writeInt16LE(1, FRAME)],
    ['a destination beyond all', /host 65535/, (bytes) => void bytes.writeInt16LE(-1, FRAME)],
    ['an element elsewhere', /at element 0/, (bytes) => void bytes.writeInt16LE(0, FRAME + 10)],
    ['one beyond all', /at element 65535/, (bytes) => void bytes.writeInt16LE(-1, FRAME + 10)],
    [
      'a frame shorter than its headers',
      /53 bytes/,
      (bytes) => void bytes.writeInt32LE(53, FRAME + 4),
    ],
    [
      'a frame longer than a slot',
      /99999 bytes/,
      (bytes) => void bytes.writeInt32LE(99999, FRAME + 4),
    ],
    ['a negative length', /-1 bytes/, (bytes) => void bytes.writeInt32LE(-1, FRAME + 4)],
    ['long headers', /129 bytes of headers/, (bytes) => void bytes.writeUInt8(129, FRAME + 8)],
    ['unknown flags', /flags 10/, (bytes) => void bytes.writeUInt8(10, FRAME + 9)],
    ['stages of no operation', /without an oper/, (bytes) => void bytes.writeUInt8(0, FRAME + 9)],
    ['an unknown stage', /stage mask/, (bytes) => void bytes.writeInt32LE(1 << 26, FRAME + 12)],
    ['arrival NaN', /arrival NaN/, (bytes) => void bytes.writeDoubleLE(NaN, FRAME + 16)],
    ['no arrival', /arrival Inf/, (bytes) => void bytes.writeDoubleLE(Infinity, FRAME + 16)],
    ['arrival before 0', /arrival -1/, (bytes) => void bytes.writeDoubleLE(-1, FRAME + 16)],
    ['half a picosecond', /arrival 0.5/, (bytes) => void bytes.writeDoubleLE(0.5, FRAME + 16)],
    ['key too large', /key 9007/, (bytes) => void bytes.writeDoubleLE(2 ** 53, FRAME + 24)],
    ['operation 0', /operation 0/, (bytes) => void bytes.writeDoubleLE(0, FRAME + FRAME_HEADER)],
    ['a sum below 0', /time of its chain/, (bytes) => void bytes.writeDoubleLE(-5, FRAME + 56)],
  ];
  // One stage at least, so that every field above is there.
  let sample = batch(SMALL, 2);
  while (sample.readInt32LE(FRAME + 12) === 0) sample = batch(SMALL, 2);

  for (const [title, reason, damage] of cases) {
    test(title, () => {
      const pool = new FramePool(1024, 8);
      const reader = newReader(pool);
      const bytes = Buffer.from(sample);
      expect(reader.read(0, damage(bytes) ?? bytes)).toMatch(reason);
      expect(reader.frames).toBe(0);
      expect(pool.used).toBe(0);
      expect(reader.read(0, sample)).toBeUndefined();
    });
  }

  test('from a process that does not run the source', () => {
    expect(newReader(new FramePool(1024)).read(1, sample)).toMatch(/source host 0/);
  });

  test('a baton with a time below 0', () => {
    const bytes = batch(SMALL, 1, true);
    bytes.writeDoubleLE(-1, bytes.length - 8);
    expect(newReader(new FramePool(1024)).read(0, bytes)).toMatch(/baton with a wrong time/);
  });

  test('any: twenty thousand damaged at random neither throw nor leak', () => {
    const pool = new FramePool(1024, 64);
    const reader = newReader(pool);
    const whole = batch(SMALL, 4, true);
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(whole);
      for (let hits = 1 + random.below(3); hits > 0; hits--) {
        bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      }
      const cut = random.below(10) === 0 ? random.below(bytes.length) : bytes.length;
      const wrong = reader.read(0, bytes.subarray(0, cut));
      if (wrong !== undefined) refused++;
      for (let frame = 0; frame < reader.frames; frame++) {
        const slot = reader.slots[frame]! as FrameSlot;
        expect(pool.payloadAt(slot) - pool.frames[slot]!.start).toBe(
          pool.frames[slot]!.headerLength,
        );
        expect(PLACEMENT[pool.frames[slot]!.destination]).toBe(1);
        pool.release(slot);
      }
      expect(pool.used).toBe(0);
    }
    expect(refused).toBeGreaterThan(5_000);
    expect(refused).toBeLessThan(20_000);
  });
});
