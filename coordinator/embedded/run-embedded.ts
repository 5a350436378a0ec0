/**
 * `pinwire/embedded`: a cluster in the caller's own process, for tests and sweeps. Plan, run and results are those of
 * `pinwire run --placement embedded`; nothing is printed, and no file is written.
 */
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';
import { clusterConfig, hostsAskedFor, type ClusterConfig } from '../plan/cluster-config.js';
import { checkSettings, kindsOf } from '../plan/parameters.js';
import { hostsFor, planWorkload, type PlannedWorkload } from '../plan/work-plan.js';
import { configurationText } from '../plan/configuration-text.js';
import { Measured, measure, unheard } from '../run/measure.js';
import { CAPTURES, EmbeddedCluster } from './embedded-cluster.js';
import {
  checkOptions,
  clusterOptions,
  requestedSettings,
  requestedWorkload,
  type EmbeddedOptions,
  type EmbeddedProgram,
} from './embedded-options.js';
import { embeddedRun, FailedRun, type EmbeddedRun } from './embedded-run.js';

export { ms, ns, ps, us } from '../../units/durations.js';
export type { Picoseconds } from '../../units/time.js';
export { UsageError } from '../errors/usage-error.js';
export type { HeldParts } from './embedded-process.js';
export { FailedRun, type EmbeddedOptions, type EmbeddedProgram, type EmbeddedRun };

type ValuesOf<Programs extends readonly EmbeddedProgram[]> = {
  readonly [Rank in keyof Programs]: Awaited<ReturnType<Programs[Rank]>>;
};

interface Plan {
  readonly config: ClusterConfig;
  readonly planned: PlannedWorkload;
}

/**
 * Runs a workload, or one program per host, to its end. Several may be under way at once. Rejects with a
 * {@link UsageError} for options that the command line would refuse, before anything runs, and with a {@link FailedRun}
 * where it would end with status 1.
 */
export async function runEmbedded<
  const Programs extends readonly EmbeddedProgram[] = readonly EmbeddedProgram[],
>(options: EmbeddedOptions<Programs>): Promise<EmbeddedRun<ValuesOf<Programs>>> {
  const { config, planned } = await plan(options);
  const cluster = new EmbeddedCluster(planned.workload.program);
  const measured = new Measured();
  const known = (): EmbeddedRun<ValuesOf<Programs>> => {
    const run = embeddedRun(measured, cluster.known);
    return (options.programs === undefined ? run : { ...run, results: [] }) as never;
  };
  const capture = options.capture === true ? CAPTURES : undefined;
  try {
    const how = { config, capture, ...unheard() };
    await measure(cluster, [planned], measured, how, () => undefined);
  } catch (error) {
    throw error instanceof RunError ? new FailedRun(error.message, known()) : error;
  }
  const wrong = measured.results.find(({ verified }) => verified === false);
  if (wrong === undefined) return known();
  const configuration = configurationText({ ...wrong, kinds: kindsOf(planned.workload) });
  throw new FailedRun(`${configuration} did not verify`, known());
}

async function plan(options: EmbeddedOptions): Promise<Plan> {
  checkOptions(options);
  const resolved = await requestedWorkload(options);
  const settings = requestedSettings(options, resolved);
  checkSettings(settings, [resolved]);
  const cluster = clusterOptions(options);
  const config = clusterConfig(cluster, hostsAskedFor(cluster) ?? hostsFor([resolved]));
  const files = new Map(Object.entries(options.inputs ?? {}));
  const planned = planWorkload(resolved, settings, config, files);
  if (options.programs !== undefined) return { config, planned: { ...planned, inputs: files } };
  const taken = new Set(planned.inputs.values());
  for (const [name, bytes] of files) {
    if (taken.has(bytes)) continue;
    throw new UsageError(`inputs.${name}: ${planned.name} has no parameter that names this file`);
  }
  return { config, planned };
}
