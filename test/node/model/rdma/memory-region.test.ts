/** Regions and their keys: rules 23-26, 28. */
import { describe, expect, it } from 'vitest';
import { ACCESS } from '../../../../node/model/rdma/access-flags.js';
import { MemoryRegionTable } from '../../../../node/model/rdma/memory-region.js';

const BASE = 0x10_0000_1000;

describe('a table of memory regions', () => {
  it('rules 23 and 24: resolves what lies inside, of the right PD, key and access, and nothing else', () => {
    const table = new MemoryRegionTable();
    const { key } = table.register(1, BASE, 100, ACCESS.LOCAL_WRITE, 8192);
    const at = (offset: number, length: number): number =>
      table.resolve(key, 1, BASE + offset, length, ACCESS.LOCAL_WRITE);
    expect([at(0, 100), at(99, 1), at(100, 0)]).toEqual([8192, 8291, 8292]);
    expect([at(0, 101), at(99, 2), at(-1, 1), at(101, 0), at(NaN, 1)]).toEqual(Array(5).fill(-1));
    expect(table.resolve(key, 2, BASE, 1, 0)).toBe(-1);
    expect(table.resolve(key + 1, 1, BASE, 1, 0)).toBe(-1);
    expect(table.resolve(key + 256, 1, BASE, 1, 0)).toBe(-1);
    expect(table.resolve(key, 1, BASE, 1, ACCESS.REMOTE_READ)).toBe(-1);
    // Rule 25: the end must not wrap round.
    expect(at(2 ** 64, 2 ** 32)).toBe(-1);
    expect(at(50, 2 ** 64)).toBe(-1);
  });

  it('rules 26 and 28: an old key fails, also when its index is used again, and its 256 tags come round', () => {
    const table = new MemoryRegionTable();
    const seen = new Set<number>();
    for (let i = 0; i < 256; i++) {
      const { key } = table.register(1, BASE, 8, 0, 4096);
      expect(seen.has(key)).toBe(false);
      seen.add(key);
      for (const old of seen) {
        expect(table.resolve(old, 1, BASE, 8, 0) >= 0).toBe(old === key);
      }
      expect(table.deregister(key)).toBe(true);
      expect(table.deregister(key)).toBe(false);
      expect(table.find(key)).toBeUndefined();
    }
    expect(new Set([...seen].map((key) => key >>> 8)).size).toBe(1);
  });

  it('counts the pages that its regions touch, until they are gone', () => {
    const table = new MemoryRegionTable();
    const spans = [
      [0, 4096, 1],
      [4095, 2, 2],
      [0, 4097, 2],
      [100, 0, 1],
    ] as const;
    for (const [offset, length, pages] of spans) {
      const { key } = table.register(1, BASE + offset, length, 0, 4096 + offset);
      expect(table.pinnedPages).toBe(pages);
      table.deregister(key);
      expect(table.pinnedPages).toBe(0);
    }
  });
});
