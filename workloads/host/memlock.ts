/**
 * `host/memlock`: a greedy process that has all the memory it can get kept from the pager, and its neighbours, who only
 * use theirs. Without a quota (RLIMIT_MEMLOCK) it takes what the neighbours need: their pages go to swap, and come back
 * one page fault at a time. With one it gets ENOMEM, and they notice nothing.
 *
 * Neighbours use random pages of their working sets, first with the greedy process asleep, then beside it. `latency`
 * and `fault_rate` are those of the second half, `latency_before` and `fault_rate_before` of the first.
 */
import {
  VerbsError,
  type Core,
  type MemoryRegion,
  type Region,
  type Task,
} from '../../node/program/verbs.js';
import { parseSize } from '../../units/size.js';
import { latencySummary } from '../authoring/statistics.js';
import {
  defineWorkload,
  type ConfigurationResult,
  type DistributionMetric,
  type MachineRequest,
  type Metric,
  type ParametersOf,
  type ParameterSpecs,
  type RankPlacement,
  type Summary,
} from '../authoring/workload.js';

const PAGE = 4096;
const MIB = 2 ** 20;
/** What the greedy process asks for at a time. */
const BITE = 256 * 1024;
/** Bytes that a page's owner writes into it, and expects there. */
const MARK = 8;

interface GreedyResult {
  readonly locked: number;
  readonly refused: string;
  readonly moved: number;
  readonly pinned: number;
}

interface NeighbourResult {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly faultsBefore: number;
  readonly faultsAfter: number;
  /** Uses of a page for which there was no memory; Linux would kill a process instead. */
  readonly starved: number;
  readonly wrong: number;
}

const PARAMETERS = {
  quota: {
    type: 'text',
    default: 'none,8MiB',
    help: 'RLIMIT_MEMLOCK of every process: none, a size, or a list of them',
  },
  ram_size: { type: 'size', default: 32 * MIB, min: 4 * MIB, help: 'RAM of the host' },
  greed_size: {
    type: 'size',
    default: 26 * MIB,
    min: PAGE,
    help: 'memory that the greedy process tries to withhold from the pager',
  },
  neighbours: { type: 'integer', default: 2, min: 1, max: 64, help: 'number of other processes' },
  working_set_size: {
    type: 'size',
    default: 4 * MIB,
    min: PAGE,
    help: 'memory that each other process uses',
  },
  accesses: {
    type: 'integer',
    default: 2000,
    min: 10,
    max: 1_000_000,
    help: 'random pages that each other process uses in each half',
  },
  pager: {
    type: 'choice',
    default: 'clock',
    choices: ['clock', 'lru'],
    help: 'replacement policy',
  },
} as const satisfies ParameterSpecs;

type MemlockParameters = ParametersOf<typeof PARAMETERS>;

function configurations(
  params: MemlockParameters,
  { cores }: { cores: number },
): MemlockParameters[] | string {
  const { neighbours } = params;
  if (neighbours + 1 > cores) {
    return `neighbours=${neighbours}: together with the greedy process they need ${neighbours + 1} cores, but a host has ${cores} (--cores)`;
  }
  const quotas = params.quota.split(',');
  const unknown = quotas.find((quota) => quota !== 'none' && parseSize(quota) === undefined);
  if (unknown !== undefined)
    return `quota=${unknown}: expected none, a size such as 8MiB, or a list`;
  return quotas.map((quota) => ({ ...params, quota }));
}

const bytesOf = (quota: string): number =>
  quota === 'none' ? Infinity : (parseSize(quota) ?? Infinity);

function machine({ quota, ram_size: memory, pager }: MemlockParameters): MachineRequest {
  return { memory, pager, memlock: bytesOf(quota), swap: 4 * memory };
}

const place = ({ neighbours }: MemlockParameters): RankPlacement[] =>
  Array.from({ length: 1 + neighbours }, (_, rank) => ({
    host: 0,
    core: rank,
    process: rank,
    role: rank === 0 ? 'greedy' : 'neighbour',
  }));

async function program(
  core: Core,
  { role, params }: Task<MemlockParameters>,
): Promise<GreedyResult | NeighbourResult> {
  return role === 'greedy' ? takes(core, params) : uses(core, params);
}

/** Locks memory, then pins more for a device, until it has enough or is refused both. */
async function takes(core: Core, { greed_size: greed }: MemlockParameters): Promise<GreedyResult> {
  await everybody(core);
  const kept: Region[] = [];
  const places: (number | undefined)[] = [];
  let refused = '';
  const pd = await (await core.openDevice()).allocatePd();
  const registered: MemoryRegion[] = [];
  const keep = async (does: (region: Region) => Promise<unknown>): Promise<void> => {
    while (kept.length * BITE < greed) {
      const region = await core.mmap(BITE);
      try {
        await does(region);
      } catch (error) {
        if (!(error instanceof VerbsError)) throw error;
        refused = error.code;
        await core.munmap(region);
        return;
      }
      kept.push(region);
      places.push(await core.pagemap(region.address));
    }
  };
  await keep((region) => core.mlock(region));
  const { locked } = await core.usage();
  await keep(async (region) => registered.push(await pd.registerMemory(region, 0)));
  const { pinned } = await core.usage();
  await everybody(core);
  await everybody(core);
  // Whatever the neighbours needed meanwhile, what is kept from the pager is where it was.
  let moved = 0;
  for (const [index, { address }] of kept.entries()) {
    if ((await core.pagemap(address)) !== places[index]) moved++;
  }
  for (const region of registered) await region.deregister();
  for (const region of kept) await core.munmap(region);
  await everybody(core);
  return { locked: locked * PAGE, pinned: pinned * PAGE, refused, moved };
}

