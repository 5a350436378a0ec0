/** What pinning costs against size: the model's own figures, and where they cross. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../coordinator/profiles/profiles.js';
import { crossover } from '../../../workloads/host/crossover.js';
import pinning from '../../../workloads/host/pinning.js';
import type {
  DistributionMetric,
  Parameters,
  Summary,
  ValueMetric,
} from '../../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions, type Measurement } from '../../embedded.js';

const SIZES = '16,1KiB,2KiB,4KiB,64KiB,128KiB,256KiB,512KiB';

const measure = (params = {}, options: ClusterOptions = {}): Promise<Measurement[]> =>
  runWorkload(pinning, { size: SIZES, iterations: '3', ...params }, options);

const costOf = (all: readonly Measurement[], strategy: string, size: number): number => {
  const found = all.find(
    ({ params }) => params['strategy'] === strategy && params['size'] === size,
  );
  return (found!.summary.metrics[0] as DistributionMetric).p50;
};

const conclude = (all: readonly Measurement[]): Summary =>
  pinning.compare!(
    all.map(({ params, summary }) => ({ params, summary })),
    null as never,
  )!;

const crossings = (summary: Summary): Record<string, number> =>
  Object.fromEntries(summary.metrics.map((metric) => [metric.name, (metric as ValueMetric).value]));

describe('host/pinning', () => {
  it('brings every byte over, costs what its parts cost, and crosses where it was published', async () => {
    const all = await measure();
    for (const { summary, run } of all) {
      expect(summary.verified).toBe(true);
      expect([run.left.memoryFrames, run.left.pinnedPages, run.left.frames]).toEqual([0, 0, 0]);
      const { p50 } = summary.metrics[0] as DistributionMetric;
      const stages = summary.stages!.reduce((sum, { ps }) => sum + ps, 0);
      expect(stages).toBe(Math.round(p50 * 1000));
    }
    const { cpu, memory } = loadProfile('roce-100g', []);
    const post = cpu.post.ps + cpu.doorbell.ps + cpu.poll.ps;
    const calls = 2 * cpu.syscall.ps;
    for (const size of [16, 4096, 65536]) {
      const pages = Math.ceil(size / 4096);
      const registration = cpu.register + pages * (cpu.registerPage + cpu.deregisterPage);
      const ps = (strategy: string): number => Math.round(costOf(all, strategy, size) * 1000);
      expect(ps('registered')).toBe(post);
      expect(ps('cache')).toBe(post + cpu.registrationLookup);
      expect(ps('copy')).toBe(post + Math.ceil(size * cpu.copy));
      expect(ps('register')).toBe(post + calls + registration);
      const frames = Math.ceil(size / 1488);
      const pin = pages * (memory.pinPage + memory.unpinPage);
      expect(ps('pin')).toBe(post + (frames - 1) * cpu.post.ps + calls + pin);
    }
    const at = crossings(conclude(all));
    // One-shot copy against registration: 139 to 391 KB by copy speed.
    expect(at['crossover_copy_register']).toBeGreaterThan(139e3);
    expect(at['crossover_copy_register']).toBeLessThan(391e3);
    // The textbook: too much for 64 B, perhaps tolerable from 1 KB on.
    expect(at['crossover_copy_pin']).toBeGreaterThan(1024);
    expect(at['crossover_copy_pin']).toBeLessThan(4096);
    expect(at['crossover_copy_cache']).toBeLessThan(2048);
  }, 30_000);

  it('says which curves do not cross, and has no figure for them', async () => {
    const summary = conclude(await measure({ strategy: 'copy,registered', size: '16,1KiB' }));
    expect(summary.metrics).toEqual([]);
    expect(summary.note).toBe('do not cross at these sizes: copy and registered');
  });

  it('is measured at all powers of two from 16 B to 1 MiB unless told otherwise', () => {
    const { parameters } = pinning;
    const configurations = (params: Parameters) =>
      pinning.configurations!(params, { mtu: 1024 } as never);
    const defaults = Object.fromEntries(
      Object.entries(parameters).map(([name, { default: value }]) => [name, value]),
    );
    const all = configurations(defaults);
    expect(all).toHaveLength(5 * 17);
    expect(all.at(-1)).toMatchObject({ strategy: 'cache', size: 2 ** 20, iterations: 2 });
    for (const [key, value] of [
      ['size', '2MiB'],
      ['size', 'x'],
      ['strategy', 'hope'],
      ['iterations', '0'],
    ] as const) {
      expect(configurations({ ...defaults, [key]: value })).toContain(key);
    }
  });
});

describe('a crossover', () => {
  const line = (at: number, slope: number) =>
    [16, 64, 256, 1024].map((size) => ({ size, cost: at + slope * size }));

  it('of two straight lines is where they meet, whichever comes first', () => {
    expect(crossover(line(0, 1), line(100, 0))).toBeCloseTo(100, 9);
    expect(crossover(line(100, 0), line(0, 1))).toBeCloseTo(100, 9);
  });

  it('is none where one is below the other everywhere, or they only touch', () => {
    expect(crossover(line(0, 1), line(1, 1))).toBeUndefined();
    expect(crossover(line(0, 1), line(0, 1))).toBeUndefined();
    expect(crossover(line(0, 1), line(16, 0).slice(0, 1))).toBeUndefined();
  });
});
