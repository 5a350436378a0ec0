/**
 * The parameters of `host/rss`, and the configurations that they ask for: every combination of what is given as a list.
 */
import { formatDuration, parseDuration, PS_PER_MS, type Picoseconds } from '../../units/time.js';
import type { ClusterShape, ParametersOf, ParameterSpecs } from '../authoring/workload.js';
import { LEAST_PAYLOAD, MOST_PAYLOAD } from './flow-frames.js';
import type { Placement } from './flow-set.js';

const STEERINGS = ['single', 'rss', 'spray', 'rfs'] as const;
export type Steering = (typeof STEERINGS)[number];

const PLACEMENTS = ['aligned', 'scattered'] as const;
const MOST_FLOWS = 10_000;

/** One configuration, as programs get it. */
export type RssParameters = {
  readonly steering: Steering;
  readonly queues: number;
  readonly flows: number;
  readonly placement: Placement;
  /** `equal`, `skewed`, `repaired`, or weights as 8:1:1:1. */
  readonly table: string;
  /** Million packets per second, for each core. */
  readonly offered: number;
  /** Lengths of time with their units, as results show them; see {@link lengthOf}. */
  readonly warmup: string;
  readonly window: string;
  readonly work: string;
  /** Packets whose latency is measured, and how many come in a second (millions). */
  readonly iterations: number;
  readonly light: number;
  readonly size: number;
};

export const lengthOf = (text: string): Picoseconds => parseDuration(text)!;

export const RSS_PARAMETERS = {
  steering: {
    type: 'text',
    default: 'all',
    help: 'how packets are distributed over the queues: single, rss, spray (in turn), rfs, a list, or all',
  },
  queues: {
    type: 'text',
    default: 'all',
    help: 'receive queues, each served by a core: a number, a list, cores (one per core), or all (1, 2, 4, ... up to the cores)',
  },
  flows: {
    type: 'text',
    default: '256',
    help: `number of flows from 1 to ${MOST_FLOWS}, or a list`,
  },
  placement: {
    type: 'text',
    default: 'aligned',
    help: 'aligned: the program of a flow runs on the core that an equal table sends it to; scattered: anywhere; a list, or both',
  },
  table: {
    type: 'text',
    default: 'equal',
    help: 'indirection table: equal, skewed (half of it to one queue), repaired (skewed, then made equal), weights such as 8:1:1:1, or a list',
  },
  offered: {
    type: 'number',
    default: 0.8,
    min: 0.001,
    max: 4,
    help: 'million packets/s offered per core while the rate is measured: more than a core can serve',
  },
  warmup: {
    type: 'duration',
    default: '1ms',
    min: 0,
    max: PS_PER_MS * 1000,
    help: 'how long that load runs before the rate is measured',
  },
  window: {
    type: 'duration',
    default: '5ms',
    min: PS_PER_MS / 100,
    max: PS_PER_MS * 10_000,
    help: 'how long the rate is measured',
  },
  iterations: {
    type: 'integer',
    default: 500,
    min: 1,
    max: 1_000_000,
    help: 'packets whose latency is measured first, under light load, after a fifth as many warm-up packets',
  },
  light: {
    type: 'number',
    default: 0.05,
    min: 1e-4,
    max: 4,
    help: 'million packets/s in total while latency is measured',
  },
  size: {
    type: 'size',
    default: 18,
    min: LEAST_PAYLOAD,
    max: MOST_PAYLOAD,
    help: 'payload of a packet; 18 bytes give the shortest frame',
  },
  work: {
    type: 'duration',
    default: '0ns',
    min: 0,
    help: 'time that a program works on each packet',
  },
} as const satisfies ParameterSpecs;

type Asked = ParametersOf<typeof RSS_PARAMETERS>;

