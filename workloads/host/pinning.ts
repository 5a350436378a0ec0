/**
 * `host/pinning`: what it costs the sending core to have a NIC read a program's buffer, against the buffer's size, for
 * five ways to keep the pager away from it (see pinning-senders.ts).
 *
 * `cost` counts the sending core from the data in the program's buffer until that buffer may be reused: copying,
 * pinning, registration and their undoing, post, doorbell, the look that finds the completion; not the time on NIC and
 * wire. Each message reaches the peer, who compares every byte.
 */
import { stageTimes, type Core, type Task } from '../../node/program/verbs.js';
import { parseSize } from '../../units/size.js';
import { us } from '../../units/durations.js';
import { latencySummary, medianIndex } from '../authoring/statistics.js';
import {
  defineWorkload,
  type ClusterShape,
  type ConfigurationResult,
  type DistributionMetric,
  type Metric,
  type ParametersOf,
  type ParameterSpecs,
  type RankPlacement,
  type Summary,
} from '../authoring/workload.js';
import { CostMeter } from './cost-meter.js';
import { crossover, type CurvePoint } from './crossover.js';
import { messageBytes, wrongBytes } from './pattern.js';
import { FRAME_PAYLOAD, FrameTarget } from './pinning-frames.js';
import { openSender, openTarget, STRATEGIES, type Strategy } from './pinning-senders.js';

const LEAST_SIZE = 16;
const MOST_SIZE = 2 ** 20;
/** Packets of a configuration by default: processes exchange tens of thousands a second. */
const USUAL_PACKETS = 1000;
const FEWEST_MESSAGES = 2;
const MOST_MESSAGES = 40;
/** After the last frame has left, until the peer has it. */
const ARRIVAL = us(100);

interface SenderResult {
  readonly costs: Float64Array;
  /** One row of stages per message, end to end. */
  readonly stages: Float64Array;
}

const PARAMETERS = {
  strategy: {
    type: 'text',
    default: 'all',
    help: 'copy, pin, register, registered or cache; a list of them, or all',
  },
  size: {
    type: 'text',
    default: 'all',
    help: 'bytes of a message: one size (64KiB), a list, or all (powers of two, 16 B to 1 MiB)',
  },
  iterations: {
    type: 'text',
    default: 'auto',
    help: 'messages measured; auto: 40, fewer where they take many packets',
  },
} as const satisfies ParameterSpecs;

type Asked = ParametersOf<typeof PARAMETERS>;

/** One configuration, as programs get it. */
type PinningParameters = {
  readonly strategy: Strategy;
  readonly size: number;
  readonly iterations: number;
};

function configurations(params: Asked, cluster: ClusterShape): PinningParameters[] | string {
  const strategies = strategiesOf(params.strategy);
  if (typeof strategies === 'string') return strategies;
  const sizes = sizesOf(params.size);
  if (typeof sizes === 'string') return sizes;
  const all: PinningParameters[] = [];
  for (const strategy of strategies) {
    for (const size of sizes) {
      // The same for all strategies of a size, whose figures stand side by side.
      const packets = Math.ceil(size / Math.min(FRAME_PAYLOAD, cluster.mtu));
      const usual = Math.floor(USUAL_PACKETS / packets);
      const iterations =
        params.iterations === 'auto'
          ? Math.min(Math.max(usual, FEWEST_MESSAGES), MOST_MESSAGES)
          : Number(params.iterations);
      if (!Number.isSafeInteger(iterations) || iterations < 1 || iterations > 10_000) {
        return `iterations=${params.iterations}: expected a whole number from 1 to 10000, or auto`;
      }
      all.push({ strategy, size, iterations });
    }
  }
  return all;
}

function strategiesOf(text: string): readonly Strategy[] | string {
  if (text === 'all') return STRATEGIES;
  const asked = text.split(',') as Strategy[];
  const unknown = asked.find((strategy) => !STRATEGIES.includes(strategy));
  if (unknown === undefined) return asked;
  return `strategy=${unknown}: expected ${STRATEGIES.join(', ')}, a list of them, or all`;
}

