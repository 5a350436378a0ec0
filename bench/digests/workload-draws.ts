/**
 * What may be drawn of each workload: hosts and cores that it can do with, and its parameters, so few and so small that
 * a run takes seconds.
 */
import type { Dice } from './dice.js';

/** The cluster that the parameters are drawn for. */
export interface DrawnCluster {
  readonly hosts: number;
  readonly cores: number;
  /** Bytes of a packet at the least: what the profile or `--mtu` gives. */
  readonly mtu: number;
}

export type Harm = 'anything' | 'delay' | 'nothing';

export type Settings = Readonly<Record<string, string | number>>;

export interface WorkloadDraw {
  readonly workload: string;
  /** How often it comes up among the draws, in cards of one deck. */
  readonly cards: number;
  readonly hosts: readonly number[];
  readonly cores: readonly number[];
  settings(dice: Dice, cluster: DrawnCluster): Settings;
  /** What the fabric may do to it with these settings, if it is to end and to verify. Default: anything. */
  withstands?(settings: Settings): Harm;
}

const KIB = 1024;
const LARGEST = 256 * KIB;
/** Around words, cache lines, inline limits, MTUs and powers of two. */
const EDGES = [
  ...[
    1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 127, 128, 129, 220, 221, 236, 237, 255, 256, 257, 511, 513,
  ],
  ...[1023, 1024, 1025, 2047, 2049, 4095, 4096, 4097, 8191, 8193, 65_535, 65_536, 65_537],
  ...[100_001, LARGEST - 1, LARGEST],
];
/** Packets of all measured messages together. */
const MOST_PACKETS = 1500;
/** What every profile takes inline. */
const LONGEST_INLINE = 128;

const anySize = (dice: Dice, most = LARGEST): number =>
  dice.oneIn(2) ? dice.magnitude(most) : dice.of(EDGES.filter((size) => size <= most));

/** Up to `most`, fewer where messages of `size` take many packets. */
function iterationsOf(dice: Dice, size: number, mtu: number, most: number): number {
  const affordable = Math.floor(MOST_PACKETS / Math.ceil(size / mtu));
  return dice.whole(1, Math.max(1, Math.min(most, affordable)));
}

const pathSettings = (dice: Dice): Settings => {
  const path = dice.of(['rdma', 'rdma', 'kernel', 'busy-poll', 'bypass']);
  return { path, ...(path === 'bypass' && { library: dice.of(['socket', 'direct']) }) };
};

type MicroKind = 'latency' | 'bandwidth';

function micro(name: string, kind: MicroKind, canInline: boolean): WorkloadDraw {
  return {
    workload: `micro/${name}`,
    cards: 2,
    hosts: [2, 2, 2, 3, 5, 16],
    cores: [1, 2, 4],
    settings: (dice, { mtu }) => {
      const size = name === 'atomic-lat' ? 8 : anySize(dice);
      const qps = dice.of([1, 1, 2, 3, 8]);
      const messages = kind === 'latency' ? 60 : Math.ceil(120 / qps);
      const fits = canInline && size <= LONGEST_INLINE;
      return {
        size,
        iterations: iterationsOf(dice, size * (kind === 'latency' ? 1 : qps), mtu, messages),
        warmup: dice.of([0, 1, 5]),
        ...(kind === 'bandwidth' && { outstanding: dice.of([1, 2, 7, 16, 128]) }),
        inline: dice.of(fits ? ['auto', 'on', 'on', 'off'] : ['auto', 'off']),
        qps,
        ...(name === 'atomic-lat' && { op: dice.of(['fetch-add', 'cas']) }),
      };
    },
  };
}

const ALLREDUCE: WorkloadDraw = {
  workload: 'hpc/allreduce',
  cards: 6,
  hosts: [2, 2, 3, 4, 5, 7, 8, 16],
  cores: [1, 2, 3],
  settings: (dice, { hosts, cores }) => {
    const perHost = dice.whole(1, hosts > 5 ? 1 : cores);
    const room = hosts * perHost;
    const elements = dice.magnitude((room > 8 ? 16 * KIB : LARGEST) / 8);
    return {
      size: 8 * elements,
      iterations: dice.whole(1, elements > KIB ? 2 : 6),
      algorithm: dice.of(['auto', 'ring', 'ring', 'recursive-doubling']),
      'ranks-per-host': perHost,
      ...(dice.oneIn(4) && { ranks: dice.whole(1, room) }),
      ...pathSettings(dice),
    };
  },
};

