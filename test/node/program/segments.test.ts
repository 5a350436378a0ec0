/** The rules of segments, as a program meets them. */
import { describe, expect, it } from 'vitest';
import { ACCESS, type Core, type Instant } from '../../../node/program/verbs.js';
import { picoseconds } from '../../../units/time.js';
import { runEmbedded } from '../../embedded.js';

const failureOf = async (program: (core: Core) => Promise<unknown>): Promise<string> => {
  const { failure } = await runEmbedded({
    program,
    hosts: 2,
    programs: [{ host: 1, core: 2, role: '' }],
  });
  expect(failure).toMatchObject({ host: 1, core: 2 });
  return failure!.message;
};

describe('a segment', () => {
  it('ends with one await of the emulator: a second pending one is the program’s error', async () => {
    const message = await failureOf(async (core) => {
      const first = core.sleep(picoseconds(1000));
      await core.sleep(picoseconds(2000));
      await first;
    });
    expect(message).toMatch(/second await is pending.*core\.any/);
  });

  it('waits for several things with core.any, and tells which came', async () => {
    const { values: results, failure } = await runEmbedded({
      hosts: 1,
      program: async (core: Core) => {
        const context = await core.openDevice();
        const cq = await context.createCq(4);
        const region = await core.allocate(64);
        await core.write(region.address + 5, Uint8Array.of(7));
        return core.any<unknown>([cq.polled(), core.watched(region.address + 5, 0)]);
      },
    });
    expect(failure).toBeNull();
    expect(results[0]).toEqual({ index: 1, value: 7 });
  });

  it('that awaits something foreign is reported, not waited for', async () => {
    const message = await failureOf(async () => {
      await new Promise(() => undefined);
    });
    expect(message).toMatch(/awaits something outside the emulator/);
  });

  it.each([
    ['Math.random', () => Math.random(), 'core.random()'],
    ['Date.now', () => Date.now(), 'core.now'],
    ['new Date()', () => new Date(), 'core.now'],
    ['performance.now', () => performance.now(), 'core.now'],
    ['setTimeout', () => setTimeout(() => undefined, 0), 'core.sleep'],
  ])(
    'may not use %s in virtual time, and learns what to use instead',
    async (name, use, instead) => {
      const message = await failureOf(async () => {
        use();
      });
      expect(message).toContain(`${name} is not available in virtual time: use ${instead}`);
    },
  );

  it('leaves the clock and timers alone outside of it', async () => {
    await runEmbedded({ hosts: 1, program: async (core: Core) => core.sleep(picoseconds(1)) });
    expect(Date.now()).toBeGreaterThan(1e12);
    expect(Math.random()).toBeLessThan(1);
  });

  it('that throws ends the run with its stack, host and core', async () => {
    const { failure } = await runEmbedded({
      hosts: 1,
      program: async (core: Core) => {
        await core.sleep(picoseconds(5));
        throw new TypeError('no such instrument');
      },
    });
    expect(failure).toMatchObject({ host: 0, core: 0 });
    expect(failure!.message).toMatch(
      /^TypeError: no such instrument, at .*segments\.test\.ts:\d+:\d+\)?$/,
    );
  });
});

