/** What the plots of a report share: which entries, which unit, what an axis is called. */
import { formatParam, scaleOf, spokenName, type Scale } from './figures.js';
import { paramGloss } from './report-glossary.js';
import type { Entry } from './result-groups.js';
import { isDistribution, type Metric, type ParameterKinds, type ParamValue } from './results.js';
import type { Axis } from './plot.js';

/** One plot of a report, with what stands over and under it. */
export interface Figure {
  readonly svg: string;
  readonly title: string;
  readonly caption: string;
}

/** By the result's place in the list: the latency of every operation, in picoseconds. */
export type Samples = ReadonlyMap<number, Float64Array>;

/** Beyond these ratios of the largest value to the smallest, an axis goes by powers of 2, of 10. */
const WIDE = 24;
const VERY_WIDE = 500;
const SWITCH = /^(on|off|yes|no|true|false)$/;

export const metricOf = (entry: Entry, name: string): Metric | undefined =>
  entry.result.metrics.find((metric) => metric.name === name);
export const central = (metric: Metric): number =>
  isDistribution(metric) ? metric.p50 : metric.value;

/** Numbers by size, everything else in the order it appears. */
export function valuesOf(entries: readonly Entry[], name: string): ParamValue[] {
  const values = [...new Set(entries.flatMap(({ result }) => result.params[name] ?? []))];
  return values.every((value) => typeof value === 'number') ? values.sort((a, b) => a - b) : values;
}

/** Which parameter is the x axis, which tells the series apart, and which are left for panels. */
export interface Roles {
  readonly x: string | undefined;
  readonly across: string | undefined;
  readonly rest: readonly string[];
}

/**
 * `along` is x if it is given. Else x is the size if that varies, else the number, else the parameter, with most
 * values; then a kind before a number.
 */
export function rolesOf(
  entries: readonly Entry[],
  varying: readonly string[],
  along?: string,
): Roles {
  const many = (name: string): number => valuesOf(entries, name).length;
  const numeric = (name: string): boolean =>
    valuesOf(entries, name).every((value) => typeof value === 'number');
  const [x, ...others] = [...varying].sort(
    (a, b) =>
      Number(b === along) - Number(a === along) ||
      Number(b === 'size') - Number(a === 'size') ||
      Number(numeric(b)) - Number(numeric(a)) ||
      many(b) - many(a),
  );
  const across = others.find((name) => !numeric(name)) ?? others[0];
  return { x, across, rest: others.filter((name) => name !== across) };
}

/** `rdma`, `64 KiB`, but `queues 4` and `iommu off`: the name where the value alone says nothing. */
export function paramText(
  name: string,
  value: ParamValue | undefined,
  kinds: ParameterKinds | undefined,
): string {
  const text = formatParam(name, value, kinds);
  const speaks = name === 'size' || (typeof value === 'string' && !SWITCH.test(value));
  return speaks ? text : `${spokenName(name)} ${text}`;
}

export const paramsText = ({ result }: Entry, names: readonly string[]): string =>
  names
    .filter((name) => result.params[name] !== undefined)
    .map((name) => paramText(name, result.params[name], result.kinds))
    .join(', ');

/** At most `limit` of a list, first and last among them, evenly. */
export function spread<T>(list: readonly T[], limit: number): T[] {
  if (list.length <= limit) return [...list];
  return Array.from(
    { length: limit },
    (_, at) => list[Math.round((at * (list.length - 1)) / (limit - 1))]!,
  );
}

/** The unit in which the middle of an axis reads best. */
export function axisScale(values: readonly number[], unit: string): Scale {
  const sizes = values.filter((value) => value > 0);
  if (sizes.length === 0) return scaleOf(values, unit);
  return scaleOf([Math.sqrt(Math.min(...sizes) * Math.max(...sizes))], unit);
}

/** How an axis for these values goes; undefined: by steps. */
export function powersOf(values: readonly number[]): Axis['powersOf'] {
  const smallest = Math.min(...values);
  const ratio = smallest > 0 ? Math.max(...values) / smallest : 1;
  return ratio > VERY_WIDE ? 10 : ratio > WIDE ? 2 : undefined;
}

export function yTitle(name: string, { unit }: Scale, prefix: string): string {
  const words = [prefix, spokenName(name)].filter((part) => part !== '').join(' ');
  return unit === '' ? words : `${words} [${unit}]`;
}

export function withGloss(param: string): string {
  const gloss = paramGloss(param);
  return gloss === '' ? spokenName(param) : `${spokenName(param)}: ${gloss}`;
}

export const capital = (text: string): string =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
