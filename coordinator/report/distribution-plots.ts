/** How the latencies of a run are distributed: by percentile, and as a histogram. */
import { formatFigure, spokenName } from './figures.js';
import {
  axisScale,
  capital,
  metricOf,
  paramsText,
  powersOf,
  rolesOf,
  spread,
  yTitle,
  type Figure,
  type Samples,
} from './plot-axes.js';
import { curvePlot, histogram, roundSteps, SERIES_LIMIT } from './plot.js';
import type { Entry } from './result-groups.js';
import { isDistribution, type DistributionMetric } from './results.js';

const BINS_PER_STEP = 8;
const PERCENTILE_STEPS = 120;

/** How slow the slowest 10 %, 1 %, 0.1 % are: the distance to 100 % shrinks tenfold with each step to the right. */
export function percentilePlot(
  entries: readonly Entry[],
  name: string,
  varying: readonly string[],
  samples: Samples,
  id: string,
): Figure | undefined {
  const measured = entries.filter((entry) => {
    const metric = metricOf(entry, name);
    return metric !== undefined && isDistribution(metric) && metric.count > 1;
  });
  if (measured.length === 0) return undefined;
  const shown = few(measured, varying);
  const metrics = shown.map((entry) => metricOf(entry, name) as DistributionMetric);
  const scale = axisScale(
    metrics.flatMap(({ min, max }) => [min, max]),
    metrics[0]!.unit,
  );
  const curves = shown.map((entry, at) => ({
    name: paramsText(entry, varying) || spokenName(name),
    points: percentilePoints(
      metrics[at]!,
      name === 'latency' ? samples.get(entry.index) : undefined,
    ).map(([x, value]) => [x, value / scale.divisor] as const),
  }));
  const end = Math.ceil(Math.max(...curves.map(({ points }) => points.at(-1)![0])));
  const svg = curvePlot(
    {
      x: { title: 'percentile: this share of operations is at least as fast', end, tick: nines },
      y: {
        title: yTitle(name, scale, ''),
        powersOf: powersOf(metrics.flatMap(({ p50, max }) => [p50, max])),
      },
      curves,
    },
    id,
  );
  return {
    svg,
    title: `${capital(spokenName(name))} by percentile`,
    caption:
      'Flat is predictable; a rise at the right is the tail. Each step to the right looks at operations ten times as rare.' +
      (shown.length < measured.length
        ? ` Drawn: ${shown.length} of ${measured.length} configurations.`
        : ''),
  };
}

/**
 * As many as can be told apart: all, or one of each series with the rest as the first has it, or a few from first to
 * last.
 */
function few(entries: readonly Entry[], varying: readonly string[]): readonly Entry[] {
  if (entries.length <= SERIES_LIMIT) return entries;
  const { x, across, rest } = rolesOf(entries, varying);
  const first = entries[0]!.result.params;
  const held = [...(x === undefined ? [] : [x]), ...rest];
  const alike = entries.filter(({ result }) =>
    held.every((name) => result.params[name] === first[name]),
  );
  return across === undefined || alike.length < 2
    ? spread(entries, SERIES_LIMIT)
    : alike.slice(0, SERIES_LIMIT);
}

/** (log10 of 1/(1-p), value): every operation's if we have them, else the percentiles that a result holds. */
function percentilePoints(
  metric: DistributionMetric,
  samples: Float64Array | undefined,
): (readonly [number, number])[] {
  const end = Math.log10(metric.count);
  if (samples === undefined || samples.length === 0) {
    const known = [
      [0, metric.min],
      [Math.log10(2), metric.p50],
      [1, metric.p90],
      [2, metric.p99],
      [3, metric['p99.9']],
    ] as const;
    return [...known.filter(([x]) => x < end), [end, metric.max]];
  }
  const sorted = Float64Array.from(samples).sort();
  return Array.from({ length: PERCENTILE_STEPS + 1 }, (_, step) => {
    const x = (end * step) / PERCENTILE_STEPS;
    const rank =
      step === PERCENTILE_STEPS ? sorted.length : Math.ceil(sorted.length * (1 - 10 ** -x));
    return [x, sorted[Math.max(rank, 1) - 1]! / 1000] as const;
  });
}

/** 0, 1, 2, 3 as `0 %`, `90 %`, `99 %`, `99.9 %`. */
const nines = (at: number): string =>
  at === 0 ? '0 %' : at <= 2 ? `${'9'.repeat(at).padEnd(2, '0')} %` : `99.${'9'.repeat(at - 2)} %`;

/** How many operations took how long; the slowest 1 % are left beyond the edge, so that the rest can be seen. */
export function histogramPlot(
  entry: Entry,
  varying: readonly string[],
  samples: Samples,
  id: string,
): Figure | undefined {
  const latencies = samples.get(entry.index);
  const metric = entry.result.metrics.find((each) => each.name === 'latency');
  if (latencies === undefined || metric === undefined || !isDistribution(metric)) return undefined;
  const sorted = Float64Array.from(latencies).sort();
  const from = (sorted[0] ?? 0) / 1000;
  const to = (sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0) / 1000;
  if (to <= from) return undefined;
  const scale = axisScale([from, to], metric.unit);
  const steps = roundSteps(from / scale.divisor, to / scale.divisor);
  const bins = Math.round((steps.to - steps.from) / steps.step) * BINS_PER_STEP;
  const counts = new Array<number>(bins).fill(0);
  let beyond = 0;
  for (const ps of sorted) {
    const at = ps / 1000 / scale.divisor;
    if (at > steps.to) beyond++;
    else
      counts[
        Math.min(Math.floor(((at - steps.from) / (steps.to - steps.from)) * bins), bins - 1)
      ]!++;
  }
  const x = { ...steps, title: `latency [${scale.unit}]` };
  const svg = histogram({ x, y: { title: 'operations' }, counts }, id);
  const which = paramsText(entry, varying);
  return {
    svg,
    title: `How many operations took how long${which === '' ? '' : `, ${which}`}`,
    caption:
      beyond === 0
        ? ''
        : `${beyond} of ${sorted.length} operations took longer than the right edge, up to ${formatFigure(metric.max, scale)} ${scale.unit}.`,
  };
}
