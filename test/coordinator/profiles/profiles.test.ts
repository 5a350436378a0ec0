import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeProfiles, formatProfiles } from '../../../coordinator/profiles/profile-listing.js';
import {
  listProfiles,
  loadProfile,
  noiseFree,
  realClock,
} from '../../../coordinator/profiles/profiles.js';
import { messageOf } from '../errors/usage-message.js';

const SHIPPED = ['cx3-qdr', 'cx4-edr', 'cx6-hdr', 'roce-100g', 'roce-25g', 'sfc-25g'];

/** Every leaf below a value, with the names that lead to it. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, below]) => leaves(below, `${path}.${name}`));
}

describe('the profiles that come with the package', () => {
  it('are six', () => {
    expect(listProfiles()).toEqual(SHIPPED);
  });

  it('are named when a name is not known', () => {
    const message = messageOf(() => loadProfile('roce-100', []));
    expect(message).toContain('unknown profile "roce-100"; did you mean roce-100g?');
    for (const name of SHIPPED) expect(message).toContain(name);
  });

  it.each(SHIPPED)('%s gives value, unit, grade and source for every number', (name) => {
    const text = readFileSync(new URL(`../../../profiles/${name}.yaml`, import.meta.url), 'utf8');
    const document = parse(text) as Record<string, unknown>;
    expect(document['title']).toMatch(/\w{4}/);
    const groups = Object.entries(document).filter(([, value]) => typeof value === 'object');
    const entries = groups.flatMap(([group, values]) =>
      Object.entries(values as Record<string, Record<string, unknown>>).map(
        ([key, entry]) => [`${group}.${key}`, entry] as const,
      ),
    );
    expect(entries.length).toBeGreaterThan(5);
    for (const [key, entry] of entries) {
      expect(entry['source'], key).toMatch(/\w{3}/);
      expect(entry['grade'], key).toMatch(/^[ABCDX]$/);
      if (typeof entry['value'] === 'number') expect(entry['unit'], key).toMatch(/\w/);
      const jitter = entry['jitter'] as Record<string, unknown> | undefined;
      if (jitter !== undefined) {
        expect(jitter['source'], key).toMatch(/\w{3}/);
        expect(jitter['grade'], key).toMatch(/^[ABCDX]$/);
      }
    }
  });

  it.each(SHIPPED)('%s loads into numbers that are whole picoseconds', (name) => {
    const profile = loadProfile(name, []);
    expect(profile.name).toBe(name);
    for (const [path, value] of leaves(profile)) {
      expect(value, path).toBeDefined();
      expect(value, path).not.toBeNaN();
      if (path.endsWith('.ps')) expect(Number.isSafeInteger(value), path).toBe(true);
    }
  });

  it('have the MTU and link type that the command line promises', () => {
    const known = SHIPPED.map((name) => {
      const { link } = loadProfile(name, []);
      return `${name} ${link.mtu} ${link.type}`;
    });
    expect(known).toEqual([
      'cx3-qdr 2048 infiniband',
      'cx4-edr 4096 infiniband',
      'cx6-hdr 4096 infiniband',
      'roce-100g 1024 ethernet',
      'roce-25g 4096 ethernet',
      'sfc-25g 4096 ethernet',
    ]);
  });

  it("turn units into the model's: picoseconds, picoseconds per byte, bytes", () => {
    const profile = loadProfile('cx4-edr', []);
    expect(profile.pcie.dmaRead.ps).toBe(547_000);
    expect(profile.link.rate).toBe(80);
    expect(profile.cpu.copy).toBeCloseTo(1000 / 7, 9);
    expect(profile.cpu.flop).toBeCloseTo(1000 / 6.8, 9);
    expect(profile.nic.readAhead).toBe(16_384);
    expect(profile.switch.buffer).toBe(Infinity);
    expect(profile.link.framing).toBe(-32);
    expect(loadProfile('cx6-hdr', []).pcie.memoryWrite.jitter).toEqual({
      mean: 0,
      tailProbability: 0.0015,
      tailMean: 3_200_000,
    });
  });
});

describe('overrides', () => {
  it('set a value in any unit a person would write, and keep its jitter', () => {
    const plain = loadProfile('roce-100g', []);
    const changed = loadProfile('roce-100g', [
      'nic.dma_read=0.6us',
      'pcie.rate=57.9Gbps',
      'cpu.copy=10GB/s',
      'nic.read_ahead=4KiB',
      'nic.max_sge=4',
      'link.framing=-32',
      'link.type=infiniband',
      'switch.buffer=1MiB',
      'nic.qp_access_nak = remote_access',
    ]);
    expect(changed.pcie.dmaRead).toEqual({ ...plain.pcie.dmaRead, ps: 600_000 });
    expect(changed.pcie.rate).toBeCloseTo(8000 / 57.9, 9);
    expect(changed.cpu.copy).toBe(100);
    expect(changed.nic).toMatchObject({ readAhead: 4096, maxSge: 4, qpAccessNak: 'remote_access' });
    expect(changed.link).toMatchObject({ framing: -32, type: 'infiniband' });
    expect(changed.switch.buffer).toBe(1 << 20);
    expect(changed.cpu.post).toEqual(plain.cpu.post);
  });

  it('apply in order, so that the last one holds', () => {
    const { nic } = loadProfile('cx4-edr', ['nic.tx=1us', 'nic.tx.jitter=off', 'nic.tx=2us']);
    expect(nic.tx).toEqual({ ps: 2_000_000, jitter: null });
    expect(nic.rx.jitter).not.toBeNull();
  });

  it.each([
    ['nic.dma_raed=1ns', 'no such key nic.dma_raed; did you mean nic.dma_read?'],
    ['pcie.dma_read=1ns', 'did you mean nic.dma_read?'],
    ['zebra=1', 'no such key zebra'],
    ['nic.dma_read', 'expected group.key=value, such as nic.dma_read=600ns'],
    ['nic.dma_read=600', 'expected a time with its unit, such as 600ns, not "600"'],
    ['nic.dma_read=4KiB', 'expected a time'],
    ['link.rate=100', 'expected a rate with its unit'],
    ['link.mtu=1us', 'expected a size in bytes'],
    ['link.mtu=1500', 'must be 256, 512, 1024, 2048 or 4096, not 1500'],
    ['nic.max_qp=2.5', 'expected a whole number'],
    ['nic.max_qp=0', 'must be between 1 and 16777213'],
    ['nic.dma_read=-5ns', 'must not be negative: -5ns'],
    ['nic.dma_read=2s', 'must be between 0 ps and 1 ms, not 2s'],
    ['link.rate=0Gbps', 'must be between 0.001 Gb/s and 100000 Gb/s'],
    ['nic.tx=NaNns', 'expected a time'],
    ['link.type=token-ring', 'expected infiniband or ethernet, not "token-ring"'],
    ['nic.tx.jitter=1ns', 'jitter can only be set to off'],
    ['nic.qp_gap.jitter=off', 'nic.qp_gap takes no jitter'],
  ])('%s is refused', (text, why) => {
    const message = messageOf(() => loadProfile('cx4-edr', [text]));
    expect(message).toContain(`--override ${text}: `);
    expect(message).toContain(why);
  });
});

describe('without noise, and on the real clock', () => {
  it.each(SHIPPED)('noiseFree(%s) leaves every cost and no jitter', (name) => {
    const noisy = loadProfile(name, []);
    const quiet = noiseFree(noisy);
    const costs = (profile: object): unknown[] =>
      leaves(profile).filter(([path]) => !path.includes('.jitter') && !path.endsWith('pollPeriod'));
    expect(costs(quiet)).toEqual(costs(noisy));
    expect(quiet.cpu.pollPeriod).toBe(0);
    const jitters = leaves(quiet).filter(([path]) => path.includes('.jitter'));
    expect(jitters.length).toBeGreaterThan(5);
    for (const [path, value] of jitters) expect(value, path).toBeNull();
  });

  it('realClock makes every time and rate nothing, and keeps every limit', () => {
    const modelled = loadProfile('cx3-qdr', []);
    const real = realClock(modelled);
    const costly = leaves(real).filter(([, value]) => typeof value === 'number' && value !== 0);
    const limits = new Map(leaves(modelled));
    for (const [path, value] of costly) expect(limits.get(path), path).toBe(value);
    const left = costly.map(([path]) => path);
    expect(left).toMatchInlineSnapshot(`
      [
        ".pcie.maxPayload",
        ".pcie.maxReadRequest",
        ".pcie.writeOverhead",
        ".pcie.completionOverhead",
        ".nic.readAhead",
        ".nic.qpCacheEntries",
        ".nic.maxInline",
        ".nic.maxQp",
        ".nic.maxQpWr",
        ".nic.maxSge",
        ".nic.maxCqe",
        ".nic.maxRdAtomic",
        ".nic.flowRules",
        ".link.framing",
        ".link.mtu",
        ".switch.buffer",
        ".memory.memlock",
        ".cache.flowLines",
        ".cache.flows",
        ".kernel.rxFrames",
        ".kernel.napiBudget",
        ".kernel.netdevBudget",
        ".kernel.ringSize",
        ".kernel.mtu",
        ".kernel.rfsFlows",
        ".iommu.entries",
      ]
    `);
    expect(real.name).toBe('cx3-qdr');
    expect(real.link.type).toBe('infiniband');
  });
});

describe('the listing', () => {
  it('has a row for every number of every profile, jitter included', () => {
    const listings = describeProfiles();
    expect(listings.map(({ name }) => name)).toEqual(SHIPPED);
    const numbers = leaves(loadProfile('cx4-edr', []));
    for (const { rows } of listings) {
      const own = rows.filter(({ key }) => !key.endsWith('.jitter'));
      const fields = new Set(
        numbers
          .map(([path]) => path.split('.').slice(1, 3).join('.'))
          .filter((p) => p.includes('.')),
      );
      expect(own).toHaveLength(fields.size);
    }
    expect(listings[2]?.rows).toContainEqual(
      expect.objectContaining({ key: 'nic.memory_write.jitter', value: '0.0015 x 3.2 us' }),
    );
    expect(listings[1]?.rows).toContainEqual(
      expect.objectContaining({ key: 'nic.max_qp', value: '262144', grade: 'A' }),
    );
    expect(listings[1]?.rows).toContainEqual(
      expect.objectContaining({ key: 'nic.dma_read', value: '547 ns', grade: 'B' }),
    );
  });

  it('prints one line a number', () => {
    const listings = describeProfiles(['cx4-edr']);
    const lines = formatProfiles(listings).split('\n');
    expect(lines[0]).toMatch(/^cx4-edr: ConnectX-4/);
    expect(lines.filter((line) => line.startsWith('  '))).toHaveLength(listings[0]!.rows.length);
    expect(lines.find((line) => line.includes('nic.dma_read '))).toMatch(
      / 547 ns {2}B {2}pcie-bench/,
    );
  });

  it('names only files that are there', () => {
    const files = readdirSync(new URL('../../../profiles/', import.meta.url)).sort();
    expect(files).toEqual(SHIPPED.map((name) => `${name}.yaml`));
  });
});
