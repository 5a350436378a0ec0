/** What `status` shows of a running cluster: its machines, its links, the current run, and queued runs. */
import { MAX_HOSTS } from '../../units/elements.js';
import { PS_PER_NS } from '../../units/time.js';
import { hostNumbers } from '../../wire/control/orders.js';
import {
  choice,
  list,
  nullable,
  number,
  printableText,
  reader,
  record,
  whole,
  type Infer,
} from '../../wire/control/shape.js';
import { clusterInfo } from '../plan/cluster-config.js';
import { CLUSTER_INFO, PLACEMENT } from '../plan/cluster-shape.js';
import type { RunQueue } from '../run/run-queue.js';
import type { StandingCluster } from './standing-cluster.js';
import { VERSION } from '../terminal/version.js';

const STATUS_SCHEMA = 'pinwire-status/1';

const MOST_WAITING = 4096;

const MACHINE = record('machine', {
  name: printableText(256),
  /** Numbers of its hosts: none until hosts enough have joined. */
  hosts: hostNumbers,
  host_count: whole(0, MAX_HOSTS),
  /** Empty for the coordinator's own machine. */
  address: printableText(256),
  cores: whole(),
  memory_bytes: whole(),
  pinwire: printableText(64),
  node: printableText(64),
  since: printableText(64),
});

/** A process and its fabric; each dials all those before it. */
const PROCESS = record('process', { hosts: hostNumbers, fabric: printableText(512) });

const QUEUED = { workload: printableText(512), client: printableText(512) };

const RUN = record('run', {
  /** Runs of the cluster's life are numbered. */
  run: whole(),
  ...QUEUED,
  virtual_ns: number(),
  packets: whole(),
  wall_s: number(),
});

const STATUS = record('status', {
  schema: choice(STATUS_SCHEMA),
  pinwire: printableText(256),
  node: printableText(256),
  since: printableText(256),
  placement: PLACEMENT,
  cluster: CLUSTER_INFO,
  memory_bytes: whole(),
  /** Hosts that have not joined. */
  missing_hosts: whole(0, MAX_HOSTS),
  /** Why they did not link up the last time, or null. */
  trouble: nullable(printableText()),
  machines: list(MAX_HOSTS, MACHINE),
  /** Empty until they are linked. */
  processes: list(MAX_HOSTS, PROCESS),
  run: nullable(RUN),
  /** In order. */
  queue: list(MOST_WAITING, record('run', QUEUED)),
  /** Connected, besides the one that asks. */
  clients: whole(),
  runs: record('runs', { done: whole(), failed: whole(), cancelled: whole() }),
});
export type ClusterStatus = Infer<typeof STATUS>;

/** A status as a coordinator told it, or what is wrong with it. */
export const parseClusterStatus = reader(STATUS);

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
