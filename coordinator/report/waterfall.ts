/**
 * The waterfall of `explain`: where the latency of the median operation went, stage by stage.
 * Each stage begins where the one before it ends; the stages tile the latency to the picosecond.
 */
import { explainedLatency } from '../../workloads/authoring/summary-check.js';
import { formatParam, plainText, spokenName } from './figures.js';
import type { DistributionMetric, WorkloadResult } from './results.js';
import { stageGloss } from './stage-glossary.js';

export interface WaterfallStage {
  readonly name: string;
  readonly gloss: string;
  readonly ps: number;
  /** What the stages before it add up to. */
  readonly from: number;
  /** Of the whole, 0 to 1. */
  readonly share: number;
}

export interface Waterfall {
  readonly stages: readonly WaterfallStage[];
  readonly total: number;
  /** The metric whose median the stages explain. */
  readonly latency: DistributionMetric | undefined;
  /** The latency less the sum of the stages, in picoseconds: 0 if they are the median operation's. */
  readonly difference: number;
}

/** Undefined if the result has no stages. */
export function waterfallOf({ stages, metrics }: WorkloadResult): Waterfall | undefined {
  if (stages === undefined || stages.length === 0) return undefined;
  const total = stages.reduce((sum, { ps }) => sum + ps, 0);
  const latency = explainedLatency(metrics);
  let running = 0;
  return {
    stages: stages.map(({ name, ps }) => {
      const from = running;
      running += ps;
      return { name, gloss: stageGloss(name), ps, from, share: total === 0 ? 0 : ps / total };
    }),
    total,
    latency,
    difference: latency === undefined ? 0 : Math.round(latency.p50 * 1000) - total,
  };
}

const BAR_WIDTH = 32;

/** The waterfall for a terminal; one line that says so if the result has no stages. */
export function formatWaterfall(result: WorkloadResult): string {
  const waterfall = waterfallOf(result);
  const params = Object.entries(result.params).map(
    ([name, value]) => `${spokenName(name)} ${formatParam(name, value, result.kinds)}`,
  );
  const title = `${plainText(result.workload)}  (${params.join(', ')})`;
  if (waterfall === undefined) return `${title}\n  this workload reports no stages\n`;
  const { stages, total } = waterfall;
  const names = Math.max(...stages.map(({ name }) => name.length), 'stage'.length);
  const numbers = Math.max(nanoseconds(total).length, 'running'.length);
  const line = (name: string, ns: string, share: string, running: string, rest: string): string =>
    `  ${name.padEnd(names)}  ${ns.padStart(numbers)}  ${share.padStart(6)}  ` +
    `${running.padStart(numbers)}  ${rest}`.trimEnd();
  return [
    title,
    line('stage', 'ns', 'share', 'running', ''),
    ...stages.map(({ name, gloss, ps, from, share }) =>
      line(
        plainText(name),
        nanoseconds(ps),
        percent(share),
        nanoseconds(from + ps),
        `${bar(from, ps, total)}  ${gloss}`,
      ),
    ),
    line('sum', nanoseconds(total), percent(total === 0 ? 0 : 1), '', verdict(waterfall)),
    '',
  ].join('\n');
}

/** Picoseconds as nanoseconds with all three digits, so that the eye can check the sum. */
const nanoseconds = (ps: number): string => (ps / 1000).toFixed(3);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function bar(from: number, ps: number, total: number): string {
  const at = (instant: number): number =>
    total === 0 ? 0 : Math.round((instant / total) * BAR_WIDTH);
  const start = Math.min(at(from), BAR_WIDTH - 1);
  const length = ps === 0 ? 0 : Math.max(at(from + ps) - start, 1);
  return `${' '.repeat(start)}${'█'.repeat(length)}`.padEnd(BAR_WIDTH);
}

function verdict({ latency, difference }: Waterfall): string {
  if (latency === undefined) return '';
  const operation = `the median of ${latency.count} operations`;
  return difference === 0
    ? `= ${nanoseconds(Math.round(latency.p50 * 1000))} ns, ${operation}, exactly`
    : `differs from ${operation} by ${difference} ps: the stages are another operation's`;
}
