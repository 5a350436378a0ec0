/** Which plots a workload's results call for: its figures against what was varied, then their distributions. */
import { histogramPlot, percentilePlot } from './distribution-plots.js';
import { formatParam, spokenName } from './figures.js';
import {
  axisScale,
  capital,
  central,
  metricOf,
  paramText,
  powersOf,
  rolesOf,
  valuesOf,
  withGloss,
  yTitle,
  type Figure,
  type Samples,
} from './plot-axes.js';
import { categoryPlot, SERIES_LIMIT, type Series } from './plot.js';
import type { Entry, ResultGroup } from './result-groups.js';
import { isDistribution, type Metric, type ParameterKinds, type ParamValue } from './results.js';

/** More panels of one figure than this are left to the table. */
const PANEL_LIMIT = 6;
/** With more series than this, a second line for each would be a tangle. */
const TAILS_LIMIT = 4;
/** Places further apart than this are set out by doublings. */
const DOUBLINGS = 8;

export function figuresOf(group: ResultGroup, samples: Samples, id: string): Figure[] {
  const entries = group.entries.filter(({ concludes }) => !concludes);
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

/** Panels along what was varied most; what stands alone there is drawn along something else that varies around it. */
function panelsOf(entries: readonly Entry[], varying: readonly string[]): Panel[] {
  const { x, across, rest } = rolesOf(entries, varying);
  if (x === undefined) return [];
  const panels: Panel[] = [];
  const shown = new Set<Entry>();
  for (const along of [x, ...rest, ...(across === undefined ? [] : [across])]) {
    for (const panel of panelsAlong(entries, varying, along)) {
      if (valuesOf(panel.entries, along).length < 2) continue;
      if (panel.entries.every((entry) => shown.has(entry))) continue;
      panels.push(panel);
      for (const entry of panel.entries) shown.add(entry);
    }
  }
  return panels.slice(0, PANEL_LIMIT);
}

function panelsAlong(
  entries: readonly Entry[],
  varying: readonly string[],
  along: string,
): Panel[] {
  const { x, across, rest } = rolesOf(entries, varying, along);
  if (x === undefined) return [];
  const panels = new Map<string, Entry[]>();
  for (const entry of entries) {
    const title = rest
      .map(
        (name) =>
          `${spokenName(name)} ${formatParam(name, entry.result.params[name], entry.result.kinds)}`,
      )
      .join(', ');
    panels.set(title, [...(panels.get(title) ?? []), entry]);
  }
  return [...panels].map(([title, inside]) => ({ entries: inside, x, across, title }));
}

/** One figure against what was varied; of a distribution the median, and p99 where lines can show both. */
function againstPlot(panel: Panel, name: string, id: string): Figure | undefined {
  const { x, across, title } = panel;
  const entries = panel.entries.filter((entry) => metricOf(entry, name) !== undefined);
  const places = valuesOf(entries, x);
  if (places.length < 2) return undefined;
  const metrics = entries.map((entry) => metricOf(entry, name)!);
  const configurations = across === undefined ? [undefined] : valuesOf(entries, across);
  const shown = configurations.slice(0, SERIES_LIMIT);
  const { kinds } = entries[0]!.result;
  const numbers = places.every((place) => typeof place === 'number');
  const distribution = metrics.every(isDistribution);
  const tails = distribution && numbers && shown.length <= TAILS_LIMIT;
  const all = [...metrics.map(central), ...(tails ? metrics.map(tail) : [])];
  const scale = axisScale(all, metrics[0]!.unit);
  const series = shown.flatMap((configuration, colour): Series[] => {
    const line = (read: (metric: Metric) => number): Series['values'] =>
      places.map((place) => {
        const entry = entries.find(
          ({ result: { params } }) =>
            params[x] === place && (across === undefined || params[across] === configuration),
        );
        return entry && read(metricOf(entry, name)!) / scale.divisor;
      });
    const called =
      across === undefined ? spokenName(name) : paramText(across, configuration, kinds);
    return [
      { name: called, values: line(central), colour },
      ...(tails ? [{ name: called, values: line(tail), colour, dashed: true }] : []),
    ];
  });
  const powers = numbers ? powersOf(all) : undefined;
  const svg = categoryPlot(
    {
      kind: numbers ? 'lines' : 'bars',
      x: {
        title: withGloss(x),
        places: places.map((place) => formatParam(x, place, kinds)),
        doublings: doublingsOf(x, places, kinds),
      },
      y: {
        title: yTitle(name, scale, distribution && !tails ? 'median' : ''),
        powersOf: powers,
        fromZero: powers === undefined,
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
      all.every((value) => value === 0) ? 'Zero everywhere.' : '',
      left > 0 ? `${left} more in the table below.` : '',
    ]
      .filter((part) => part !== '')
      .join(' '),
  };
}

const tail = (metric: Metric): number => (isDistribution(metric) ? metric.p99 : metric.value);

type Doublings = NonNullable<Parameters<typeof categoryPlot>[0]['x']['doublings']>;

function doublingsOf(
  x: string,
  places: readonly ParamValue[],
  kinds: ParameterKinds | undefined,
): Doublings | undefined {
  const at = places.filter((place) => typeof place === 'number');
  if (at.length < places.length || at[0]! <= 0 || at.at(-1)! / at[0]! <= DOUBLINGS)
    return undefined;
  return { at, tick: (value) => formatParam(x, value, kinds) };
}
