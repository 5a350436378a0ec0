/** A host's memory: frames and keys. */
import { describe, expect, it } from 'vitest';
import { NO_FRAME } from '../../../../node/model/memory/frame-number.js';
import { PAGE_SIZE, PhysicalMemory } from '../../../../node/model/memory/physical-memory.js';
import { MemoryRegionTable } from '../../../../node/model/rdma/memory-region.js';
import { RandomStream } from '../../../../sim/random.js';

describe('physical memory', () => {
  it('never gives a frame to two at once, and gets all of them back', () => {
    const memory = new PhysicalMemory(256 * PAGE_SIZE);
    const random = new RandomStream(1, 'frames');
    const held: { first: number; count: number }[] = [];
    const free = memory.freeFrames;
    for (let i = 0; i < 5000; i++) {
      const count = 1 + random.below(9);
      const first = memory.allocate(count);
      if (first === NO_FRAME || random.unit() < 0.3) {
        if (first !== NO_FRAME) memory.release(first, count);
        const run = held.splice(random.below(held.length), 1)[0];
        if (run !== undefined) memory.release(run.first as typeof first, run.count);
        continue;
      }
      for (const other of held) {
        expect(first + count <= other.first || other.first + other.count <= first).toBe(true);
      }
      held.push({ first, count });
    }
    for (const { first, count } of held) memory.release(first as typeof NO_FRAME, count);
    expect(memory.freeFrames).toBe(free);
    expect(memory.allocate(free)).not.toBe(NO_FRAME);
  });

  it('is zeroed for its next owner', () => {
    const memory = new PhysicalMemory(8 * PAGE_SIZE);
    const first = memory.allocate(2);
    memory.bytes.fill(0xaa, first * PAGE_SIZE, (first + 2) * PAGE_SIZE);
    memory.release(first, 2);
    const again = memory.allocate(2);
    expect(again).toBe(first);
    expect(
      memory.bytes.slice(again * PAGE_SIZE, (again + 2) * PAGE_SIZE).every((b) => b === 0),
    ).toBe(true);
  });
});

describe('memory keys', () => {
  it('are index << 8 | tag: a key off by one in the tag, and one of before, fail', () => {
    const regions = new MemoryRegionTable();
    const first = regions.register(1, 0x1000, 100, 0, 0x5000);
    expect(regions.resolve(first.key, 1, 0x1000, 100, 0)).toBe(0x5000);
    expect(regions.resolve(first.key ^ 1, 1, 0x1000, 100, 0)).toBe(-1);
    regions.deregister(first.key);
    const second = regions.register(1, 0x1000, 100, 0, 0x5000);
    expect(second.key >>> 8).toBe(first.key >>> 8);
    expect(second.key).not.toBe(first.key);
    expect(regions.resolve(first.key, 1, 0x1000, 100, 0)).toBe(-1);
  });

  it('open their range and no more, to their PD and no other', () => {
    const regions = new MemoryRegionTable();
    const { key } = regions.register(7, 0x1000, 100, 3, 0x5000);
    expect(regions.resolve(key, 7, 0x1010, 0x54, 2)).toBe(0x5010);
    expect(regions.resolve(key, 7, 0x1010, 0x55, 2)).toBe(-1);
    expect(regions.resolve(key, 7, 0xfff, 1, 0)).toBe(-1);
    expect(regions.resolve(key, 8, 0x1000, 1, 0)).toBe(-1);
    expect(regions.resolve(key, 7, 0x1000, 1, 4)).toBe(-1);
    expect(regions.resolve(key, 7, 2 ** 64, 1, 0)).toBe(-1);
    expect(regions.resolve(key, 7, NaN, 1, 0)).toBe(-1);
  });
});