function sizesOf(text: string): number[] | string {
  const sizes: number[] = [];
  if (text === 'all') {
    for (let size = LEAST_SIZE; size <= MOST_SIZE; size *= 2) sizes.push(size);
    return sizes;
  }
  for (const each of text.split(',')) {
    const size = parseSize(each);
    if (size === undefined || size < 1 || size > MOST_SIZE) {
      return `size=${each}: expected a size from 1 B to 1 MiB, a list of them, or all`;
    }
    sizes.push(size);
  }
  return sizes;
}

const place = (): RankPlacement[] => [
  { host: 0, core: 0, role: 'sender' },
  { host: 1, core: 0, role: 'target' },
];

async function program(
  core: Core,
  { role, params }: Task<PinningParameters>,
): Promise<SenderResult | number> {
  return role === 'sender' ? sends(core, params) : receives(core, params);
}

async function sends(core: Core, params: PinningParameters): Promise<SenderResult> {
  const { strategy, size, iterations } = params;
  const sender = await openSender(core, strategy, size);
  const meter = new CostMeter(core);
  const costs = new Float64Array(iterations);
  const stages: number[] = [];
  for (let index = 0; index < iterations; index++) {
    await core.write(sender.buffer(index).address, messageBytes(index, size));
    meter.begin();
    await sender.send(index, meter);
    costs[index] = meter.cost;
    stages.push(...meter.stages);
  }
  await core.sleep(ARRIVAL);
  await core.tell(1, 'sent');
  await core.hear(1);
  return { costs, stages: Float64Array.from(stages) };
}

/** Answers how many bytes were wrong. */
async function receives(core: Core, params: PinningParameters): Promise<number> {
  const { strategy, size, iterations } = params;
  let wrong = 0;
  if (strategy === 'pin') {
    const target = await FrameTarget.open(core, iterations * Math.ceil(size / FRAME_PAYLOAD));
    await core.tell(0, 'ready');
    await core.hear(0);
    wrong = await target.wrong(size, iterations);
  } else {
    const region = await openTarget(core, size, iterations);
    await core.hear(0);
    for (let index = 0; index < iterations; index++) {
      wrong += wrongBytes(region.bytes.subarray(index * size, (index + 1) * size), index);
      await core.checkIn();
    }
  }
  await core.tell(0, 'compared');
  return wrong;
}

function summarise(results: readonly (SenderResult | number)[]): Summary {
  const [{ costs, stages }, wrong] = results as [SenderResult, number];
  const row = stages.length / costs.length;
  return {
    verified: wrong === 0,
    metrics: [latencySummary(costs, 'cost')],
    stages: stageTimes(stages, medianIndex(costs) * row),
    counters: { wrong_bytes: wrong },
    samples: costs,
  };
}

function compare(results: readonly ConfigurationResult<PinningParameters>[]): Summary | undefined {
  const curves = new Map<Strategy, CurvePoint[]>();
  for (const { params, summary } of results) {
    const { strategy, size } = params;
    const { p50 } = summary.metrics[0] as DistributionMetric;
    curves.set(strategy, [...(curves.get(strategy) ?? []), { size, cost: p50 }]);
  }
  const metrics: Metric[] = [];
  const apart: string[] = [];
  const measured = STRATEGIES.filter((strategy) => curves.has(strategy));
  for (const [index, a] of measured.entries()) {
    for (const b of measured.slice(index + 1)) {
      const value = crossover(curves.get(a)!, curves.get(b)!);
      if (value === undefined) apart.push(`${a} and ${b}`);
      else metrics.push({ name: `crossover_${a}_${b}`, unit: 'B', value: Math.round(value) });
    }
  }
  if (measured.length < 2) return undefined;
  const verified = results.every(({ summary }) => summary.verified === true);
  const note = apart.length > 0 ? { note: `do not cross at these sizes: ${apart.join('; ')}` } : {};
  return { verified, metrics, ...note };
}

export default defineWorkload({
  name: 'host/pinning',
  summary: 'What a core pays per message to protect what a NIC reads from the pager',
  hosts: 2,
  minHosts: 2,
  parameters: PARAMETERS,
  configurations,
  // A driver in user space that hands the NIC physical addresses, as without an IOMMU.
  machine: () => ({ iommu: false }),
  place,
  program,
  summarise,
  compare,
});
