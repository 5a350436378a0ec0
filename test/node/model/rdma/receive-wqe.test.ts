/** Receives that several take from one source, as the queue pairs of a shared receive queue do. */
import { describe, expect, it } from 'vitest';
import { PhysicalMemory } from '../../../../node/model/memory/physical-memory.js';
import { ACCESS } from '../../../../node/model/rdma/access-flags.js';
import { MemoryRegionTable } from '../../../../node/model/rdma/memory-region.js';
import { ReceiveQueue } from '../../../../node/model/rdma/receive-queue.js';
import { ReceiveWqe } from '../../../../node/model/rdma/receive-wqe.js';
import {
  emitReceiveEntry,
  emitSge,
  receiveEntrySize,
  receiveSgeAt,
} from '../../../../node/model/rdma/work-queue-entry.js';

const PD = 3;
const MAX_SGE = 2;
const STRIDE = receiveEntrySize(MAX_SGE);
const RING = 4096;
/** Where the registered memory lies, and what SGEs call it. */
const PHYSICAL = 8192;
const ADDRESS = 0x50000;

function openSource(depth: number) {
  const memory = new PhysicalMemory(1 << 20);
  const regions = new MemoryRegionTable();
  const { key } = regions.register(PD, ADDRESS, 4096, ACCESS.LOCAL_WRITE, PHYSICAL);
  const source = new ReceiveQueue(RING, STRIDE, depth, MAX_SGE);
  let posted = 0;
  /** Posts a receive of buffers [offset in the region, length]. */
  const post = (wrId: number, ...buffers: readonly (readonly [number, number])[]): void => {
    const at = RING + (posted % depth) * STRIDE;
    emitReceiveEntry(memory.view, at, { wrId, sgeCount: buffers.length });
    buffers.forEach(([offset, length], i) => {
      const sge = { address: ADDRESS + offset, length, lkey: key };
      emitSge(memory.view, receiveSgeAt(at, i), sge);
    });
    source.post(++posted);
  };
  const look = (wqe: ReceiveWqe): boolean => wqe.look(source, memory, regions, PD);
  return { memory, regions, key, source, post, look };
}

/** Where bytes of a message go: [physical, length] each. */
function placesOf(wqe: ReceiveWqe, offset: number, length: number): [number, number][] {
  const places: [number, number][] = [];
  wqe.scatter(offset, length, (...place) => places.push(place));
  return places;
}

describe('a source of receives', () => {
  it('gives each taker its own, and what one takes does not move what another has', () => {
    const { source, post, look } = openSource(2);
    const [first, second] = [new ReceiveWqe(), new ReceiveWqe()];
    post(100, [0, 64], [512, 64]);
    post(200, [1024, 32]);
    expect(look(first)).toBe(true);
    first.take(source);
    expect(look(second)).toBe(true);
    second.take(source);
    expect(source.empty).toBe(true);
    expect([first.wrId, first.count, first.length]).toEqual([100, 1, 128]);
    expect([second.wrId, second.count, second.length]).toEqual([200, 2, 32]);
    // The ring's slot is posted again while the first message is still arriving.
    post(300, [2048, 8]);
    expect(placesOf(first, 60, 10)).toEqual([
      [PHYSICAL + 60, 4],
      [PHYSICAL + 512, 6],
    ]);
    expect(placesOf(second, 0, 32)).toEqual([[PHYSICAL + 1024, 32]]);
  });

  it('keeps a receive that was only looked at: the next taker gets it', () => {
    const { source, post, look } = openSource(2);
    const [refused, taker] = [new ReceiveWqe(), new ReceiveWqe()];
    post(100, [0, 64]);
    expect(look(refused)).toBe(true);
    expect(source.empty).toBe(false);
    expect(look(taker)).toBe(true);
    taker.take(source);
    expect([taker.wrId, taker.count, source.empty]).toEqual([100, 1, true]);
  });

  it('loses its buffers when their region goes, also in mid-message', () => {
    const { memory, regions, key, source, post, look } = openSource(2);
    const wqe = new ReceiveWqe();
    post(100, [0, 64]);
    expect(look(wqe)).toBe(true);
    wqe.take(source);
    expect(wqe.holds(memory, regions, PD)).toBe(true);
    regions.deregister(key);
    expect(wqe.holds(memory, regions, PD)).toBe(false);
    expect(wqe.absent).toBe(false);
  });
});
