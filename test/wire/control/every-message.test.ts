/**
 * Every message of the control protocol, drawn at random from a seed: it arrives as it was sent, and with any one of
 * its fields spoilt, however deep, it is refused.
 */
import { describe, expect, test } from 'vitest';
import { clientRun, parseClientRun } from '../../../coordinator/cluster/client-run.js';
import {
  parseClusterStatus,
  type ClusterStatus,
} from '../../../coordinator/cluster/cluster-status.js';
import { clusterMessage, parseCluster } from '../../../coordinator/plan/attached-config.js';
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';
import { parseRunRecord, recordMessage } from '../../../coordinator/run/run-record.js';
import { WAIT_BUCKETS } from '../../../node/links/window-cost.js';
import { PORT_WAIT_BUCKETS } from '../../../node/model/fabric/output-port.js';
import { parseHostMetrics, type HostMetrics } from '../../../node/process/host-metrics.js';
import { parseProcessCost, type ProcessCost } from '../../../node/process/process-cost.js';
import {
  LOOPBACK_FABRIC,
  parseEnvironment,
  printEnvironment,
  type ProcessEnvironment,
} from '../../../node/process/process-environment.js';
import { parseRunOutcome, parseRunSpec, specMessage } from '../../../node/process/run-messages.js';
import { PLAIN_MACHINE, type RunOutcome, type RunSpec } from '../../../node/spec/run-spec.js';
import { MAX_CORES, MAX_HOSTS, MAX_PROCESSES } from '../../../units/elements.js';
import { RandomStream } from '../../../sim/random.js';
import {
  CLIENT_PROTOCOL,
  parseClientReply,
  parseClientRequest,
  type ClientReply,
  type ClientRequest,
} from '../../../wire/control/client-messages.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';
import {
  JOIN_PROTOCOL,
  parseJoinNotice,
  parseJoinOrder,
  type JoinNotice,
  type JoinOrder,
} from '../../../wire/control/join-messages.js';
import { parseNotice, type Notice } from '../../../wire/control/notices.js';
import { parseOrder, type Order } from '../../../wire/control/orders.js';
import { parseGrant, parseReport } from '../../../wire/control/window-messages.js';
import { pathsOf, spoilt, WRONG } from './spoilt-fields.js';

const DRAWS = 8;
const draw = new RandomStream(7, 'messages');
const MOST = Number.MAX_SAFE_INTEGER;

/** Small, large and the limits alike. */
function whole(least = 0, most = MOST): number {
  const span = most - least;
  const kind = draw.below(4);
  if (kind === 0) return least;
  if (kind === 1) return most;
  return least + Math.floor(draw.unit() * (kind === 2 ? Math.min(span, 100) : span));
}
const real = (most = MOST): number => draw.unit() * most;
const flag = (): boolean => draw.below(2) === 1;
const oneOf = <T>(...choices: readonly T[]): T => choices[draw.below(choices.length)]!;
const list = <T>(most: number, item: () => T): T[] =>
  Array.from({ length: 1 + draw.below(most) }, item);
const text = (most: number): string =>
  Array.from({ length: 1 + draw.below(Math.min(most, 40)) }, () =>
    String.fromCodePoint(oneOf(0x41, 0x7a, 0x20, 0xe9, 0x4e2d)),
  ).join('');
const name = (): string => `node-${draw.below(1000)}.x`;
const bytes = (): Uint8Array => Uint8Array.from({ length: draw.below(50) }, () => draw.below(256));
const host = (): number => whole(0, MAX_HOSTS - 1);
const processNumber = (): number => whole(0, MAX_PROCESSES - 1);
const fabric = (): string => `${oneOf('ws', 'wss')}://node${draw.below(99)}:${whole(1, 65_535)}`;
const digest = (): string => draw.word().toString(16).padStart(16, '0');

/** One of each type, so that the compiler misses none. */
type EachOf<M extends { readonly type: string }> = {
  readonly [T in M['type']]: Omit<Extract<M, { type: T }>, 'type'>;
};
const each = <M extends { readonly type: string }>(messages: EachOf<M>): object[] =>
  Object.entries<object>(messages).map(([type, fields]) => ({ type, ...fields }));

