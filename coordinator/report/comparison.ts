/**
 * Two results files side by side: what `pinwire compare` prints. Results are paired by workload and parameters, in the
 * order of the first file. With a virtual clock the same seed and options give equal results; `run`, which says where
 * and when they were made, is not compared.
 */
import { formatParam, plainText } from './figures.js';
import { isDistribution, type Metric, type Results, type WorkloadResult } from './results.js';

export interface ComparisonOptions {
  /**
   * Figures that differ by no more than this share of the first are equal; then hashes and counters do not count. 0:
   * exact.
   */
  readonly tolerance: number;
}

export interface Comparison {
  /** What differs, one line each; none if the files are equal. */
  readonly differences: readonly string[];
  /** Results that both files have. */
  readonly compared: number;
}

const FIGURES = ['min', 'p50', 'p90', 'p99', 'p99.9', 'max', 'mean', 'stddev', 'count'] as const;

export function compareResults(
  a: Results,
  b: Results,
  { tolerance }: ComparisonOptions,
): Comparison {
  const differences = fieldDifferences('cluster', a.cluster, b.cluster);
  const rest = new Map<string, WorkloadResult[]>();
  for (const result of b.results)
    rest.set(keyOf(result), [...(rest.get(keyOf(result)) ?? []), result]);
  let compared = 0;
  for (const result of a.results) {
    const other = rest.get(keyOf(result))?.shift();
    if (other === undefined) {
      differences.push(`${nameOf(result)}: only in the first file`);
      continue;
    }
    compared++;
    differences.push(...resultDifferences(result, other, tolerance));
  }
  for (const result of [...rest.values()].flat()) {
    differences.push(`${nameOf(result)}: only in the second file`);
  }
  return { differences, compared };
}

const keyOf = ({ workload, params }: WorkloadResult): string =>
  JSON.stringify([workload, Object.entries(params).sort(([x], [y]) => (x < y ? -1 : 1))]);

/** `micro/write-lat (size 64 B)`: the parameters too, as several results may have one workload. */
function nameOf({ workload, params }: WorkloadResult): string {
  const size = params['size'];
  const own = size === undefined ? '' : ` (size ${formatParam('size', size)})`;
  return plainText(workload) + own;
}

function resultDifferences(a: WorkloadResult, b: WorkloadResult, tolerance: number): string[] {
  const name = nameOf(a);
  const differences: string[] = [];
  if (a.verified !== b.verified) {
    differences.push(`${name}: verified ${String(a.verified)} -> ${String(b.verified)}`);
  }
  const others = new Map(b.metrics.map((metric) => [metric.name, metric]));
  for (const metric of a.metrics) {
    const other = others.get(metric.name);
    others.delete(metric.name);
    if (other === undefined) differences.push(`${name}: ${metric.name}: only in the first file`);
    else differences.push(...metricDifferences(name, metric, other, tolerance));
  }
  for (const left of others.keys()) differences.push(`${name}: ${left}: only in the second file`);
  if (tolerance > 0) return differences;
  const stages = (result: WorkloadResult): Record<string, number> =>
    Object.fromEntries((result.stages ?? []).map((stage) => [stage.name, stage.ps]));
  differences.push(
    ...fieldDifferences(`${name}: stage [ps]`, stages(a), stages(b)),
    ...fieldDifferences(`${name}: counter`, a.counters ?? {}, b.counters ?? {}),
    ...fieldDifferences(name, rest(a), rest(b)),
  );
  return differences;
}

const rest = ({ virtual_ns, trace_hash, note }: WorkloadResult): object => ({
  virtual_ns,
  trace_hash,
  note,
});

function metricDifferences(name: string, a: Metric, b: Metric, tolerance: number): string[] {
  if (a.unit !== b.unit || isDistribution(a) !== isDistribution(b)) {
    return [`${name}: ${a.name}: different units (${a.unit} -> ${b.unit})`];
  }
  const figures: readonly (readonly [string, number, number])[] =
    isDistribution(a) && isDistribution(b)
      ? FIGURES.map((figure) => [`${a.name} ${figure}`, a[figure], b[figure]] as const)
      : isDistribution(a) || isDistribution(b)
        ? []
        : [[a.name, a.value, b.value]];
  return figures
    .filter(([, x, y]) => Math.abs(y - x) > tolerance * Math.abs(x))
    .map(([figure, x, y]) => `${name}: ${figure} [${a.unit}]: ${x} -> ${y}${change(x, y)}`);
}

/** ` (+1.5 %)`. */
function change(from: number, to: number): string {
  if (from === 0) return '';
  const percent = ((to - from) / Math.abs(from)) * 100;
  return ` (${percent > 0 ? '+' : ''}${Number(percent.toPrecision(3))} %)`;
}

/** Fields that differ, however deep; a group of counters is a field of fields. */
function fieldDifferences(name: string, a: object, b: object): string[] {
  const [x, y] = [new Map(Object.entries(a)), new Map(Object.entries(b))] as Map<string, unknown>[];
  return [...new Set([...x!.keys(), ...y!.keys()])].flatMap((field) => {
    const [from, to] = [x!.get(field), y!.get(field)];
    if (isGroup(from) && isGroup(to)) return fieldDifferences(`${name} ${field}`, from, to);
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return [`${name} ${field}: ${shown(from)} -> ${shown(to)}`];
  });
}

const isGroup = (value: unknown): value is object => typeof value === 'object' && value !== null;

const shown = (value: unknown): string =>
  value === undefined
    ? 'none'
    : plainText(typeof value === 'string' ? value : JSON.stringify(value));
