/** What the latency benchmarks have in common: who runs where, and what is made of their operations. */
import { STAGES, type Core, type StageTime, type Task } from '../../node/program/verbs.js';
import { LatencyRecorder, type LatencyRecord } from '../authoring/latency-recorder.js';
import { latencySummary } from '../authoring/statistics.js';
import { defineWorkload, type Summary, type Workload } from '../authoring/workload.js';
import {
  microConfigurations,
  parameterSpecs,
  type MicroParameters,
  type MicroShape,
} from './parameters.js';
import { playSide, type Side, type SideOptions, type SideReport } from './side.js';

export interface LatencyBenchmark {
  readonly name: string;
  readonly summary: string;
  readonly shape: MicroShape;
  /** How large a side's memory and queues are. */
  readonly options: (params: MicroParameters) => SideOptions;
  /** The side that is timed, and the one that answers. */
  readonly client: (side: Side, recorder: LatencyRecorder) => Promise<void>;
  readonly server: (side: Side) => Promise<void>;
  /** An operation is a round trip, and half of it is its latency. */
  readonly halves: boolean;
}

export const latencyWorkload = (benchmark: LatencyBenchmark): Workload =>
  defineWorkload({
    name: benchmark.name,
    summary: benchmark.summary,
    parameters: parameterSpecs(benchmark.shape),
    minHosts: 2,
    configurations: (params, cluster) => microConfigurations(benchmark.shape, params, cluster),
    place: () => PAIR,
    program: async (core: Core, task: Task<MicroParameters>) => runLatency(benchmark, core, task),
    summarise: (results) => latencyResult(results),
  });

/** The program of either side. */
export async function runLatency(
  benchmark: LatencyBenchmark,
  core: Core,
  task: Task<MicroParameters>,
): Promise<SideReport<LatencyRecord | null>> {
  const { client, server, halves } = benchmark;
  return playSide(core, task, benchmark.options(task.params), async (side) => {
    if (task.role === 'server') {
      await server(side);
      return null;
    }
    const recorder = new LatencyRecorder(core, { clock: task.clock, halves });
    await client(side, recorder);
    return recorder.record();
  });
}

/** Two hosts, a core of each. */
export const PAIR = [
  { host: 0, core: 0, role: 'client' },
  { host: 1, core: 0, role: 'server' },
];

export function latencyResult(reports: readonly SideReport<LatencyRecord | null>[]): Summary {
  const { verified, note, counters } = verdict(reports);
  const record = reports[0]?.measured;
  if (record == null || record.samples.length === 0)
    return { verified, note, metrics: [], counters };
  const { samples, stages } = record;
  return {
    verified,
    ...(note !== '' && { note }),
    metrics: [latencySummary(samples)],
    ...(stages && { stages: namedStages(stages) }),
    counters,
    samples,
  };
}

export interface Verdict {
  readonly verified: boolean;
  /** What is wrong; empty if nothing is. */
  readonly note: string;
  readonly counters: Readonly<Record<string, number>>;
}

/** Whether every request succeeded and every byte was right. */
export function verdict(reports: readonly SideReport<unknown>[]): Verdict {
  const checked = reports.reduce((sum, report) => sum + report.checked, 0);
  const wrong = reports.reduce((sum, report) => sum + report.wrongBytes, 0);
  const failures = reports.flatMap(({ failure }, rank) =>
    failure === null ? [] : [`host${rank}: ${failure}`],
  );
  if (wrong > 0) failures.push(`${wrong} bytes are not those that were sent`);
  return {
    verified: failures.length === 0,
    note: failures.join('; '),
    counters: { checked_messages: checked, wrong_bytes: wrong },
  };
}

/** The stages that took time. */
export const namedStages = (stages: readonly number[]): StageTime[] =>
  STAGES.map((name, index) => ({ name, ps: stages[index] ?? 0 })).filter(({ ps }) => ps !== 0);