const orders = (): object[] =>
  each<Order>({
    peers: { processes: list(3, () => ({ hosts: list(4, host), fabric: fabric() })) },
    prepare: { run: whole(), spec: {}, captureDirectory: text(4096) },
    begin: { run: whole() },
    grant: { run: whole(), grant: {}, by: processNumber(), held: whole() },
    probe: { run: whole(), probe: whole() },
    taken: { run: whole(), bytes: whole() },
    collect: { run: whole() },
    abandon: { run: whole() },
    stop: {},
  });

const notices = (): object[] =>
  each<Notice>({
    hello: {
      cluster: text(64),
      process: processNumber(),
      ticket: text(64),
      pid: whole(1),
      fabric: fabric(),
    },
    linked: {},
    unlinked: { process: processNumber(), reason: text(4096) },
    prepared: { run: whole() },
    report: { run: whole(), report: {} },
    quiet: {
      ...{ run: whole(), probe: whole(), sent: whole(), received: whole() },
      ...{ idle: flag(), programsLeft: whole() },
    },
    progress: {
      ...{ run: whole(), now: oneOf(real(), Infinity), events: whole(), packets: whole() },
      notes: list(3, () => text(99)),
    },
    captured: { run: whole(), host: host(), bytes: bytes() },
    abandoned: { run: whole() },
    failed: {
      ...{ run: whole(), host: whole(-1, MAX_HOSTS - 1), core: whole(-1, MAX_CORES - 1) },
      ...{ message: text(999), stack: text(999) },
    },
    outcome: {
      run: whole(),
      outcome: {},
      cost: {},
      metrics: [],
      blocked: list(3, () => text(400)),
    },
  });

const requests = (): object[] =>
  each<ClientRequest>({
    hello: { protocol: CLIENT_PROTOCOL, version: text(64), node: text(64), who: text(256) },
    run: { id: whole(), name: text(256), run: {} },
    cancel: { id: whole() },
    status: {},
  });

const replies = (): object[] =>
  each<ClientReply>({
    cluster: { version: text(64), node: text(64), cluster: {} },
    refused: { reason: text(4096) },
    queued: {
      id: whole(),
      before: whole(),
      missing: whole(0, MAX_HOSTS),
      hosts: whole(1, MAX_HOSTS),
    },
    started: { id: whole(), pids: list(5, whole) },
    progress: { id: whole(), now: oneOf(real(), Infinity), events: whole(), packets: whole() },
    noted: { id: whole(), notes: list(3, () => text(99)) },
    captured: { id: whole(), host: host(), bytes: bytes() },
    record: { id: whole(), record: {} },
    failed: { id: whole(), message: `${text(99)}\n  at x` },
    status: { status: {} },
    closing: { reason: text(4096) },
  });

function joinNotices(): object[] {
  const hosts = whole(1, MAX_HOSTS);
  return each<JoinNotice>({
    offer: {
      ...{ protocol: JOIN_PROTOCOL, version: text(64), node: text(64), name: name(), hosts },
      ...{
        processes: whole(1, Math.min(hosts, MAX_PROCESSES)),
        cores: whole(1),
        memory: whole(),
        encrypted: flag(),
      },
    },
    ended: { cluster: text(64), process: processNumber(), how: text(4096) },
    leaving: {},
  });
}

const joinOrders = (): object[] =>
  each<JoinOrder>({
    welcome: { name: text(128) },
    refused: { reason: text(4096) },
    assign: {
      ...{ cluster: text(64), processes: whole(1, MAX_PROCESSES) },
      assigned: list(3, () => ({
        process: processNumber(),
        hosts: list(4, host),
        ticket: text(64),
      })),
    },
    release: {},
    dismiss: { reason: text(4096) },
  });

const CLUSTER = clusterConfig({ fault: ['loss=1e-3,delayed=0.1'], processes: '2' }, 4);