async function uses(core: Core, params: MemlockParameters): Promise<NeighbourResult> {
  const pages = Math.floor(params.working_set_size / PAGE);
  const { address } = await core.mmap(pages * PAGE);
  for (let page = 0; page < pages; page++) {
    await core.write(address + page * PAGE, markOf(core.rank, page));
  }
  let starved = 0;
  const half = async (): Promise<[Float64Array, number]> => {
    const { majorFaults } = await core.usage();
    const latencies = new Float64Array(params.accesses);
    for (let i = 0; i < params.accesses; i++) {
      const page = Math.floor(core.random() * pages);
      const start = core.now;
      try {
        await core.touch({ address: address + page * PAGE, length: MARK }, { write: i % 4 === 0 });
      } catch (error) {
        if (!(error instanceof VerbsError) || error.code !== 'ENOMEM') throw error;
        starved++;
      }
      latencies[i] = core.now - start;
    }
    return [latencies, (await core.usage()).majorFaults - majorFaults];
  };
  const [before, faultsBefore] = await half();
  await everybody(core);
  await everybody(core);
  const [after, faultsAfter] = await half();
  await everybody(core);
  await everybody(core);
  let wrong = 0;
  for (let page = 0; page < pages; page++) {
    const mark = await core.read(address + page * PAGE, MARK);
    if (mark.some((byte, at) => byte !== markOf(core.rank, page)[at])) wrong++;
  }
  return { before, after, faultsBefore, faultsAfter, starved, wrong };
}

const markOf = (rank: number, page: number): Uint8Array =>
  Uint8Array.of(rank, page & 0xff, page >> 8, 1, 2, 3, 4, 5);

/** All ranks have come this far. */
async function everybody(core: Core): Promise<void> {
  if (core.rank !== 0) {
    await core.tell(0, 'here');
    await core.hear(0);
    return;
  }
  for (let rank = 1; rank < core.ranks; rank++) await core.hear(rank);
  for (let rank = 1; rank < core.ranks; rank++) await core.tell(rank, 'go');
}

function summarise(
  results: readonly (GreedyResult | NeighbourResult)[],
  { quota, accesses }: MemlockParameters,
): Summary {
  const [greedy, ...others] = results as [GreedyResult, ...NeighbourResult[]];
  const joined = (of: (result: NeighbourResult) => Float64Array): Float64Array =>
    Float64Array.from(others.flatMap((result) => [...of(result)]));
  const sum = (of: (result: NeighbourResult) => number): number =>
    others.reduce((soFar, result) => soFar + of(result), 0);
  const perThousand = (faults: number): number => (1000 * faults) / (accesses * others.length);
  const after = joined((result) => result.after);
  const wrong = sum((result) => result.wrong);
  const limit = bytesOf(quota);
  const metrics: Metric[] = [
    latencySummary(after),
    latencySummary(
      joined((result) => result.before),
      'latency_before',
    ),
    { name: 'fault_rate', unit: '‰', value: perThousand(sum(({ faultsAfter }) => faultsAfter)) },
    {
      name: 'fault_rate_before',
      unit: '‰',
      value: perThousand(sum(({ faultsBefore }) => faultsBefore)),
    },
    { name: 'kept', unit: 'B', value: greedy.locked + greedy.pinned },
  ];
  const within = greedy.locked <= limit && greedy.pinned <= limit;
  return {
    verified: wrong === 0 && greedy.moved === 0 && within,
    metrics,
    counters: {
      wrong_pages: wrong,
      moved_pages: greedy.moved,
      starved: sum((result) => result.starved),
    },
    samples: after,
    ...(greedy.refused === '' ? {} : { note: `the greedy process was refused: ${greedy.refused}` }),
  };
}

/** How much longer a neighbour's access takes on average with the first quota than with the last. */
function compare(results: readonly ConfigurationResult<MemlockParameters>[]): Summary | undefined {
  const [first, last] = [results[0], results.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const mean = ({ summary }: typeof first): number =>
    (summary.metrics[0] as DistributionMetric).mean;
  return {
    verified: results.every(({ summary }) => summary.verified === true),
    metrics: [{ name: 'slowdown', unit: 'x', value: mean(first) / mean(last) }],
    note: `mean latency with quota=${first.params.quota} over that with quota=${last.params.quota}`,
  };
}

export default defineWorkload({
  name: 'host/memlock',
  summary:
    'A process that locks all it can, with and without a quota, and the effect on its neighbours',
  hosts: 1,
  minHosts: 1,
  parameters: PARAMETERS,
  configurations,
  machine,
  place,
  program,
  summarise,
  compare,
});
