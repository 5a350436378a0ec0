/** The parameters that every micro benchmark takes, and the configurations that they ask for: one per size. */
import { formatSize, parseSize } from '../../units/size.js';
import type { ClusterShape, Parameters, ParameterSpec } from '../authoring/workload.js';

/** perftest's `-a`: 2, 4, ... 8 MiB. */
const LARGEST_OF_ALL = 23;
const MAX_SIZE = 2 ** 31;
/** Packets of a size that a run sends by default: processes exchange tens of thousands a second. */
const USUAL_PACKETS = 2000;
const FEWEST_ITERATIONS = 4;

/** One configuration, as programs get it. */
export interface MicroParameters {
  readonly size: number;
  readonly iterations: number;
  readonly warmup: number;
  /** For a bandwidth or rate: messages posted but not completed, per queue pair. */
  readonly outstanding: number;
  readonly inline: 'auto' | 'on' | 'off';
  readonly qps: number;
  readonly type: 'RC';
  /** Of atomics. */
  readonly op: 'fetch-add' | 'cas';
}

/** What tells one benchmark's parameters from another's. */
export interface MicroShape {
  readonly defaultSize: number;
  readonly leastSize: number;
  readonly mostSize?: number;
  /** Longest message that goes inline unless told otherwise, as perftest has it; 0 where nothing can. */
  readonly inlineUpTo: number;
  readonly latency: boolean;
  /** For a latency: one-way trips of a message in one iteration. */
  readonly ways?: 1 | 2;
  readonly defaultQps?: number;
}

/** perftest's tx-depth. */
const OUTSTANDING = 128;

export function parameterSpecs(shape: MicroShape): Record<string, ParameterSpec> {
  return {
    size: {
      default: formatSize(shape.defaultSize),
      type: 'text',
      of: 'size',
      help: 'bytes of a message: one size (64KiB), a list (8,64,4KiB), or all (2 B to 8 MiB)',
    },
    iterations: {
      default: 'auto',
      type: 'text',
      help: shape.latency
        ? 'operations measured; auto: 1000, fewer where messages take many packets'
        : 'messages measured, per queue pair; auto: what 2000 packets carry',
    },
    warmup: {
      default: 'auto',
      type: 'text',
      help: shape.latency
        ? 'operations before the first measured one; auto: 10'
        : 'messages before and after the measured ones, per queue pair; 0: from the first post to the last completion',
    },
    ...(!shape.latency && {
      outstanding: {
        default: 'auto',
        type: 'text',
        help: 'messages posted but not completed, per queue pair; auto: 128',
      },
    }),
    inline: {
      default: 'auto',
      type: 'choice',
      choices: ['auto', 'on', 'off'],
      help: 'data in the work request itself; auto: for SEND up to 236 bytes, for WRITE up to 220',
    },
    qps: {
      default: shape.defaultQps ?? 1,
      type: 'integer',
      min: 1,
      max: 1024,
      help: 'queue pairs, used in turn',
    },
    type: {
      default: 'RC',
      type: 'choice',
      choices: ['RC', 'UC', 'UD'],
      help: 'transport service; RC only in this version',
    },
  };
}

/** One set of {@link MicroParameters} per size, or what is wrong with what was asked for. */
export function microConfigurations(
  shape: MicroShape,
  params: Parameters,
  cluster: ClusterShape,
): Parameters[] | string {
  if (params['type'] !== 'RC') {
    return `type=${params['type']!}: only RC queue pairs are available in this version`;
  }
  const sizes = sizesOf(String(params['size']), shape);
  if (typeof sizes === 'string') return sizes;
  const configurations: Parameters[] = [];
  for (const size of sizes) {
    const refused = refuseInline(shape, String(params['inline']), size, cluster);
    if (refused !== undefined) return refused;
    const usual = usualCounts(shape, size, Number(params['qps']), cluster);
    const counts: Record<string, number> = {};
    for (const [name, { count, least }] of Object.entries(usual)) {
      const text = String(params[name]);
      const value = text === 'auto' ? count : wholeNumber(text);
      if (value === undefined || value < least) {
        return `${name}=${text}: expected a whole number from ${least}, or auto`;
      }
      counts[name] = value;
    }
    configurations.push({ ...params, size, ...counts });
  }
  return configurations;
}

interface Count {
  readonly count: number;
  readonly least: number;
}

function usualCounts(
  shape: MicroShape,
  size: number,
  qps: number,
  cluster: ClusterShape,
): Record<string, Count> {
  const packets = Math.max(1, Math.ceil(size / cluster.mtu));
  if (shape.latency) {
    const iterations = Math.floor(USUAL_PACKETS / (packets * (shape.ways ?? 2)));
    return {
      iterations: { count: Math.min(Math.max(iterations, FEWEST_ITERATIONS), 1000), least: 1 },
      warmup: { count: Math.min(10, FEWEST_ITERATIONS + iterations), least: 0 },
    };
  }
  const iterations = Math.floor(USUAL_PACKETS / (packets * qps));
  return {
    iterations: { count: Math.max(iterations, FEWEST_ITERATIONS), least: 1 },
    warmup: { count: Math.min(OUTSTANDING, Math.ceil(USUAL_PACKETS / 8 / packets)), least: 0 },
    outstanding: { count: OUTSTANDING, least: 1 },
  };
}

function refuseInline(
  shape: MicroShape,
  inline: string,
  size: number,
  { maxInline }: ClusterShape,
): string | undefined {
  if (inline !== 'on') return undefined;
  if (shape.inlineUpTo === 0) return 'inline=on: only data of SEND and WRITE can be inline';
  if (size <= maxInline) return undefined;
  return `inline=on: the device takes ${maxInline} bytes inline, but size is ${size}`;
}

function sizesOf(text: string, shape: MicroShape): number[] | string {
  const { leastSize: least, mostSize: most = MAX_SIZE } = shape;
  if (least === most && parseSize(text) !== least) return `size=${text}: must be ${least}`;
  if (text === 'all') return Array.from({ length: LARGEST_OF_ALL }, (_, power) => 2 ** (power + 1));
  const sizes: number[] = [];
  for (const each of text.split(',')) {
    const size = parseSize(each);
    if (size === undefined) {
      return `size=${text}: expected a size such as 64KiB, a list of sizes, or all`;
    }
    if (size < least || size > most) {
      return `size=${each.trim()}: must be from ${least} to ${most} bytes`;
    }
    sizes.push(size);
  }
  return sizes;
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d+(?:e\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