const RATES = ['loss', 'duplicate', 'corrupt', 'icrc', 'delayed'];
const rate = (name: string): [string, number] => [name, real(1)];
const spec = (): RunSpec => ({
  ...{ hosts: 4, local: list(4, () => whole(0, 3)), cores: 4, memory: whole(1, 2 ** 32) },
  ...{ profile: CLUSTER.profile, mtu: whole(256, 4096), topology: oneOf('switch', 'direct') },
  ...{ clock: oneOf('virtual', 'real'), noise: flag(), seed: whole(), capture: flag() },
  ...{ until: oneOf(real(), Infinity), segmentLimit: whole() },
  faults: { ...Object.fromEntries(RATES.map(rate)), delay: whole() } as RunSpec['faults'],
  ...{ trace: oneOf('headers', 'full'), coreRuntime: oneOf('worker', 'inline') },
  module: { kind: 'catalogue', name: 'micro/write-lat' },
  params: { size: real(), mode: text(9), check: flag() },
  programs: list(3, () => ({
    ...{ rank: whole(0, 9), host: whole(0, 3), core: whole(0, 3), role: text(256) },
    ...{ process: whole(0, 9), vm: whole(-1, MAX_CORES) },
  })),
  machine: {
    ...{ ...PLAIN_MACHINE, iommu: flag(), memlock: oneOf(real(), Infinity), swap: whole() },
    vms: list(2, () => ({
      ...{ host: whole(0, 3), cores: list(3, () => whole(0, 3)), memory: whole(1, 2 ** 32) },
      ...{ queues: whole(1, MAX_CORES), vlan: whole(0, 4094), rate: real() },
    })),
  },
  inputs: new Map([['feed', bytes()]]),
});

/** What a client may ask of {@link CLUSTER}: placed where the cluster can have it. */
const clientSpec = (): RunSpec => ({
  ...spec(),
  programs: list(3, () => 0).map((_, rank) => ({
    ...{ rank, host: rank, core: whole(0, 3), role: text(256), process: 0, vm: -1 },
  })),
  machine: { ...PLAIN_MACHINE, swap: whole() },
});

const counts = (): Record<string, number> => ({ lost: real() });

const outcome = (): RunOutcome => ({
  results: list(3, () => ({ rank: whole(0, 99), value: Float64Array.of(1, -0), endedAt: real() })),
  hosts: list(3, () => ({ host: host(), digest: digest(), counters: counts(), counted: counts() })),
  events: whole(),
  packets: whole(),
});

const PROCESSES = 3;
const cost = (): ProcessCost => ({
  ...{ busy: real(), waiting: real(), windows: whole(), controlBytes: whole() },
  waits: list(3, () => ({
    ...{ whom: whole(-2, PROCESSES - 1), ms: real() },
    buckets: Array.from({ length: WAIT_BUCKETS }, () => whole()),
  })),
  sent: list(3, () => ({
    ...{ process: whole(0, PROCESSES - 1), messages: whole(), bytes: whole(), frames: whole() },
  })),
});

const metrics = (): HostMetrics[] =>
  list(2, () => ({
    host: host(),
    cores: list(2, () => ({
      ...{ core: whole(0, MAX_CORES - 1), role: text(256), segments: whole() },
      ...{ program: real(), kernel: real() },
    })),
    queues: list(2, () => ({
      ...{ owner: text(16), queue: whole(0, 9), frames: whole(), missed: whole() },
      interrupts: whole(),
    })),
    queuePairs: list(2, () => ({
      ...{ number: whole(-1), type: text(16), state: text(16), sentPackets: whole() },
      ...{ sentBytes: whole(), receivedPackets: whole(), receivedBytes: whole() },
      ...{
        retransmitted: whole(),
        timeouts: whole(),
        notReadyReceived: whole(),
        notReadySent: whole(),
      },
    })),
    port: {
      ...{ frames: whole(), bytes: whole(), dropped: whole(), deepest: whole(), waited: real() },
      waits: Array.from({ length: PORT_WAIT_BUCKETS }, () => whole()),
    },
  }));

