/**
 * Plots as inline SVG, drawn by ECharts without a browser. Colours are CSS variables, so that a page
 * decides them, light or dark. The same input gives the same text.
 */
import type { EChartsCoreOption, init as Init } from 'echarts/core';
// All of it in one file: its 585 modules cost half a second of processor time to load.
// @ts-expect-error this file has no declarations of its own; those of echarts/core hold for it
import { init as start } from 'echarts/dist/echarts.esm.min.mjs';

const init = start as typeof Init;

/** How many series can be told apart by colour and by the shape of their points. */
export const SERIES_LIMIT = 8;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'arrow'] as const;

/** Small enough for a telephone; a page scales them up. */
const WIDTH = 480;
const HEIGHT = 300;
const FONT_SIZE = 12;
const LEGEND_ROW = 22;
const NEXT_LEGEND_ROW = 40;
const X_LABELS = 8;
/** A bar takes this share of its part of the axis. */
const BAR_SHARE = 0.85;
const LEFT = 58;
const RIGHT = 22;
/** Characters of legend that fit a row, the mark of a series and the gap after it counted as 8. */
const LEGEND_CHARACTERS = 66;
const MARK_CHARACTERS = 8;

/** An axis that goes by equal steps, from one of them to another. */
export interface Steps {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const STEPS = 6;

/** Steps of 1, 2 or 5 times a power of ten, about `count` of them, that hold all from `least` to `most`. */
export function roundSteps(least: number, most: number, count = STEPS): Steps {
  const width = most > least ? most - least : Math.abs(most) || 1;
  const raw = width / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * (raw <= power ? 1 : raw <= 2 * power ? 2 : raw <= 5 * power ? 5 : 10);
  return {
    from: toStep(Math.floor(least / step + EDGE), step),
    to: toStep(Math.ceil(most / step - EDGE), step),
    step: toStep(1, step),
  };
}

/** What a value may miss a step by and still stand on it. */
const EDGE = 1e-9;
/** Without the digits that multiplying has brought: 3 x 0.1 is 0.3. */
const toStep = (at: number, step: number): number => Number((at * step).toPrecision(12));

export interface Axis {
  readonly title: string;
  /** Goes by powers of this number instead of by steps. */
  readonly powersOf?: 2 | 10 | undefined;
  /** Begin at zero: so that heights compare as the values do. */
  readonly fromZero?: boolean;
}

export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  /** A second line of the series before it: not in the legend. */
  readonly dashed?: boolean;
  /** Which colour; series of one configuration share it. */
  readonly colour: number;
}

