/**
 * What `host/vm-queues` makes of what its programs saw: figures, whether they can be, and what they say side by side.
 */
import { STAGES, stageTimes } from '../../node/program/verbs.js';
import { PS_PER_NS } from '../../units/time.js';
import { latencySummary, medianIndex } from '../authoring/statistics.js';
import type {
  ConfigurationResult,
  DistributionMetric,
  Metric,
  Summary,
} from '../authoring/workload.js';
import { PAYLOAD, type AttackerReport, type VictimReport } from './vm-attack.js';
import { RANK } from './vm-plan.js';
import {
  isAttack,
  type AttackParameters,
  type TrafficParameters,
  type VmQueuesParameters,
} from './vm-queues-parameters.js';
import type { ClientReport, NoiseReport } from './vm-traffic.js';

export function summariseTraffic(results: readonly unknown[], params: TrafficParameters): Summary {
  const client = results[RANK.client] as ClientReport;
  const noise = (rank: number): NoiseReport => results[rank] as NoiseReport;
  const [taker, drain] = [noise(RANK.taker), noise(RANK.drain)];
  const sentIn = noise(RANK.source).datagrams + noise(RANK.otherSource).datagrams;
  const watch = results[RANK.watch] as { taken: number; length: number };
  const lost = client.sent - client.numbers.length;
  const wrongs = [
    client.wrong > 0 && `${client.wrong} answers are not what was asked`,
    client.stray > 0 && `${client.stray} answers to nothing`,
    client.numbers.length === 0 && 'no request was answered',
    taker.wrong + drain.wrong > 0 && 'noise is not what was sent',
    taker.late + drain.late > 0 && 'noise came out of order',
    drain.bytes * 8 * PS_PER_NS > mostBits(params, drain) && 'the noisy VM sent more than its rate',
  ].filter((wrong) => wrong !== false);
  const samples = Float64Array.from(client.latencies);
  const median = medianIndex(samples);
  const metrics: Metric[] = [
    ...(samples.length > 0 ? [latencySummary(samples)] : []),
    { name: 'lost', unit: '%', value: (100 * lost) / client.sent },
    { name: 'noise_out', unit: 'Gb/s', value: gbps(drain) },
    { name: 'noise_in', unit: 'Gb/s', value: gbps(taker) },
    // What was begun within the time may end after it.
    { name: 'host_load', unit: '%', value: Math.min(100, (100 * watch.taken) / watch.length) },
  ];
  return {
    verified: wrongs.length === 0,
    ...(wrongs.length > 0 && { note: wrongs.join('; ') }),
    metrics,
    ...(median >= 0 && { stages: stageTimes(client.stages, median * STAGES.length) }),
    counters: {
      requests: client.sent,
      answers: client.numbers.length,
      noise_sent_out: noise(RANK.sender).datagrams,
      noise_sent_in: sentIn,
      noise_taken_out: drain.datagrams,
      noise_taken_in: taker.datagrams,
    },
    samples,
  };
}

const gbps = ({ bytes, length }: NoiseReport): number => (bytes * 8 * PS_PER_NS) / length;

/** Datagrams that may have waited, at the drain, before the time began. */
const WAITING = 32;

/** Gigabits times ps that the rate lets through in the time, and what may have waited before it. */
function mostBits({ rate, noise_size: size }: TrafficParameters, { length }: NoiseReport): number {
  if (rate === 0) return Infinity;
  const waiting = WAITING * size * 8 * PS_PER_NS;
  return rate * length + waiting;
}

export function summariseAttack(
  [victim, attacker]: readonly [VictimReport, AttackerReport],
  { iommu, attempts }: AttackParameters,
): Summary {
  const reached = iommu === 'on' ? 0 : attempts * PAYLOAD;
  const turnedAway = iommu === 'on' ? 2 * attempts : 0;
  const wrongs = [
    victim.ruined !== reached && `${victim.ruined} bytes are ruined, and ${reached} should be`,
    attacker.stolen !== reached && `${attacker.stolen} bytes were read, and ${reached} should be`,
    victim.unexplained > 0 && `${victim.unexplained} bytes changed that nobody wrote`,
    attacker.recordedRuined !== victim.ruined && 'what is ruined and what is recorded differ',
    attacker.recordedRead !== attacker.left && 'what was read and what is recorded differ',
    attacker.refused !== turnedAway && `${attacker.refused} requests failed, not ${turnedAway}`,
    attacker.faults !== turnedAway && `${attacker.faults} faults were told, not ${turnedAway}`,
  ].filter((wrong) => wrong !== false);
  return {
    verified: wrongs.length === 0,
    ...(wrongs.length > 0 && { note: wrongs.join('; ') }),
    metrics: [
      { name: 'ruined_bytes', unit: 'B', value: victim.ruined },
      { name: 'stolen_bytes', unit: 'B', value: attacker.stolen },
      { name: 'iommu_faults', unit: '', value: attacker.faults },
    ],
    counters: { attempts: 2 * attempts, refused: attacker.refused },
  };
}

/** How many times longer requests take over the shared queue than over own ones, noise by noise. */
export function compareQueues(
  results: readonly ConfigurationResult<VmQueuesParameters>[],
): Summary | undefined {
  const metrics: Metric[] = [];
  for (const { params: asked, summary } of results) {
    if (isAttack(asked) || asked.queues !== 'shared') continue;
    const own = results.find(
      ({ params: other }) =>
        !isAttack(other) &&
        other.queues === 'own' &&
        other.noise === asked.noise &&
        other.rate === asked.rate,
    );
    const [shared, alone] = [latencyOf(summary), own && latencyOf(own.summary)];
    if (shared === undefined || alone === undefined) continue;
    const limited = asked.rate === 0 ? '' : `_${asked.rate}gbps`;
    const what = `shared_over_own_${asked.noise}${limited}`;
    metrics.push(
      { name: `${what}_p50`, unit: 'times', value: shared.p50 / alone.p50 },
      { name: `${what}_p99`, unit: 'times', value: shared.p99 / alone.p99 },
    );
  }
  if (metrics.length === 0) return undefined;
  return { verified: results.every(({ summary }) => summary.verified === true), metrics };
}

const latencyOf = ({ metrics }: Summary): DistributionMetric | undefined =>
  metrics.find(
    (metric): metric is DistributionMetric => metric.name === 'latency' && 'p50' in metric,
  );
