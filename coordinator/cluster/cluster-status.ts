/** What `status` tells of a cluster that is up: its machines, its links, the run that is on, and those that wait. */
import { TOPOLOGY_NAMES } from '../../node/spec/run-spec.js';
import { MAX_HOSTS } from '../../units/elements.js';
import { PS_PER_NS } from '../../units/time.js';
import { FieldReader } from '../../wire/control/field-reader.js';
import { printable } from '../../wire/control/client-messages.js';
import { clusterInfo } from '../plan/cluster-config.js';
import type { ClusterInfo } from '../report/results.js';
import type { RunQueue } from '../run/run-queue.js';
import type { StandingCluster } from './standing-cluster.js';
import { VERSION } from '../terminal/version.js';

export const STATUS_SCHEMA = 'pinwire-status/1';

export interface MachineStatus {
  readonly name: string;
  /** Numbers of its hosts: none until hosts enough have joined. */
  readonly hosts: readonly number[];
  readonly host_count: number;
  /** Empty for the coordinator's own machine. */
  readonly address: string;
  readonly cores: number;
  readonly memory_bytes: number;
  readonly pinwire: string;
  readonly node: string;
  readonly since: string;
}

/** A process and its fabric; each dials all those before it. */
export interface ProcessStatus {
  readonly hosts: readonly number[];
  readonly fabric: string;
}

export interface QueuedStatus {
  readonly workload: string;
  readonly client: string;
}

export interface RunStatus extends QueuedStatus {
  /** Runs of the cluster's life are numbered. */
  readonly run: number;
  readonly virtual_ns: number;
  readonly packets: number;
  readonly wall_s: number;
}

export interface ClusterStatus {
  readonly schema: typeof STATUS_SCHEMA;
  readonly pinwire: string;
  readonly node: string;
  readonly since: string;
  readonly placement: 'process' | 'embedded' | 'joined';
  readonly cluster: ClusterInfo;
  readonly memory_bytes: number;
  /** Hosts that have not joined. */
  readonly missing_hosts: number;
  /** Why they did not link up the last time, or null. */
  readonly trouble: string | null;
  readonly machines: readonly MachineStatus[];
  /** Empty until they are linked. */
  readonly processes: readonly ProcessStatus[];
  readonly run: RunStatus | null;
  /** In order. */
  readonly queue: readonly QueuedStatus[];
  /** Connected, besides the one that asks. */
  readonly clients: number;
  readonly runs: { readonly done: number; readonly failed: number; readonly cancelled: number };
}

const LONGEST_TROUBLE = 1_000;
const SINCE = new Date();

/** The state of a cluster of this process. */
export function clusterStatus(
  cluster: StandingCluster,
  queue: RunQueue,
  clients: number,
): ClusterStatus {
  const { config } = cluster;
  const { current } = queue;
  return {
    schema: STATUS_SCHEMA,
    pinwire: VERSION,
    node: process.version,
    since: SINCE.toISOString(),
    placement: config.placement,
    cluster: clusterInfo(config),
    memory_bytes: config.memory,
    missing_hosts: cluster.missingHosts,
    trouble: cluster.trouble?.slice(0, LONGEST_TROUBLE) ?? null,
    machines: cluster.members.map(
      ({ name, hosts, hostCount, address, cores, memory, version, node, since }) => ({
        name,
        hosts,
        host_count: hostCount,
        address,
        cores,
        memory_bytes: memory,
        pinwire: version,
        node,
        since,
      }),
    ),
    processes: cluster.fabric.map(({ hosts, url }) => ({ hosts, fabric: url })),
    run:
      current === undefined
        ? null
        : {
            run: current.run,
            workload: current.order.name,
            client: current.order.client,
            virtual_ns: current.progress.now / PS_PER_NS,
            packets: current.progress.packets,
            wall_s: Math.round(performance.now() - current.since) / 1000,
          },
    queue: queue.waiting.map(({ name, client }) => ({ workload: name, client })),
    clients,
    runs: { ...queue.counts },
  };
}

