/**
 * `pinwire/embedded`: a cluster in the caller's own process, for tests and sweeps. Plan, run and results are those of
 * `pinwire run --placement embedded`; nothing is printed, and no file is written.
 */
import { RunError } from '../errors/run-error.js';
import { kindsOf } from '../plan/parameters.js';
import { configurationText } from '../plan/configuration-text.js';
import { Measured, measure, unheard } from '../run/measure.js';
import { CAPTURES, EmbeddedCluster } from './embedded-cluster.js';
import type { EmbeddedOptions } from './embedded-options.js';
import { planEmbedded } from './embedded-plan.js';
import type { EmbeddedProgram, ProgramPlace } from './embedded-programs.js';
import { embeddedRun, FailedRun, type ConfigurationRun, type EmbeddedRun } from './embedded-run.js';

export { ms, ns, ps, us } from '../../units/durations.js';
export type { Picoseconds } from '../../units/time.js';
export { UsageError } from '../errors/usage-error.js';
export type { HostMetrics } from '../../node/process/host-metrics.js';
export type { RunFailure } from '../../node/spec/run-spec.js';
export type { MachineRequest, VmRequest } from '../../workloads/authoring/workload.js';
export type { HeldParts } from './embedded-process.js';
export { FailedRun, type ConfigurationRun, type EmbeddedOptions, type EmbeddedProgram };
export type { EmbeddedRun, ProgramPlace };

type ValuesOf<Programs extends readonly EmbeddedProgram[]> = {
  readonly [Rank in keyof Programs]: Awaited<ReturnType<Programs[Rank]>>;
};

/**
 * Runs a workload, or programs, to their end. Several may be under way at once. Rejects with a
 * {@link UsageError} for options that the command line would refuse, before anything runs, and with a {@link FailedRun}
 * where it would end with status 1.
 */
export async function runEmbedded<
  const Programs extends readonly EmbeddedProgram[] = readonly EmbeddedProgram[],
>(options: EmbeddedOptions<Programs>): Promise<EmbeddedRun<ValuesOf<Programs>>> {
  const { config, planned } = await planEmbedded(options);
  const cluster = new EmbeddedCluster(planned.workload.program, options.onBegin);
  const measured = new Measured();
  const params = planned.configurations.map((each) => each.params);
  const known = (): EmbeddedRun<ValuesOf<Programs>> => {
    const run = embeddedRun(measured, cluster.known, params);
    return (options.programs === undefined ? run : withoutSummaries(run)) as never;
  };
  const capture = options.capture === true ? CAPTURES : undefined;
  try {
    const how = { config, capture, ...unheard() };
    await measure(cluster, [planned], measured, how, () => undefined);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new FailedRun(error.message, known(), cluster.known.at(-1)?.failure ?? null);
  }
  const wrong = measured.results.find(({ verified }) => verified === false);
  if (wrong === undefined) return known();
  const configuration = configurationText({ ...wrong, kinds: kindsOf(planned.workload) });
  throw new FailedRun(`${configuration} did not verify`, known(), null);
}

/** Nothing sums up what plain programs did. */
const withoutSummaries = (run: EmbeddedRun): EmbeddedRun => ({
  ...run,
  results: [],
  configurations: run.configurations.map((each) => ({ ...each, summary: undefined })),
});
