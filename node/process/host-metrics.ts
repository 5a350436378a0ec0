/**
 * What there is to watch on a host beyond the counters of the results: core by core, queue by queue, queue pair by queue
 * pair, and the port towards it. Virtual times in ps. It says nothing that placement could change, but is no part of the
 * results.
 */
import { FieldReader, isCount } from '../../wire/control/field-reader.js';
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import type { Host } from './host.js';
import type { Kernel } from '../model/kernel/kernel.js';
import { PORT_WAIT_BUCKETS } from '../model/fabric/output-port.js';
import type { QueuePairTally } from '../model/rdma/queue-pair-tally.js';

export interface CoreMetrics {
  readonly core: number;
  /** Of its program; empty for none. */
  readonly role: string;
  readonly segments: number;
  /** How long the core was its program's (which polls, perhaps), and interrupts' and softirqs'. */
  readonly program: number;
  readonly kernel: number;
}

export interface QueueMetrics {
  /** `host`, or `vm0`: the network function. */
  readonly owner: string;
  readonly queue: number;
  readonly frames: number;
  readonly missed: number;
  readonly interrupts: number;
}

export interface QueuePairMetrics {
  /** -1: all that are not told one by one. */
  readonly number: number;
  readonly type: string;
  readonly state: string;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  readonly retransmitted: number;
  readonly timeouts: number;
  readonly notReadyReceived: number;
  readonly notReadySent: number;
}

/** The switch's port towards the host, or the end of a cable. */
export interface PortMetrics {
  readonly frames: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Greatest number of bytes that waited. */
  readonly deepest: number;
  /** Sum of all frames' waits, and how many waits of which length; see `fabric/output-port.ts`. */
  readonly waited: number;
  readonly waits: readonly number[];
}

export interface HostMetrics {
  readonly host: number;
  readonly cores: readonly CoreMetrics[];
  readonly queues: readonly QueueMetrics[];
  readonly queuePairs: readonly QueuePairMetrics[];
  readonly port: PortMetrics;
}

/** Queue pairs that are told one by one. */
const MAX_QUEUE_PAIRS = 1024;
const MAX_QUEUES = MAX_CORES * 64;

/** Of a host behind no output port. */
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

const COUNTS = [
  'sentPackets',
  'sentBytes',
  'receivedPackets',
  'receivedBytes',
  'retransmitted',
  'timeouts',
  'notReadyReceived',
  'notReadySent',
] as const;

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
    COUNTS.map((name) => [name, rest.reduce((sum, tally) => sum + tally[name], 0)]),
  ) as Pick<QueuePairMetrics, (typeof COUNTS)[number]>;
  return [...told, { number: -1, type: 'other', state: 'other', ...sums }];
}

/** The metrics of a process's hosts, or what is wrong with them. */
export function parseHostMetrics(value: unknown): readonly HostMetrics[] | string {
  const fields = new FieldReader('metrics', { hosts: value });
  const hosts = fields.list('hosts', MAX_HOSTS, parseHost);
  return fields.problem ?? hosts;
}

function parseHost(value: unknown): HostMetrics | string {
  const fields = new FieldReader('host', value);
  const host = {
    host: fields.whole('host', 0, MAX_HOSTS - 1),
    cores: fields.list('cores', MAX_CORES, parseCore),
    queues: fields.list('queues', MAX_QUEUES, parseQueue),
    queuePairs: fields.list('queuePairs', MAX_QUEUE_PAIRS + 1, parseQueuePair),
    port: fields.parsed('port', parsePort),
  };
  return fields.problem ?? host;
}

function parseCore(value: unknown): CoreMetrics | string {
  const fields = new FieldReader('core', value);
  const core = {
    core: fields.whole('core', 0, MAX_CORES - 1),
    role: fields.text('role', 256),
    segments: fields.whole('segments'),
    program: fields.number('program', 0, Number.MAX_SAFE_INTEGER),
    kernel: fields.number('kernel', 0, Number.MAX_SAFE_INTEGER),
  };
  return fields.problem ?? core;
}

function parseQueue(value: unknown): QueueMetrics | string {
  const fields = new FieldReader('queue', value);
  const queue = {
    owner: fields.text('owner', 16),
    queue: fields.whole('queue', 0, MAX_CORES),
    frames: fields.whole('frames'),
    missed: fields.whole('missed'),
    interrupts: fields.whole('interrupts'),
  };
  return fields.problem ?? queue;
}

function parseQueuePair(value: unknown): QueuePairMetrics | string {
  const fields = new FieldReader('queuePair', value);
  const counts = Object.fromEntries(COUNTS.map((name) => [name, fields.whole(name)])) as Pick<
    QueuePairMetrics,
    (typeof COUNTS)[number]
  >;
  const queuePair = {
    number: fields.whole('number', -1),
    type: fields.text('type', 16),
    state: fields.text('state', 16),
    ...counts,
  };
  return fields.problem ?? queuePair;
}

function parsePort(value: unknown): PortMetrics | string {
  const fields = new FieldReader('port', value);
  const port = {
    frames: fields.whole('frames'),
    bytes: fields.whole('bytes'),
    dropped: fields.whole('dropped'),
    deepest: fields.whole('deepest'),
    waited: fields.number('waited'),
    waits: fields.list('waits', PORT_WAIT_BUCKETS, (count) =>
      isCount(count) ? count : 'not a count',
    ),
  };
  if (port.waits.length !== PORT_WAIT_BUCKETS) fields.problem ??= 'port.waits: too few';
  return fields.problem ?? port;
}
