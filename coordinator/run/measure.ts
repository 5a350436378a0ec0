/** Planned workloads, run one after another on a cluster that is up: what each measured, as it comes to be known. */
import { join, resolve } from 'node:path';
import { toldError } from '../../node/cores/told-error.js';
import type { RunSpec } from '../../node/spec/run-spec.js';
import { summaryProblem, withMediansStages } from '../../workloads/authoring/summary-check.js';
import type { MessageTimes, Parameters, Summary } from '../../workloads/authoring/workload.js';
import { clusterShape, runSettings, type ClusterConfig } from '../plan/cluster-config.js';
import type { Progress } from '../terminal/progress.js';
import type { CountedByHost, Counters, WorkloadResult } from '../report/results.js';
import type { RunCost } from './run-cost.js';
import { RunError } from '../errors/run-error.js';
import type { PlacedRun, RunPlace } from './run-place.js';
import type { RunRecord } from './run.js';
import type { KnownRun, UnfinishedRun } from './unfinished-run.js';
import type { PlannedConfiguration, PlannedWorkload } from '../plan/work-plan.js';
import { combineDigests } from '../../sim/trace.js';
import { formatDuration } from '../../units/time.js';

/** All that was measured until now; grows run by run, so that it can be written even if a later run fails. */
export class Measured {
  readonly results: WorkloadResult[] = [];
  /** What each result was made of. */
  readonly summaries: Summary[] = [];
  /** Latencies by the result's place in the list. */
  readonly samples = new Map<number, Float64Array>();
  /** Of messages, by the result's place in the list. */
  readonly times = new Map<number, MessageTimes>();
  events = 0;
  packets = 0;
  rounds = 0;
  wallMs = 0;
  /** The run that was the last, where it failed or was interrupted. */
  unfinished: UnfinishedRun | undefined;
  /** What there is to know of the runs, a line each. */
  readonly notes: string[] = [];
  /** Of each run, where there are several processes. */
  readonly costs: RunCost[] = [];
  /** When the first virtual instant was. */
  began: number | undefined;

  add(result: WorkloadResult, summary: Summary): void {
    const { samples, times } = summary;
    if (times !== undefined) this.times.set(this.results.length, times);
    if (samples !== undefined) this.samples.set(this.results.length, samples);
    this.results.push(result);
    this.summaries.push(summary);
  }

  account(record: RunRecord): void {
    this.events += record.events;
    this.packets += record.packets;
    this.rounds += record.rounds;
    this.wallMs += record.ended - record.began;
    this.began ??= record.began;
    if (record.cost !== undefined) this.costs.push(record.cost);
  }
}

export interface MeasureOptions {
  readonly config: ClusterConfig;
  /** `--capture DIR`, or undefined. */
  readonly capture: string | undefined;
  /** Hears what runs, and how far it has come. */
  readonly progress: Pick<Progress, 'begin' | 'update' | 'wait'>;
  /** Ends the run that is under way. */
  readonly signal: AbortSignal;
  /** Takes a line that the user should see at once. */
  readonly note: (line: string) => void;
}

/** For a caller without a terminal, who never interrupts: everything goes unheard. */
export const unheard = (): Pick<MeasureOptions, 'progress' | 'note' | 'signal'> => ({
  progress: { begin: ignore, update: ignore, wait: ignore },
  note: ignore,
  signal: new AbortController().signal,
});

function ignore(): void {
  // Nobody listens.
}

/** Runs all configurations of all workloads; `done` is called after each workload. */
export async function measure(
  place: RunPlace,
  plan: readonly PlannedWorkload[],
  measured: Measured,
  options: MeasureOptions,
  done: () => void,
): Promise<void> {
  for (const planned of plan) {
    const summaries: { params: Parameters; summary: Summary }[] = [];
    const hashes: string[] = [];
    let virtualNs = 0;
    let isWhole = true;
    for (const [index, configuration] of planned.configurations.entries()) {
      const run = runOf(plan, planned, index, options);
      options.progress.begin(run.name);
      const heard: string[] = [];
      const onNotes = (notes: readonly string[]): void => {
        heard.push(...notes);
        for (const line of notes) options.note(line);
      };
      const record = await place
        .execute({ ...run, onNotes, signal: options.signal })
        .catch((error: unknown) => {
          const { known } = error as Partial<RunError>;
          if (known !== undefined) measured.unfinished = { name: run.name, ...(known as KnownRun) };
          throw error;
        })
        // In an order that does not depend on which process was heard first.
        .finally(() => measured.notes.push(...heard.sort()));
      measured.account(record);
      const isStopped = record.blocked.length > 0;
      const summary = isStopped
        ? stoppedSummary(record, options.config)
        : summarise(planned, configuration, record, options.config);
      isWhole &&= !isStopped;
      measured.add(
        resultOf(planned, configuration, summary, record, options.config.clock),
        summary,
      );
      summaries.push({ params: configuration.params, summary });
      hashes.push(record.traceHash);
      virtualNs += record.virtualNs;
    }
    const shape = clusterShape(options.config);
    // Runs that were stopped have nothing to be compared by.
    const comparison = isWhole
      ? summed(planned.name, 'compare', () => planned.workload.compare?.(summaries, shape))
      : undefined;
    if (comparison !== undefined) {
      const record = { traceHash: combineDigests(hashes), virtualNs, counters: [] };
      const conclusion = { params: {} };
      measured.add(
        resultOf(planned, conclusion, comparison, record, options.config.clock),
        comparison,
      );
    }
    done();
  }
}

