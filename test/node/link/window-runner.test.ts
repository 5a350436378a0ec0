import { afterEach, describe, expect, test } from 'vitest';
import { TimeWindows } from '../../../coordinator/time-windows.js';
import { BatchReader } from '../../../node/link/batch-reader.js';
import { FramePool } from '../../../node/link/frame-pool.js';
import { Inbox } from '../../../node/link/inbox.js';
import { Mesh } from '../../../node/link/mesh.js';
import { RemoteLink } from '../../../node/link/remote-link.js';
import { WindowRunner } from '../../../node/link/window-runner.js';
import type { Simulation } from '../../../node/link/window-runner.js';
import { Lookahead } from '../../../sim/lookahead.js';
import { WindowMember } from '../../../sim/window-member.js';
import type { WindowGrant, WindowReport } from '../../../sim/window.js';
import { leastDelays } from '../../sim/slow-network.js';
import { ELEMENTS, REACTION, ToyProcess, embeddedRun } from '../../sim/toy-elements.js';
import type { ToyFrame, Traffic } from '../../sim/toy-elements.js';

let meshes: Mesh[] = [];
afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()));
  meshes = [];
});

async function linkedMeshes(processes: number): Promise<Mesh[]> {
  for (let process = 0; process < processes; process++) {
    meshes.push(await Mesh.open({ process, processes, cluster: 'c', credentials: { token: 't' } }));
  }
  const addresses = meshes.map((mesh) => `ws://127.0.0.1:${mesh.port}`);
  await Promise.all(meshes.map((mesh) => mesh.connect(addresses)));
  return meshes;
}

/** Toy frames as frames of a pool: the value is all their bytes. */
function toSlot(pool: FramePool, frame: ToyFrame): number {
  const slot = pool.allocate();
  pool.start[slot] = pool.payloadAt(slot);
  pool.headerLength[slot] = 0;
  pool.length[slot] = 4;
  pool.source[slot] = frame.from;
  pool.destination[slot] = frame.to;
  pool.time[slot] = frame.arrival;
  pool.key[slot] = frame.key;
  pool.chains.clear(slot);
  pool.view.setUint32(pool.payloadAt(slot), frame.value);
  return slot;
}

function fromSlot(pool: FramePool, slot: number): ToyFrame {
  return {
    from: pool.source[slot]!,
    to: pool.destination[slot]!,
    arrival: pool.time[slot]!,
    key: pool.key[slot]!,
    value: pool.view.getUint32(pool.payloadAt(slot)),
  };
}

interface Outcome {
  readonly digests: readonly string[];
  readonly windows: TimeWindows;
}

/** Runs the toy elements in `all.length` processes over real sockets; rejects when a runner says that the run failed. */
function runOver(
  all: readonly Mesh[],
  run: number,
  traffic: Traffic,
  budget: number,
  meddle: (toys: readonly ToyProcess[]) => void = () => undefined,
): Promise<Outcome> {
  const processes = all.length;
  const placement = Int32Array.from({ length: ELEMENTS }, (_, element) => element % processes);
  const lookahead = leastDelays(processes, (element) => placement[element]!, REACTION);
  const windows = new TimeWindows(lookahead);
  const grantees: ((grant: WindowGrant, by: number, held: number) => void)[] = [];
  const runners: WindowRunner[] = [];
  const toys: ToyProcess[] = [];
  const stop = (): void => runners.forEach((runner) => runner.stop());

  return new Promise<Outcome>((resolve, reject) => {
    const report = (process: number, message: WindowReport): void => {
      for (const { process: to, grant } of windows.report(process, message)) {
        grantees[to]!(grant, process, 0);
      }
      if (!windows.finished) return;
      const digests = Array.from(placement, (owner, element) =>
        toys[owner]!.traces.get(element)!.digest(),
      );
      resolve({ digests, windows });
    };
    for (const mesh of all) {
      const { process } = mesh;
      const pool = new FramePool(256, 4);
      const member = new WindowMember(process, lookahead);
      const link = new RemoteLink({ pool, placement, mesh, run, observer: member });
      const local = Array.from(placement.keys()).filter(
        (element) => placement[element] === process,
      );
      const toy = new ToyProcess(local, traffic, budget, 5, (frame) =>
        link.send(toSlot(pool, frame)),
      );
      toys.push(toy);
      const { scheduler } = toy;
      const simulation: Simulation = {
        next: () => scheduler.next(),
        earliestCommit: () => toy.earliestCommit(member.horizon),
        // Turns of a few events, so that windows are interrupted.
        advance: async (bound) => {
          for (let events = 0; scheduler.next() < bound.horizon; events++) {
            if (events === 20) return 'yield';
            scheduler.step();
          }
          return 'drained';
        },
        arrive: (slot) => {
          toy.arrive(fromSlot(pool, slot));
          pool.release(slot);
        },
      };
      runners.push(
        new WindowRunner({
          simulation,
          member,
          mesh,
          link,
          inbox: new Inbox(new BatchReader(pool, placement, process, processes, run)),
          pool,
          control: {
            sendReport: (message) => setImmediate(report, process, message),
            onGrant: (callback) => (grantees[process] = callback),
          },
          failed: reject,
        }),
      );
    }
    meddle(toys);
    for (const runner of runners) runner.start();
  }).finally(stop);
}

