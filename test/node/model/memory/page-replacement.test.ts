/** Which page the pager takes: reference strings whose faults the textbooks count, and what it must never take. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace, ENOMEM } from '../../../../node/model/memory/address-space.js';
import { NO_FRAME, type FrameNumber } from '../../../../node/model/memory/frame-number.js';
import { firstPage } from '../../../../node/model/memory/page-table.js';
import { Pager } from '../../../../node/model/memory/pager.js';
import { PAGE_SIZE, PhysicalMemory } from '../../../../node/model/memory/physical-memory.js';
import { SwapDevice } from '../../../../node/model/memory/swap-device.js';
import { RandomStream } from '../../../../sim/random.js';

const READ = 80_000;
const WRITE = 20_000;
const MINOR = 250;

function spaceOf(
  frames: number,
  policy: 'clock' | 'lru',
  swapPages = 1000,
): { memory: PhysicalMemory; space: AddressSpace; swap: SwapDevice; pager: Pager } {
  // Frame 0 is never given out.
  const memory = new PhysicalMemory((frames + 1) * PAGE_SIZE);
  const random = new RandomStream(1, 'test');
  const cost = (ps: number) => ({ ps, jitter: null });
  const swap = new SwapDevice(swapPages, { swapRead: cost(READ), swapWrite: cost(WRITE) }, random);
  const costs = { minorFault: cost(MINOR), copy: 0 };
  const pager = new Pager({ memory, range: memory.ram, swap, policy, costs, random });
  return { memory, swap, pager, space: new AddressSpace(0, pager) };
}

function faults(policy: 'clock' | 'lru', frames: number, references: readonly number[]): number {
  const { space } = spaceOf(frames, policy);
  const first = firstPage(space.map(16, false));
  let at = 0;
  for (const reference of references) at = space.faultIn(first + reference, true, at);
  expect(at).toBeGreaterThan(0);
  return space.minorFaults + space.majorFaults;
}

/** Silberschatz's string; and the one by which Belady showed that more frames can mean more faults. */
const SILBERSCHATZ = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];

describe('replacement', () => {
  it('by last use takes 12 faults on the textbook’s string with 3 frames', () => {
    expect(faults('lru', 3, SILBERSCHATZ)).toBe(12);
  });

  it('by last use is a stack algorithm: 10 faults with 3 frames, 8 with 4, on Belady’s string', () => {
    expect(faults('lru', 3, BELADY)).toBe(10);
    expect(faults('lru', 4, BELADY)).toBe(8);
  });

  it('by clock degenerates to first in, first out on Belady’s string: 9 faults with 3 frames, 10 with 4', () => {
    expect(faults('clock', 3, BELADY)).toBe(9);
    expect(faults('clock', 4, BELADY)).toBe(10);
  });

  it('by clock gives a page that was used again a second chance', () => {
    // 1 2 3 fill the frames; 4 clears all and takes 1; 2 is used; 5 spares it and takes 3.
    const { space } = spaceOf(3, 'clock');
    const first = firstPage(space.map(16, false));
    for (const reference of [1, 2, 3, 4, 2, 5]) space.faultIn(first + reference, true, 1e12);
    const present = [1, 2, 3, 4, 5].filter((n) => space.table.frameOf(first + n) !== NO_FRAME);
    expect(present).toEqual([2, 4, 5]);
  });
});

