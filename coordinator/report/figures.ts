/** Figures for people: the unit a column reads best in, and as many digits as carry meaning. */
import { formatParameter } from '../options/parameter-value.js';
import type { ParameterKinds, ParamValue } from './results.js';

/** How the numbers of one column are printed. */
export interface Scale {
  readonly unit: string;
  /** Printed = recorded / divisor. */
  readonly divisor: number;
  readonly digits: number;
}

const TIMES: readonly Scale[] = [
  { unit: 's', divisor: 1e9, digits: 3 },
  { unit: 'ms', divisor: 1e6, digits: 3 },
  { unit: 'us', divisor: 1e3, digits: 3 },
];
const NANOSECONDS: Scale = { unit: 'ns', divisor: 1, digits: 1 };
const MOST_DIGITS = 4;
const SIGNIFICANT = 3;

/**
 * The scale of a column of `values` recorded in `unit`. Times take the largest unit that leaves
 * every value at least 1; other units stay as they are.
 */
export function scaleOf(values: readonly number[], unit: string): Scale {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  const smallest = sizes.length === 0 ? 0 : Math.min(...sizes);
  if (unit === 'ns') return TIMES.find(({ divisor }) => smallest >= divisor) ?? NANOSECONDS;
  if (values.every(Number.isInteger)) return { unit, divisor: 1, digits: 0 };
  let digits = 0;
  for (let at = smallest; at < 10 ** (SIGNIFICANT - 1) && digits < MOST_DIGITS; at *= 10) digits++;
  return { unit, divisor: 1, digits };
}

export const formatFigure = (value: number, { divisor, digits }: Scale): string =>
  (value / divisor).toFixed(digits);

/** To a number of digits, without trailing zeros, whatever the others of its column have. */
export const formatRounded = (value: number, { divisor }: Scale, digits: number): string =>
  String(Number((value / divisor).toPrecision(digits)));

/**
 * A value of a parameter with its unit: `64 KiB`, `20 us`; a user's own text without what would steer a terminal. A
 * results file does not hold the kinds of its parameters: without them `size` is the only one that is known.
 */
export function formatParam(
  name: string,
  value: ParamValue | undefined,
  kinds: ParameterKinds = FROM_FILE,
): string {
  if (value === undefined) return '-';
  if (typeof value === 'boolean') return String(value);
  return plainText(formatParameter(value, kinds[name]));
}

const FROM_FILE: ParameterKinds = { size: 'size' };

export const plainText = (text: string): string => text.replace(/\p{Cc}/gu, '?');

/** What a metric is called in a heading: `crossover_copy_pin` as `crossover copy pin`. */
export const spokenName = (name: string): string => plainText(name).replaceAll('_', ' ');
