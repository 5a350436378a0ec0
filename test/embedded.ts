/**
 * What most tests of behaviour do: a program, or a workload whole, run to the end by `pinwire/embedded`. How a run
 * failed is a value here.
 */
import { planEmbedded } from '../coordinator/embedded/embedded-plan.js';
import {
  FailedRun,
  runEmbedded as run,
  type ConfigurationRun,
  type EmbeddedOptions,
  type MachineRequest,
  type ProgramPlace,
  type RunFailure,
} from '../coordinator/embedded/run-embedded.js';
import { runSpec } from '../coordinator/run/measure.js';
import type { Program } from '../node/program/verbs.js';
import type { FaultSpec, RunSpec } from '../node/spec/run-spec.js';
import type { Parameters, Summary, Workload } from '../workloads/authoring/workload.js';

type Handed = 'hosts' | 'cores' | 'memory' | 'profile' | 'mtu' | 'topology' | 'noise' | 'clock';

/**
 * What `pinwire run` would be told. The defaults are its own, but for hosts, one per program, and memory: what nearly
 * all tests need, as each 64 MiB that are allocated bring a garbage collection on.
 */
export interface ClusterOptions extends Pick<EmbeddedOptions, Handed | 'seed' | 'trace'> {
  /** As `--override` has them. */
  readonly overrides?: readonly string[];
  /** Probabilities not given are 0. */
  readonly faults?: Partial<FaultSpec>;
  readonly capture?: (host: number, bytes: Uint8Array) => void;
  readonly inputs?: ReadonlyMap<string, Uint8Array>;
}

/** One program on core 0 of each host unless `programs` says otherwise. */
export interface ProgramRun extends ClusterOptions {
  /** Takes any parameters and may return anything. */
  readonly program: Program<never>;
  readonly params?: Parameters;
  readonly programs?: readonly ProgramPlace[];
  readonly machine?: MachineRequest;
}

export interface EmbeddedRun extends ConfigurationRun {
  /** A program threw, or broke the rules of segments. */
  readonly failure: RunFailure | null;
}

/** Bytes per host, and per host of a cluster with virtual machines. */
const DEFAULT_MEMORY = 8 * 2 ** 20;
const MEMORY_WITH_VMS = 64 * 2 ** 20;

/** A program's failure, and programs that never end, are returned and not thrown. */
export async function runEmbedded(given: ProgramRun): Promise<EmbeddedRun> {
  const { configurations, failure } = await told(programOptions(given));
  capturedBy(given, configurations[0]!);
  return { ...configurations[0]!, failure };
}

export interface Measurement {
  readonly params: Parameters;
  readonly summary: Summary;
  readonly run: ConfigurationRun;
}

/**
 * Places, runs and sums up every configuration of a workload. `params` are laid over its defaults. Throws if the
 * workload refuses them, a program fails, or one never ends; a verdict is in the summary.
 */
export async function runWorkload(
  workload: Workload,
  params: Parameters = {},
  options: ClusterOptions = {},
): Promise<Measurement[]> {
  const given = { ...clusterOptions(options), workload, params };
  const memory = options.memory ?? (await memoryFor(given));
  const { configurations, error } = await told({ ...given, memory });
  return configurations.map((each) => {
    if (each.summary === undefined) throw error!;
    capturedBy(options, each);
    return { params: each.params, summary: each.summary, run: each };
  });
}

/** What a machine would be told, for tests that drive one by hand. */
export async function specOf(given: ProgramRun): Promise<RunSpec> {
  const { config, planned } = await planEmbedded(programOptions(given));
  const local = Array.from({ length: config.hosts }, (_, host) => host);
  return { ...runSpec(config, planned, 0), capture: given.capture !== undefined, local };
}

async function memoryFor(options: EmbeddedOptions): Promise<number> {
  const { planned } = await planEmbedded({ ...options, memory: MEMORY_WITH_VMS });
  const hasVms = planned.configurations.some(({ machine }) => machine.vms.length > 0);
  return hasVms ? MEMORY_WITH_VMS : DEFAULT_MEMORY;
}

/** How a run ended, whichever way. */
async function told(options: EmbeddedOptions): Promise<{
  readonly configurations: readonly ConfigurationRun[];
  readonly failure: RunFailure | null;
  readonly error?: FailedRun;
}> {
  try {
    return { configurations: (await run(options)).configurations, failure: null };
  } catch (error) {
    if (!(error instanceof FailedRun)) throw error;
    const { failure, run: known } = error;
    return { configurations: known.configurations, failure, error };
  }
}

function programOptions(given: ProgramRun): EmbeddedOptions {
  const { program, programs: placement, machine, params, hosts = placement?.length ?? 2 } = given;
  const hasVms = (machine?.vms ?? []).length > 0;
  const ranks = placement?.length ?? hosts;
  return {
    ...clusterOptions(given),
    ...{ hosts, placement, machine, params },
    memory: given.memory ?? (hasVms ? MEMORY_WITH_VMS : DEFAULT_MEMORY),
    programs: Array.from({ length: ranks }, () => program as Program<Parameters>),
  };
}

function clusterOptions(given: ClusterOptions): EmbeddedOptions {
  const { hosts, cores, profile, mtu, topology, noise, clock, seed, trace } = given;
  const { overrides = [], faults = {}, inputs = [], capture } = given;
  const written = overrides.map((text) => {
    const equals = text.indexOf('=');
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  return {
    ...{ hosts, cores, profile, mtu, topology, noise, clock, seed, trace },
    override: Object.fromEntries(written) as Record<string, string>,
    faults: Object.entries(faults).map(([name, value]) =>
      name === 'delay' ? `delay=${value}ps` : `${name}=${value}`,
    ),
    inputs: Object.fromEntries(inputs),
    capture: capture !== undefined,
  };
}

function capturedBy({ capture }: ClusterOptions, { captures }: ConfigurationRun): void {
  for (const [host, bytes] of Object.values(captures).entries()) capture?.(host, bytes);
}
