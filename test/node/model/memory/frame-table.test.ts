/** Who owns a frame, and what keeps it. */
import { describe, expect, it } from 'vitest';
import { NO_FRAME, type FrameNumber } from '../../../../node/model/memory/frame-number.js';
import { OWNER_FREE, OWNER_KERNEL } from '../../../../node/model/memory/frame-table.js';
import {
  HUGE_FRAMES,
  PAGE_SIZE,
  PhysicalMemory,
} from '../../../../node/model/memory/physical-memory.js';

describe('a frame', () => {
  it('is whose it was given to, and free again when nothing maps, pins or holds it', () => {
    const memory = new PhysicalMemory(64 * PAGE_SIZE);
    const { table } = memory;
    const free = memory.freeFrames;
    const frame = memory.allocate(1, memory.ram, 7, 1000);
    expect([table.owner(frame), table.page(frame), memory.freeFrames]).toEqual([7, 1000, free - 1]);
    table.pin(frame);
    table.hold(frame);
    table.share(frame);
    table.unmap(frame);
    table.unmap(frame);
    expect([table.owner(frame), table.pinned(frame), table.busy(frame)]).toEqual([7, true, true]);
    table.unpin(frame);
    expect(table.owner(frame)).toBe(7);
    table.letGo(frame);
    expect([table.owner(frame), memory.freeFrames]).toEqual([OWNER_FREE, free]);
    expect(() => table.unpin(frame)).toThrow();
    expect(() => table.unmap(frame)).toThrow();
  });

  it('is zeroed for its next owner, whatever DMA wrote into it while it was free', () => {
    const memory = new PhysicalMemory(8 * PAGE_SIZE);
    const frame = memory.allocate(1);
    memory.release(frame, 1);
    memory.bytes.fill(0xaa, frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE);
    expect(memory.allocate(1)).toBe(frame);
    expect(memory.bytes[frame * PAGE_SIZE + 17]).toBe(0);
    expect(memory.table.owner(frame)).toBe(OWNER_KERNEL);
  });
});

describe('a range of frames', () => {
  it('that a virtual machine owns gives only its own, and gets only them back', () => {
    const memory = new PhysicalMemory(64 * PAGE_SIZE);
    const range = memory.reserve(16)!;
    const free = memory.freeFrames;
    const mine = memory.allocate(16, range, 3);
    expect(memory.allocate(1, range, 3)).toBe(NO_FRAME);
    expect(memory.freeFrames).toBe(free);
    for (let i = 0; i < 16; i++) expect(range.has((mine + i) as FrameNumber)).toBe(true);
    memory.release(mine, 16);
    expect([range.freeFrames, memory.freeFrames]).toEqual([16, free]);
    expect(memory.reserve(1000)).toBeUndefined();
  });

  it('gives aligned runs: a huge page begins at a multiple of its frames', () => {
    const memory = new PhysicalMemory(4 * HUGE_FRAMES * PAGE_SIZE);
    memory.allocate(3);
    const free = memory.freeFrames;
    const first = memory.allocate(HUGE_FRAMES, memory.ram, 1, 0, HUGE_FRAMES);
    expect(first % HUGE_FRAMES).toBe(0);
    // What lies before it is still to be had.
    expect(memory.allocate(100)).toBe(4);
    memory.release(4 as FrameNumber, 100);
    memory.release(first, HUGE_FRAMES);
    expect(memory.freeFrames).toBe(free);
    expect(memory.allocate(free)).not.toBe(NO_FRAME);
  });
});
