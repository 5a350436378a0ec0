/**
 * What the bandwidth and rate benchmarks have in common (perftest's ib_*_bw): one side keeps messages under way, the
 * other takes them.
 *
 * Bandwidth is measured between two completions, with messages before and behind the measured ones: the time that the
 * pipe takes to fill and to run dry is left out, as perftest's timed runs leave out a margin at both ends. Without
 * warm-up it is measured from the first post to the last completion, as in perftest's counted runs.
 */
import type { Core, SendWr, Task } from '../../node/program/verbs.js';
import { PS_PER_NS, PS_PER_US } from '../../units/time.js';
import type { LatencyRecord } from '../authoring/latency-recorder.js';
import { latencySummary } from '../authoring/statistics.js';
import {
  defineWorkload,
  type MessageTimes,
  type Metric,
  type Summary,
  type Workload,
} from '../authoring/workload.js';
import { Flow } from './flow.js';
import { namedStages, PAIR, verdict } from './latency.js';
import {
  microConfigurations,
  parameterSpecs,
  type MicroParameters,
  type MicroShape,
} from './parameters.js';
import { playSide, type Side, type SideOptions, type SideReport } from './side.js';

export interface BandwidthBenchmark {
  readonly name: string;
  readonly summary: string;
  readonly shape: MicroShape;
  readonly options: (params: MicroParameters) => SideOptions;
  /** The work request of message `number`; numbers count from 0. */
  readonly request: (side: Side, number: number, signaled: boolean) => SendWr;
  /** Message `number` is complete, and messages below `posted` may be under way. */
  readonly completed?: (side: Side, number: number, posted: number) => void;
  readonly server: (side: Side) => Promise<void>;
}

/** What the sending side measured. */
interface Transfer {
  /** Messages, and what they took in ps. */
  readonly messages: number;
  readonly span: number;
  /** Of the messages that asked for a completion, from post to completion. */
  readonly latencies: LatencyRecord;
  /** Undefined of more messages than the peak is looked for in. */
  readonly times: MessageTimes | undefined;
}

/** Memory for messages on the taking side, unless two need more. */
const INBOX = 16 * 2 ** 20;

export const bandwidthWorkload = (benchmark: BandwidthBenchmark): Workload =>
  defineWorkload({
    name: benchmark.name,
    summary: benchmark.summary,
    parameters: parameterSpecs(benchmark.shape),
    minHosts: 2,
    configurations: (params, cluster) => microConfigurations(benchmark.shape, params, cluster),
    place: () => PAIR,
    program: async (core: Core, task: Task<MicroParameters>) =>
      playSide(core, task, benchmark.options(task.params), async (side) => {
        if (task.role === 'client') return transfer(side, benchmark);
        await benchmark.server(side);
        return null;
      }),
    summarise: (results, params) => summarise(results, Number(params['size'])),
  });

/** Messages of all queue pairs, with those before and behind the measured ones. */
export const messagesOf = ({ iterations, warmup, qps }: MicroParameters): number =>
  (warmup + iterations + warmup) * qps;

/** Places for messages in the inbox: one each as long as there is room. */
export const inboxSlots = (params: MicroParameters): number =>
  Math.max(2, Math.min(messagesOf(params), Math.floor(INBOX / Math.max(params.size, 1))));

async function transfer(side: Side, benchmark: BandwidthBenchmark): Promise<Transfer> {
  const { core } = side;
  const { iterations, warmup, qps } = side.params;
  const flow = new Flow(side, messagesOf(side.params));
  let from = warmup === 0 ? core.now : undefined;
  let to: number | undefined;
  while (!flow.isOver) {
    flow.postSome((number, signaled) => benchmark.request(side, number, signaled));
    await flow.see((number) => benchmark.completed?.(side, number, flow.posted));
    if (from === undefined && flow.hasDone(warmup)) from = core.now;
    if (to === undefined && flow.hasDone(warmup + iterations)) to = core.now;
  }
  const latencies = flow.latencies.record();
  return { messages: iterations * qps, span: to! - from!, latencies, times: flow.times };
}

function summarise(reports: readonly SideReport<Transfer | null>[], size: number): Summary {
  const { verified, note, counters } = verdict(reports);
  const transferred = reports[0]?.measured;
  if (transferred == null) return { verified, note, metrics: [], counters };
  const { messages, span, latencies, times } = transferred;
  const { samples, stages } = latencies;
  const bitsPerNs = (messages * size * 8 * PS_PER_NS) / span;
  const metrics: Metric[] = [
    { name: 'bandwidth', unit: 'Gb/s', value: bitsPerNs },
    { name: 'rate', unit: 'Mmsg/s', value: (messages * PS_PER_US) / span },
  ];
  return {
    verified,
    ...(note !== '' && { note }),
    metrics: samples.length === 0 ? metrics : [...metrics, latencySummary(samples)],
    ...(stages && { stages: namedStages(stages) }),
    counters: { ...counters, messages, span_ns: span / PS_PER_NS },
    ...(times && { times }),
  };
}
