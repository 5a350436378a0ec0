/**
 * Results: what a run leaves behind as JSON, schema `pinwire/1` (docs/results.schema.json).
 * With a virtual clock everything but `run` is the same, byte for byte, for the same seed and options.
 */
import type { ClusterInfo } from '../plan/cluster-shape.js';
import type { DistributionMetric, Metric } from '../../workloads/authoring/workload.js';
import type { CostInfo } from '../run/run-cost.js';
import type { UnfinishedRun } from '../run/unfinished-run.js';

export type { DistributionMetric, Metric } from '../../workloads/authoring/workload.js';

export const RESULTS_SCHEMA = 'pinwire/1';

/** What may differ between two runs of the same seed and options. */
export interface RunInfo {
  readonly placement: 'process' | 'embedded' | 'joined';
  readonly coreRuntime: 'worker' | 'inline';
  readonly pids: readonly number[];
  /** From the command to the first virtual instant, in seconds of wall clock. */
  readonly start_s: number;
  /** From the first to the last virtual instant, in seconds of wall clock. */
  readonly wall_s: number;
  readonly events: number;
  readonly packets: number;
  readonly rounds: number;
  /** Why it ended before its time, in one line. */
  readonly error?: string;
  /** What is known of the run that failed or was interrupted. */
  readonly unfinished?: UnfinishedRun;
  /** What there is to know although it is no failure, a line each. */
  readonly notes?: readonly string[];
  /** What the runs cost between processes, where there are several. */
  readonly cost?: CostInfo;
  /** The version of Node.js. */
  readonly node: string;
  /** What followed `pinwire` on the command line. */
  readonly argv: readonly string[];
  /** The version of pinwire. */
  readonly pinwire?: string;
  /** When the run began, ISO 8601. */
  readonly when?: string;
}

export type ParamValue = string | number | boolean;
export type Params = Readonly<Record<string, ParamValue>>;

/** Counts by name; a group of counts (one host, say) is an object of its own. */
export interface Counters {
  readonly [name: string]: number | Counters;
}

/** What `core.count` came to: by name, the count of each host that counted. */
export type CountedByHost = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A share of the median operation's latency; the names are those of sim/stages.ts. */
export interface Stage {
  readonly name: string;
  readonly ps: number;
}

/** What the numbers among the parameters are, by name; of a parameter without a unit nothing. */
export type ParameterKinds = Readonly<Record<string, 'size' | 'duration' | 'rate' | undefined>>;

export interface WorkloadResult {
  readonly workload: string;
  readonly params: Params;
  /** false: it ran and what it did was wrong; null: there was nothing to verify, and `note` says why. */
  readonly verified: boolean | null;
  readonly note?: string;
  readonly metrics: readonly Metric[];
  readonly stages?: readonly Stage[];
  readonly counters?: Counters;
  readonly virtual_ns: number;
  readonly trace_hash: string;
  /** For people; not in the file. */
  readonly kinds?: ParameterKinds;
  /** What programs counted, by name and then by host. For people: in the file it is among the counters. */
  readonly counted?: CountedByHost;
}

export interface Results {
  readonly schema: typeof RESULTS_SCHEMA;
  readonly run: RunInfo;
  readonly cluster: ClusterInfo;
  readonly results: readonly WorkloadResult[];
}

/** From this number of operations on, ten or more lie beyond the 99.9th percentile. */
const FAR_TAIL = 10_000;

/** Whether p99.9 says more than the maximum does: only then people are shown it. */
export const hasFarTail = ({ count }: DistributionMetric): boolean => count >= FAR_TAIL;

export const isDistribution = (metric: Metric): metric is DistributionMetric => 'p50' in metric;

/** The text of a results file: keys in the order above, parameters in their own, counters by name. */
export function formatResults(results: Results): string {
  const { run, cluster } = results;
  const ordered = {
    schema: results.schema,
    run: pick(run, RUN_KEYS),
    cluster: pick(cluster, CLUSTER_KEYS),
    results: results.results.map((result) => ({
      ...pick(result, RESULT_KEYS),
      metrics: result.metrics.map((metric) => pick(metric, METRIC_KEYS)),
      ...(result.stages && { stages: result.stages.map(({ name, ps }) => ({ name, ps })) }),
      ...(result.counters && { counters: sortedCounters(result.counters) }),
      virtual_ns: result.virtual_ns,
      trace_hash: result.trace_hash,
    })),
  };
  return `${JSON.stringify(ordered, finiteOnly, 2)}\n`;
}

const RUN_KEYS = [
  'when',
  'pinwire',
  'node',
  'argv',
  'placement',
  'coreRuntime',
  'pids',
  'start_s',
  'wall_s',
  'events',
  'packets',
  'rounds',
  'error',
  'unfinished',
  'notes',
  'cost',
];
const CLUSTER_KEYS = ['hosts', 'cores', 'profile', 'clock', 'topology', 'mtu', 'noise', 'seed'];
const RESULT_KEYS = ['workload', 'params', 'verified', 'note'];
const METRIC_KEYS = [
  ...['name', 'unit', 'value', 'count', 'min', 'p50', 'p90', 'p99', 'p99.9', 'max'],
  ...['mean', 'stddev'],
];

function pick(from: object, keys: readonly string[]): Record<string, unknown> {
  const values = from as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    keys.filter((key) => values[key] !== undefined).map((key) => [key, values[key]]),
  );
}

function sortedCounters(counters: Counters): Counters {
  return Object.fromEntries(
    Object.keys(counters)
      .sort()
      .map((name) => {
        const value = counters[name]!;
        return [name, typeof value === 'number' ? value : sortedCounters(value)];
      }),
  );
}

/** JSON has no NaN and no Infinity, and `null` in their place would hide our mistake. */
function finiteOnly(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`results: ${key} is ${value}`);
  }
  return value;
}
