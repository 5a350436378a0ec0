/** Which plots a workload's results call for: figures against what was varied, and how latencies are distributed. */
import { formatFigure, formatParam, scaleOf, spokenName, type Scale } from './figures.js';
import { categoryPlot, curvePlot, SERIES_LIMIT, type Series } from './plot.js';
import { paramGloss } from './report-glossary.js';
import { isConclusion, type Entry, type ResultGroup } from './result-groups.js';
import {
  isDistribution,
  type DistributionMetric,
  type Metric,
  type ParamValue,
} from './results.js';

export interface Figure {
  readonly svg: string;
  readonly title: string;
  readonly caption: string;
}

export type Samples = ReadonlyMap<number, Float64Array>;

/** Beyond this ratio of the largest value to the smallest, an axis goes by powers of ten. */
const WIDE = 25;
/** More panels of one figure than this are left to the table. */
const PANEL_LIMIT = 6;
const BINS = 48;

export function figuresOf(group: ResultGroup, samples: Samples, id: string): Figure[] {
  const entries = group.entries.filter(({ result }) => !isConclusion(result));
  const names = [
    ...new Set(entries.flatMap(({ result }) => result.metrics.map(({ name }) => name))),
  ];
  const figures: Figure[] = [];
  const next = (): string => `${id}p${figures.length}`;
  if (group.varying.length > 0) {
    for (const name of names) {
      for (const panel of panelsOf(entries, group.varying)) {
        const figure = againstPlot(panel, name, next());
        if (figure !== undefined) figures.push(figure);
      }
    }
  }
  for (const name of names) {
    const percentiles = percentilePlot(entries, name, group.varying, samples, next());
    if (percentiles !== undefined) figures.push(percentiles);
  }
  for (const entry of entries.slice(0, 1)) {
    const histogram = histogramPlot(entry, group.varying, samples, next());
    if (histogram !== undefined) figures.push(histogram);
  }
  return figures;
}

interface Panel {
  readonly entries: readonly Entry[];
  readonly x: string;
  /** The parameter that tells the series apart. */
  readonly across: string | undefined;
  /** What every entry of the panel has in common: `flows 8`. */
  readonly title: string;
}

/** x is the size if that varies, else the number, else the parameter, with most values; then the series; the rest are panels. */
function panelsOf(entries: readonly Entry[], varying: readonly string[]): Panel[] {
  const many = (name: string): number => valuesOf(entries, name).length;
  const numeric = (name: string): boolean =>
    valuesOf(entries, name).every((value) => typeof value === 'number');
  const ranked = [...varying].sort(
    (a, b) =>
      Number(b === 'size') - Number(a === 'size') ||
      Number(numeric(b)) - Number(numeric(a)) ||
      many(b) - many(a),
  );
  const [x, ...others] = ranked;
  if (x === undefined) return [];
  const across = others.find((name) => !numeric(name)) ?? others[0];
  const rest = others.filter((name) => name !== across);
  const panels = new Map<string, Entry[]>();
  for (const entry of entries) {
    const title = paramsText(entry, rest);
    panels.set(title, [...(panels.get(title) ?? []), entry]);
  }
  return [...panels]
    .slice(0, PANEL_LIMIT)
    .map(([title, inside]) => ({ entries: inside, x, across, title }));
}

/** One figure against what was varied; the median of a distribution, and beside it the slowest 1 %. */
function againstPlot(
  { entries, x, across, title }: Panel,
  name: string,
  id: string,
): Figure | undefined {
  const measured = entries.filter((entry) => metricOf(entry, name) !== undefined);
  const places = valuesOf(measured, x);
  if (places.length < 2) return undefined;
  const configurations = across === undefined ? [undefined] : valuesOf(measured, across);
  const shown = configurations.slice(0, SERIES_LIMIT);
  const first = metricOf(measured[0]!, name)!;
  const distribution = isDistribution(first);
  const tails = distribution && shown.length <= 4;
  const all = measured.flatMap((entry) => {
    const metric = metricOf(entry, name)!;
    return isDistribution(metric) ? [metric.p50, ...(tails ? [metric.p99] : [])] : [metric.value];
  });
  const scale = axisScale(all, first.unit);
  const series = shown.flatMap((configuration, colour): Series[] => {
    const at = (place: ParamValue, read: (metric: Metric) => number): number | undefined => {
      const entry = measured.find(
        ({ result: { params } }) =>
          params[x] === place && (across === undefined || params[across] === configuration),
      );
      return entry && read(metricOf(entry, name)!) / scale.divisor;
    };
    const called = across === undefined ? '' : formatParam(across, configuration);
    const line = (suffix: string, dashed: boolean, read: (metric: Metric) => number): Series => ({
      name: [called, suffix].filter((part) => part !== '').join(', ') || spokenName(name),
      values: places.map((place) => at(place, read)),
      dashed,
      colour,
    });
    if (!distribution) return [line('', false, central)];
    return [
      line(tails ? 'median' : '', false, central),
      ...(tails
        ? [line('p99', true, (metric) => (isDistribution(metric) ? metric.p99 : metric.value))]
        : []),
    ];
  });
  const numbers = places.every((place) => typeof place === 'number');
  const svg = categoryPlot(
    {
      kind: numbers ? 'lines' : 'bars',
      x: { title: withGloss(x), places: places.map((place) => formatParam(x, place)) },
      y: {
        title: yTitle(name, scale, distribution && !tails ? 'median' : ''),
        logarithmic: numbers && isWide(all),
        fromZero: !(numbers && isWide(all)),
      },
      series,
    },
    id,
  );
  const left = configurations.length - shown.length;
  return {
    svg,
    title: `${capital(spokenName(name))} against ${spokenName(x)}${title === '' ? '' : `, ${title}`}`,
    caption: [
      tails ? 'Solid: the median. Dashed: 99 of 100 operations are at least this fast (p99).' : '',
      left > 0 ? `${left} more in the table below.` : '',
    ]
      .filter((part) => part !== '')
      .join(' '),
  };
}

