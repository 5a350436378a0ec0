import { afterEach, describe, expect, test } from 'vitest';
import type { Mesh } from '../../../node/links/mesh.js';
import { WAIT_BUCKETS, WindowCost } from '../../../node/links/window-cost.js';
import { expectedDigests, linkMeshes, runOver, type ToyOutcome } from './toy-cluster.js';

describe('a process’s wall time', () => {
  /** Process 1 of 3. */
  const begun = (): WindowCost => {
    const cost = new WindowCost(1, 3);
    cost.begin(100);
    return cost;
  };
  const waited = ({ waited, coordinator, theEnd }: WindowCost): Record<string, number> => ({
    p0: waited[0]!,
    p1: waited[1]!,
    p2: waited[2]!,
    coordinator: waited[coordinator]!,
    end: waited[theEnd]!,
  });
  const none = { p0: 0, p1: 0, p2: 0, coordinator: 0, end: 0 };

  test('in a window is simulating', () => {
    const cost = begun();
    cost.closed(101);
    cost.granted(103, 1, 0);
    cost.unhindered(103);
    cost.closed(110);
    cost.end(110);
    expect(cost.busy).toBe(8);
    expect(waited(cost)).toEqual({ ...none, coordinator: 2 });
  });

  test('until its own report is answered is the coordinator’s', () => {
    const cost = begun();
    cost.closed(100);
    cost.granted(104, 1, 3);
    expect(waited(cost)).toEqual({ ...none, coordinator: 4 });
  });

  test('until another’s report is answered is the other’s, but for the way', () => {
    const cost = begun();
    cost.closed(100);
    cost.granted(150, 2, 30);
    expect(waited(cost)).toEqual({ ...none, p2: 30, coordinator: 20 });
  });

  test('until a baton comes is its bringer’s', () => {
    const cost = begun();
    cost.closed(100);
    cost.granted(150, 0, Infinity);
    expect(waited(cost)).toEqual({ ...none, p0: 50 });
  });

  test('until frames come that the grant counts is their sender’s', () => {
    const cost = begun();
    cost.closed(100);
    cost.granted(110, 2, 10);
    cost.hindered(110, 0);
    cost.hindered(112, 0);
    cost.hindered(115, 2);
    cost.unhindered(119);
    cost.closed(120);
    expect(waited(cost)).toEqual({ ...none, p2: 14, p0: 5 });
    expect(cost.busy).toBe(1);
  });

  test('inside a window, while a socket is full, is the reader’s', () => {
    const cost = begun();
    cost.hindered(105, 2);
    cost.unhindered(109);
    cost.closed(112);
    expect(waited(cost)).toEqual({ ...none, p2: 4 });
    expect(cost.busy).toBe(8);
  });

  test('after its last window is nobody’s', () => {
    const cost = begun();
    cost.closed(101);
    cost.end(131);
    expect(waited(cost)).toEqual({ ...none, end: 30 });
  });

  test('is counted by the length of waits in powers of two of a microsecond', () => {
    const cost = begun();
    let now = 100;
    const wait = (ms: number): void => {
      cost.closed(now);
      now += ms;
      cost.granted(now, 0, Infinity);
      cost.unhindered(now);
    };
    for (const ms of [0.0005, 0.001, 0.0035, 1, 1000, 10_000_000]) wait(ms);
    const of0 = Array.from(cost.buckets.subarray(0, WAIT_BUCKETS));
    const filled = [...of0.entries()].filter(([, count]) => count > 0);
    // Waits of 0.5, 1, 3.5 us, 1 ms (below 1024 us), 1 s (below 2^20 us), 10,000 s.
    expect(filled.map(([bucket]) => bucket)).toEqual([0, 1, 2, 10, 20, WAIT_BUCKETS - 1]);
  });
});

describe('over long paths', () => {
  const meshes: Mesh[] = [];
  afterEach(async () => {
    await Promise.all(meshes.splice(0).map((mesh) => mesh.close()));
  });

  const linked = async (delayTo?: (process: number) => number): Promise<Mesh[]> => {
    meshes.push(...(await linkMeshes(3, delayTo)));
    return meshes;
  };
  /** How long the others have waited for `whom`, and for anybody else, the coordinator too. */
  const othersWaits = (
    { costs }: ToyOutcome,
    whom: number,
  ): { here: number; elsewhere: number } => {
    const others = costs.filter((_, process) => process !== whom);
    const here = others.reduce((sum, { waited }) => sum + waited[whom]!, 0);
    const all = others.reduce(
      (sum, { waited, theEnd }) => sum + waited.subarray(0, theEnd).reduce((a, b) => a + b, 0),
      0,
    );
    return { here, elsewhere: all - here };
  };

  test('simulating and waiting are all there is, and the traces are the same', async () => {
    const outcome = await runOver(await linked(() => 3), 1, 'dense', 40, {
      controlDelay: () => 2,
    });
    expect(outcome.digests).toEqual(expectedDigests('dense', 40));
    for (const { busy, waited } of outcome.costs) {
      const all = busy + waited.reduce((sum, each) => sum + each, 0);
      expect(all).toBeGreaterThan(0.95 * outcome.wall);
      expect(all).toBeLessThan(1.02 * outcome.wall + 5);
    }
  });

  test('a process that takes long is the one that the others wait for', async () => {
    const outcome = await runOver(await linked(), 1, 'dense', 30, {
      effort: (process) => (process === 2 ? 5 : 0),
    });
    const { here, elsewhere } = othersWaits(outcome, 2);
    expect(here).toBeGreaterThan(4 * elsewhere);
    expect(outcome.costs[2]!.busy).toBeGreaterThan(0.5 * outcome.wall);
  });

  test('so is a process far from the coordinator, which itself waits for the coordinator', async () => {
    const outcome = await runOver(await linked(), 1, 'dense', 30, {
      controlDelay: (process) => (process === 1 ? 10 : 0),
      baton: false,
    });
    const { here, elsewhere } = othersWaits(outcome, 1);
    expect(here).toBeGreaterThan(4 * elsewhere);
    const { waited, coordinator } = outcome.costs[1]!;
    expect(waited[coordinator]).toBeGreaterThan(0.7 * outcome.wall);
  });

  test('late frames are reported by their sender', async () => {
    // Who dials process 0 is far from it: both others, and they from it.
    const far = (process: number): number => (process === 0 ? 15 : 0);
    const outcome = await runOver(await linked(far), 1, 'dense', 30, { baton: false });
    const { waited, coordinator } = outcome.costs[1]!;
    expect(waited[0]).toBeGreaterThan(1.5 * (waited[2]! + waited[coordinator]!));
  });

  test.each([true, false])(
    'a run takes a round trip for each round and hardly more (with the baton: %s)',
    async (baton) => {
      const outcome = await runOver(await linked(() => 10), 1, 'ping-pong', 12, {
        controlDelay: () => 10,
        baton,
      });
      expect(outcome.digests).toEqual(expectedDigests('ping-pong', 12));
      const { rounds } = outcome.windows.counters;
      expect(rounds).toBeGreaterThan(20);
      // Timers that are late, and a machine that does other things, are the test's own.
      expect(outcome.wall).toBeLessThan((rounds + 3) * 20 * 1.5);
    },
  );
});
