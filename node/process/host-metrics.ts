/**
 * What there is to watch on a host beyond the counters of the results: core by core, queue by queue, queue pair by
 * queue pair, and the port towards it. Virtual times in ps. It says nothing that placement could change, but is no part
 * of the results.
 */
import {
  list,
  number,
  reader,
  record,
  refined,
  saying,
  text,
  whole,
  type Infer,
} from '../../wire/control/shape.js';
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import type { Host } from './host.js';
import type { Kernel } from '../model/kernel/kernel.js';
import { PORT_WAIT_BUCKETS } from '../model/fabric/output-port.js';
import type { QueuePairTally } from '../model/rdma/queue-pair-tally.js';

/** Queue pairs of a host that are listed one by one. */
export const MAX_QUEUE_PAIRS = 1024;
const MAX_QUEUES = MAX_CORES * 64;

const time = number(0, Number.MAX_SAFE_INTEGER);

const CORE = record('core', {
  core: whole(0, MAX_CORES - 1),
  /** Of its program; empty for none. */
  role: text(256),
  segments: whole(),
  /** How long the core was its program's (which polls, perhaps), and interrupts' and softirqs'. */
  program: time,
  kernel: time,
});

const QUEUE = record('queue', {
  /** `host`, or `vm0`: the network function. */
  owner: text(16),
  queue: whole(0, MAX_CORES),
  frames: whole(),
  missed: whole(),
  interrupts: whole(),
});
type QueueMetrics = Infer<typeof QUEUE>;

/** What a queue pair counts. */
const COUNTS = {
  sentPackets: whole(),
  sentBytes: whole(),
  receivedPackets: whole(),
  receivedBytes: whole(),
  retransmitted: whole(),
  timeouts: whole(),
  notReadyReceived: whole(),
  notReadySent: whole(),
};
type Counts = Pick<QueuePairMetrics, keyof typeof COUNTS>;

const QUEUE_PAIR = record('queuePair', {
  /** -1: all that are not told one by one. */
  number: whole(-1),
  type: text(16),
  state: text(16),
  ...COUNTS,
});
export type QueuePairMetrics = Infer<typeof QUEUE_PAIR>;

/** The switch's port towards the host, or the end of a cable. */
const PORT = record('port', {
  frames: whole(),
  bytes: whole(),
  dropped: whole(),
  /** Greatest number of bytes that waited. */
  deepest: whole(),
  /** Sum of all frames' waits, and how many waits of which length; see `fabric/output-port.ts`. */
  waited: number(),
  waits: refined(
    list(PORT_WAIT_BUCKETS, saying('not a count', whole())),
    ({ length }) => length === PORT_WAIT_BUCKETS,
    'too few',
  ),
});

const HOST = record('host', {
  host: whole(0, MAX_HOSTS - 1),
  cores: list(MAX_CORES, CORE),
  queues: list(MAX_QUEUES, QUEUE),
  queuePairs: list(MAX_QUEUE_PAIRS + 1, QUEUE_PAIR),
  port: PORT,
});
export type HostMetrics = Infer<typeof HOST>;

const PROCESS_METRICS = record('metrics', { hosts: list(MAX_HOSTS, HOST) });

/** For a host behind no output port. */
const NO_WAITS = new Uint32Array(PORT_WAIT_BUCKETS);

/** `now` is where the run's clock stands. */
export function hostMetrics(
  host: Host,
  now: number,
  roleOf: (rank: number) => string,
): HostMetrics {
  const { kernels, nic, inlet, outputPort } = host;
  return {
    host: host.number,
    cores: kernels.cores.map((core) => {
      const program = host.cores.find(({ index }) => index === core.index);
      const kernel = core.takenBy(now);
      return {
        core: core.index,
        role: program === undefined ? '' : roleOf(program.rank),
        segments: program?.segments ?? 0,
        program: Math.max(now - kernel - core.idleBy(now), 0),
        kernel,
      };
    }),
    queues: [
      ...(kernels.own === undefined ? [] : queuesOf('host', kernels.own)),
      ...[...kernels.machines].flatMap(([vm, kernel]) => queuesOf(`vm${vm}`, kernel)),
    ],
    queuePairs: queuePairsOf(nic.engine.takeTallies()),
    port: {
      frames: inlet.frames,
      bytes: inlet.bytes,
      dropped: outputPort?.overflowed ?? 0,
      deepest: outputPort?.deepest ?? 0,
      waited: outputPort?.waited ?? 0,
      waits: Array.from(outputPort?.waits ?? NO_WAITS),
    },
  };
}

const queuesOf = (owner: string, { queues }: Kernel): QueueMetrics[] =>
  queues.map(({ ring, moderation }) => ({
    owner,
    queue: ring.index,
    frames: ring.frames,
    missed: ring.missed,
    interrupts: moderation.interrupts,
  }));

const plain = (tally: QueuePairTally): QueuePairMetrics => ({
  number: tally.number,
  type: tally.type,
  state: tally.state,
  sentPackets: tally.sentPackets,
  sentBytes: tally.sentBytes,
  receivedPackets: tally.receivedPackets,
  receivedBytes: tally.receivedBytes,
  retransmitted: tally.retransmitted,
  timeouts: tally.timeouts,
  notReadyReceived: tally.notReadyReceived,
  notReadySent: tally.notReadySent,
});

function queuePairsOf(tallies: readonly QueuePairTally[]): QueuePairMetrics[] {
  const told = tallies.slice(0, MAX_QUEUE_PAIRS).map(plain);
  const rest = tallies.slice(MAX_QUEUE_PAIRS);
  if (rest.length === 0) return told;
  const sums = Object.fromEntries(
    (Object.keys(COUNTS) as (keyof Counts)[]).map((name) => [
      name,
      rest.reduce((sum, tally) => sum + tally[name], 0),
    ]),
  ) as Counts;
  return [...told, { number: -1, type: 'other', state: 'other', ...sums }];
}

const readMetrics = reader(PROCESS_METRICS);

/** The metrics of a process's hosts, or what is wrong with them. */
export function parseHostMetrics(value: unknown): readonly HostMetrics[] | string {
  const metrics = readMetrics({ hosts: value });
  return typeof metrics === 'string' ? metrics : metrics.hosts;
}
