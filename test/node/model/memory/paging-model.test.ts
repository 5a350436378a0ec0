/**
 * Address spaces and their pager against a plain model: random mapping, writing, reading, locking, pinning, discarding,
 * forking. Memory is what was written, nothing that is pinned, locked or held moves, and in the end nobody has anything
 * left.
 */
import { describe, expect, it } from 'vitest';
import { AddressSpace } from '../../../../node/model/memory/address-space.js';
import { NO_FRAME, type FrameNumber } from '../../../../node/model/memory/frame-number.js';
import { OWNER_FREE } from '../../../../node/model/memory/frame-table.js';
import { firstPage, PAGE } from '../../../../node/model/memory/page-table.js';
import { Pager } from '../../../../node/model/memory/pager.js';
import { PAGE_SIZE, PhysicalMemory } from '../../../../node/model/memory/physical-memory.js';
import { NO_SLOT, SwapDevice } from '../../../../node/model/memory/swap-device.js';
import { RandomStream } from '../../../../sim/random.js';

const FRAMES = 32;
/** Few enough that something can always be taken. */
const MOST_KEPT = 14;
const OPERATIONS = 4000;
const cost = (ps: number) => ({ ps, jitter: null });

interface Mapping {
  readonly first: number;
  readonly count: number;
}

interface Pinned {
  readonly frames: Int32Array;
  /** Where each page was, unless the process has given it up since. */
  readonly pages: Map<number, number>;
}

/** What a process believes: one byte per page stands for all of it. */
class Believer {
  readonly space: AddressSpace;
  readonly mappings: Mapping[] = [];
  readonly bytes = new Map<number, number>();
  readonly locked = new Set<number>();
  readonly pins: Pinned[] = [];

  constructor(space: AddressSpace) {
    this.space = space;
  }

  get kept(): number {
    return this.locked.size + this.pins.reduce((sum, { frames }) => sum + frames.length, 0);
  }

  /** The page's content is given up: pins on the frame it was in are the device's alone now. */
  giveUp(page: number): void {
    for (const pin of this.pins) pin.pages.delete(page);
  }
}

class World {
  readonly memory = new PhysicalMemory((FRAMES + 1) * PAGE_SIZE);
  readonly swap: SwapDevice;
  readonly pager: Pager;
  readonly people: Believer[] = [];
  readonly random: RandomStream;
  at = 0;
  private next = 0;

  constructor(seed: number, policy: 'clock' | 'lru') {
    this.random = new RandomStream(seed, `world ${policy}`);
    this.swap = new SwapDevice(
      10_000,
      { swapRead: cost(80), swapWrite: cost(20) },
      new RandomStream(seed, 'swap'),
    );
    const costs = { minorFault: cost(1), copy: 0.001 };
    const { memory, swap, random } = this;
    this.pager = new Pager({ memory, range: memory.ram, swap, policy, costs, random });
    memory.table.listeners.push({
      frameReplaced: (frame, owner, page) => this.replaced(frame, owner, page),
    });
    this.born();
  }

  born(): Believer {
    const believer = new Believer(new AddressSpace(this.next++, this.pager));
    this.people.push(believer);
    return believer;
  }

  get kept(): number {
    return this.people.reduce((sum, { kept }) => sum + kept, 0);
  }

  /** The page's frame, paged in. */
  reach(believer: Believer, page: number, write: boolean): number {
    const done = believer.space.faultIn(page, write, this.at);
    expect(done).toBeGreaterThanOrEqual(this.at);
    this.at = done + 1;
    return believer.space.table.frameOf(page) * PAGE_SIZE;
  }

  /** Nothing that a device or mlock relies on may be replaced, unless its process gives it up itself. */
  private replaced(frame: FrameNumber, owner: number, page: number): void {
    if (this.givingUp) return;
    const { table } = this.memory;
    const believer = this.people.find(({ space }) => space.number === owner)!;
    const shared = (believer.space.table.flagsOf(page) & PAGE.copyOnWrite) !== 0;
    if (!shared) expect([table.pinned(frame), table.locks[frame]]).toEqual([false, 0]);
  }

  givingUp = false;
}

