/**
 * Toy elements in several processes over real sockets, coordinator and all, in this process. Paths may be made long:
 * the fabric's sockets by a relay, the coordinator's messages by a timer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldTimes } from '../../../coordinator/run/hold-times.js';
import { TimeWindows } from '../../../coordinator/run/time-windows.js';
import { BatchReader } from '../../../node/links/batch-reader.js';
import { FramePool } from '../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../node/model/fabric/frame-slot.js';
import { Inbox } from '../../../node/links/inbox.js';
import { Mesh } from '../../../node/links/mesh.js';
import { RemoteLink } from '../../../node/links/remote-link.js';
import type { WindowCost } from '../../../node/links/window-cost.js';
import { WindowRunner } from '../../../node/links/window-runner.js';
import type { Simulation } from '../../../node/links/window-runner.js';
import { WindowMember } from '../../../sim/window-member.js';
import type { WindowGrant, WindowReport } from '../../../sim/window.js';
import { leastDelays } from '../../sim/slow-network.js';
import { ELEMENTS, REACTION, ToyProcess, embeddedRun } from '../../sim/toy-elements.js';
import type { ToyFrame, Traffic } from '../../sim/toy-elements.js';
import { slowPath } from './slow-path.js';
import { unlinked } from './unlinked.js';

const SEED = 5;

/** Dialling process `p` takes a path of `delayTo(p)` ms each way; 0: directly. */
export async function linkMeshes(
  processes: number,
  delayTo: (process: number) => number = () => 0,
): Promise<Mesh[]> {
  const meshes: Mesh[] = [];
  for (let process = 0; process < processes; process++) {
    meshes.push(await Mesh.open({ process, processes, cluster: 'c', credentials: { token: 't' } }));
  }
  const ports = await Promise.all(
    meshes.map(async ({ port, process }) => {
      const delay = delayTo(process);
      return delay === 0 ? port : await slowPath(port, delay);
    }),
  );
  const addresses = ports.map((port) => `ws://127.0.0.1:${port}`);
  await Promise.all(meshes.map((mesh) => mesh.connect(addresses)));
  return meshes;
}

/** Toy frames as frames of a pool: the value is all their bytes. */
export function toSlot(pool: FramePool, frame: ToyFrame): FrameSlot {
  const slot = pool.allocate();
  const made = pool.frames[slot]!;
  made.start = pool.payloadAt(slot);
  made.headerLength = 0;
  made.length = 4;
  made.source = frame.from;
  made.destination = made.element = frame.to;
  made.time = frame.arrival;
  made.key = frame.key;
  pool.chains.clear(slot);
  pool.view.setUint32(pool.payloadAt(slot), frame.value);
  return slot;
}

function fromSlot(pool: FramePool, slot: FrameSlot): ToyFrame {
  const frame = pool.frames[slot]!;
  return {
    from: frame.source,
    to: frame.destination,
    arrival: frame.time,
    key: frame.key,
    value: pool.view.getUint32(pool.payloadAt(slot)),
  };
}

export interface ToyOutcome {
  readonly digests: readonly string[];
  readonly windows: TimeWindows;
  readonly costs: readonly WindowCost[];
  /** First report to the end, in ms. */
  readonly wall: number;
}

export interface ToyOptions {
  readonly meddle?: (toys: readonly ToyProcess[]) => void;
  /** The coordinator's path to a process, each way, in ms. */
  readonly controlDelay?: (process: number) => number;
  readonly baton?: boolean;
  /** What a turn of a process takes in ms of wall clock, whatever it does. */
  readonly effort?: (process: number) => number;
}

/**
 * Runs the toy elements in `all.length` processes over real sockets; rejects when a runner says that the run failed.
 */
export function runOver(
  all: readonly Mesh[],
  run: number,
  traffic: Traffic,
  budget: number,
  options: ToyOptions = {},
): Promise<ToyOutcome> {
  const { meddle, controlDelay = () => 0, baton = true, effort = () => 0 } = options;
  const processes = all.length;
  const placement = Int32Array.from({ length: ELEMENTS }, (_, element) => element % processes);
  const lookahead = leastDelays(processes, (element) => placement[element]!, REACTION);
  const windows = new TimeWindows(lookahead, baton);
  const grantees: ((grant: WindowGrant, by: number, held: number) => void)[] = [];
  const holds = new HoldTimes(processes);
  const runners: WindowRunner[] = [];
  const toys: ToyProcess[] = [];
  const stop = (): void => runners.forEach((runner) => runner.stop());
  /** Timers of one length keep their order, as a socket does. */
  const post = (process: number, deliver: () => void): void => {
    const delay = controlDelay(process);
    if (delay === 0) setImmediate(deliver);
    else setTimeout(deliver, delay);
  };

  return new Promise<ToyOutcome>((resolve, reject) => {
    const began = performance.now();
    const report = (process: number, message: WindowReport): void => {
      holds.reported(process, performance.now(), message.baton !== undefined);
      for (const { process: to, grant } of windows.report(process, message)) {
        const { by, held } = holds.of(to);
        post(to, () => grantees[to]!(grant, by, held));
      }
      holds.waitFor(windows.slowest);
      if (!windows.finished) return;
      const digests = Array.from(placement, (owner, element) =>
        toys[owner]!.traces.get(element)!.digest(),
      );
      stop();
      const costs = runners.map(({ cost }) => cost);
      resolve({ digests, windows, costs, wall: performance.now() - began });
    };
    for (const mesh of all) {
      const { process } = mesh;
      const pool = new FramePool(256, 4);
      const member = new WindowMember(process, lookahead);
      const link = new RemoteLink({
        pool,
        places: unlinked(placement),
        mesh,
        run,
        observer: member,
      });
      const local = Array.from(placement.keys()).filter(
        (element) => placement[element] === process,
      );
      const toy = new ToyProcess(local, traffic, budget, SEED, (frame) =>
        link.send(toSlot(pool, frame)),
      );
      toys.push(toy);
      const { scheduler } = toy;
      const simulation: Simulation = {
        next: () => scheduler.next(),
        earliestCommit: () => toy.earliestCommit(member.horizon),
        // Turns of a few events, so that windows are interrupted.
        advance: async (bound) => {
          if (effort(process) > 0) await sleep(effort(process));
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
          inbox: new Inbox(new BatchReader(pool, unlinked(placement), process, processes, run)),
          pool,
          control: {
            sendReport: (message) => post(process, () => report(process, message)),
            onGrant: (callback) => (grantees[process] = callback),
          },
          failed: reject,
        }),
      );
    }
    meddle?.(toys);
    for (const runner of runners) runner.start();
  }).finally(stop);
}

/** What every element's trace is when all are in one process. */
export function expectedDigests(traffic: Traffic, budget: number): string[] {
  const { traces } = embeddedRun(traffic, budget, SEED);
  return Array.from({ length: ELEMENTS }, (_, element) => traces.get(element)!.digest());
}
