/** What the reports of `host/rss` come to: rate, latency, warm share, load, and whether everything adds up. */
import type { DeviceStatistics } from '../../node/program/sockets.js';
import { STAGES, stageTimes } from '../../node/program/verbs.js';
import { PS_PER_US } from '../../units/time.js';
import { latencySummary, medianIndex } from '../authoring/statistics.js';
import type { Metric, Summary } from '../authoring/workload.js';
import { tableOf, type FlowSet } from './flow-set.js';
import type { GeneratorReport } from './rss-generator.js';
import { lengthOf, tableOrders, type RssParameters } from './rss-parameters.js';
import type { ServerReport } from './rss-server.js';

const PERCENT = 100;

export function summariseRss(
  servers: readonly ServerReport[],
  generators: readonly GeneratorReport[],
  params: RssParameters,
  flows: FlowSet,
): Summary {
  const account = accountOf(servers, generators, flows);
  const wrongs = problems(account, servers, params, flows);
  const loads = servers.map(({ core }) => 1 - core.idle / core.length);
  const { samples, stages } = lightlyLoaded(servers);
  return {
    verified: wrongs.length === 0,
    ...(wrongs.length > 0 && { note: wrongs.join('; ') }),
    metrics: metricsOf(servers, account, loads, samples, params),
    ...(stages !== undefined && { stages }),
    counters: countersOf(servers, account, loads),
    samples,
  };
}

/** Where all packets went. */
interface Account {
  readonly device: DeviceStatistics;
  /** By flow, and together. */
  readonly sent: readonly number[];
  readonly allSent: number;
  readonly read: number;
  readonly late: number;
  /** Frames for which a ring had no place, and frames taken. */
  readonly missed: number;
  readonly taken: number;
  /** Datagrams that a full socket buffer refused, and those that it took. */
  readonly refused: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly lost: number;
}

function accountOf(
  servers: readonly ServerReport[],
  generators: readonly GeneratorReport[],
  flows: FlowSet,
): Account {
  const device = servers[0]!.device!;
  const sentOf = (flow: number): number =>
    generators.reduce((sum, { sent }) => sum + sent[flow]!, 0);
  const sent = Array.from({ length: flows.count }, (_, flow) => sentOf(flow));
  const allSent = sent.reduce((sum, each) => sum + each, 0);
  const missed = device.queues.reduce((sum, queue) => sum + queue.missed, 0);
  const taken = device.queues.reduce((sum, queue) => sum + queue.frames, 0);
  const refused = device.protocols['udp_receive_buffer_errors']!;
  const accepted = device.protocols['udp_in_datagrams']!;
  return {
    device,
    sent,
    allSent,
    read: total(servers, (server) => server.read),
    late: total(servers, (server) => server.late),
    missed,
    taken,
    refused,
    accepted,
    // Only damage makes the protocols reject a frame: what it did to the flow's hash nobody can tell.
    rejected: taken - accepted - refused,
    lost: allSent - taken - missed,
  };
}

/** Whatever does not add up. */
function problems(
  account: Account,
  servers: readonly ServerReport[],
  params: RssParameters,
  flows: FlowSet,
): string[] {
  const { device, sent, allSent, read, late, missed, taken, refused, accepted, rejected, lost } =
    account;
  return [
    total(servers, (server) => server.wrong) > 0 && 'datagrams are not what was sent',
    total(servers, (server) => server.twice) > 0 && 'datagrams were delivered twice',
    late > 0 && params.steering !== 'spray' && 'datagrams of a flow came out of order',
    (read !== accepted || rejected < 0) &&
      `of ${taken} frames ${accepted} were accepted and ${refused} refused, and ${read} read`,
    lost < 0 && `${taken + missed} frames came, and ${allSent} were sent`,
    lost === 0 && rejected === 0 && queueProblem(device, sent, params, flows),
  ].filter((wrong) => wrong !== false);
}

function metricsOf(
  servers: readonly ServerReport[],
  { read, late }: Account,
  loads: readonly number[],
  samples: Float64Array,
  params: RssParameters,
): Metric[] {
  const packets = total(servers, ({ core }) => core.packets);
  return [
    {
      name: 'rate',
      unit: 'Mpackets/s',
      value: (total(servers, (server) => server.inWindow) * PS_PER_US) / lengthOf(params.window),
    },
    ...(samples.length > 0 ? [latencySummary(samples)] : []),
    {
      name: 'warm_share',
      unit: '',
      value: packets === 0 ? 0 : total(servers, ({ core }) => core.warm) / packets,
    },
    {
      name: 'reordered',
      unit: '%',
      value: (PERCENT * late) / Math.max(read, 1),
    },
    {
      name: 'load',
      unit: '%',
      value: (PERCENT * loads.reduce((sum, load) => sum + load, 0)) / loads.length,
    },
  ];
}

function countersOf(
  servers: readonly ServerReport[],
  { device, allSent, read, late, missed, refused, rejected, lost }: Account,
  loads: readonly number[],
): Readonly<Record<string, number>> {
  return {
    sent: allSent,
    read,
    dropped_by_ring: missed,
    dropped_by_socket_buffer: refused,
    rejected_by_protocols: rejected,
    lost_on_wire: Math.max(lost, 0),
    late,
    interrupts: device.queues.reduce((sum, queue) => sum + queue.interrupts, 0),
    ...Object.fromEntries(
      servers.flatMap(({ core }, index) => [
        [`core${index}_load_percent`, Math.round(PERCENT * loads[index]!)],
        [`core${index}_softirq_percent`, Math.round((PERCENT * core.softirq) / core.length)],
      ]),
    ),
  };
}

function total(servers: readonly ServerReport[], of: (server: ServerReport) => number): number {
  return servers.reduce((sum, server) => sum + of(server), 0);
}

/** Whether each queue got what the hash and the table say; nothing to say of spray and RFS. */
function queueProblem(
  { queues }: DeviceStatistics,
  sent: readonly number[],
  { steering, table, queues: count }: RssParameters,
  flows: FlowSet,
): string | false {
  if (steering === 'spray' || steering === 'rfs') return false;
  const { weights, repaired } = tableOrders(table, count);
  // What came before the repair and after it is not told apart.
  if (repaired) return false;
  const entries = tableOf(count, weights);
  const expected = new Array<number>(count).fill(0);
  for (const [flow, frames] of sent.entries()) {
    expected[steering === 'single' ? 0 : entries[flows.entries[flow]!]!]! += frames;
  }
  const wrong = queues.findIndex(({ frames, missed }, at) => frames + missed !== expected[at]);
  if (wrong < 0) return false;
  const { frames, missed } = queues[wrong]!;
  return `queue ${wrong} got ${frames + missed} frames, and its flows have ${expected[wrong]!}`;
}

/** The latencies of all programs in the order in which the packets were sent, and the median one's stages. */
function lightlyLoaded(servers: readonly ServerReport[]): {
  samples: Float64Array;
  stages: Summary['stages'];
} {
  const all = servers.flatMap(({ numbers, latencies }, server) =>
    numbers.map((number, at) => ({ number, latency: latencies[at]!, server, at })),
  );
  all.sort((a, b) => a.number - b.number);
  const samples = Float64Array.from(all, ({ latency }) => latency);
  const median = all[medianIndex(samples)];
  if (median === undefined) return { samples, stages: undefined };
  return {
    samples,
    stages: stageTimes(servers[median.server]!.stages, median.at * STAGES.length),
  };
}
