/** The ways through the host that a workload can run over, and what comparing them comes to. */
import type { NetworkOptions } from '../../node/program/sockets.js';
import type {
  ConfigurationResult,
  DistributionMetric,
  Metric,
  ParameterSpec,
  Summary,
} from './workload.js';

export const PATHS = ['kernel', 'busy-poll', 'bypass', 'rdma'] as const;
export type Path = (typeof PATHS)[number];

/** The parameter of a workload that runs over `rdma` by default. */
export const PATH_PARAMETER = {
  type: 'choice',
  default: 'rdma',
  choices: ['rdma', 'kernel', 'busy-poll', 'bypass', 'all'],
  help: 'path to the wire: verbs, kernel sockets, polled kernel sockets, or sockets inside the program; all compares them',
} as const satisfies ParameterSpec;

export const LIBRARY_PARAMETER = {
  type: 'choice',
  default: 'socket',
  choices: ['socket', 'direct'],
  help: 'bypass only: full sockets inside the program (like Onload), or a thin interface (like TCPDirect)',
} as const satisfies ParameterSpec;

type Library = 'socket' | 'direct';

interface NetworkParameters {
  readonly path: Path;
  readonly library?: Library;
}

/** The configuration over one path: `library` matters to bypass alone. */
export function withPath<Asked extends { readonly library: Library }>(
  { library, ...params }: Asked,
  path: Path,
): Omit<Asked, 'library'> & NetworkParameters {
  return { ...params, path, ...(path === 'bypass' && { library }) };
}

/** The paths that `text` names, in their own order, or what is wrong with it. */
export function pathsOf(text: string): readonly Path[] | string {
  if (text === 'all') return PATHS;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !PATHS.some((path) => path === name));
  if (unknown !== undefined) return `path=${unknown}: expected one of ${PATHS.join(', ')}, or all`;
  return PATHS.filter((path) => names.includes(path));
}

/** The sockets of a configuration that is not over RDMA. */
export function networkOptions({ path, library }: NetworkParameters): NetworkOptions {
  if (path === 'rdma') throw new Error('verbs have no sockets');
  return { path, ...(library !== undefined && { library }) };
}

/**
 * How many times slower than RDMA each other path is, among results that differ in nothing else that matters; `labelOf`
 * tells what else does, and which are left out (undefined). Undefined if there is nothing to compare.
 */
export function comparePaths<Configuration extends { readonly path: Path }>(
  results: readonly ConfigurationResult<Configuration>[],
  labelOf: (params: Configuration) => string | undefined,
): Summary | undefined {
  const rows = results.map(({ params, summary }) => ({
    path: params.path,
    label: labelOf(params),
    median: medianOf(summary),
  }));
  const metrics = rows.flatMap(({ path, label, median }): Metric[] => {
    const rdma = rows.find((row) => row.path === 'rdma' && row.label === label)?.median;
    if (path === 'rdma' || label === undefined || !rdma || median === undefined) return [];
    const name = [path.replace('-', '_'), 'over_rdma', label].filter((part) => part !== '');
    return [{ name: name.join('_'), unit: 'times', value: median / rdma }];
  });
  if (metrics.length === 0) return undefined;
  return { verified: results.every(({ summary }) => summary.verified === true), metrics };
}

const medianOf = ({ metrics }: Summary): number | undefined =>
  metrics.find(
    (metric): metric is DistributionMetric => metric.name === 'latency' && 'p50' in metric,
  )?.p50;