const MOST_WAITING = 4096;

/** A status as a coordinator told it, or what is wrong with it. */
export function parseClusterStatus(value: unknown): ClusterStatus | string {
  const fields = new FieldReader('status', value);
  const text = (field: string): string => printable(fields.text(field, 256));
  const status: ClusterStatus = {
    schema: fields.oneOf('schema', [STATUS_SCHEMA]),
    pinwire: text('pinwire'),
    node: text('node'),
    since: text('since'),
    placement: fields.oneOf('placement', ['process', 'embedded', 'joined']),
    cluster: fields.parsed('cluster', parseInfo),
    memory_bytes: fields.whole('memory_bytes'),
    missing_hosts: fields.whole('missing_hosts', 0, MAX_HOSTS),
    trouble: fields.any('trouble') === null ? null : printable(fields.text('trouble')),
    machines: fields.list('machines', MAX_HOSTS, parseMachine),
    processes: fields.list('processes', MAX_HOSTS, (each) => {
      const process = new FieldReader('process', each);
      const parsed = { hosts: hostsOf(process), fabric: printable(process.text('fabric', 512)) };
      return process.problem ?? parsed;
    }),
    run: fields.any('run') === null ? null : fields.parsed('run', parseRun),
    queue: fields.list('queue', MOST_WAITING, parseQueued),
    clients: fields.whole('clients'),
    runs: fields.parsed('runs', (each) => {
      const runs = new FieldReader('runs', each);
      const counts = {
        done: runs.whole('done'),
        failed: runs.whole('failed'),
        cancelled: runs.whole('cancelled'),
      };
      return runs.problem ?? counts;
    }),
  };
  return fields.problem ?? status;
}

function parseInfo(value: unknown): ClusterInfo | string {
  const fields = new FieldReader('cluster', value);
  const info = {
    hosts: fields.whole('hosts', 1, MAX_HOSTS),
    cores: fields.whole('cores', 1),
    profile: printable(fields.text('profile', 256)),
    clock: fields.oneOf('clock', ['virtual', 'real']),
    topology: fields.oneOf('topology', TOPOLOGY_NAMES),
    mtu: fields.whole('mtu'),
    noise: fields.oneOf('noise', ['on', 'off']),
    seed: fields.whole('seed'),
  } as const;
  return fields.problem ?? info;
}

function parseMachine(value: unknown): MachineStatus | string {
  const fields = new FieldReader('machine', value);
  const machine = {
    name: printable(fields.text('name', 256)),
    hosts: hostsOf(fields),
    host_count: fields.whole('host_count', 0, MAX_HOSTS),
    address: printable(fields.text('address', 256)),
    cores: fields.whole('cores'),
    memory_bytes: fields.whole('memory_bytes'),
    pinwire: printable(fields.text('pinwire', 64)),
    node: printable(fields.text('node', 64)),
    since: printable(fields.text('since', 64)),
  };
  return fields.problem ?? machine;
}

function parseQueued(value: unknown): QueuedStatus | string {
  const fields = new FieldReader('run', value);
  const queued = {
    workload: printable(fields.text('workload', 512)),
    client: printable(fields.text('client', 512)),
  };
  return fields.problem ?? queued;
}

function parseRun(value: unknown): RunStatus | string {
  const queued = parseQueued(value);
  if (typeof queued === 'string') return queued;
  const fields = new FieldReader('run', value);
  const run = {
    run: fields.whole('run'),
    ...queued,
    virtual_ns: fields.number('virtual_ns'),
    packets: fields.whole('packets'),
    wall_s: fields.number('wall_s'),
  };
  return fields.problem ?? run;
}

const hostsOf = (fields: FieldReader): number[] =>
  fields.list('hosts', MAX_HOSTS, (host) =>
    Number.isSafeInteger(host) && Number(host) >= 0 && Number(host) < MAX_HOSTS
      ? Number(host)
      : 'no host number',
  );
