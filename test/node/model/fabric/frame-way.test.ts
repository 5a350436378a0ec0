import { describe, expect, it } from 'vitest';
import { WAY, WAY_STAGES } from '../../../../node/model/fabric/frame.js';
import { FramePool } from '../../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import { STAGE, stageTimes } from '../../../../sim/stages.js';

/** A frame of an operation that was meant to start at 100, with its way through a switch up to its receiver. */
function travelled(pool: FramePool): FrameSlot {
  const slot = pool.allocateFrame(64);
  pool.chains.begin(slot, 7, 100);
  pool.chains.advance(slot, STAGE.post, 150);
  const { way } = pool.frames[slot]!;
  way[WAY.leftNic] = 250;
  way[WAY.leftCable] = 300;
  way[WAY.leftSwitch] = 450;
  way[WAY.dequeued] = 500;
  way[WAY.serialized] = 505;
  way[WAY.arrived] = 555;
  way[WAY.received] = 655;
  return slot;
}

const spent = (pool: FramePool, slot: FrameSlot): Record<string, number> =>
  Object.fromEntries(stageTimes(pool.chains.stages(slot)).map(({ name, ps }) => [name, ps]));

const WHOLE = {
  post: 50,
  nic_tx: 100,
  serialize: 5,
  propagate: 100,
  switch: 150,
  queue: 50,
  nic_rx: 100,
};

describe("a frame's way", () => {
  it('has a stage for each of its instants', () => {
    expect(WAY_STAGES).toHaveLength(Object.keys(WAY).length);
  });

  it('becomes intervals of its chain when somebody goes on with that, once', () => {
    const pool = new FramePool(1024, 4);
    const slot = travelled(pool);
    expect(spent(pool, slot)).toEqual({ post: 50 });
    pool.settleChain(slot);
    expect(spent(pool, slot)).toEqual(WHOLE);
    pool.chains.advance(slot, STAGE.payload_write, 700);
    pool.settleChain(slot);
    expect(spent(pool, slot)).toEqual({ ...WHOLE, payload_write: 45 });
    expect(pool.chains.asOf(slot)).toBe(700);
  });

  it('is that of its double too', () => {
    const pool = new FramePool(1024, 4);
    const copy = pool.copy(travelled(pool));
    pool.settleChain(copy);
    expect(spent(pool, copy)).toEqual(WHOLE);
  });

  it('is not that of the frame that had the slot before', () => {
    const pool = new FramePool(1024, 4);
    const before = travelled(pool);
    pool.release(before);
    const slot = pool.allocateFrame(64);
    expect(slot).toBe(before);
    expect(pool.chains.operation(slot)).toBe(0);
    pool.chains.begin(slot, 8, 100);
    pool.settleChain(slot);
    expect(spent(pool, slot)).toEqual({});
  });
});
