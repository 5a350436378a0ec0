/**
 * What real feeds look like, as numbers. Two sources: a thousand messages of Nasdaq's public ITCH sample from
 * 09:30:00 on 30 December 2019, and one day of one stock (LOBSTER's AMZN sample of 21 June 2012, 57,515
 * events), whose Hawkes parameters are a maximum-likelihood fit over 10:00 to 11:00. The mix of a whole
 * day is what is commonly reported for ITCH days; no single source.
 */
import type { HawkesParameters } from './hawkes.js';
import type { ItchType } from '../wire-formats/itch-layouts.js';

/** Rising probabilities from 0 to 1 and the values they stand for. */
export type Quantiles = readonly (readonly [probability: number, value: number])[];
/** What is drawn, and in what proportion. */
export type Weights<Value> = readonly (readonly [value: Value, weight: number])[];

/** Messages of one stock over a day: 2.99 a second, seven in ten brought about by others. */
export const DAY_ARRIVALS: HawkesParameters = {
  baseline: 0.919,
  kernels: [
    { branching: 0.421, decay: 3461 },
    { branching: 0.272, decay: 50.5 },
  ],
};

/** Nanoseconds between messages in the opening burst. */
export const OPENING_GAPS: Quantiles = [
  [0, 0],
  [0.1, 0],
  [0.25, 322],
  [0.5, 1_454],
  [0.75, 2_997],
  [0.9, 5_358],
  [0.95, 7_488],
  [0.99, 15_572],
  [1, 72_806],
];

/** Messages per second of the opening burst: 1,000 in 2.364 ms. */
export const OPENING_RATE = 423_000;

/** A day's messages other than Delete, which comes when an order's life is over. */
export const DAY_MIX: Weights<ItchType> = [
  ['A', 43],
  ['U', 8],
  ['E', 3.5],
  ['X', 1.5],
  ['F', 1.3],
  ['I', 1],
  ['P', 0.5],
  ['C', 0.1],
];

export const OPENING_MIX: Weights<ItchType> = [
  ['A', 367],
  ['U', 225],
  ['F', 193],
  ['D', 167],
  ['E', 28],
  ['X', 6],
  ['I', 4],
  ['P', 4],
  ['Q', 4],
  ['C', 1],
];

/** Seconds from an order's entry to its deletion, for a stock at {@link DAY_ARRIVALS}. */
export const ORDER_LIVES: Quantiles = [
  [0, 20e-6],
  [0.01, 33e-6],
  [0.05, 112e-6],
  [0.1, 311e-6],
  [0.25, 7.05e-3],
  [0.5, 0.409],
  [0.75, 2.37],
  [0.9, 7.84],
  [0.99, 44],
  [1, 120],
];

/** Half of all orders are of one round lot; 10, 200, 19 and 300 are the next commonest sizes. */
export const ORDER_SIZES: Weights<number> = [
  [100, 50],
  [10, 12],
  [200, 11],
  [19, 8],
  [300, 7],
  [500, 6],
  [1_000, 4],
  [1, 2],
];

/** Between two quantiles a value is interpolated geometrically, or linearly from 0. */
export function drawQuantile(quantiles: Quantiles, random: () => number): number {
  const probability = random();
  const above = quantiles.findIndex(([each]) => each > probability);
  const [p0, low] = quantiles[above - 1]!;
  const [p1, high] = quantiles[above]!;
  const share = (probability - p0) / (p1 - p0);
  if (low === 0) return share * high;
  return low * Math.exp(share * Math.log(high / low));
}

export function drawWeighted<Value>(weights: Weights<Value>, random: () => number): Value {
  let rest = random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of weights) {
    rest -= weight;
    if (rest < 0) return value;
  }
  return weights.at(-1)![0];
}
