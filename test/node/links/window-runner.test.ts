import { afterEach, describe, expect, test } from 'vitest';
import { BatchReader } from '../../../node/links/batch-reader.js';
import { FramePool } from '../../../node/model/fabric/frame-pool.js';
import { Inbox } from '../../../node/links/inbox.js';
import type { Mesh } from '../../../node/links/mesh.js';
import { RemoteLink } from '../../../node/links/remote-link.js';
import { WindowRunner } from '../../../node/links/window-runner.js';
import type { Simulation } from '../../../node/links/window-runner.js';
import { Lookahead } from '../../../sim/lookahead.js';
import { WindowMember } from '../../../sim/window-member.js';
import type { WindowGrant, WindowReport } from '../../../sim/window.js';
import type { ToyProcess } from '../../sim/toy-elements.js';
import { expectedDigests, linkMeshes, runOver, toSlot } from './toy-cluster.js';
import { unlinked } from './unlinked.js';

let meshes: Mesh[] = [];
afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()));
  meshes = [];
});

async function linkedMeshes(processes: number): Promise<Mesh[]> {
  meshes = await linkMeshes(processes);
  return meshes;
}

describe('windows over real sockets', () => {
  for (const [traffic, budget] of [
    ['dense', 150],
    ['sparse', 60],
    ['one pair', 500],
  ] as const) {
    test(`keep every trace equal to the run in one process: ${traffic} traffic`, async () => {
      const all = await linkedMeshes(3);
      const { digests } = await runOver(all, 1, traffic, budget);
      expect(digests).toEqual(expectedDigests(traffic, budget));
    });
  }

  test('pass the baton from process to process', async () => {
    const { windows } = await runOver(await linkedMeshes(2), 1, 'one pair', 300);
    expect(windows.counters.hops).toBeGreaterThan(500);
    expect(windows.counters.asks).toBeLessThan(5);
  });

  test('run again over the same mesh, and are not disturbed by what an earlier run left', async () => {
    const all = await linkedMeshes(2);
    const expected = expectedDigests('dense', 60);
    for (const run of [1, 2, 3]) {
      const { digests } = await runOver(all, run, 'dense', 60);
      expect(digests).toEqual(expected);
      const pool = new FramePool(256, 4);
      const observer = { sent: () => undefined };
      const places = unlinked(Int32Array.of(0, 1));
      const stray = new RemoteLink({ pool, places, mesh: all[0]!, run, observer });
      const frame = { from: 0, to: 1, arrival: 5, key: 5, value: 5 };
      stray.send(toSlot(pool, frame));
      stray.flush();
    }
  });

  test('hold the simulation while a socket is congested', async () => {
    const [mesh] = (await linkedMeshes(2)) as [Mesh, Mesh];
    const pool = new FramePool(4096, 4);
    const places = unlinked(Int32Array.of(0, 1));
    const member = new WindowMember(0, Lookahead.uniform(2, 1000));
    const link = new RemoteLink({ pool, places, mesh, run: 1, observer: member });
    let events = 0;
    const runsWithoutPause: number[] = [];
    const reported = new Promise<WindowReport>((resolve, reject) => {
      let onGrant: (grant: WindowGrant, by: number, held: number) => void = () => undefined;
      const simulation: Simulation = {
        next: () => (events < 10_000 ? 100 * events : Infinity),
        earliestCommit: () => simulation.next(),
        advance: async (bound) => {
          const before = events;
          for (; simulation.next() < bound.horizon; events++) {
            const arrival = 100 * events + 2_000_000;
            const slot = toSlot(pool, { from: 0, to: 1, arrival, key: events, value: 0 });
            pool.frames[slot]!.length = 4096;
            link.send(slot);
          }
          runsWithoutPause.push(events - before);
          return 'drained';
        },
        arrive: (slot) => pool.release(slot),
      };
      const runner = new WindowRunner({
        simulation,
        member,
        mesh,
        link,
        inbox: new Inbox(new BatchReader(pool, places, 0, 2, 1)),
        pool,
        control: {
          sendReport: (report) => {
            if (member.windows === 0) onGrant({ horizon: Infinity, owed: [] }, 0, 0);
            else resolve(report);
          },
          onGrant: (callback) => (onGrant = callback),
        },
        failed: reject,
      });
      runner.start();
    });
    expect((await reported).sent).toEqual([{ to: 1, count: 10_000, least: 2_000_000 }]);
    expect(runsWithoutPause.length).toBeGreaterThan(1);
    expect(Math.max(...runsWithoutPause) * 4096).toBeGreaterThan(16 << 20);
  });

  test('end with the link’s name when garbage comes over it, and the mesh serves the next run', async () => {
    const all = await linkedMeshes(2);
    const garbage = (): void => {
      setTimeout(
        () => all[1]!.send(0, Buffer.from('0123456789abcdef01234567'), () => undefined),
        5,
      );
    };
    await expect(runOver(all, 1, 'dense', 50_000, { meddle: garbage })).rejects.toThrow(
      'link from process 1: malformed batch: wrong magic number',
    );
    const { digests } = await runOver(all, 2, 'dense', 60);
    expect(digests).toEqual(expectedDigests('dense', 60));
  });

  test('end with the link’s name when a socket closes', async () => {
    const all = await linkedMeshes(2);
    const hangUp = (): void => void setTimeout(() => void all[1]!.close(), 5);
    await expect(runOver(all, 1, 'dense', 50_000, { meddle: hangUp })).rejects.toThrow(
      /^link process 0 - process 1: closed/,
    );
    await expect(runOver([all[0]!], 2, 'dense', 10)).rejects.toThrow('link process 0 - process 1');
  });

  test('end when a frame comes before a time already acted on', async () => {
    const all = await linkedMeshes(2);
    const pool = new FramePool(256, 4);
    const places = unlinked(Int32Array.of(0, 1));
    const observer = { sent: () => undefined };
    const late = (): void => {
      const cheat = new RemoteLink({ pool, places, mesh: all[0]!, run: 1, observer });
      const frame = { from: 0, to: 1, arrival: 5, key: 5, value: 5 };
      setTimeout(() => {
        cheat.send(toSlot(pool, frame));
        cheat.flush();
      }, 20);
    };
    await expect(runOver(all, 1, 'dense', 50_000, { meddle: late })).rejects.toThrow(
      /link process 0 -> process 1: a frame arrives at 5 ps, but everything before \d+ ps/,
    );
  });

  test('end with what the simulation throws', async () => {
    const all = await linkedMeshes(2);
    const broken = (toys: readonly ToyProcess[]): void => {
      const { scheduler } = toys[1]!;
      const sink = scheduler.register({
        handle: () => {
          throw new Error('a model in error');
        },
      });
      scheduler.at(20_000, 2 ** 50, sink, 0, 0);
    };
    await expect(runOver(all, 1, 'dense', 50_000, { meddle: broken })).rejects.toThrow(
      'a model in error',
    );
  });
});