function step(world: World): void {
  const { random, people } = world;
  const one = people[random.below(people.length)]!;
  const { space } = one;
  const mapping = one.mappings[random.below(Math.max(1, one.mappings.length))];
  const action = random.below(mapping === undefined ? 1 : 12);
  if (action === 0) {
    const count = 1 + random.below(12);
    if (one.mappings.length > 12) return;
    const first = firstPage(space.map(count, false));
    one.mappings.push({ first, count });
    for (let i = 0; i < count; i++) one.bytes.set(first + i, 0);
    return;
  }
  const { first, count } = mapping!;
  const page = first + random.below(count);
  if (action <= 3) {
    const value = 1 + random.below(255);
    const at = world.reach(one, page, true);
    world.memory.bytes.fill(value, at, at + PAGE_SIZE);
    one.bytes.set(page, value);
  } else if (action <= 6) {
    const at = world.reach(one, page, false);
    const value = one.bytes.get(page)!;
    for (const offset of [0, 17, PAGE_SIZE - 1])
      expect(world.memory.bytes[at + offset]).toBe(value);
  } else if (action === 7) {
    if (one.locked.has(page)) {
      space.unlock(page);
      one.locked.delete(page);
    } else if (world.kept < MOST_KEPT) {
      space.lock(page);
      one.locked.add(page);
      world.reach(one, page, true);
    }
  } else if (action === 8) {
    const pin = one.pins[random.below(Math.max(1, one.pins.length))];
    if (pin !== undefined && random.unit() < 0.6) {
      one.pins.splice(one.pins.indexOf(pin), 1);
      space.unpin(pin.frames);
    } else if (world.kept + count <= MOST_KEPT) {
      const frames = new Int32Array(count);
      world.at = space.pin(first, count, world.at, frames) + 1;
      const pages = new Map(Array.from(frames, (frame, index) => [first + index, frame]));
      one.pins.push({ frames, pages });
    }
  } else if (action === 9) {
    if (one.locked.has(page)) return;
    world.givingUp = true;
    space.discard(page, 1);
    world.givingUp = false;
    one.giveUp(page);
    one.bytes.set(page, 0);
  } else if (action === 10) {
    if (random.unit() < 0.5) return;
    for (let i = 0; i < count; i++) {
      space.unlock(first + i);
      one.locked.delete(first + i);
      one.giveUp(first + i);
      one.bytes.delete(first + i);
    }
    world.givingUp = true;
    space.unmap(first, count);
    world.givingUp = false;
    one.mappings.splice(one.mappings.indexOf(mapping!), 1);
  } else if (people.length < 3 && world.kept < MOST_KEPT / 2) {
    const child = world.born();
    const done = space.fork(child.space, world.at);
    expect(done).toBeGreaterThanOrEqual(world.at);
    world.at = done + 1;
    child.mappings.push(...one.mappings);
    for (const [at, value] of one.bytes) child.bytes.set(at, value);
  } else if (people.length > 1) {
    leave(world, people[people.length - 1]!);
    people.pop();
  }
}

function leave(world: World, { space, pins }: Believer): void {
  for (const { frames } of pins) space.unpin(frames);
  world.givingUp = true;
  space.releaseAll();
  world.givingUp = false;
}

/** What the tables say of frames and slots adds up, and what must stay has stayed. */
function audit(world: World): void {
  const { memory, people, swap } = world;
  const mapped = new Map<number, number>();
  const slots = new Set<number>();
  for (const { space, mappings, pins, locked } of people) {
    let resident = 0;
    let swapped = 0;
    for (const { first, count } of mappings) {
      for (let page = first; page < first + count; page++) {
        const frame = space.table.frameOf(page);
        const slot = space.table.slotOf(page);
        if (slot !== NO_SLOT) slots.add(slot);
        if (frame !== NO_FRAME) {
          mapped.set(frame, (mapped.get(frame) ?? 0) + 1);
          resident++;
        } else if (slot !== NO_SLOT) swapped++;
      }
    }
    expect([space.resident, space.swapped]).toEqual([resident, swapped]);
    for (const page of locked) expect(space.table.frameOf(page)).not.toBe(NO_FRAME);
    for (const { pages } of pins) {
      for (const [page, frame] of pages) expect(space.table.frameOf(page)).toBe(frame);
    }
  }
  expect(swap.used).toBe(slots.size);
  let free = 0;
  for (let frame = 1; frame <= FRAMES; frame++) {
    expect(memory.table.mapped(frame as FrameNumber)).toBe(mapped.get(frame) ?? 0);
    if (memory.table.owner(frame as FrameNumber) === OWNER_FREE) free++;
  }
  expect(memory.freeFrames).toBe(free);
}

describe('paged memory', () => {
  it.each([1, 2, 3, 4, 5, 6].flatMap((seed) => [[seed, 'clock'] as const, [seed, 'lru'] as const]))(
    'is what was written, whatever the pager does (seed %i, %s)',
    (seed, policy) => {
      const world = new World(seed, policy);
      for (let i = 0; i < OPERATIONS; i++) {
        step(world);
        if (i % 50 === 0) audit(world);
      }
      for (const one of world.people) {
        for (const [page, value] of one.bytes) {
          expect(world.memory.bytes[world.reach(one, page, false)]).toBe(value);
        }
      }
      audit(world);
      expect(world.pager.replacements).toBeGreaterThan(300);
      for (const one of world.people) leave(world, one);
      expect([world.memory.freeFrames, world.swap.used]).toEqual([FRAMES, 0]);
    },
  );
});
