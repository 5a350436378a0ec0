import { describe, expect, it } from 'vitest';
import type { Core, MemoryRegion, Program } from '../../../node/program/verbs.js';
import type { Summary, Workload } from '../../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions } from '../../embedded.js';
import { atomicLat, BENCHMARKS } from './benchmarks.js';

const MTU = 1024;
const SIZES = [1, 2, 64, 220, 221, 236, 237, MTU - 1, MTU, MTU + 1, 3 * MTU + 5];

const summaryOf = async (
  workload: Workload,
  params: Record<string, number | string> = {},
  options: ClusterOptions = {},
): Promise<Summary> => (await runWorkload(workload, params, options))[0]!.summary;

/** Few enough to be quick, and enough to go round every ring. */
const SHORT = { iterations: 70, warmup: 3 };

const sumOf = (summary: Summary): number =>
  (summary.stages ?? []).reduce((sum, { ps }) => sum + ps, 0);

const medianOf = (summary: Summary): number => {
  const latency = summary.metrics.find(({ name }) => name === 'latency')!;
  return Math.round(('p50' in latency ? latency.p50 : NaN) * 1000);
};

const notAtomic = BENCHMARKS.filter((each) => each !== atomicLat);

describe.each(notAtomic)('$name', (workload) => {
  it.each(SIZES)('carries %i bytes intact, its stages summing to the median', async (size) => {
    const inlines = workload.name.includes('read') ? ['auto'] : ['auto', 'off'];
    for (const inline of inlines) {
      const summary = await summaryOf(workload, { ...SHORT, size, inline });
      expect(summary).toMatchObject({ verified: true, counters: { wrong_bytes: 0 } });
      expect(summary.counters!['checked_messages']).toBeGreaterThanOrEqual(70);
      expect(sumOf(summary)).toBe(medianOf(summary));
    }
  });

  it('uses several queue pairs in turn', async () => {
    const summary = await summaryOf(workload, { ...SHORT, size: 100, qps: 3 });
    expect(summary).toMatchObject({ verified: true, counters: { wrong_bytes: 0 } });
    expect(sumOf(summary)).toBe(medianOf(summary));
  });
});

describe('messages of no bytes', () => {
  it.each(BENCHMARKS.filter(({ name }) => /send-lat|read-lat/.test(name)))(
    '$name',
    async (each) => {
      expect(await summaryOf(each, { ...SHORT, size: 0 })).toMatchObject({ verified: true });
    },
  );
});

describe('micro/atomic-lat', () => {
  it.each(['fetch-add', 'cas'])('counts by %s, every answer checked', async (op) => {
    const summary = await summaryOf(atomicLat, { ...SHORT, op });
    // The answer to each of 73 operations, and the count that is left.
    expect(summary).toMatchObject({
      verified: true,
      counters: { wrong_bytes: 0, checked_messages: 74 },
    });
    expect(sumOf(summary)).toBe(medianOf(summary));
  });
});

/** A core on which byte 0 of the first memory registered changes behind the program's back, at its `nth` waking. */
function tampered(core: Core, nth: number): Core {
  let region: MemoryRegion | undefined;
  let wakings = 0;
  const wake = <T>(value: T): T => {
    if (++wakings === nth) region!.bytes[0]! ^= 0xff;
    return value;
  };
  const openDevice: Core['openDevice'] = async () => {
    const context = await core.openDevice();
    const allocatePd = async () => {
      const pd = await context.allocatePd();
      const registerMemory: typeof pd.registerMemory = async (...args) => {
        const registered = await pd.registerMemory(...args);
        region ??= registered;
        return registered;
      };
      return overlaid(pd, { registerMemory });
    };
    return overlaid(context, { allocatePd });
  };
  return overlaid(core, {
    openDevice,
    any: async (awaitables) => wake(await core.any(awaitables)),
    hear: async (rank) => wake(await core.hear(rank)),
  });
}

/** The object with some of its methods replaced; the others are called on the object itself. */
const overlaid = <T extends object>(object: T, methods: Partial<T>): T =>
  new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

describe('a byte that changes on the way', () => {
  const rankOf = ({ name }: Workload): number => (/read|atomic/.test(name) ? 0 : 1);

  it.each(BENCHMARKS)('is found by $name', async (workload) => {
    const program = workload.program as unknown as Program;
    const broken = {
      ...workload,
      program: (async (core, task) =>
        program(core.rank === rankOf(workload) ? tampered(core, 3) : core, task)) as Program<never>,
    };
    // It hears two words in connecting; then the first message is there, or word that all are.
    const summary = await summaryOf(broken, { size: 8, iterations: 10, warmup: 0, qps: 1 });
    expect(summary.verified).toBe(false);
    expect(summary.note).toMatch(/^[1-8] bytes are not those that were sent$/);
  });
});

describe('requests that fail', () => {
  const NEVER_ARRIVES = { faults: { loss: 1 } };

  it.each(BENCHMARKS)(
    'are reported by $name, with their status, and nobody waits',
    async (workload) => {
      const summary = await summaryOf(workload, { size: 8, ...SHORT }, NEVER_ARRIVES);
      expect(summary.verified).toBe(false);
      expect(summary.note).toMatch(
        /^host0: RETRY_EXC_ERR, message \d+; host1: gave up because the other side did$/,
      );
    },
  );

  it.each(BENCHMARKS)('are rare with some loss: $name still verifies', async (workload) => {
    const faults = { loss: 0.01, duplicate: 0.01 };
    const summary = await summaryOf(workload, { size: 8, ...SHORT }, { faults });
    expect(summary).toMatchObject({ verified: true, counters: { wrong_bytes: 0 } });
    expect(sumOf(summary)).toBe(medianOf(summary));
  });
});