/** What a configuration's run is made of; nothing is captured. */
export function runSpec(
  config: ClusterConfig,
  { module, inputs, configurations }: PlannedWorkload,
  index: number,
): Omit<RunSpec, 'local'> {
  const { params, programs, machine } = configurations[index]!;
  const settings = runSettings(config);
  return { ...settings, capture: false, module, params, programs, machine, inputs };
}

function runOf(
  plan: readonly PlannedWorkload[],
  planned: PlannedWorkload,
  index: number,
  { config, capture, progress }: MeasureOptions,
): PlacedRun {
  const count = planned.configurations.length;
  const name =
    count === 1 ? planned.name : `${planned.name}, configuration ${index + 1} of ${count}`;
  const captureDirectory =
    capture === undefined ? '' : captureDirectoryOf(capture, plan, planned, index);
  return {
    name,
    spec: { ...runSpec(config, planned, index), capture: capture !== undefined },
    captureDirectory,
    onProgress: (each) => progress.update(each),
    onWaiting: (reason) => progress.wait(`${name}: ${reason}`),
    onStart: () => progress.begin(name),
  };
}

/** DIR; with several workloads DIR/<name, / as ->; with several runs under one name a directory 1, 2, ... each. */
export function captureDirectoryOf(
  capture: string,
  plan: readonly PlannedWorkload[],
  planned: PlannedWorkload,
  index: number,
): string {
  const runsOf = (each: PlannedWorkload): number =>
    each.name === planned.name ? each.configurations.length : 0;
  const count = (workloads: readonly PlannedWorkload[]): number =>
    workloads.reduce((sum, each) => sum + runsOf(each), 0);
  const workload = plan.length === 1 ? '' : planned.name.replaceAll('/', '-');
  const before = count(plan.slice(0, plan.indexOf(planned)));
  const run = count(plan) === 1 ? '' : String(before + index + 1);
  return join(resolve(capture), workload, run);
}

/** The note of a run whose last instant came before its programs had ended. */
function stoppedSummary({ values, blocked }: RunRecord, { until }: ClusterConfig): Summary {
  const note =
    `stopped at ${formatDuration(until)} (--until): ${blocked.length} of ${values.length} programs had not ended, ` +
    'so there is nothing to summarise or verify';
  return { verified: null, note, metrics: [] };
}

function summarise(
  planned: PlannedWorkload,
  { params }: PlannedConfiguration,
  { values }: RunRecord,
  config: ClusterConfig,
): Summary {
  const { workload, inputs } = planned;
  return summed(planned.name, 'summarise', () =>
    workload.summarise(values, params, clusterShape(config), inputs),
  )!;
}

/** What the workload's own function makes of results; if it fails, one line names it. */
function summed(
  name: string,
  call: 'summarise' | 'compare',
  sum: () => Summary | undefined,
): Summary | undefined {
  let summary: Summary | undefined;
  try {
    summary = sum();
  } catch (error) {
    throw new RunError(`${name}: ${call} threw ${toldError(error).stack}`);
  }
  if (summary === undefined && call === 'compare') return undefined;
  const problem = summaryProblem(summary);
  if (problem !== undefined) throw new RunError(`${name}: ${call} returned no summary: ${problem}`);
  return withMediansStages(summary!);
}

function resultOf(
  { name }: PlannedWorkload,
  { params }: Pick<PlannedConfiguration, 'params'>,
  { verified, note, metrics, stages, counters }: Summary,
  record: Pick<RunRecord, 'traceHash' | 'virtualNs' | 'counters'>,
  clock: ClusterConfig['clock'],
): WorkloadResult {
  const all: Record<string, number | Counters> = { ...counters };
  for (const { host, counts } of record.counters) {
    const counted = Object.entries(counts).filter(([, count]) => count !== 0);
    if (counted.length > 0) all[`host${host}`] = Object.fromEntries(counted);
  }
  const counted = countedByHost(record.counters);
  return {
    workload: name,
    params,
    verified,
    ...(note !== undefined && { note }),
    metrics,
    // What wall-clock time went into is no modelled stage.
    ...(stages && clock === 'virtual' && { stages }),
    ...(Object.keys(all).length > 0 && { counters: all }),
    virtual_ns: record.virtualNs,
    trace_hash: record.traceHash,
    ...(counted.size > 0 && { counted }),
  };
}

function countedByHost(hosts: RunRecord['counters']): CountedByHost {
  const all = new Map<string, Map<number, number>>();
  for (const { host, counted } of hosts) {
    for (const [name, count] of Object.entries(counted)) {
      all.set(name, (all.get(name) ?? new Map<number, number>()).set(host, count));
    }
  }
  return all;
}
