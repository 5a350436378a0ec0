/** A program that computes for long within one segment and checks in: its thread is free for others now and then. */
import { describe, expect, it } from 'vitest';
import type { Core } from '../../../node/program/verbs.js';
import { ps } from '../../../units/durations.js';
import { runEmbedded } from '../../embedded.js';

/** Long enough for pauses, which come every quarter of a second. */
const COMPUTES_MS = 700;
/** In ms, by a clock that programs are not refused. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Computes for so long in wall time, and calls `between` after each millisecond or so. */
async function computes(between: () => Promise<void> | void): Promise<void> {
  for (const end = now() + COMPUTES_MS; now() < end;) {
    for (const slice = now() + 1; now() < slice;);
    await between();
  }
}

/** How often a timer of this process runs, which shares its thread with the program. */
async function ticksDuring(run: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => {
    // Both throw while a program has the thread.
    Date.now();
    Math.random();
    ticks++;
  }, 10);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return ticks;
}

const runAlone = (program: (core: Core) => Promise<unknown>) => runEmbedded({ hosts: 1, program });

describe('a program that checks in', () => {
  it('lets timers of its process run while it computes', async () => {
    const ticks = await ticksDuring(async () => {
      const { failure } = await runAlone((core) => computes(() => core.checkIn()));
      expect(failure).toBeNull();
    });
    expect(ticks).toBeGreaterThanOrEqual(2);
  });

  it('computes what it would compute otherwise, at the same virtual times and with as many events', async () => {
    const outcomeOf = async (checkIn: (core: Core) => Promise<void>) => {
      const {
        values: results,
        events,
        failure,
      } = await runEmbedded({
        hosts: 2,
        program: async (core: Core) => {
          const times: number[] = [];
          for (let round = 0; round < 3; round++) {
            await core.tell(1 - core.rank, round);
            await checkIn(core);
            times.push(core.now, (await core.hear(1 - core.rank)) as number, core.random());
            await core.sleep(ps(1000 * round));
            await checkIn(core);
          }
          return times;
        },
      });
      expect(failure).toBeNull();
      return { results, events };
    };
    const paused = await outcomeOf(async (core) => {
      for (const end = now() + 80; now() < end;) await core.checkIn();
    });
    expect(paused).toEqual(await outcomeOf(() => Promise.resolve()));
  });

  it('may still use nothing that is not the emulator’s, before and after a pause', async () => {
    const { failure } = await runAlone(async (core) => {
      await computes(() => core.checkIn());
      Math.random();
    });
    expect(failure?.message).toMatch(/Math\.random is not available in virtual time/);
    expect(Math.random()).toBeLessThan(1);
  });

  it('is still found out when it awaits something foreign', async () => {
    const { failure } = await runAlone(async (core) => {
      await computes(() => core.checkIn());
      await new Promise(() => undefined);
    });
    expect(failure?.message).toMatch(/awaits something outside the emulator/);
  });

  it('and does not wait for it goes on as if it had not', async () => {
    const { failure, values: results } = await runAlone(async (core) => {
      await computes(() => void core.checkIn());
      await core.sleep(ps(5000));
      await computes(() => core.checkIn());
      return core.now;
    });
    expect(failure).toBeNull();
    expect(results[0]).toBeGreaterThanOrEqual(5000);
    expect(() => Date.now()).not.toThrow();
  });

  it('while another call has not answered has forgotten an await', async () => {
    const { failure } = await runAlone(async (core) => {
      const slept = core.sleep(ps(1000));
      await core.checkIn();
      await slept;
    });
    expect(failure?.message).toMatch(/checkIn was called while sleep has not answered/);
  });
});
