/**
 * `hpc/allreduce`: the sum of every rank's vector, on every rank.
 *
 * An operation begins at one instant for all: the ranks agree on it in a barrier outside the measured part, and wait
 * for it. Its latency is the time from there until the last rank has the result; `mean_over_ranks` is what OSU's
 * osu_allreduce prints, the average over ranks and operations. A rank that comes late to the common instant is counted
 * (`late_starts`), and its lateness is `backlog`. The stages are those of the chain that ended last.
 *
 * Elements are whole numbers small enough that no order of addition rounds, and every rank compares every operation's
 * result with the serial sum.
 */
import {
  STAGES,
  stageTimes,
  type Core,
  type Instant,
  type Task,
} from '../../node/program/verbs.js';
import { PS_PER_NS, PS_PER_US } from '../../units/time.js';
import { formatSize } from '../../units/size.js';
import { comparePaths, networkOptions } from '../authoring/paths.js';
import { loopInPortions } from '../authoring/portions.js';
import { latencySummary, medianIndex } from '../authoring/statistics.js';
import { defineWorkload, type Metric, type Summary } from '../authoring/workload.js';
import {
  ALLREDUCE_PARAMETERS,
  allreduceConfigurations,
  placeRanks,
  type AllreduceParameters,
} from './allreduce-parameters.js';
import { agreeOnLatest, INSTANT_BYTES, treePeers } from './common-start.js';
import type { Communicator } from './communicator.js';
import { doublingAllreduce, doublingPeers } from './recursive-doubling.js';
import { ringAllreduce, ringPeers } from './ring-allreduce.js';
import { SocketCommunicator } from './socket-communicator.js';
import { BYTES_PER_ELEMENT, Vector } from './vector.js';
import { VerbsCommunicator } from './verbs-communicator.js';

const ALGORITHMS = {
  ring: { peers: ringPeers, run: ringAllreduce },
  'recursive-doubling': { peers: doublingPeers, run: doublingAllreduce },
} as const;

const EAGER_LIMIT = 8192;

/** What depends on how messages travel. */
interface Pace {
  readonly warmUp: number;
  /** From the latest rank's word that it is ready to the common start: time for that word to reach everybody. */
  readonly lead: number;
  readonly leadPerRank: number;
}
const VERBS_PACE: Pace = { warmUp: 2, lead: 20 * PS_PER_US, leadPerRank: 2 * PS_PER_US };
/** Connections open their windows during the first operations. */
const SOCKET_PACE: Pace = { warmUp: 10, lead: 100 * PS_PER_US, leadPerRank: 20 * PS_PER_US };

async function openCommunicator(
  core: Core,
  { params, placement }: Task<AllreduceParameters>,
): Promise<Communicator> {
  if (params.path === 'rdma') {
    return VerbsCommunicator.open(core, { eagerLimit: Math.min(EAGER_LIMIT, params.size) });
  }
  // Flows go to the queue of the core whose program reads them.
  if (core.index === 0 && params['ranks-per-host'] !== 1) {
    await core.networkDevice.change({ what: 'steering', mode: 'rfs' });
  }
  return SocketCommunicator.open(core, placement, networkOptions(params));
}

const LARGEST_ADDEND = 2 ** 20;

