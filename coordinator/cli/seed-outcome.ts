/** What one seed of `run --seeds` came to: its line, and which of two seeds is worse. */
import { formatFigure, plainText, scaleOf, spokenName } from '../report/figures.js';
import { isDistribution, type Metric } from '../report/results.js';
import type { RunError } from '../errors/run-error.js';
import type { Measured } from '../run/measure.js';

export interface SeedOutcome {
  readonly seed: number;
  readonly measured: Measured;
  /** Why it has no results, or not all. */
  readonly error: RunError | undefined;
  /** Wall clock. */
  readonly seconds: number;
}

/** `seed 17  ok  latency p50 1.580 us  0.12 s`. */
export function seedLine({ seed, measured, error, seconds }: SeedOutcome, widest: number): string {
  const verdict =
    error !== undefined || isWrong(measured) ? 'FAILED' : isProven(measured) ? 'ok' : '-';
  const metric = firstMetric(measured);
  const parts = [
    `seed ${String(seed).padStart(String(widest).length)}`,
    verdict.padEnd('FAILED'.length),
    ...(metric === undefined ? [] : [figure(metric)]),
    `${seconds.toFixed(2)} s`,
    ...(error === undefined ? [] : [plainText(error.message.split('\n', 1)[0]!)]),
  ];
  return parts.join('  ');
}

/** An error is worse than a result that did not verify, that than a worse figure; of equals the first is. */
export function isWorse(a: SeedOutcome, b: SeedOutcome): boolean {
  const [badness, other] = [badnessOf(a), badnessOf(b)];
  if (badness !== other) return badness > other;
  const [mine, theirs] = [firstMetric(a.measured), firstMetric(b.measured)];
  if (mine === undefined || theirs === undefined) return false;
  // The least is the worst, where it is a rate.
  return mine.unit.endsWith('/s')
    ? central(mine) < central(theirs)
    : central(mine) > central(theirs);
}

const badnessOf = ({ error, measured }: SeedOutcome): number =>
  error !== undefined ? 2 : isWrong(measured) ? 1 : 0;
const isWrong = ({ results }: Measured): boolean =>
  results.some(({ verified }) => verified === false);
const isProven = ({ results }: Measured): boolean =>
  results.every(({ verified }) => verified === true);
const firstMetric = ({ results }: Measured): Metric | undefined => results[0]?.metrics[0];
const central = (metric: Metric): number => (isDistribution(metric) ? metric.p50 : metric.value);

function figure(metric: Metric): string {
  const scale = scaleOf([central(metric)], metric.unit);
  const name = `${spokenName(metric.name)}${isDistribution(metric) ? ' p50' : ''}`;
  return `${name} ${formatFigure(central(metric), scale)} ${plainText(scale.unit)}`.trimEnd();
}