describe('the pager', () => {
  let bed: ReturnType<typeof spaceOf>;
  let first: number;
  beforeEach(() => {
    bed = spaceOf(4, 'lru');
    first = firstPage(bed.space.map(16, false));
  });

  it('writes what is dirty, reads it back, and does not write again what swap still holds', () => {
    const { space, swap, memory } = bed;
    for (let n = 0; n < 4; n++) space.faultIn(first + n, true, 0);
    memory.bytes.fill(
      0xa1,
      space.table.frameOf(first) * PAGE_SIZE,
      space.table.frameOf(first) * PAGE_SIZE + 9,
    );
    expect(space.faultIn(first + 4, true, 1000)).toBe(1000 + WRITE + MINOR);
    expect([swap.writes, swap.reads, space.swapped]).toEqual([1, 0, 1]);
    const back = space.faultIn(first, false, 1e6);
    // Its frame was dirty page 1's: one write, then one read, on a device that does one thing at a time.
    expect(back).toBe(1e6 + WRITE + MINOR + READ);
    expect(memory.bytes[space.table.frameOf(first) * PAGE_SIZE + 3]).toBe(0xa1);
    expect([space.minorFaults, space.majorFaults]).toEqual([5, 1]);
    // 2, 3, 4 go, and then page 0, which is clean: nothing is written for it.
    for (const n of [5, 6, 7]) space.faultIn(first + n, true, 1e9);
    const writes = swap.writes;
    expect(space.faultIn(first + 8, true, 2e9)).toBe(2e9 + MINOR);
    expect(swap.writes).toBe(writes);
  });

  it('makes requests wait for each other at the swap device', () => {
    const { swap } = bed;
    const page = new Uint8Array(PAGE_SIZE);
    expect(swap.write(swap.claim(), page, 100)).toBe(100 + WRITE);
    expect(swap.write(swap.claim(), page, 100)).toBe(100 + 2 * WRITE);
    expect(swap.read(0, page, 10 * WRITE)).toBe(10 * WRITE + READ);
  });

  it('takes neither what is pinned, nor locked, nor held, and says so when nothing is left', () => {
    const { space, memory } = bed;
    for (let n = 0; n < 4; n++) space.faultIn(first + n, true, 0);
    const frames = [0, 1, 2, 3].map((n) => space.table.frameOf(first + n));
    memory.table.pin(frames[0]!);
    space.lock(first + 1);
    memory.table.hold(frames[2]!);
    space.faultIn(first + 4, true, 0);
    expect(space.table.frameOf(first + 3)).toBe(NO_FRAME);
    memory.table.pin(space.table.frameOf(first + 4));
    expect(space.faultIn(first + 3, false, 1e9)).toBe(ENOMEM);
    expect(bed.pager.shortage).toContain('of 4, 2 are pinned, 1 locked, 1 under DMA');
    space.unlock(first + 1);
    expect(space.faultIn(first + 3, false, 1e9)).toBeGreaterThan(0);
    expect(space.table.frameOf(first + 1)).toBe(NO_FRAME);
  });

  it('takes no dirty page when swap is full, but a clean one', () => {
    const { space } = spaceOf(2, 'lru', 0);
    const page = firstPage(space.map(8, false));
    space.faultIn(page, true, 0);
    space.faultIn(page + 1, false, 0);
    expect(space.faultIn(page + 2, true, 0)).toBeGreaterThan(0);
    expect(space.table.frameOf(page + 1)).toBe(NO_FRAME);
    expect(space.faultIn(page + 3, true, 0)).toBe(ENOMEM);
  });

  it('tells who listens before a frame changes hands, while its bytes are still the page’s', () => {
    const { space, memory } = bed;
    const told: unknown[] = [];
    memory.table.listeners.push({
      frameReplaced: (frame: FrameNumber, owner, page) =>
        told.push([owner, page - first, memory.bytes[frame * PAGE_SIZE]]),
    });
    for (let n = 0; n < 4; n++) {
      space.faultIn(first + n, true, 0);
      memory.bytes[space.table.frameOf(first + n) * PAGE_SIZE] = 0xb0 + n;
    }
    space.faultIn(first + 4, true, 1e9);
    expect(told).toEqual([[0, 0, 0xb0]]);
    space.discard(first + 1, 1);
    space.unmap(first + 2, 1);
    expect(told.slice(1)).toEqual([
      [0, 1, 0xb1],
      [0, 2, 0xb2],
    ]);
  });
});