interface RankResult {
  /** Per operation: when it began for all, when this rank had the result, and its chain's stages. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly stages: Float64Array;
  readonly wrong: number;
  readonly late: number;
  readonly messages: number;
  readonly bytes: number;
}

/** What rank `rank` adds to element `index`; each operation adds its number on top. */
function addend(rank: number, index: number): number {
  let mixed = Math.imul(rank + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed >>> 0) % LARGEST_ADDEND;
}

/** Adds what rank `rank` adds to what is in `sums`. */
const addTo = (core: Core, sums: Float64Array, rank: number): Promise<void> =>
  loopInPortions(core, sums.length, (from, to) => {
    for (let index = from; index < to; index++) sums[index]! += addend(rank, index);
  });

async function serialSum(core: Core, ranks: number, length: number): Promise<Float64Array> {
  const sums = new Float64Array(length);
  for (let rank = 0; rank < ranks; rank++) await addTo(core, sums, rank);
  return sums;
}

async function program(core: Core, task: Task<AllreduceParameters>): Promise<RankResult> {
  const { params } = task;
  const { size, iterations } = params;
  const { warmUp, lead, leadPerRank } = params.path === 'rdma' ? VERBS_PACE : SOCKET_PACE;
  const { peers, run } = ALGORITHMS[params.algorithm];
  const communicator = await openCommunicator(core, task);
  const { rank, size: ranks } = communicator;
  const length = size / BYTES_PER_ELEMENT;
  const vector = await Vector.allocate(communicator, length);
  const scratch = await communicator.allocate(INSTANT_BYTES);
  const buffer = { region: scratch, offset: 0, length: INSTANT_BYTES };
  await communicator.connect([...peers(rank, ranks), ...treePeers(rank, ranks)]);

  const own = new Float64Array(length);
  await addTo(core, own, rank);
  const sums = await serialSum(core, ranks, length);
  const starts = new Float64Array(iterations);
  const ends = new Float64Array(iterations);
  const stages = new Float64Array(iterations * STAGES.length);
  const counts = { wrong: 0, late: 0, messages: 0, bytes: 0 };
  for (let turn = 0; turn < warmUp + iterations; turn++) {
    await loopInPortions(core, length, (from, to) => {
      for (let index = from; index < to; index++) vector.values[index] = own[index]! + turn;
    });
    const ready = await agreeOnLatest(communicator, core.now, buffer);
    const start = (ready + lead + leadPerRank * ranks) as Instant;
    const late = core.now > start;
    if (!late) await core.sleepUntil(start);
    const { messagesSent, bytesSent } = communicator;
    core.beginOperation(start, turn + 1);
    await run(communicator, vector);
    const end = core.now;
    const spent = core.operationStages();
    core.endOperation();
    await loopInPortions(core, length, (from, to) => {
      for (let index = from; index < to; index++) {
        if (vector.values[index] !== sums[index]! + ranks * turn) counts.wrong++;
      }
    });
    if (turn < warmUp) continue;
    const iteration = turn - warmUp;
    starts[iteration] = start;
    ends[iteration] = end;
    stages.set(spent, iteration * STAGES.length);
    if (late) counts.late++;
    counts.messages += communicator.messagesSent - messagesSent;
    counts.bytes += communicator.bytesSent - bytesSent;
  }
  await communicator.close();
  return { starts, ends, stages, ...counts };
}

function summarise(
  ranks: readonly RankResult[],
  { size, iterations }: AllreduceParameters,
): Summary {
  const latencies = new Float64Array(iterations);
  const last = new Float64Array(iterations);
  let sum = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (const [rank, { starts, ends }] of ranks.entries()) {
      const latency = ends[iteration]! - starts[iteration]!;
      sum += latency;
      if (latency <= latencies[iteration]!) continue;
      latencies[iteration] = latency;
      last[iteration] = rank;
    }
  }
  const median = medianIndex(latencies);
  const latency = latencySummary(latencies);
  const metrics: Metric[] = [
    latency,
    { name: 'mean_over_ranks', unit: 'ns', value: sum / (iterations * ranks.length) / PS_PER_NS },
  ];
  if (latency.p50 > 0) {
    const bandwidth = (8 * size) / latency.p50;
    const share = (2 * (ranks.length - 1)) / ranks.length;
    metrics.push(
      { name: 'bandwidth', unit: 'Gb/s', value: bandwidth },
      { name: 'bus_bandwidth', unit: 'Gb/s', value: bandwidth * share },
    );
  }
  const total = (of: (rank: RankResult) => number): number =>
    ranks.reduce((soFar, rank) => soFar + of(rank), 0);
  const wrong = total((rank) => rank.wrong);
  return {
    verified: wrong === 0,
    metrics,
    stages: stageTimes(ranks[last[median]!]!.stages, median * STAGES.length),
    counters: {
      wrong_elements: wrong,
      late_starts: total(({ late }) => late),
      messages: total(({ messages }) => messages),
      bytes: total(({ bytes }) => bytes),
    },
    samples: latencies,
  };
}

export default defineWorkload({
  name: 'hpc/allreduce',
  summary: "The sum of every rank's vector of doubles, on every rank",
  hosts: 4,
  minHosts: 1,
  parameters: ALLREDUCE_PARAMETERS,
  configurations: allreduceConfigurations,
  place: placeRanks,
  // One queue for each rank of a host.
  machine: ({ path, 'ranks-per-host': perHost }) => (path === 'rdma' ? {} : { queues: perHost }),
  program,
  summarise,
  compare: (results) => comparePaths(results, labelOf(results)),
});

/** Results are compared size by size. */
function labelOf(
  results: readonly { readonly params: AllreduceParameters }[],
): (params: AllreduceParameters) => string {
  const one = new Set(results.map(({ params }) => params.size)).size === 1;
  return ({ size }) => (one ? '' : formatSize(size).replace(' ', ''));
}