const runRecord = (): object =>
  recordMessage({
    ...{ values: [Float64Array.of(1.5), 2n ** 63n], traceHash: digest(), virtualNs: real() },
    counters: list(3, () => ({ host: host(), counts: counts(), counted: counts() })),
    blocked: list(2, () => text(80)),
    ...{ events: whole(), packets: whole(), rounds: whole(), began: 0, ended: 250 },
    cost: {
      ...{ rounds: whole(), controlBytes: whole(), fabricBytes: whole(), fabricMessages: whole() },
      processes: list(2, () => ({
        ...{ process: name(), busy: real(), waiting: real(), windows: whole() },
        waits: list(2, () => ({ whom: name(), ms: real(), buckets: list(9, whole) })),
        sent: list(2, () => ({ to: name(), messages: whole(), bytes: whole(), frames: whole() })),
      })),
    },
  });

const status = (): ClusterStatus => ({
  ...{ schema: 'pinwire-status/1', pinwire: text(64), node: text(64), since: text(64) },
  placement: oneOf('process', 'embedded', 'joined'),
  cluster: {
    ...{
      hosts: whole(1, MAX_HOSTS),
      cores: whole(1),
      profile: name(),
      mtu: whole(),
      seed: whole(),
    },
    ...{
      clock: oneOf('virtual', 'real'),
      topology: oneOf('switch', 'direct'),
      noise: oneOf('on', 'off'),
    },
  },
  ...{ memory_bytes: whole(), missing_hosts: whole(0, MAX_HOSTS), trouble: text(99) },
  machines: list(2, () => ({
    ...{ name: name(), hosts: list(3, host), host_count: whole(0, MAX_HOSTS), address: text(99) },
    ...{
      cores: whole(),
      memory_bytes: whole(),
      pinwire: text(64),
      node: text(64),
      since: text(64),
    },
  })),
  processes: list(2, () => ({ hosts: list(3, host), fabric: fabric() })),
  run: {
    ...{ run: whole(), workload: text(99), client: text(99), virtual_ns: real() },
    ...{ packets: whole(), wall_s: real() },
  },
  queue: list(2, () => ({ workload: text(99), client: text(99) })),
  clients: whole(),
  runs: { done: whole(), failed: whole(), cancelled: whole() },
});

const environment = (): ProcessEnvironment => ({
  ...{
    control: fabric(),
    credentials: { token: text(99), tls: { cert: text(99), key: text(99) } },
  },
  ...{
    cluster: text(64),
    process: whole(0, PROCESSES - 1),
    processes: PROCESSES,
    ticket: text(64),
  },
  fabric: { ...LOOPBACK_FABRIC, port: whole(0, 65_535) },
  programs: { files: flag(), directories: list(3, () => `/${name()}`) },
  lifeline: flag(),
});

const time = (least: number): number => oneOf(least + whole(0, 2 ** 52), Infinity);
const baton = () => ({
  next: list(1, () => time(0)).flatMap((at) => [at, at, Infinity]),
  commit: [time(0), time(5), Infinity],
  hops: whole(),
});
const report = () => ({
  ...{ next: whole(0, 2 ** 40), commit: time(2 ** 40) },
  sent: list(3, () => ({ to: whole(0, 2), count: whole(1), least: whole() })),
  baton: baton(),
});
const grant = () => ({
  horizon: time(0),
  owed: list(3, () => ({ from: whole(0, 2), count: whole() })),
  baton: baton(),
});

interface Kind {
  readonly draw: () => readonly object[];
  readonly parse: (value: never) => unknown;
  /** Fields whose content is checked where it is used, or may be anything. */
  readonly free?: RegExp;
  /** Fields that may be one of {@link WRONG}: of no matter which length, or sign, or missing. */
  readonly may?: readonly (readonly [RegExp, (wrong: unknown) => boolean])[];
}

