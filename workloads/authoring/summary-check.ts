/**
 * Checks what a workload made of its results: a figure that is missing or NaN is the workload's mistake, reported
 * with the metric's name here, and not where a file is written that cannot hold it.
 */
import { STAGES } from '../../node/program/verbs.js';
import type { DistributionMetric, Metric, Summary } from './workload.js';

const PS_PER_NS = 1000;
const FIGURES = [
  ...['count', 'min', 'p50', 'p90', 'p99', 'p99.9', 'max'],
  ...['mean', 'stddev'],
] as const;

/** The first thing that is wrong with a summary, in one line; undefined if it is one. */
export function summaryProblem(summary: unknown): string | undefined {
  if (!isRecord(summary)) return `it is ${shown(summary)}, not { verified, metrics }`;
  const { verified, note, metrics, stages, counters, samples } = summary;
  if (typeof verified !== 'boolean' && verified !== null) {
    return `verified is ${shown(verified)}, not true, false or null`;
  }
  if (note !== undefined && typeof note !== 'string') return `note is ${shown(note)}, not a text`;
  if (!Array.isArray(metrics)) return `metrics is ${shown(metrics)}, not a list`;
  if (samples !== undefined && !(samples instanceof Float64Array)) {
    return `samples is ${shown(samples)}, not a Float64Array`;
  }
  return firstProblem(metrics, metricProblem) ?? stagesProblem(stages) ?? countersProblem(counters);
}

/**
 * The summary as it can be shown: stages that are not those of the median operation are left out, and the note says so.
 * A workload may have put together stages and latency of different operations; the rest of its result is none the
 * worse.
 */
export function withMediansStages(summary: Summary): Summary {
  const { stages, metrics, note } = summary;
  const latency = explainedLatency(metrics);
  if (stages === undefined || stages.length === 0 || latency === undefined) return summary;
  const sum = stages.reduce((total, { ps }) => total + ps, 0);
  if (sum === Math.round(latency.p50 * PS_PER_NS)) return summary;
  const why = `stages left out: they sum to ${sum / PS_PER_NS} ns, and the median of ${latency.name} is ${latency.p50} ns`;
  const { verified, counters, samples, times } = summary;
  return {
    verified,
    note: note === undefined ? why : `${note}; ${why}`,
    metrics,
    ...(counters && { counters }),
    ...(samples && { samples }),
    ...(times && { times }),
  };
}

/** The metric whose median the stages explain. */
export function explainedLatency(metrics: readonly Metric[]): DistributionMetric | undefined {
  const distributions = metrics.filter(
    (metric): metric is DistributionMetric => 'p50' in metric && metric.unit === 'ns',
  );
  return distributions.find(({ name }) => name === 'latency') ?? distributions[0];
}

function metricProblem(metric: unknown, index: number): string | undefined {
  if (!isRecord(metric)) return `metric ${index} is ${shown(metric)}`;
  const { name, unit } = metric;
  if (typeof name !== 'string') return `metric ${index}: its name is ${shown(name)}, not a text`;
  if (typeof unit !== 'string') return `metric ${name}: its unit is ${shown(unit)}, not a text`;
  const figures = 'p50' in metric || 'count' in metric ? FIGURES : (['value'] as const);
  const wrong = figures.find((figure) => !Number.isFinite(metric[figure]));
  return wrong && `metric ${name}: ${wrong} is ${shown(metric[wrong])}, not a finite number`;
}

function stagesProblem(stages: unknown): string | undefined {
  if (stages === undefined) return undefined;
  if (!Array.isArray(stages)) return `stages is ${shown(stages)}, not a list`;
  return firstProblem(stages, (stage, index) => {
    if (!isRecord(stage)) return `stage ${index} is ${shown(stage)}`;
    const { name, ps } = stage;
    if (!(STAGES as readonly unknown[]).includes(name)) {
      return `stage ${index}: there is no stage ${shown(name)}`;
    }
    if (Number.isSafeInteger(ps) && Number(ps) >= 0) return undefined;
    return `stage ${String(name)}: ${shown(ps)} is not a whole number of ps from 0`;
  });
}

function countersProblem(counters: unknown): string | undefined {
  if (counters === undefined) return undefined;
  if (!isRecord(counters)) return `counters is ${shown(counters)}, not an object`;
  const wrong = Object.keys(counters).find((name) => !Number.isFinite(counters[name]));
  return wrong && `counter ${wrong} is ${shown(counters[wrong])}, not a finite number`;
}

function firstProblem(
  list: readonly unknown[],
  problem: (item: unknown, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of list.entries()) {
    const found = problem(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return `${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
