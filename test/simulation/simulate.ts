/** One simulation: random traffic under random faults, all from one seed; what is wrong, and the figures. */
import { RandomStream } from '../../sim/random.js';
import { runEmbedded } from '../embedded.js';
import type { TrafficShape } from './traffic-plan.js';
import { runTraffic } from './traffic-program.js';

export interface Simulation {
  /** Empty if all went as it must; else it begins with how to repeat it. */
  readonly problems: readonly string[];
  readonly packets: number;
  readonly retransmitted: number;
}

export const FAULT_KINDS = ['loss', 'duplicate', 'corrupt', 'icrc', 'delayed'] as const;
const PROBABILITIES = [0, 1e-3, 1e-2, 0.03, 0.1];

export async function simulate(seed: number, requests = 60): Promise<Simulation> {
  const random = new RandomStream(seed, 'simulation');
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.unit() * values.length)]!;
  const faults = { loss: 0, duplicate: 0, corrupt: 0, icrc: 0, delayed: 0, delay: 0 };
  for (const kind of FAULT_KINDS) faults[kind] = pick(PROBABILITIES);
  faults.delay = pick([1e5, 1e6, 1e7]);
  // More would use up seven retries now and then, as it must.
  if (faults.loss + faults.corrupt > 0.1) faults.corrupt = 0;
  if (faults.loss + faults.corrupt + faults.icrc > 0.1) faults.icrc = 0;
  const shape: TrafficShape = {
    seed,
    queuePairs: pick([1, 2, 4]),
    requests,
    mtu: pick([256, 512, 1024]),
  };
  const run = await runEmbedded({
    seed,
    faults,
    noise: pick([true, false]),
    profile: pick(['roce-100g', 'roce-25g']),
    topology: pick(['direct', 'switch']),
    program: (core) => runTraffic(core, shape),
  });
  const problems = run.values.flatMap((result) => (result as string[] | undefined) ?? []);
  if (run.failure !== null) problems.push(run.failure.stack);
  else problems.push(...run.blocked);
  if (problems.length === 0) {
    if (run.left.frames > 0) problems.push(`${run.left.frames} frames were not given back`);
    if (run.left.pinnedPages > 0) problems.push(`${run.left.pinnedPages} pages are still pinned`);
  }
  if (problems.length > 0) {
    problems.unshift(
      `SIMULATION_SEED=${seed} SIMULATION_COUNT=1 npx vitest run test/simulation repeats it`,
      JSON.stringify({ shape, faults }),
    );
  }
  let retransmitted = 0;
  for (const counters of Object.values(run.counters)) {
    retransmitted += counters['retransmitted_packets'] ?? 0;
  }
  return { problems, packets: run.packets, retransmitted };
}
