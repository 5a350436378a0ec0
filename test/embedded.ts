/** Runs a program, or a workload whole, on an embedded machine to the end: what most tests of behaviour do. */
import { EmbeddedProcess } from '../coordinator/embedded/embedded-process.js';
import { executeRun } from '../coordinator/run/run.js';
import { noiseFree, loadProfile, realClock } from '../coordinator/profiles/profiles.js';
import { readParameters } from '../coordinator/plan/parameters.js';
import type { HostMetrics } from '../node/process/host-metrics.js';
import type { Profile } from '../node/spec/profile.js';
import { checkPlacement, machineSettings } from '../coordinator/plan/machine-settings.js';
import type { FaultSpec, RunFailure, RunOutcome, RunSpec } from '../node/spec/run-spec.js';
import type { Program } from '../node/program/verbs.js';
import { formatDuration } from '../units/time.js';
import type {
  ClusterShape,
  MachineRequest,
  Parameters,
  RankPlacement,
  Summary,
  Workload,
} from '../workloads/authoring/workload.js';

/**
 * What `pinwire run` would be told. The defaults are its own, but for hosts, one per program, and memory: what nearly
 * all tests need, as each 64 MiB that are allocated bring a garbage collection on.
 */
export interface ClusterOptions {
  readonly hosts?: number;
  readonly cores?: number;
  /** Bytes per host. */
  readonly memory?: number;
  /** A profile's name, or one made by hand. */
  readonly profile?: string | Profile;
  readonly overrides?: readonly string[];
  readonly mtu?: number;
  readonly topology?: 'switch' | 'direct';
  readonly noise?: boolean;
  readonly clock?: 'virtual' | 'real';
  readonly seed?: number;
  /** Probabilities not given are 0. */
  readonly faults?: Partial<FaultSpec>;
  readonly trace?: 'headers' | 'full';
  readonly capture?: (host: number, bytes: Uint8Array) => void;
  readonly inputs?: ReadonlyMap<string, Uint8Array>;
}

/** One program on core 0 of each host unless `programs` says otherwise; the roles are empty. */
export interface ProgramRun extends ClusterOptions {
  /** Takes any parameters and may return anything. */
  readonly program: Program<never>;
  readonly params?: RunSpec['params'];
  readonly programs?: readonly RankPlacement[];
  readonly machine?: MachineRequest;
}

export interface EmbeddedRun {
  /** By rank; undefined for a program that did not end. */
  readonly results: readonly unknown[];
  readonly outcome: RunOutcome;
  readonly metrics: readonly HostMetrics[];
  /** A program threw, or broke the rules of segments. */
  readonly failure: RunFailure | null;
  /** What the programs that did not end wait for. */
  readonly blocked: readonly string[];
  /** When the last event was, in ps. */
  readonly now: number;
  /** Frames that nobody gave back, and pages that are still pinned. */
  readonly framesLeft: number;
  readonly pinnedPages: number;
  /** Frames of memory that somebody still has. */
  readonly framesInUse: number;
}

/** Bytes per host, and per host of a cluster with virtual machines. */
const DEFAULT_MEMORY = 8 * 2 ** 20;
const MEMORY_WITH_VMS = 64 * 2 ** 20;
const NO_FAULTS: FaultSpec = {
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  icrc: 0,
  delayed: 0,
  delay: 0,
};

/** A program's failure, and programs that never end, are returned and not thrown. */
export async function runEmbedded(run: ProgramRun): Promise<EmbeddedRun> {
  const spec = specOf(run);
  const process = new EmbeddedProcess(spec.hosts, run.program);
  const onCaptured = run.capture;
  try {
    await executeRun(process, 1, { spec, captureDirectory: '', ...(onCaptured && { onCaptured }) });
  } catch (error) {
    const { failure, blocked } = process.state ?? { failure: null, blocked: [] };
    if (failure === null && blocked.length === 0) throw error;
  }
  const { outcome, metrics, failure, blocked, now, left } = process.state!;
  const results: unknown[] = spec.programs.map(() => undefined);
  for (const { rank, value } of outcome.results) results[rank] = value;
  const { frames: framesLeft, pinnedPages, memoryFrames: framesInUse } = left;
  return {
    ...{ results, outcome, metrics, failure, blocked, now },
    ...{ framesLeft, pinnedPages, framesInUse },
  };
}

