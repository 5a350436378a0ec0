/** One benchmark on one bed: its figures, its stages by name, and the assurance that it verified. */
import type {
  DistributionMetric,
  Parameters,
  Summary,
  Workload,
} from '../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions } from '../embedded.js';

export interface Figures {
  /** In ns; of a bandwidth, from post to completion under load. */
  readonly latency: DistributionMetric;
  /** In Gb/s and million messages per second; NaN of a latency benchmark. */
  readonly bandwidth: number;
  readonly rate: number;
  /** In ns, of the median operation. */
  readonly stages: Readonly<Record<string, number>>;
  readonly summary: Summary;
}

/** A benchmark of bandwidth keeps many large buffers. */
const roomFor = ({ name }: Workload): ClusterOptions =>
  name.endsWith('-bw') ? { memory: 64 * 2 ** 20 } : {};

export async function measured(
  workload: Workload,
  params: Parameters,
  bed: ClusterOptions,
): Promise<Figures> {
  const [{ summary } = undefined!] = await runWorkload(workload, params, {
    ...roomFor(workload),
    ...bed,
  });
  if (summary.verified !== true) throw new Error(`${workload.name}: ${summary.note ?? ''}`);
  const valueOf = (name: string): number => {
    const metric = summary.metrics.find((each) => each.name === name);
    return metric !== undefined && 'value' in metric ? metric.value : NaN;
  };
  const stages = (summary.stages ?? []).map(({ name, ps }) => [name, ps / 1e3] as const);
  return {
    latency: summary.metrics.find(({ name }) => name === 'latency') as DistributionMetric,
    bandwidth: valueOf('bandwidth'),
    rate: valueOf('rate'),
    stages: Object.fromEntries(stages),
    summary,
  };
}
