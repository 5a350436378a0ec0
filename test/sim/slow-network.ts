/**
 * Processes and a coordinator whose every message takes a random time, now and then a thousand times longer than the
 * others. A socket keeps its order; nothing else does. Windows run in slices, so that messages come in between.
 */
import { TimeWindows } from '../../coordinator/run/time-windows.js';
import { EventQueue } from '../../sim/event-queue.js';
import { Lookahead } from '../../sim/lookahead.js';
import { RandomStream } from '../../sim/random.js';
import { WindowMember } from '../../sim/window-member.js';
import type { AddressedGrant } from '../../coordinator/run/time-windows.js';
import type { ToyFrame, Traffic } from './toy-elements.js';
import { ELEMENTS, REACTION, ToyProcess, delay } from './toy-elements.js';

export interface NetworkOptions {
  readonly traffic: Traffic;
  readonly budget: number;
  readonly seed: number;
  readonly processes: number;
  readonly baton: boolean;
  /** Whether reports carry the earliest commit, or only the next event. */
  readonly commits: boolean;
  /** What is broken on purpose. Violations are then counted, and the frame delivered as soon as it can be. */
  readonly fault?: 'long lookahead' | 'owed ignored' | 'no own-send cap';
}

export interface NetworkResult {
  readonly digests: readonly string[];
  readonly frames: number;
  readonly violations: number;
  readonly windows: TimeWindows;
  readonly members: readonly WindowMember[];
}

export function runNetwork(options: NetworkOptions): NetworkResult {
  const { traffic, budget, seed, processes, fault } = options;
  const random = new RandomStream(seed, 'network');
  const owner = (element: number): number => element % processes;
  const lookahead = leastDelays(processes, owner, REACTION);
  const stretched = leastDelays(processes, owner, REACTION, 1.3);
  const windows = new TimeWindows(
    fault === 'long lookahead' ? stretched : lookahead,
    options.baton,
  );

  // Messages under way: one row each in a queue ordered by when they are delivered.
  const wire = new EventQueue();
  const deliveries: (() => void)[] = [];
  const lastOn = new Map<string, number>();
  let wall = 0;
  const post = (socket: string, deliver: () => void): void => {
    const slow = random.below(40) === 0 ? 1_000 : 1;
    const due = wall + 1 + Math.floor(random.exponential(50) * slow);
    const at = Math.max(due, (lastOn.get(socket) ?? 0) + 1);
    lastOn.set(socket, at);
    wire.push(at, deliveries.push(deliver), 0, 0, deliveries.length - 1);
  };

  let violations = 0;
  const guarded = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      if (fault === undefined) throw error;
      violations++;
    }
  };
  const capless = leastDelays(processes, owner, Infinity);
  const members = Array.from({ length: processes }, (_, process) =>
    fault === 'no own-send cap'
      ? new WindowMember(process, capless)
      : new WindowMember(process, lookahead),
  );
  const toys = members.map((member, process) => {
    const local = Array.from({ length: ELEMENTS }, (_, i) => i).filter((i) => owner(i) === process);
    return new ToyProcess(local, traffic, budget, seed, (frame) => {
      const to = owner(frame.to);
      guarded(() => member.sent(to, frame.arrival));
      post(`${process}>${to}`, () => receive(process, to, frame));
    });
  });

  const receive = (from: number, to: number, frame: ToyFrame): void => {
    guarded(() => members[to]!.received(from, frame.arrival));
    const { now } = toys[to]!.scheduler;
    toys[to]!.arrive(frame.arrival < now ? { ...frame, arrival: now } : frame);
    kick(to);
  };
  const isRunning = new Array<boolean>(processes).fill(false);
  const kick = (process: number): void => {
    const member = members[process]!;
    if (isRunning[process]) return;
    if (!member.ready()) return;
    isRunning[process] = true;
    member.begin();
    slice(process);
  };
  const slice = (process: number): void => {
    const { scheduler } = toys[process]!;
    const member = members[process]!;
    for (let steps = 1 + random.below(8); steps > 0; steps--) {
      if (scheduler.next() >= member.horizon) {
        finish(process);
        return;
      }
      scheduler.step();
    }
    post(`slice ${process}`, () => slice(process));
  };
  const finish = (process: number): void => {
    const member = members[process]!;
    const { scheduler } = toys[process]!;
    isRunning[process] = false;
    const next = scheduler.next();
    const commit = options.commits ? toys[process]!.earliestCommit(member.horizon) : next;
    const then = member.finish(next, commit);
    if (then.kind === 'again') {
      kick(process);
    } else if (then.kind === 'pass') {
      const { to, baton } = then;
      post(`${process}>${to}`, () => {
        members[to]!.takeBaton(baton);
        kick(to);
      });
    } else {
      const { report } = then;
      post(`${process}>coordinator`, () => windows.report(process, report).forEach(grant));
    }
  };
  const grant = ({ process, grant }: AddressedGrant): void => {
    post(`coordinator>${process}`, () => {
      members[process]!.grant(fault === 'owed ignored' ? { ...grant, owed: [] } : grant);
      kick(process);
    });
  };

  for (let process = 0; process < processes; process++) finish(process);
  while (wire.pop()) {
    wall = wire.time;
    deliveries[wire.argument]!();
    deliveries[wire.argument] = delivered;
  }
  if (!windows.finished) throw new Error('no message is under way, and the run is not finished');
  const digests = Array.from({ length: ELEMENTS }, (_, element) =>
    toys[owner(element)]!.traces.get(element)!.digest(),
  );
  return {
    digests,
    frames: toys.reduce((sum, toy) => sum + toy.frames, 0),
    violations,
    windows,
    members,
  };
}

const delivered = (): void => {
  throw new Error('a message was delivered twice');
};

export function leastDelays(
  processes: number,
  owner: (element: number) => number,
  reaction: number,
  stretch = 1,
): Lookahead {
  const least = new Float64Array(processes * processes).fill(Infinity);
  for (let from = 0; from < ELEMENTS; from++) {
    for (let to = 0; to < ELEMENTS; to++) {
      const pair = owner(from) * processes + owner(to);
      least[pair] = Math.min(least[pair]!, delay(from, to) * stretch);
    }
  }
  return new Lookahead(processes, least, new Float64Array(processes).fill(reaction));
}