describe('time in a program', () => {
  it('passes by sleep, work and compute, by exactly as much', async () => {
    const { values: results } = await runEmbedded({
      hosts: 1,
      noise: false,
      program: async (core: Core) => {
        const times: number[] = [core.now];
        await core.sleep(picoseconds(1_500));
        times.push(core.now);
        await core.work(picoseconds(7));
        times.push(core.now);
        const sum = await core.compute({ bytes: 1 << 20 }, () => 6 * 7);
        times.push(core.now);
        return { times, sum };
      },
    });
    const { times, sum } = results[0] as { times: number[]; sum: number };
    expect(sum).toBe(42);
    expect(times.slice(0, 3)).toEqual([0, 1500, 1507]);
    // 1 MiB at a few GB/s takes some hundred microseconds.
    expect(times[3]! - times[2]!).toBeGreaterThan(10e6);
    expect(times[3]! - times[2]!).toBeLessThan(1e9);
  });

  it('hands an error of computed arithmetic to the program that asked for it', async () => {
    const { values: results } = await runEmbedded({
      hosts: 1,
      program: async (core: Core) => {
        try {
          await core.compute({ flops: 1 }, () => {
            throw new RangeError('no convergence');
          });
        } catch (error) {
          return (error as Error).message;
        }
        return 'nothing';
      },
    });
    expect(results[0]).toBe('no convergence');
  });

  it('tells values between ranks in order, over any number of frames', async () => {
    const long = 'x'.repeat(10_000);
    const { values: results } = await runEmbedded({
      hosts: 2,
      program: async (core: Core) => {
        if (core.rank === 0) {
          await core.tell(1, { first: 1 });
          await core.tell(1, long);
          await core.tell(1, null);
          return core.hear(1);
        }
        const heard = [await core.hear(0), await core.hear(0), await core.hear(0)];
        await core.tell(0, heard.length);
        return heard;
      },
    });
    expect(results).toEqual([3, [{ first: 1 }, long, null]]);
  });

  it('says who waits for what when nobody can go on', async () => {
    const { blocked } = await runEmbedded({
      hosts: 2,
      program: async (core: Core) => core.hear(1 - core.rank),
    });
    expect(blocked).toHaveLength(2);
    expect(blocked[0]).toMatch(/^host0 core 0 has waited to hear from rank 1 since 0\.\d+ us$/);
  });
});

describe('an operation', () => {
  it('tiles its time: backlog from the intended start, then what the core did', async () => {
    const { values: results } = await runEmbedded({
      hosts: 1,
      noise: false,
      program: async (core: Core) => {
        await core.sleep(picoseconds(10_000));
        const intended = (core.now - 4_000) as typeof core.now;
        core.beginOperation(intended);
        await core.work(picoseconds(3_000));
        const sum = core.operationStages().reduce((total, ps) => total + ps, 0);
        return { latency: core.now - intended, sum, backlog: core.operationStages()[0] };
      },
    });
    expect(results[0]).toEqual({ latency: 7_000, sum: 7_000, backlog: 4_000 });
  });
});

describe('two cores of a host', () => {
  it('share memory: what one stores, the other one sees by watching, and goes on with its operation', async () => {
    const {
      values: results,
      failure,
      blocked,
    } = await runEmbedded({
      hosts: 1,
      noise: false,
      programs: [
        { host: 0, core: 0, role: '' },
        { host: 0, core: 1, role: '' },
      ],
      program: async (core: Core) => {
        if (core.rank === 0) {
          const region = await core.allocate(64);
          await core.tell(1, region);
          await core.hear(1);
          core.beginOperation();
          await core.write(region.address + 3, Uint8Array.of(9));
          await core.sleep(picoseconds(1_000_000));
          return undefined;
        }
        const region = (await core.hear(0)) as { address: number; length: number };
        await core.tell(0, 'ready');
        const value = await core.watch(region.address + 3, 0);
        const sum = core.operationStages().reduce((total, ps) => total + ps, 0);
        return { value, sum, latency: core.now - core.operationStart };
      },
    });
    expect(failure).toBeNull();
    expect(blocked).toEqual([]);
    const seen = results[1] as { value: number; sum: number; latency: number };
    expect(seen.value).toBe(9);
    expect(seen.latency).toBeGreaterThan(0);
    expect(seen.sum).toBe(seen.latency);
  });

  it('see no store before it is made, though other cores come up shortly before', async () => {
    const storedAt = 200_000_000;
    const { values: results } = await runEmbedded({
      hosts: 1,
      noise: false,
      programs: [0, 1, 2].map((core) => ({ host: 0, core, role: '' })),
      program: async (core: Core) => {
        if (core.rank === 0) {
          const region = await core.allocate(64);
          await core.tell(1, region.address);
          await core.tell(2, region.address);
          await core.sleepUntil((storedAt - 50_000) as Instant);
          return undefined;
        }
        const address = (await core.hear(0)) as number;
        if (core.rank === 1) {
          const pd = await (await core.openDevice()).allocatePd();
          const region = await pd.registerMemory({ address, length: 64 }, ACCESS.LOCAL_WRITE);
          await core.sleepUntil(storedAt as Instant);
          region.bytes[0] = 1;
          return undefined;
        }
        await core.watch(address, 0);
        return core.now;
      },
    });
    expect(results[2]).toBe(storedAt + 20_000);
  });
});
