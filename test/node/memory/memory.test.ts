/** A host's memory: frames, address spaces, keys. */
import { describe, expect, it } from 'vitest';
import { AddressSpace, USER_BASE } from '../../../node/memory/address-space.js';
import { NO_FRAME } from '../../../node/memory/frame-number.js';
import { PAGE_SIZE, PhysicalMemory } from '../../../node/memory/physical-memory.js';
import { MemoryRegionTable } from '../../../node/rdma/memory-region.js';
import { RandomStream } from '../../../sim/random.js';

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

describe('an address space', () => {
  const space = new AddressSpace(new PhysicalMemory(64 * PAGE_SIZE));

  it('maps virtual addresses that are no physical ones', () => {
    const address = space.allocate(3 * PAGE_SIZE)!;
    expect(address).toBeGreaterThanOrEqual(USER_BASE);
    const physical = space.translate(address + 5000, 100);
    expect(physical % PAGE_SIZE).toBe(5000 % PAGE_SIZE);
    expect(physical).toBeLessThan(64 * PAGE_SIZE);
  });

  it('answers -1 beyond an allocation: there is a guard page behind each', () => {
    const address = space.allocate(PAGE_SIZE)!;
    space.allocate(PAGE_SIZE);
    expect(space.translate(address, PAGE_SIZE)).toBeGreaterThan(0);
    expect(space.translate(address, PAGE_SIZE + 1)).toBe(-1);
    expect(space.translate(address - 1, 1)).toBe(-1);
    expect(space.translate(0, 1)).toBe(-1);
    expect(space.translate(NaN, 1)).toBe(-1);
    expect(space.translate(2 ** 60, 1)).toBe(-1);
  });

  it('has nothing to give when the host has nothing left', () => {
    expect(space.allocate(1000 * PAGE_SIZE)).toBeUndefined();
  });

  it('forgets what was released', () => {
    const address = space.allocate(PAGE_SIZE)!;
    expect(space.release(address)).toBe(true);
    expect(space.translate(address, 1)).toBe(-1);
    expect(space.release(address)).toBe(false);
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