function expectedDigests(traffic: Traffic, budget: number): string[] {
  const { traces } = embeddedRun(traffic, budget, 5);
  return Array.from({ length: ELEMENTS }, (_, element) => traces.get(element)!.digest());
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
      const placement = Int32Array.of(0, 1);
      const stray = new RemoteLink({ pool, placement, mesh: all[0]!, run, observer });
      const frame = { from: 0, to: 1, arrival: 5, key: 5, value: 5 };
      stray.send(toSlot(pool, frame));
      stray.flush();
    }
  });

  test('hold the simulation while a socket is congested', async () => {
    const [mesh] = (await linkedMeshes(2)) as [Mesh, Mesh];
    const pool = new FramePool(4096, 4);
    const placement = Int32Array.of(0, 1);
    const member = new WindowMember(0, Lookahead.uniform(2, 1000));
    const link = new RemoteLink({ pool, placement, mesh, run: 1, observer: member });
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
            pool.length[slot] = 4096;
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
        inbox: new Inbox(new BatchReader(pool, placement, 0, 2, 1)),
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
    await expect(runOver(all, 1, 'dense', 50_000, garbage)).rejects.toThrow(
      'link from process 1: malformed batch: wrong magic number',
    );
    const { digests } = await runOver(all, 2, 'dense', 60);
    expect(digests).toEqual(expectedDigests('dense', 60));
  });

  test('end with the link’s name when a socket closes', async () => {
    const all = await linkedMeshes(2);
    const hangUp = (): void => void setTimeout(() => void all[1]!.close(), 5);
    await expect(runOver(all, 1, 'dense', 50_000, hangUp)).rejects.toThrow(
      /^link process 0 - process 1: closed/,
    );
    await expect(runOver([all[0]!], 2, 'dense', 10)).rejects.toThrow('link process 0 - process 1');
  });

  test('end when a frame comes before a time already acted on', async () => {
    const all = await linkedMeshes(2);
    const pool = new FramePool(256, 4);
    const placement = Int32Array.of(0, 1);
    const observer = { sent: () => undefined };
    const late = (): void => {
      const cheat = new RemoteLink({ pool, placement, mesh: all[0]!, run: 1, observer });
      const frame = { from: 0, to: 1, arrival: 5, key: 5, value: 5 };
      setTimeout(() => {
        cheat.send(toSlot(pool, frame));
        cheat.flush();
      }, 20);
    };
    await expect(runOver(all, 1, 'dense', 50_000, late)).rejects.toThrow(
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
    await expect(runOver(all, 1, 'dense', 50_000, broken)).rejects.toThrow('a model in error');
  });
});
