/**
 * Results that belong in one table or one plot: the same workload, the same figures, and which parameters tell them
 * apart.
 */
import {
  isDistribution,
  type ParameterKinds,
  type ParamValue,
  type WorkloadResult,
} from './results.js';

/** A result and its place in the list, by which its samples are found. */
export interface Entry {
  readonly index: number;
  readonly result: WorkloadResult;
  /** The last result of a comparison has no parameters: it says what the others come to. */
  readonly concludes: boolean;
}

export interface ResultGroup {
  readonly entries: readonly Entry[];
  readonly workloads: readonly string[];
  /** Parameters that differ from row to row, `size` last: what a plot has as its x axis. */
  readonly varying: readonly string[];
  /** Parameters that are the same in every row that has them. */
  readonly fixed: readonly (readonly [name: string, value: ParamValue])[];
  /** Undefined where nobody knows. */
  readonly kinds: ParameterKinds | undefined;
}

/** Rows of the same figures and the same area (`micro/`) together, in the order they first appear. */
export function groupByFigures(results: readonly WorkloadResult[]): ResultGroup[] {
  return groupBy(results, ({ result, concludes }) => {
    const figures = result.metrics.map((metric) => [
      metric.name,
      metric.unit,
      isDistribution(metric),
    ]);
    // A comparison of configurations is a table of its own; single measurements share one.
    const area = result.workload.startsWith('micro/') ? 'micro/' : result.workload;
    return JSON.stringify([area, concludes, figures]);
  });
}

export const groupByWorkload = (results: readonly WorkloadResult[]): ResultGroup[] =>
  groupBy(results, ({ result }) => result.workload);

function groupBy(results: readonly WorkloadResult[], key: (entry: Entry) => string): ResultGroup[] {
  const groups = new Map<string, Entry[]>();
  const compared = new Set(results.filter(hasParams).map(({ workload }) => workload));
  for (const [index, result] of results.entries()) {
    // A workload that simply has no parameters concludes nothing.
    const concludes = !hasParams(result) && compared.has(result.workload);
    const entry = { index, result, concludes };
    const entries = groups.get(key(entry));
    if (entries === undefined) groups.set(key(entry), [entry]);
    else entries.push(entry);
  }
  return [...groups.values()].map(describe);
}

const hasParams = ({ params }: WorkloadResult): boolean => Object.keys(params).length > 0;

function describe(entries: readonly Entry[]): ResultGroup {
  const values = new Map<string, Set<ParamValue>>();
  for (const { result } of entries) {
    for (const [name, value] of Object.entries(result.params)) {
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  }
  const varying = [...values]
    .filter(([name, seen]) => seen.size > 1 && !followsSize(entries, name))
    .map(([name]) => name);
  return {
    entries,
    kinds: entries[0]?.result.kinds,
    workloads: [...new Set(entries.map(({ result }) => result.workload))],
    varying: varying.includes('size')
      ? [...varying.filter((name) => name !== 'size'), 'size']
      : varying,
    fixed: [...values].flatMap(([name, seen]) =>
      seen.size === 1 ? [[name, [...seen][0]!] as const] : [],
    ),
  };
}

/** How much was measured says nothing of what was: it only follows the size, and tells no rows apart. */
const EFFORT: readonly string[] = ['iterations', 'warmup'];

function followsSize(entries: readonly Entry[], name: string): boolean {
  if (!EFFORT.includes(name)) return false;
  const bySize = new Map<ParamValue | undefined, ParamValue | undefined>();
  for (const { result } of entries) {
    const { size } = result.params;
    const value = result.params[name];
    if (bySize.has(size) && bySize.get(size) !== value) return false;
    bySize.set(size, value);
  }
  return bySize.size > 1;
}