/** Numbers, words and switches that a workload or a profile gave a name: any other is right too. */
const NAMED = /^(?:params|profile\.\w+|loadedProfile\.\w+|inputs)\./;
const isNull = (wrong: unknown): boolean => wrong === null;
const isMissing = (wrong: unknown): boolean => wrong === undefined;
const isText = (wrong: unknown): boolean => typeof wrong === 'string';
const isList = (wrong: unknown): boolean => Array.isArray(wrong);
const isNegative = (wrong: unknown): boolean => wrong === -7;
const KINDS: Readonly<Record<string, Kind>> = {
  orders: { draw: orders, parse: parseOrder, free: /^(?:spec|grant)$/ },
  notices: {
    draw: notices,
    parse: parseNotice,
    free: /^(?:report|outcome|cost|metrics)$/,
    may: [[/^blocked\.\d+$/, isText]],
  },
  'requests of clients': { draw: requests, parse: parseClientRequest, free: /^run$/ },
  'replies to clients': {
    draw: replies,
    parse: parseClientReply,
    free: /^(?:cluster|record|status)$/,
  },
  'notices of machines that join': { draw: joinNotices, parse: parseJoinNotice },
  'orders to machines that join': { draw: joinOrders, parse: parseJoinOrder },
  outcomes: {
    draw: () => [outcome()],
    parse: parseRunOutcome,
    free: /^results\.\d+\.value/,
    may: [[/\.(?:counters|counted)\.lost$/, isNegative]],
  },
  costs: { draw: () => [cost()], parse: (value) => parseProcessCost(value, PROCESSES) },
  metrics: { draw: () => [metrics()], parse: parseHostMetrics },
  statuses: {
    draw: () => [status()],
    parse: parseClusterStatus,
    may: [[/^(?:trouble|run)$/, isNull]],
  },
  reports: {
    draw: () => [report()],
    parse: (value) => parseReport(value, 3),
    may: [[/^baton$/, isMissing]],
  },
  grants: {
    draw: () => [grant()],
    parse: (value) => parseGrant(value, 3),
    may: [[/^baton$/, isMissing]],
  },
  clusters: {
    draw: () => [clusterMessage(CLUSTER)],
    parse: (value) => {
      const cluster = parseCluster(value);
      return typeof cluster === 'string' ? cluster : clusterMessage(cluster);
    },
    free: NAMED,
    may: [
      [/^faults$/, isNull],
      [/^partition$/, isList],
    ],
  },
  environments: {
    draw: () => [environment()],
    parse: (value) => parseEnvironment(printEnvironment(value)),
    may: [
      [/^credentials\.tls(?:\.\w+)?$/, isMissing],
      [/^credentials\.tls\.|^programs\.directories\./, isText],
    ],
  },
  specifications: {
    draw: () => [specMessage(spec())],
    parse: (value) => sent(parseRunSpec(value)),
    free: NAMED,
    may: [[/^faults$/, isNull]],
  },
  'runs of clients': {
    draw: () => [clientRun(clientSpec())],
    parse: (value) => {
      const parsed = parseClientRun(value, CLUSTER);
      return typeof parsed === 'string' ? parsed : clientRun(parsed);
    },
    free: NAMED,
    may: [[/^faults$/, isNull]],
  },
  records: {
    draw: () => [runRecord()],
    parse: (value) => {
      const parsed = parseRunRecord(value, 250);
      return typeof parsed === 'string' ? parsed : recordMessage(parsed);
    },
    free: /^values\./,
    may: [
      [/^cost$/, isMissing],
      [/^values$/, isList],
      [/\.(?:counts|counted)\.lost$/, isNegative],
    ],
  },
};

const sent = (spec: RunSpec | string): unknown =>
  typeof spec === 'string' ? spec : specMessage(spec);

const travelled = (message: object): object => unpackControl(packControl(message)) as object;

describe.each(Object.entries(KINDS))('%s', (_kind, { draw: drawn, parse, free, may = [] }) => {
  test('arrive as they were sent', () => {
    for (let round = 0; round < DRAWS; round++) {
      for (const message of drawn()) {
        expect(parse(travelled(message) as never)).toEqual(message);
      }
    }
  });

  test('are refused with any one field spoilt', () => {
    let refused = 0;
    for (const message of drawn()) {
      for (const path of pathsOf(message)) {
        const field = path.join('.');
        if (free?.test(field)) continue;
        for (const wrong of WRONG) {
          if (may.some(([pattern, holds]) => pattern.test(field) && holds(wrong))) continue;
          const parsed = parse(spoilt(message, path, wrong) as never);
          expect(parsed, `${field}: ${String(wrong).slice(0, 9)}`).toBeTypeOf('string');
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(20);
  });
});
