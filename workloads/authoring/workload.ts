/**
 * What a workload is: parameters, who runs where, a program, and how its results are summed up and verified.
 * The catalogue's own workloads and a user's module have the same shape.
 */
import type { Picoseconds, Program, StageTime } from '../../node/program/verbs.js';

export {
  connect,
  openDevice,
  sharedRegion,
  type Connection,
  type Device,
  type Endpoint,
} from './connect.js';
export { LatencyRecorder, type LatencyRecord } from './latency-recorder.js';
export { latencySummary } from './statistics.js';

export type ParameterValue = number | string | boolean;
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** What the values of a parameter are, by its `type`. */
interface ParameterTypes {
  readonly integer: number;
  readonly number: number;
  /** Takes 64KiB; held in bytes. */
  readonly size: number;
  /** Takes 1.5us; held in ps. */
  readonly duration: Picoseconds;
  /** Takes 25Gbps; held in Gb/s. */
  readonly rate: number;
  readonly boolean: boolean;
  /** One of `choices`. */
  readonly choice: string;
  /** The file is read before the run, and its bytes are handed to the program in `task.inputs`. */
  readonly file: string;
  readonly text: string;
}

/** One parameter of `--set key=value`, as `list` shows it. */
export interface ParameterSpec {
  readonly default: ParameterValue;
  readonly type: keyof ParameterTypes;
  /** What a text is that `configurations` turns into a number. */
  readonly of?: 'size' | 'duration' | 'rate';
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly help: string;
}
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** The value of a parameter with this spec: of a choice, one of those it names. */
export type ParameterOf<Spec extends ParameterSpec> = Spec extends {
  readonly type: 'choice';
  readonly choices: readonly (infer Choice)[];
}
  ? Choice & string
  : ParameterTypes[Spec['type']];

/** What `task.params` is for these specs, unless `configurations` makes something else of them. */
export type ParametersOf<Specs extends ParameterSpecs> = {
  readonly [Name in keyof Specs]: ParameterOf<Specs[Name]>;
};

/** The cluster that a run gets, as far as a workload may depend on it. */
export interface ClusterShape {
  readonly hosts: number;
  readonly cores: number;
  readonly mtu: number;
  readonly clock: 'virtual' | 'real';
  readonly seed: number;
  readonly maxInline: number;
  /** READs and atomics that a queue pair may have under way. */
  readonly maxRdAtomic: number;
}

/** Where a rank runs and what part it plays. */
export interface RankPlacement {
  readonly host: number;
  readonly core: number;
  readonly role: string;
  /** The process of its host that it runs in: ranks of one process share its memory. Default 0. */
  readonly process?: number;
  /** The virtual machine (index into `machine().vms`) that it runs in. Default: none, on the bare host. */
  readonly vm?: number;
}

/** A virtual machine that a workload asks for. */
export interface VmRequest {
  readonly host: number;
  readonly cores: readonly number[];
  /** Bytes; its own part of the host's memory. */
  readonly memory: number;
  readonly queues?: number;
  readonly vlan?: number;
  /** At most this many Gb/s out of its network function. */
  readonly rateGbps?: number;
}

/** How a workload wants its hosts set up; what it leaves out is the profile's or the cluster's. */
export interface MachineRequest {
  readonly iommu?: boolean;
  readonly memory?: number;
  readonly pager?: 'clock' | 'lru';
  readonly swap?: number;
  readonly memlock?: number;
  readonly hostMemlock?: number;
  readonly queues?: number;
  readonly vms?: readonly VmRequest[];
  readonly vmQueues?: 'own' | 'shared';
}

export interface DistributionMetric {
  readonly name: string;
  readonly unit: string;
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly 'p99.9': number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
}

export interface ValueMetric {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

export type Metric = DistributionMetric | ValueMetric;

/** What a workload makes of its ranks' results: part of one entry of `results`. */
export interface Summary {
  /** False fails the run; null: nothing to verify, and `note` says why. */
  readonly verified: boolean | null;
  readonly note?: string;
  readonly metrics: readonly Metric[];
  /** Of the median operation; sums to its latency exactly. */
  readonly stages?: readonly StageTime[];
  readonly counters?: Readonly<Record<string, number>>;
  /** Latencies in ps in order of operation, for plots and `--format perftest`. */
  readonly samples?: Float64Array;
  /** Of messages in a stream: for the peak of `--format perftest`. */
  readonly times?: MessageTimes;
}

/** In ps: when each message was posted, and at `completed[n - 1]` when n of them had been seen completed. */
export interface MessageTimes {
  readonly posted: Float64Array;
  readonly completed: Float64Array;
}

/** One configuration that ran, and what it came to. */
export interface ConfigurationResult<Configuration = Parameters> {
  readonly params: Configuration;
  readonly summary: Summary;
}

/**
 * `Specs` are the parameters; `Configuration` is what one run gets of them, as `configurations` returns it; `Result` is
 * what `program` returns, and `ProgramParameters` differs from `Configuration` only where the program's own `Task<...>`
 * says so. {@link defineWorkload} infers each from what stands above it in the object: `configurations` goes before
 * `program`, `program` before `summarise`. Without type arguments it is any workload, as a run takes it.
 */
export interface Workload<
  Specs extends ParameterSpecs = ParameterSpecs,
  Configuration = Parameters,
  ProgramParameters = never,
  Result = unknown,
> {
  /** `micro/write-lat`; a user's module may leave it out and is named by its path. */
  readonly name: string;
  readonly summary: string;
  readonly parameters: Specs;
  /** Hosts that it needs when the user does not say (default 2), and the least it can do with. */
  readonly hosts?: number;
  readonly minHosts?: number;
  /**
   * Configurations to run one after another (a comparison, a sweep of sizes): each is one result. Default: the one
   * given. An error text names what is wrong with the parameters; the run is refused with it (exit 2).
   */
  configurations?(params: ParametersOf<Specs>, cluster: ClusterShape): Configuration[] | string;
  /**
   * Checks the input files, whole, before anything starts. An error text names the offset; the run is refused with it
   * (exit 2).
   */
  check?(inputs: ReadonlyMap<string, Uint8Array>, params: ParametersOf<Specs>): string | undefined;
  /** How the hosts of one configuration are set up. */
  machine?(params: Configuration, cluster: ClusterShape): MachineRequest;
  /** The ranks of one configuration. */
  place(params: Configuration, cluster: ClusterShape): RankPlacement[];
  /** The program of every rank; `task.role` tells the part. */
  readonly program: Program<ProgramParameters, Result>;
  /** `results[rank]` is what the rank's program returned. */
  summarise(
    results: readonly Result[],
    params: Configuration,
    cluster: ClusterShape,
    inputs: ReadonlyMap<string, Uint8Array>,
  ): Summary;
  /** A last result over all configurations, with empty params: what the comparison says. */
  compare?(
    results: readonly ConfigurationResult<Configuration>[],
    cluster: ClusterShape,
  ): Summary | undefined;
}

/** Says that this object is a workload; a module's default export. */
export const defineWorkload = <
  const Specs extends ParameterSpecs,
  Result,
  // An interface is one too, although it has no index signature.
  Configuration extends { readonly [Name in keyof Configuration]: ParameterValue } =
    ParametersOf<Specs>,
  ProgramParameters = Configuration,
>(
  workload: Workload<Specs, Configuration, ProgramParameters, Result>,
): Workload => workload;
