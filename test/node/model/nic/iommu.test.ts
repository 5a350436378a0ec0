/** The IOMMU by itself: its cache against a plain model, domains that do not see each other, and what it turns away. */
import { describe, expect, it } from 'vitest';
import { Iommu, KERNEL_DOMAIN, MAY_READ, MAY_WRITE } from '../../../../node/model/nic/iommu.js';
import { Iotlb } from '../../../../node/model/nic/iotlb.js';
import { RandomStream } from '../../../../sim/random.js';
import type { Picoseconds } from '../../../../units/time.js';

const MISS = 330_000 as Picoseconds;

const iommu = (entries = 64): Iommu =>
  new Iommu({
    mode: 'on',
    entries,
    miss: MISS,
    mapPage: 0 as Picoseconds,
    unmapPage: 0 as Picoseconds,
  });

describe('the IOTLB', () => {
  it('hits and misses as a list in order of use does, invalidations among them', () => {
    const random = new RandomStream(7, 'iotlb');
    for (const entries of [0, 1, 2, 7, 64]) {
      const iotlb = new Iotlb(entries);
      let model: number[] = [];
      let misses = 0;
      for (let i = 0; i < 5000; i++) {
        const key = random.below(entries * 2 + 2);
        if (random.unit() < 0.1) {
          iotlb.invalidate(key);
          model = model.filter((each) => each !== key);
          continue;
        }
        const hit = model.includes(key);
        if (!hit) misses++;
        model = [key, ...model.filter((each) => each !== key)].slice(0, entries);
        expect(iotlb.look(key)).toBe(hit);
      }
      expect(iotlb.misses).toBe(misses);
      expect(iotlb.size).toBe(model.length);
    }
  });

  it('holds a working set of as many pages as it has entries, and nothing of one page more used in turn', () => {
    for (const [pages, misses] of [
      [64, 64],
      [65, 650],
    ] as const) {
      const unit = iommu(64);
      for (let round = 0; round < 10; round++) {
        for (let page = 0; page < pages; page++) unit.lookUp(KERNEL_DOMAIN, page * 4096 + 100, 256);
      }
      expect(unit.iotlb.misses).toBe(misses);
    }
  });
});

describe('a domain', () => {
  it('says where what it maps is, and no other domain does', () => {
    const unit = iommu();
    const [one, two] = [unit.createDomain(), unit.createDomain()];
    expect(unit.map(one, 0x7000, 0x30_0000, MAY_READ)).toBe(true);
    expect(unit.translate(one, 0x7123, MAY_READ)).toBe(0x30_0123);
    expect(unit.translate(one, 0x7123, MAY_WRITE)).toBe(-1);
    expect(unit.translate(one, 0x8000, MAY_READ)).toBe(-1);
    expect(unit.translate(two, 0x7123, MAY_READ)).toBe(-1);
    expect(unit.translate(KERNEL_DOMAIN, 0x7123, MAY_READ)).toBe(-1);
    unit.destroyDomain(one);
    expect(unit.translate(one, 0x7123, MAY_READ)).toBe(-1);
    // What is still under way in its name must not find the next one's memory.
    const three = unit.createDomain();
    unit.map(three, 0x7000, 0x30_0000, MAY_READ);
    expect(unit.translate(one, 0x7123, MAY_READ)).toBe(-1);
  });

  it('takes no address that is none, and maps nothing over what is mapped elsewhere', () => {
    const unit = iommu();
    const domain = unit.createDomain();
    for (const address of [-4096, 1, 4095, 2 ** 48, NaN, Infinity, 2 ** 48 - 2048]) {
      expect(unit.map(domain, address, 0, MAY_READ)).toBe(false);
      expect(unit.translate(domain, address, MAY_READ)).toBe(-1);
    }
    expect(unit.map(domain, 0x20_0000, 0x40_0000, MAY_READ)).toBe(true);
    expect(unit.map(domain, 0x20_0000, 0x40_1000, MAY_READ)).toBe(false);
    expect(unit.map(domain, 0x20_0000, 0x80_0000, MAY_READ, true)).toBe(false);
    expect(unit.map(domain, 0x20_0000, 0x40_0000, MAY_READ | MAY_WRITE, true)).toBe(true);
    expect(unit.translate(domain, 0x20_0000, MAY_WRITE)).toBe(0x40_0000);
    expect(unit.translate(domain, 0x3f_ffff, MAY_READ)).toBe(0x5f_ffff);
    expect(unit.map(9, 0, 0, MAY_READ)).toBe(false);
  });

  it('keeps a page that was mapped twice until it was unmapped twice, and forgets its translation then', () => {
    const unit = iommu();
    const domain = unit.createDomain();
    for (let i = 0; i < 2; i++) expect(unit.map(domain, 0x1000, 0x5000, MAY_READ)).toBe(true);
    unit.lookUp(domain, 0x1000, 1);
    expect(unit.unmap(domain, 0x1000)).toBe(true);
    expect(unit.translate(domain, 0x1000, MAY_READ)).toBe(0x5000);
    expect(unit.lookUp(domain, 0x1000, 1)).toBe(0);
    expect(unit.unmap(domain, 0x1000)).toBe(true);
    expect(unit.translate(domain, 0x1000, MAY_READ)).toBe(-1);
    expect(unit.lookUp(domain, 0x1000, 1)).toBe(MISS);
    expect(unit.unmap(domain, 0x1000)).toBe(false);
  });

  it('needs one entry per 4 KiB, and one per 2 MiB of a huge page', () => {
    const unit = iommu();
    const domain = unit.createDomain();
    expect(unit.lookUp(domain, 4095, 2)).toBe(2 * MISS);
    expect(unit.lookUp(domain, 4096, 4096)).toBe(0);
    unit.map(domain, 0x40_0000, 0x80_0000, MAY_READ, true);
    expect(unit.lookUp(domain, 0x40_0000, 0x20_0000)).toBe(MISS);
    expect(unit.lookUp(domain, 0x5f_0000, 100)).toBe(0);
    unit.unmap(domain, 0x40_0000, true);
    expect(unit.translate(domain, 0x40_0000, MAY_READ)).toBe(-1);
  });

  it('gets its own faults, and the queue holds no more than it has room for', () => {
    const unit = iommu();
    const [one, two] = [unit.createDomain(), unit.createDomain()];
    unit.map(one, 0x1000, 0x5000, MAY_READ);
    unit.fault(5, one, 0x1000, true, 17, 3);
    unit.fault(6, two, 0x1000, false, 18, 4);
    for (let i = 0; i < 2000; i++) unit.fault(7, two, 0, false, 18, i);
    expect(unit.takeFaults(one)).toEqual([
      { time: 5, domain: one, address: 0x1000, write: true, permission: true, qpNum: 17, wrId: 3 },
    ]);
    const faults = unit.takeFaults(two);
    expect(faults).toHaveLength(1023);
    expect(faults[0]).toMatchObject({ permission: false, wrId: 4 });
    expect(unit.faultCount).toBe(2002);
    expect(unit.takeFaults(two)).toEqual([]);
  });
});