/** Values over places: sizes, numbers of queues, kinds. */
export interface CategoryPlot {
  readonly kind: 'lines' | 'bars';
  readonly x: {
    readonly title: string;
    readonly places: readonly string[];
    /** Where the places stand, lowest first, if they are numbers over 0: each doubling is as far as the next. */
    readonly doublings?:
      { readonly at: readonly number[]; readonly tick: (at: number) => string } | undefined;
  };
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** How many there are of what lies in each of the equal parts of an axis. */
export interface HistogramPlot {
  readonly x: Steps & { readonly title: string };
  readonly y: { readonly title: string };
  readonly counts: readonly number[];
}

/** Curves through (x, y); ticks of x are named by hand. */
export interface CurvePlot {
  readonly x: {
    readonly title: string;
    readonly end: number;
    readonly tick: (at: number) => string;
  };
  readonly y: Axis;
  readonly curves: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}

const INK = 'var(--ink)';
const FAINT = 'var(--faint)';
const LINE = 'var(--line)';
const colourOf = (index: number): string => `var(--series-${(index % SERIES_LIMIT) + 1})`;

export function categoryPlot(plot: CategoryPlot, id: string): string {
  const bars = plot.kind === 'bars';
  const { doublings } = plot.x;
  return draw(
    {
      ...frame(plot.series.filter(({ dashed }) => dashed !== true).map(({ name }) => name)),
      xAxis: {
        ...axisStyle(plot.x.title, 32),
        axisTick: { show: false },
        ...(doublings === undefined
          ? { type: 'category', data: [...plot.x.places], boundaryGap: bars }
          : {
              type: 'value',
              min: 0,
              max: doublingsBetween(doublings.at[0]!, doublings.at.at(-1)!),
              interval: Math.ceil(
                doublingsBetween(doublings.at[0]!, doublings.at.at(-1)!) / X_LABELS,
              ),
              axisLabel: {
                ...label,
                formatter: (steps: number) => doublings.tick(doublings.at[0]! * 2 ** steps),
              },
            }),
      },
      yAxis: valueAxis(
        plot.y,
        plot.series.flatMap(({ values }) => values.flatMap((value) => value ?? [])),
      ),
      series: plot.series.map(({ name, values, dashed, colour }) => ({
        ...quiet(name, colour),
        type: bars ? 'bar' : 'line',
        barMaxWidth: 46,
        connectNulls: true,
        lineStyle: { width: 2, type: dashed === true ? [6, 5] : 'solid', color: colourOf(colour) },
        ...(dashed === true && { symbolSize: 4 }),
        data: values.map((value, place) =>
          doublings === undefined
            ? (value ?? null)
            : [doublingsBetween(doublings.at[0]!, doublings.at[place]!), value ?? null],
        ),
      })),
    },
    id,
  );
}

const doublingsBetween = (from: number, to: number): number => Math.log2(to / from);

export function histogram({ x, y, counts }: HistogramPlot, id: string): string {
  const part = (x.to - x.from) / counts.length;
  return draw(
    {
      ...frame([]),
      xAxis: {
        ...axisStyle(x.title, 32),
        type: 'value',
        min: x.from,
        max: x.to,
        interval: x.step,
        axisLabel: { ...label, formatter: tickText },
      },
      yAxis: valueAxis({ title: y.title, fromZero: true }, counts),
      series: [
        {
          ...quiet(y.title, 0),
          type: 'bar',
          barWidth: (BAR_SHARE * (WIDTH - LEFT - RIGHT)) / counts.length,
          data: counts.map((count, at) => [x.from + part * (at + 0.5), count]),
        },
      ],
    },
    id,
  );
}

export function curvePlot(plot: CurvePlot, id: string): string {
  return draw(
    {
      ...frame(plot.curves.map(({ name }) => name)),
      xAxis: {
        ...axisStyle(plot.x.title, 32),
        type: 'value',
        min: 0,
        max: plot.x.end,
        interval: 1,
        axisLabel: { ...label, formatter: (at: number) => plot.x.tick(at) },
        splitLine: { show: true, lineStyle: { color: LINE } },
      },
      yAxis: valueAxis(
        plot.y,
        plot.curves.flatMap(({ points }) => points.map(([, value]) => value)),
      ),
      series: plot.curves.map(({ name, points }, index) => ({
        ...quiet(name, index),
        type: 'line',
        showSymbol: points.length <= 8,
        lineStyle: { width: 2, color: colourOf(index) },
        data: points.map((point) => [...point]),
      })),
    },
    id,
  );
}

const label = { color: FAINT, fontSize: FONT_SIZE, hideOverlap: true };

const axisStyle = (name: string, gap: number): object => ({
  name,
  nameLocation: 'middle',
  nameGap: gap,
  nameTextStyle: { color: INK, fontSize: FONT_SIZE },
  axisLabel: label,
  axisLine: { show: true, lineStyle: { color: FAINT } },
  splitLine: { show: false },
});

/** The title of the value axis stands over it, where it reads without turning one's head. */
const valueAxis = ({ title, powersOf, fromZero }: Axis, values: readonly number[]): object => ({
  ...axisStyle(title, 12),
  nameLocation: 'end',
  nameTextStyle: { color: INK, fontSize: FONT_SIZE, align: 'left', padding: [0, 0, 0, -46] },
  ...(powersOf === undefined
    ? byRoundSteps(fromZero === true ? [0, ...values] : values)
    : { type: 'log', logBase: powersOf, scale: true }),
  axisLine: { show: false },
  axisLabel: { ...label, formatter: tickText },
  splitLine: { show: true, lineStyle: { color: LINE } },
});

function byRoundSteps(values: readonly number[]): object {
  if (values.length === 0) return { type: 'value' };
  const { from, to, step } = roundSteps(Math.min(...values), Math.max(...values));
  return { type: 'value', min: from, max: to > from ? to : from + step, interval: step };
}

/** 0.001, 12.5, 20000 as `20 000`; never an exponent. */
const tickText = (value: number): string =>
  String(Number(value.toPrecision(6))).replace(/\B(?=(\d{3})+$)/g, '\u202f');

function frame(names: readonly string[]): EChartsCoreOption {
  const characters = names.reduce((sum, name) => sum + name.length + MARK_CHARACTERS, 0);
  const rows = names.length > 1 ? Math.ceil(characters / LEGEND_CHARACTERS) : 0;
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: {
      left: LEFT,
      right: RIGHT,
      top: 40 + (rows > 0 ? LEGEND_ROW : 0) + Math.max(0, rows - 1) * NEXT_LEGEND_ROW,
      bottom: 48,
      containLabel: false,
    },
    legend: {
      show: names.length > 1,
      left: 8,
      right: 8,
      top: 0,
      padding: [2, 0],
      itemGap: 26,
      itemWidth: 22,
      textStyle: { color: INK, fontSize: FONT_SIZE },
      data: names.map((name) => ({ name })),
    },
  };
}

const quiet = (name: string, colour: number): object => ({
  name,
  silent: true,
  emphasis: { disabled: true },
  symbol: SYMBOLS[colour % SYMBOLS.length],
  symbolSize: 7,
  itemStyle: { color: colourOf(colour) },
});

function draw(option: EChartsCoreOption, id: string): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption(option);
    return still(chart.renderToSVGString(), id);
  } finally {
    chart.dispose();
  }
}

/** Without what serves a mouse, and with names that do not count how many plots the process has drawn. */
const still = (svg: string, id: string): string =>
  svg
    .replace(/<style[^]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/zr\d+-c/g, `${id}-c`)
    .replace(/^<svg width="\d+" height="\d+"/, '<svg role="img"')
    .replace(/\s*\n\s*/g, '');