const TICK_TO_TRADE: WorkloadDraw = {
  workload: 'trading/tick-to-trade',
  cards: 6,
  hosts: [2, 2, 2, 3],
  cores: [2, 4],
  settings: (dice) => ({
    messages: dice.whole(30, 150),
    stocks: dice.whole(1, 12),
    shape: dice.of(['open', 'day']),
    rate: dice.of([0, 100_000, 2_000_000]),
    tick: dice.of(['touch', 'retreat']),
    every: dice.of([1, 1, 2, 5]),
    receives: dice.of([4, 16, 256]),
    ...pathSettings(dice),
  }),
};

const PATHS: WorkloadDraw = {
  workload: 'host/paths',
  cards: 4,
  hosts: [2, 2, 2, 4],
  cores: [1, 2, 4],
  settings: (dice) => {
    const path = dice.of(['kernel', 'busy-poll', 'bypass', 'rdma']);
    const protocol = dice.of(['tcp', 'udp']);
    const libraries = protocol === 'udp' ? ['socket', 'direct', 'raw'] : ['socket', 'direct'];
    return {
      path,
      protocol,
      size: anySize(dice, protocol === 'udp' ? 1472 : 64 * KIB),
      iterations: dice.whole(1, 12),
      warmup: dice.of([0, 1, 5]),
      ...(path === 'kernel' && {
        moderation: dice.of(['on', 'off']),
        receiver: dice.of(['idle', 'running']),
      }),
      ...(path === 'bypass' && { library: dice.of(libraries) }),
    };
  },
  withstands: ({ path, protocol }) =>
    path === 'rdma' || protocol === 'tcp' ? 'anything' : 'delay',
};

const PAGING: WorkloadDraw = {
  workload: 'host/paging',
  cards: 2,
  hosts: [2],
  cores: [2, 4],
  settings: (dice) => ({
    iommu: dice.of(['off', 'on']),
    memory: dice.of(['pinned', 'unpinned', 'odp', 'odp']),
    direction: dice.of(['read', 'write']),
    // A shorter transfer is over before its page can be replaced.
    size: dice.whole(600, 1400),
    at: dice.of(['0', '0.3', '0.5', '0.4,0.8']),
  }),
  withstands: () => 'delay',
};

const PINNING: WorkloadDraw = {
  workload: 'host/pinning',
  cards: 2,
  hosts: [2, 3],
  cores: [1, 2],
  settings: (dice, { mtu }) => {
    const size = anySize(dice);
    return {
      strategy: dice.of(['copy', 'pin', 'register', 'registered', 'cache']),
      size,
      iterations: iterationsOf(dice, size, mtu, 12),
    };
  },
};

const VM_QUEUES: WorkloadDraw = {
  workload: 'host/vm-queues',
  cards: 1,
  hosts: [2],
  cores: [4],
  settings: (dice) => ({
    queues: dice.of(['shared', 'own']),
    noise: dice.of(['none', 'in', 'out', 'both']),
    rate: dice.of(['0', '0.5']),
    iommu: dice.of(['none', 'off', 'on']),
    iterations: dice.whole(3, 15),
    attempts: 2,
  }),
  withstands: () => 'nothing',
};

const RSS: WorkloadDraw = {
  workload: 'host/rss',
  cards: 1,
  hosts: [2],
  cores: [1, 2, 4],
  settings: (dice, { cores }) => ({
    steering: dice.of(['single', 'rss', 'spray', 'rfs']),
    queues: dice.whole(1, cores),
    flows: dice.magnitude(100),
    placement: dice.of(['aligned', 'scattered']),
    table: dice.of(['equal', 'skewed', 'repaired']),
    iterations: dice.whole(10, 40),
    warmup: '50us',
    window: '200us',
  }),
  // It counts every frame: one twice, or after a later one, is a failure.
  withstands: () => 'nothing',
};

const MEMLOCK: WorkloadDraw = {
  workload: 'host/memlock',
  cards: 1,
  hosts: [2],
  cores: [2, 4],
  settings: (dice, { cores }) => ({
    quota: dice.of(['none', '1MiB']),
    ram_size: '8MiB',
    greed_size: '6MiB',
    working_set_size: '1MiB',
    neighbours: dice.whole(1, cores - 1),
    accesses: dice.whole(10, 60),
    pager: dice.of(['clock', 'lru']),
  }),
};

export const WORKLOAD_DRAWS: readonly WorkloadDraw[] = [
  micro('send-lat', 'latency', true),
  micro('write-lat', 'latency', true),
  micro('read-lat', 'latency', false),
  micro('atomic-lat', 'latency', false),
  micro('send-bw', 'bandwidth', true),
  micro('write-bw', 'bandwidth', true),
  micro('read-bw', 'bandwidth', false),
  micro('msg-rate', 'bandwidth', true),
  ALLREDUCE,
  TICK_TO_TRADE,
  PATHS,
  PAGING,
  PINNING,
  VM_QUEUES,
  RSS,
  MEMLOCK,
];
