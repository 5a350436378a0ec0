/** Clusters of one process that prepares every run, and then behaves as the run's parameters say. */
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';
import type { LinkedProcesses, NoticeListener } from '../../../coordinator/cluster/formation.js';
import { RunError } from '../../../coordinator/errors/run-error.js';
import type { RunRequest } from '../../../coordinator/run/run.js';
import type { StandingCluster } from '../../../coordinator/cluster/standing-cluster.js';
import { PLAIN_MACHINE } from '../../../node/spec/run-spec.js';
import type { Notice } from '../../../wire/control/notices.js';
import type { Order } from '../../../wire/control/orders.js';

export const CONFIG = clusterConfig({ placement: 'embedded' }, 2);

export type Behaviour = 'ends' | 'goes on' | 'throws';

/** One process that prepares every run, and then behaves as the run's parameter says. */
export class ToyProcess implements LinkedProcesses {
  readonly size = 1;
  readonly pids = [4711];
  readonly partition = [[0, 1]];
  readonly lost: Promise<never>;
  listener: NoticeListener | undefined;
  /** What it was told, as `prepare 1`. */
  readonly told: string[] = [];
  private reject!: (error: RunError) => void;
  private behaviour: Behaviour = 'ends';

  constructor() {
    this.lost = new Promise((_, reject) => (this.reject = reject));
    this.lost.catch(() => undefined);
  }

  nameOf(): string {
    return 'host0 to host1 (pid 4711)';
  }

  lose(_process: number, how: string): void {
    this.reject(new RunError(`${this.nameOf()} ${how}`));
  }

  send(_process: number, order: Order): void {
    if (!('run' in order)) return;
    const { type, run } = order;
    this.told.push(`${type} ${run}`);
    if (type === 'prepare') {
      this.behaviour = (order.spec as { params: { behaviour: Behaviour } }).params.behaviour;
      this.say({ type: 'prepared', run });
    } else if (type === 'begin' && this.behaviour === 'ends') {
      const quiet = { sent: 0, received: 0, idle: true, programsLeft: 0 };
      this.say({ type: 'quiet', run, probe: 0, ...quiet });
    } else if (type === 'begin' && this.behaviour === 'throws') {
      this.say({ type: 'failed', run, host: 0, core: 0, message: 'thrown on purpose', stack: '' });
    } else if (type === 'collect') {
      const result = { rank: 0, value: `result of run ${run}`, endedAt: 1000 };
      const outcome = { results: [result], hosts: [], events: 1, packets: 0 };
      const cost = { busy: 0, waiting: 0, windows: 0, waits: [], sent: [], controlBytes: 0 };
      this.say({ type, run, outcome, cost, metrics: [], blocked: [] }, 'outcome');
    }
  }

  private say(notice: object, type?: Notice['type']): void {
    queueMicrotask(() =>
      this.listener?.(0, (type === undefined ? notice : { ...notice, type }) as Notice),
    );
  }
}

/** A cluster whose processes come when the test says so. */
export class ToyCluster implements StandingCluster {
  readonly config = CONFIG;
  readonly members = [];
  readonly fabric = [];
  missingHosts = 0;
  private standing: Promise<LinkedProcesses>;
  private stand!: (processes: LinkedProcesses) => void;

  constructor(processes?: LinkedProcesses) {
    this.standing = new Promise((resolve) => (this.stand = resolve));
    if (processes !== undefined) this.stand(processes);
  }

  processes(): Promise<LinkedProcesses> {
    return this.standing;
  }

  /** From now on its processes are missing. */
  fall(missing: number): void {
    this.missingHosts = missing;
    this.standing = new Promise((resolve) => (this.stand = resolve));
  }

  rise(processes: LinkedProcesses): void {
    this.missingHosts = 0;
    this.stand(processes);
  }
}

/** A run that behaves like this. */
export function toySpec(behaviour: Behaviour): RunRequest['spec'] {
  const { hosts, cores, memory, profile, mtu, topology, clock, coreRuntime, seed, until } = CONFIG;
  const { segmentLimit } = CONFIG;
  return {
    ...{ hosts, cores, memory, profile, mtu, topology, clock, coreRuntime, seed, until },
    segmentLimit,
    ...{ noise: true, faults: null, capture: false, trace: 'headers' },
    module: { kind: 'catalogue', name: 'micro/write-lat' },
    params: { behaviour },
    programs: [{ rank: 0, host: 0, core: 0, role: '', process: 0, vm: -1 }],
    machine: PLAIN_MACHINE,
    inputs: new Map(),
  };
}