export interface Measurement {
  readonly params: Parameters;
  readonly summary: Summary;
  readonly run: EmbeddedRun;
}

/**
 * Places, runs and sums up every configuration of a workload. `params` are laid over its defaults. Throws if the
 * workload refuses them, a program fails, or one never ends.
 */
export async function runWorkload(
  workload: Workload,
  params: Parameters = {},
  options: ClusterOptions = {},
): Promise<Measurement[]> {
  const hosts = options.hosts ?? workload.hosts ?? Math.max(2, workload.minHosts ?? 1);
  const inputs = options.inputs ?? new Map<string, Uint8Array>();
  const shape = shapeOf({ ...options, hosts });
  const usual = readParameters(workload, []);
  // As the command line has them: a list of one size is a text too.
  const given = Object.entries(params).map(([name, value]) => [
    name,
    typeof usual[name] === 'string' ? String(value) : value,
  ]);
  const all = { ...usual, ...(Object.fromEntries(given) as Parameters) };
  const configurations = workload.configurations?.(all, shape) ?? [all];
  if (typeof configurations === 'string') throw new Error(configurations);
  const measurements: Measurement[] = [];
  for (const configuration of configurations) {
    const { program } = workload;
    const programs = workload.place(configuration, shape);
    const machine = workload.machine?.(configuration, shape) ?? {};
    const run = await runEmbedded({
      ...options,
      hosts,
      program,
      params: configuration,
      programs,
      machine,
    });
    const { failure, blocked, results } = run;
    if (failure !== null) throw new Error(`host${failure.host}: ${failure.stack}`);
    if (blocked.length > 0) {
      throw new Error(`at ${formatDuration(run.now)} nothing more happens: ${blocked.join('; ')}`);
    }
    const summary = workload.summarise(results, configuration, shape, inputs);
    measurements.push({ params: configuration, summary, run });
  }
  return measurements;
}

export function specOf(run: ProgramRun): RunSpec {
  const hosts = run.hosts ?? run.programs?.length ?? 2;
  const numbers = Array.from({ length: hosts }, (_, host) => host);
  const placed = run.programs ?? numbers.map((host) => ({ host, core: 0, role: '' }));
  const { cores, mtu, clock, seed } = shapeOf({ ...run, hosts });
  const profile = profileOf(run);
  const hasVms = (run.machine?.vms ?? []).length > 0;
  const memory = run.memory ?? (hasVms ? MEMORY_WITH_VMS : DEFAULT_MEMORY);
  const programs = placed.map((each, rank) => ({ process: 0, vm: -1, ...each, rank }));
  const machine = machineSettings('test', run.machine ?? {}, { hosts, cores, memory, profile });
  checkPlacement('test', programs, machine);
  return {
    hosts,
    local: numbers,
    cores,
    memory,
    profile,
    mtu,
    topology: run.topology ?? 'switch',
    clock,
    noise: run.noise ?? true,
    seed,
    until: Infinity,
    segmentLimit: 0,
    faults: run.faults === undefined ? null : { ...NO_FAULTS, ...run.faults },
    capture: run.capture !== undefined,
    trace: run.trace ?? 'headers',
    coreRuntime: 'inline',
    // Not looked up: the program is at hand.
    module: { kind: 'catalogue', name: 'test' },
    params: run.params ?? {},
    programs,
    machine,
    inputs: run.inputs ?? new Map(),
  };
}

function shapeOf(options: ClusterOptions & { readonly hosts: number }): ClusterShape {
  const { link, nic } = profileOf(options);
  return {
    hosts: options.hosts,
    cores: options.cores ?? 4,
    mtu: options.mtu ?? link.mtu,
    clock: options.clock ?? 'virtual',
    seed: options.seed ?? 1,
    maxInline: nic.maxInline,
    maxRdAtomic: nic.maxRdAtomic,
  };
}

function profileOf({
  profile = 'roce-100g',
  overrides = [],
  clock,
  noise,
}: ClusterOptions): Profile {
  const loaded = typeof profile === 'string' ? loadProfile(profile, overrides) : profile;
  if (clock === 'real') return realClock(loaded);
  return noise === false ? noiseFree(loaded) : loaded;
}