/** One set of {@link RssParameters} for each combination, or what is wrong with what was asked for. */
export function rssConfigurations(params: Asked, cluster: ClusterShape): RssParameters[] | string {
  if (cluster.clock === 'real') {
    return 'it measures cores of a modelled host and needs --clock virtual';
  }
  const steerings = namesOf('steering', params.steering, STEERINGS, 'all');
  const placements = namesOf('placement', params.placement, PLACEMENTS, 'both');
  const queues =
    params.queues === 'all'
      ? doublings(cluster.cores)
      : params.queues === 'cores'
        ? [cluster.cores]
        : numbersOf(
            'queues',
            params.queues,
            cluster.cores,
            `the host has ${cluster.cores} (--cores)`,
          );
  const flows = numbersOf('flows', params.flows, MOST_FLOWS, `at most ${MOST_FLOWS}`);
  if (typeof steerings === 'string') return steerings;
  if (typeof placements === 'string') return placements;
  if (typeof queues === 'string') return queues;
  if (typeof flows === 'string') return flows;
  const common = {
    ...params,
    warmup: formatDuration(params.warmup),
    window: formatDuration(params.window),
    work: formatDuration(params.work),
  };
  const configurations: RssParameters[] = [];
  for (const table of listOf(params.table)) {
    for (const placement of placements) {
      for (const flow of flows) {
        for (const queue of queues) {
          const wrong = tableProblem(table, queue);
          if (wrong !== undefined) return wrong;
          for (const steering of steerings) {
            configurations.push({
              ...common,
              steering,
              queues: queue,
              flows: flow,
              placement,
              table,
            });
          }
        }
      }
    }
  }
  return configurations;
}

/** The weights that a table has at first, and whether it is made equal before the rate is measured. */
export function tableOrders(
  table: string,
  queues: number,
): { readonly weights: number[] | undefined; readonly repaired: boolean } {
  if (table === 'equal') return { weights: undefined, repaired: false };
  if (table === 'skewed' || table === 'repaired') {
    return { weights: skewedWeights(queues), repaired: table === 'repaired' };
  }
  return { weights: table.split(':').map(Number), repaired: false };
}

/** The first queue gets as much as all others together, and as much again as one of them. */
const skewedWeights = (queues: number): number[] =>
  Array.from({ length: queues }, (_, queue) => (queue === 0 ? queues : 1));

function tableProblem(table: string, queues: number): string | undefined {
  if (['equal', 'skewed', 'repaired'].includes(table)) return undefined;
  const weights = table.split(':').map((weight) => (/^\d+$/.test(weight) ? Number(weight) : NaN));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!(sum > 0 && sum <= 128)) {
    return `table=${table}: expected equal, skewed, repaired, or weights such as 8:1:1:1 (their sum at most 128)`;
  }
  if (weights.length > queues) {
    return `table=${table}: ${weights.length} weights, and ${queues} queues`;
  }
  return undefined;
}

const listOf = (text: string): string[] => text.split(',').map((each) => each.trim());

function namesOf<T extends string>(
  name: string,
  asked: string,
  known: readonly T[],
  every: string,
): T[] | string {
  const list = listOf(asked);
  if (list.length === 1 && list[0] === every) return [...known];
  const names: T[] = [];
  for (const each of list) {
    const found = known.find((one) => one === each);
    if (found === undefined) {
      return `${name}=${each}: expected ${known.join(', ')}, a list of them, or ${every}`;
    }
    names.push(found);
  }
  return names;
}

function numbersOf(name: string, asked: string, most: number, why: string): number[] | string {
  const numbers: number[] = [];
  for (const text of listOf(asked)) {
    const value = /^\d+(?:e\d+)?$/i.test(text) ? Number(text) : NaN;
    if (!(value >= 1 && value <= most)) {
      return `${name}=${text}: expected a whole number from 1, or a list; ${why}`;
    }
    numbers.push(value);
  }
  return numbers;
}

/** 1, 2, 4, ..., and the number itself. */
function doublings(most: number): number[] {
  const values: number[] = [];
  for (let value = 1; value < most; value *= 2) values.push(value);
  return [...values, most];
}
