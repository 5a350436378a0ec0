/** The parameters of `host/paths`, and the configurations that they ask for: one per size and path. */
import { parseSize } from '../../units/size.js';
import { LIBRARY_PARAMETER, PATHS, pathsOf, type Path } from '../authoring/paths.js';
import type { ParametersOf, ParameterSpecs } from '../authoring/workload.js';

const LEAST_POWER = 4;
const MOST_POWER = 16;
/** What one UDP datagram carries over Ethernet: nothing is fragmented. */
const LONGEST_DATAGRAM = 1500 - 20 - 8;
/** The payload of a full TCP segment with time stamps. */
const SEGMENT = 1448;
/** Packets of data that a configuration sends by default: processes exchange tens of thousands a second. */
const USUAL_PACKETS = 400;
const MOST_ITERATIONS = 100;
const FEWEST_ITERATIONS = 8;
/** A connection's window has opened, and its first ACKs are no longer hurried (TCP_MAX_QUICKACKS 16). */
const USUAL_WARMUP = 20;

export const PATHS_PARAMETERS = {
  size: {
    type: 'text',
    of: 'size',
    default: 'all',
    help: 'bytes of a request and of its response: a size (64KiB), a list (16,1KiB,64KiB), or all (16 B to 64 KiB)',
  },
  path: {
    type: 'text',
    default: 'all',
    help: `path to the wire: one or a list of ${PATHS.join(', ')}; all for all of them`,
  },
  protocol: {
    type: 'choice',
    default: 'tcp',
    choices: ['tcp', 'udp'],
    help: 'for every path but rdma, which uses a reliable connection; udp up to 1472 bytes',
  },
  moderation: {
    type: 'choice',
    default: 'on',
    choices: ['on', 'off'],
    help: 'kernel only: interrupt moderation as in the profile, or off (ethtool -C rx-usecs 0)',
  },
  receiver: {
    type: 'choice',
    default: 'idle',
    choices: ['idle', 'running'],
    help: 'kernel only: programs sleep in a blocking receive, or never sleep and poll',
  },
  library: {
    ...LIBRARY_PARAMETER,
    choices: ['socket', 'direct', 'raw'],
    help: `${LIBRARY_PARAMETER.help}; raw: frames that the program writes itself (like ef_vi), with protocol=udp`,
  },
  iterations: {
    type: 'text',
    default: 'auto',
    help: 'round trips measured; auto: 100, fewer where messages take many packets',
  },
  warmup: {
    type: 'integer',
    default: USUAL_WARMUP,
    min: 0,
    max: 1e6,
    help: 'round trips before the measured ones',
  },
} as const satisfies ParameterSpecs;

type Asked = ParametersOf<typeof PATHS_PARAMETERS>;

/** What matters to some paths only; absent on the others. */
type Details = Partial<Pick<Asked, 'protocol' | 'library' | 'moderation' | 'receiver'>>;

/** One configuration, as programs get it. */
export type PathsParameters = Details & {
  readonly path: Path;
  readonly size: number;
  readonly iterations: number;
  readonly warmup: number;
};

/** One set of {@link PathsParameters} per size and path, or what is wrong with what was asked for. */
export function pathsConfigurations(params: Asked): PathsParameters[] | string {
  const paths = pathsOf(params.path);
  if (typeof paths === 'string') return paths;
  if (params.library === 'raw' && params.protocol !== 'udp') {
    return 'library=raw: needs protocol=udp';
  }
  const datagrams = params.protocol === 'udp' && paths.some((path) => path !== 'rdma');
  const sizes = sizesOf(params.size, datagrams ? LONGEST_DATAGRAM : 2 ** MOST_POWER);
  if (typeof sizes === 'string') return sizes;
  const configurations: PathsParameters[] = [];
  for (const path of paths) {
    for (const size of sizes) {
      const iterations =
        params.iterations === 'auto' ? usualIterations(size) : Number(params.iterations);
      if (!Number.isSafeInteger(iterations) || iterations < 1) {
        return `iterations=${params.iterations}: expected a whole number from 1, or auto`;
      }
      configurations.push({
        path,
        size,
        ...detailsOf(path, params),
        iterations,
        warmup: params.warmup,
      });
    }
  }
  return configurations;
}

function sizesOf(text: string, most: number): number[] | string {
  if (text === 'all') {
    const powers = Array.from({ length: MOST_POWER - LEAST_POWER + 1 }, (_, i) => i + LEAST_POWER);
    return powers.map((power) => 2 ** power).filter((size) => size <= most);
  }
  const sizes: number[] = [];
  for (const each of text.split(',')) {
    const size = parseSize(each);
    if (size === undefined) return `size=${each}: expected a size such as 64KiB, a list, or all`;
    if (size < 1 || size > most) return `size=${each.trim()}: must be from 1 to ${most} bytes`;
    sizes.push(size);
  }
  return sizes;
}

const usualIterations = (size: number): number =>
  Math.min(
    Math.max(Math.floor(USUAL_PACKETS / (2 * Math.ceil(size / SEGMENT))), FEWEST_ITERATIONS),
    MOST_ITERATIONS,
  );

function detailsOf(path: Path, { protocol, moderation, receiver, library }: Asked): Details {
  switch (path) {
    case 'kernel':
      return { protocol, moderation, receiver };
    case 'busy-poll':
      return { protocol };
    case 'bypass':
      return { protocol, library };
    case 'rdma':
      return {};
  }
}
