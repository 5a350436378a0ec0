import { describe, expect, it } from 'vitest';
import { runEmbedded } from './embedded.js';

describe('an embedded run', () => {
  it('hands back what each rank returned, in rank order', async () => {
    const {
      values: results,
      blocked,
      failure,
    } = await runEmbedded({
      hosts: 3,
      program: async (core) => {
        await core.tell((core.rank + 1) % core.ranks, core.rank);
        return [core.rank, await core.hear((core.rank + 2) % core.ranks)];
      },
    });
    expect(results).toEqual([
      [0, 2],
      [1, 0],
      [2, 1],
    ]);
    expect(blocked).toEqual([]);
    expect(failure).toBeNull();
  });

  it('says what a program waits for that never ends', async () => {
    const { values: results, blocked } = await runEmbedded({
      program: async (core) => (core.rank === 0 ? 'done' : core.hear(0)),
    });
    expect(results).toEqual(['done', undefined]);
    expect(blocked).toEqual([
      expect.stringMatching(/^host1 core 0 has waited to hear from rank 0 /),
    ]);
  });

  it('says where a program threw', async () => {
    const { failure } = await runEmbedded({
      program: async (core) => {
        await core.sleep(1000 as never);
        if (core.rank === 1) throw new RangeError('no such thing');
      },
    });
    expect(failure).toMatchObject({ host: 1, core: 0 });
    expect(failure!.message).toMatch(/^RangeError: no such thing, at .*embedded\.test\.ts:\d+/);
  });

  it('draws from its seed', async () => {
    const drawn = async (seed: number): Promise<unknown> =>
      (await runEmbedded({ seed, program: async (core) => core.random() })).values;
    expect(await drawn(1)).toEqual(await drawn(1));
    expect(await drawn(1)).not.toEqual(await drawn(2));
  });
});
