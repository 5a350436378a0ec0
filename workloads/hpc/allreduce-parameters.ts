/** The parameters of `hpc/allreduce`, and the configurations that they ask for: one per size. */
import { parseSize } from '../../units/size.js';
import { LIBRARY_PARAMETER, PATH_PARAMETER, pathsOf, withPath } from '../authoring/paths.js';
import type {
  ClusterShape,
  ParametersOf,
  ParameterSpecs,
  RankPlacement,
} from '../authoring/workload.js';
import { doublingSteps } from './recursive-doubling.js';
import { ringSteps } from './ring-allreduce.js';
import { BYTES_PER_ELEMENT } from './vector.js';

/**
 * Where `auto` goes over from recursive doubling to the ring: the two cross there for 2 to 8 ranks. MPI libraries go
 * over to an algorithm of many small steps between 2 KiB and 32 KiB.
 */
const RING_FROM_BYTES = 64 * 1024;
const MOST_BYTES = 2 ** 30;
/** Packets that a size sends by default: processes exchange tens of thousands a second. */
const USUAL_PACKETS = 8000;
const MOST_ITERATIONS = 100;
const FEWEST_ITERATIONS = 4;

export const ALLREDUCE_PARAMETERS = {
  algorithm: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'ring', 'recursive-doubling'],
    help: 'auto: recursive doubling below 64 KiB, ring from there on',
  },
  size: {
    type: 'text',
    of: 'size',
    default: '8 B',
    help: "bytes of every rank's vector: one size (64KiB) or a list (8,4KiB,64KiB)",
  },
  iterations: {
    type: 'text',
    default: 'auto',
    help: 'operations measured; auto: 100, fewer where they take many packets',
  },
  ranks: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 65_536,
    help: 'number of ranks; 0 for as many as fit',
  },
  'ranks-per-host': {
    type: 'integer',
    default: 1,
    min: 1,
    max: 256,
    help: 'ranks on each host, one core per rank',
  },
  path: PATH_PARAMETER,
  library: LIBRARY_PARAMETER,
} as const satisfies ParameterSpecs;

type Asked = ParametersOf<typeof ALLREDUCE_PARAMETERS>;

/** One configuration, as programs get it. */
export type AllreduceParameters = ReturnType<typeof withPath<Chosen>>;

interface Chosen extends Omit<Asked, 'algorithm' | 'size' | 'iterations'> {
  readonly algorithm: 'ring' | 'recursive-doubling';
  readonly size: number;
  readonly iterations: number;
}

/** One set of {@link AllreduceParameters} per size, or what is wrong with what was asked for. */
export function allreduceConfigurations(
  params: Asked,
  cluster: ClusterShape,
): AllreduceParameters[] | string {
  const paths = pathsOf(params.path);
  if (typeof paths === 'string') return paths;
  const perHost = params['ranks-per-host'];
  if (perHost > cluster.cores) {
    return `ranks-per-host=${perHost}: a host has ${cluster.cores} cores (--cores)`;
  }
  const room = cluster.hosts * perHost;
  const ranks = params.ranks || room;
  if (ranks > room) {
    return `ranks=${ranks}: ${cluster.hosts} hosts of ${perHost} ranks each take ${room}`;
  }
  const configurations: Chosen[] = [];
  for (const text of params.size.split(',')) {
    const size = parseSize(text);
    if (size === undefined) return `size=${text}: expected a size such as 64KiB, or a list of them`;
    if (size === 0 || size > MOST_BYTES || size % BYTES_PER_ELEMENT !== 0) {
      return `size=${text}: a vector of doubles is a multiple of 8 bytes, up to 1 GiB`;
    }
    const algorithm = algorithmOf(params.algorithm, size);
    const usual = usualIterations(algorithm, size, ranks, cluster.mtu);
    const iterations = params.iterations === 'auto' ? usual : Number(params.iterations);
    if (!Number.isSafeInteger(iterations) || iterations < 1) {
      return `iterations=${params.iterations}: expected a whole number from 1, or auto`;
    }
    configurations.push({ ...params, algorithm, size, iterations, ranks });
  }
  return paths.flatMap((path) => configurations.map((each) => withPath(each, path)));
}

/** Ranks fill one host after another, as MPI's `--map-by slot` has them. */
export function placeRanks(params: AllreduceParameters): RankPlacement[] {
  const perHost = params['ranks-per-host'];
  return Array.from({ length: params.ranks }, (_, rank) => ({
    host: Math.floor(rank / perHost),
    core: rank % perHost,
    role: 'rank',
  }));
}

function algorithmOf(asked: Asked['algorithm'], size: number): AllreduceParameters['algorithm'] {
  if (asked !== 'auto') return asked;
  return size < RING_FROM_BYTES ? 'recursive-doubling' : 'ring';
}

function usualIterations(
  algorithm: AllreduceParameters['algorithm'],
  size: number,
  ranks: number,
  mtu: number,
): number {
  const [steps, bytes] =
    algorithm === 'ring' ? [ringSteps(ranks), size / ranks] : [doublingSteps(ranks), size];
  const packets = Math.max(1, ranks * steps * Math.ceil(bytes / mtu));
  const iterations = Math.floor(USUAL_PACKETS / packets);
  return Math.min(Math.max(iterations, FEWEST_ITERATIONS), MOST_ITERATIONS);
}
