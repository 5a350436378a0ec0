/** Which core finds a flow's state warm. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { FlowCache } from '../../../../node/model/kernel/flow-cache.js';
import { RandomStream } from '../../../../sim/random.js';

const { cache } = loadProfile('cx4-edr', [
  'cache.flow_lines=10',
  'cache.flows=4',
  'cache.dirty_line=60ns',
  'cache.memory_line=90ns',
]);
const WARM = 0;
const MOVED = 600_000;
const COLD = 900_000;

/** As the rule says it, with lists: each core's flows, the most recent last. */
class ListedFlows {
  private readonly cores: number[][];
  constructor(cores: number) {
    this.cores = Array.from({ length: cores }, () => []);
  }

  touch(core: number, flow: number): number {
    const owner = this.cores.findIndex((flows) => flows.includes(flow));
    this.forget(flow);
    const mine = this.cores[core]!;
    mine.push(flow);
    if (mine.length > cache.flows) mine.shift();
    if (owner === core) return WARM;
    return owner < 0 ? COLD : MOVED;
  }

  forget(flow: number): void {
    for (const flows of this.cores) {
      const at = flows.indexOf(flow);
      if (at >= 0) flows.splice(at, 1);
    }
  }
}

describe('the caches of cores', () => {
  it('keep a flow warm where it is served again, and have it fetched line by line elsewhere', () => {
    const caches = new FlowCache(2, cache);
    expect(caches.touch(0, 7)).toBe(COLD);
    expect(caches.touch(0, 7)).toBe(WARM);
    expect(caches.touch(1, 7)).toBe(MOVED);
    expect(caches.touch(0, 7)).toBe(MOVED);
    expect([caches.packets.warm, caches.packets.moved, caches.packets.cold]).toEqual([
      [1, 0],
      [1, 1],
      [1, 0],
    ]);
  });

  it('lose the flow that was served longest ago when there are too many', () => {
    const caches = new FlowCache(1, cache);
    for (let flow = 0; flow < 4; flow++) caches.touch(0, flow);
    caches.touch(0, 0);
    expect(caches.touch(0, 4)).toBe(COLD);
    expect([0, 2, 3, 4].map((flow) => caches.touch(0, flow))).toEqual([WARM, WARM, WARM, WARM]);
    expect(caches.touch(0, 1)).toBe(COLD);
  });

  it('know nothing of a flow that is over', () => {
    const caches = new FlowCache(2, cache);
    caches.touch(0, 3);
    caches.forget(3);
    caches.forget(3);
    caches.forget(1_000_000);
    expect(caches.touch(1, 3)).toBe(COLD);
  });

  it('answer as plain lists do, for any cores, flows and order', () => {
    const random = new RandomStream(1, 'caches');
    const caches = new FlowCache(3, cache);
    const lists = new ListedFlows(3);
    const seen = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      // Ever more of them, so that tables grow while lists are long.
      const flow = random.below(Math.min(14, 2 + (i >> 7))) * 40;
      if (random.below(20) === 0) {
        caches.forget(flow);
        lists.forget(flow);
        continue;
      }
      const core = random.below(3);
      const cost = caches.touch(core, flow);
      expect(cost).toBe(lists.touch(core, flow));
      seen.add(cost);
    }
    expect(seen).toEqual(new Set([WARM, MOVED, COLD]));
    const touched = [caches.packets.warm, caches.packets.moved, caches.packets.cold].flat();
    expect(touched.reduce((a, b) => a + b, 0)).toBeGreaterThan(18_000);
  });
});
