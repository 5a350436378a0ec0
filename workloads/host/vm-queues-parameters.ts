/** The parameters of `host/vm-queues`, and the configurations that they ask for. */
import { formatDuration } from '../../units/time.js';
import type { ClusterShape, ParametersOf, ParameterSpecs } from '../authoring/workload.js';

const QUEUES = ['shared', 'own'] as const;
const NOISES = ['none', 'in', 'out', 'both'] as const;
const IOMMUS = ['off', 'on'] as const;

/** Two machines and their peers talk. */
export type TrafficParameters = {
  readonly queues: (typeof QUEUES)[number];
  readonly noise: (typeof NOISES)[number];
  /** Gb/s that the noisy machine may send; 0 for no limit. */
  readonly rate: number;
  readonly iterations: number;
  readonly interval: string;
  readonly size: number;
  readonly noise_size: number;
};

/** One machine has its NIC write into the other. */
export type AttackParameters = {
  readonly queues: 'own';
  readonly iommu: (typeof IOMMUS)[number];
  readonly attempts: number;
};

export type VmQueuesParameters = TrafficParameters | AttackParameters;

export const isAttack = (params: VmQueuesParameters): params is AttackParameters =>
  'iommu' in params;

const LONGEST_DATAGRAM = 1472;
/** A number, and a byte of a pattern at the least. */
const LEAST_DATAGRAM = 16;
export const MOST_ATTEMPTS = 32;

export const VM_QUEUES_PARAMETERS = {
  queues: {
    type: 'text',
    default: 'all',
    help: `one or a list of ${QUEUES.join(', ')}: the host's queue and a software switch, or separate queues for each VM (SR-IOV)`,
  },
  noise: {
    type: 'text',
    default: 'none,both',
    help: `traffic of the noisy VM: one or a list of ${NOISES.join(', ')}`,
  },
  rate: {
    type: 'text',
    of: 'rate',
    default: '0,0.5',
    help: 'rate limit of the noisy VM in Gb/s: one or a list; 0 for no limit',
  },
  iommu: {
    type: 'text',
    default: 'off,on',
    help: 'one VM has its NIC write into the other, without and with an IOMMU: off, on, both as a list, or none',
  },
  iterations: {
    type: 'integer',
    default: 200,
    min: 1,
    max: 1e6,
    help: 'requests to the latency-critical VM',
  },
  interval: {
    type: 'duration',
    default: '20us',
    min: 1,
    help: 'mean time between requests; they are sent at random times, answered or not',
  },
  size: {
    type: 'size',
    default: 64,
    min: LEAST_DATAGRAM,
    max: LONGEST_DATAGRAM,
    help: 'bytes of a request and of its response',
  },
  noise_size: {
    type: 'size',
    default: 1400,
    min: LEAST_DATAGRAM,
    max: LONGEST_DATAGRAM,
    help: 'bytes of a datagram to or from the noisy VM',
  },
  attempts: {
    type: 'integer',
    default: 16,
    min: 1,
    max: MOST_ATTEMPTS,
    help: 'pages of the other VM that a VM tries to write into',
  },
} as const satisfies ParameterSpecs;

/** One set of parameters for each combination, or what is wrong with what was asked for. */
export function vmQueuesConfigurations(
  params: ParametersOf<typeof VM_QUEUES_PARAMETERS>,
  { clock }: ClusterShape,
): VmQueuesParameters[] | string {
  if (clock === 'real') return 'it measures modelled cores and needs --clock virtual';
  const queues = choicesOf('queues', params.queues, QUEUES);
  const noises = choicesOf('noise', params.noise, NOISES);
  const iommus = params.iommu === 'none' ? [] : choicesOf('iommu', params.iommu, IOMMUS);
  if (typeof queues === 'string') return queues;
  if (typeof noises === 'string') return noises;
  if (typeof iommus === 'string') return iommus;
  const rates = textsOf(params.rate).map((text) => (text === '' ? NaN : Number(text)));
  if (!rates.every((rate) => rate >= 0 && rate <= 1000)) {
    return `rate=${params.rate}: expected Gb/s from 0 to 1000, or a list`;
  }
  const { attempts, iterations, size, noise_size } = params;
  const interval = formatDuration(params.interval);
  const configurations: VmQueuesParameters[] = [];
  for (const noise of noises) {
    // A limit is of what the noisy machine sends.
    const limits = noise === 'out' || noise === 'both' ? rates : [0];
    for (const rate of limits) {
      for (const each of queues) {
        configurations.push({ queues: each, noise, rate, iterations, interval, size, noise_size });
      }
    }
  }
  for (const iommu of iommus) configurations.push({ queues: 'own', iommu, attempts });
  return configurations;
}

const textsOf = (asked: string): string[] => asked.split(',').map((text) => text.trim());

function choicesOf<T extends string>(
  name: string,
  asked: string,
  known: readonly T[],
): readonly T[] | string {
  const texts = textsOf(asked);
  if (texts.length === 1 && texts[0] === 'all') return known;
  const wrong = texts.find((text) => !known.some((each) => each === text));
  if (wrong !== undefined) return `${name}=${wrong}: expected ${known.join(', ')}, or a list`;
  return known.filter((each) => texts.includes(each));
}