/** How slow the slowest 10 %, 1 %, 0.1 % are: the distance to 100 % shrinks tenfold with each step to the right. */
function percentilePlot(
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
  const shown = spread(measured, SERIES_LIMIT);
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
        logarithmic: isWide(metrics.flatMap(({ p50, max }) => [p50, max])),
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
        ? ` ${shown.length} of ${measured.length} configurations.`
        : ''),
  };
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
  const steps = 120;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const x = (end * step) / steps;
    const rank = step === steps ? sorted.length : Math.ceil(sorted.length * (1 - 10 ** -x));
    return [x, sorted[Math.max(rank, 1) - 1]! / 1000] as const;
  });
}

/** 0, 1, 2, 3 as `0 %`, `90 %`, `99 %`, `99.9 %`. */
const nines = (at: number): string =>
  at === 0 ? '0 %' : at <= 2 ? `${'9'.repeat(at).padEnd(2, '0')} %` : `99.${'9'.repeat(at - 2)} %`;

/** How many operations took how long; the slowest 1 % are left beyond the edge, so that the rest can be seen. */
function histogramPlot(
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
  const counts = new Array<number>(BINS).fill(0);
  let beyond = 0;
  for (const ps of sorted) {
    const bin = Math.floor(((ps / 1000 - from) / (to - from)) * BINS);
    if (ps / 1000 > to) beyond++;
    else counts[Math.min(bin, BINS - 1)]!++;
  }
  const scale = axisScale([from, to], metric.unit);
  const edge = (bin: number): string =>
    formatFigure(from + ((to - from) * (bin + 0.5)) / BINS, scale);
  const svg = categoryPlot(
    {
      kind: 'bars',
      x: { title: `latency [${scale.unit}]`, places: counts.map((_, bin) => edge(bin)) },
      y: { title: 'operations', fromZero: true },
      series: [{ name: 'operations', values: counts, colour: 0 }],
    },
    id,
  );
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

const metricOf = (entry: Entry, name: string): Metric | undefined =>
  entry.result.metrics.find((metric) => metric.name === name);
const central = (metric: Metric): number => (isDistribution(metric) ? metric.p50 : metric.value);

/** Numbers by size, everything else in the order it appears. */
function valuesOf(entries: readonly Entry[], name: string): ParamValue[] {
  const values = [...new Set(entries.flatMap(({ result }) => result.params[name] ?? []))];
  return values.every((value) => typeof value === 'number') ? values.sort((a, b) => a - b) : values;
}

const paramsText = ({ result }: Entry, names: readonly string[]): string =>
  names
    .filter((name) => result.params[name] !== undefined)
    .map((name) => {
      const value = formatParam(name, result.params[name]);
      return name === 'size' || typeof result.params[name] === 'string'
        ? value
        : `${spokenName(name)} ${value}`;
    })
    .join(', ');

/** At most `limit` of a list, first and last among them, evenly. */
function spread<T>(list: readonly T[], limit: number): T[] {
  if (list.length <= limit) return [...list];
  return Array.from(
    { length: limit },
    (_, at) => list[Math.round((at * (list.length - 1)) / (limit - 1))]!,
  );
}

/** The unit in which the middle of an axis reads best. */
function axisScale(values: readonly number[], unit: string): Scale {
  const sizes = values.filter((value) => value > 0);
  if (sizes.length === 0) return scaleOf(values, unit);
  return scaleOf([Math.sqrt(Math.min(...sizes) * Math.max(...sizes))], unit);
}

function isWide(values: readonly number[]): boolean {
  const smallest = Math.min(...values);
  return smallest > 0 && Math.max(...values) / smallest > WIDE;
}

function yTitle(name: string, { unit }: Scale, prefix: string): string {
  const words = [prefix, spokenName(name)].filter((part) => part !== '').join(' ');
  return unit === '' ? words : `${words} [${unit}]`;
}

function withGloss(param: string): string {
  const gloss = paramGloss(param);
  return gloss === '' ? spokenName(param) : `${spokenName(param)}: ${gloss}`;
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
