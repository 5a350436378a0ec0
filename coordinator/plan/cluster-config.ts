/** The cluster that the options ask for, checked whole before any process starts. */
import { leastFlight } from '../../node/model/fabric/flight-times.js';
import { layoutOf, topologyProblem } from '../../node/model/fabric/topologies.js';
import type { Profile } from '../../node/spec/profile.js';
import type { RUN_SETTINGS } from '../../node/spec/run-spec.js';
import type { ClusterShape } from '../../workloads/authoring/workload.js';
import { noiseFree, realClock } from '../profiles/profiles.js';
import { UsageError } from '../errors/usage-error.js';
import type { ClusterConfig, ClusterInfo } from './cluster-shape.js';
import { headerOf, pick, readOptions, readRow } from './option-row.js';
import { OPTIONS, RUN_OPTIONS, type RunOptionName, type RunOptionValue } from './run-options.js';

export type { ClusterConfig } from './cluster-shape.js';
export { partition } from './partition.js';

/** As the command line has them. */
export type ClusterOptions = {
  readonly [N in RunOptionName]?: RunOptionValue<N> | undefined;
};

/** Beyond it a machine thrashes instead of emulating. */
const MAX_CORE_THREADS = 1024;

/** The hosts asked for, or undefined: then the workload decides. */
export const hostsAskedFor = ({ hosts }: ClusterOptions): number | undefined =>
  hosts === undefined
    ? undefined
    : readRow<number>('hosts', RUN_OPTIONS.hosts, { options: { hosts }, config: {} });

/** The configuration of a cluster of `hosts` hosts. Throws a UsageError for what cannot be. */
export function clusterConfig(
  options: ClusterOptions,
  hosts: number,
  { rows } = OPTIONS,
): ClusterConfig {
  const read = readOptions(rows, { ...options, hosts: String(hosts) });
  const config = { ...read, profile: profileOf(read.loadedProfile, read.clock, read.noise) };
  refuseTogether(config);
  return config;
}

/** Throws a UsageError for options that are right each, and wrong together. */
function refuseTogether(config: ClusterConfig): void {
  const { hosts, cores, topology, clock, coreRuntime, profile } = config;
  const problem = topologyProblem(topology, hosts);
  if (problem !== undefined) throw new UsageError(`--topology ${topology}: ${problem}`);
  if (clock === 'virtual' && leastFlight(layoutOf(config), profile) === 0) {
    throw new UsageError(
      `--profile ${profile.name}: fabric latency is 0; virtual time needs a positive lookahead`,
    );
  }
  const threads = hosts * cores;
  if (coreRuntime === 'worker' && threads > MAX_CORE_THREADS) {
    throw new UsageError(
      `--hosts ${hosts} --cores ${cores}: ${threads} core threads exceed the limit of ` +
        `${MAX_CORE_THREADS}; use --core-runtime inline`,
    );
  }
}

/** What the options decide of the specification of every run. */
export const runSettings = (config: ClusterConfig, { settings } = OPTIONS) => ({
  ...(pick(config, Object.keys(settings)) as Pick<ClusterConfig, keyof typeof RUN_SETTINGS>),
  noise: config.noise === 'on',
  profile: config.profile,
});

/** A loaded profile as a run's clock and noise have it. */
export function profileOf(
  profile: Profile,
  clock: 'virtual' | 'real',
  noise: 'on' | 'off',
): Profile {
  if (clock === 'real') return realClock(profile);
  return noise === 'off' ? noiseFree(profile) : profile;
}

/** What workloads may know of the cluster. */
export const clusterShape = (config: ClusterConfig): ClusterShape => ({
  hosts: config.hosts,
  cores: config.cores,
  mtu: config.mtu,
  clock: config.clock,
  seed: config.seed,
  maxInline: config.profile.nic.maxInline,
  maxRdAtomic: config.profile.nic.maxRdAtomic,
});

/** `cluster` of the results. */
export const clusterInfo = (config: ClusterConfig): ClusterInfo => ({
  hosts: config.hosts,
  cores: config.cores,
  profile: config.profile.name,
  clock: config.clock,
  topology: config.topology,
  mtu: config.mtu,
  noise: config.noise,
  seed: config.seed,
});

/** The cluster in one line, for people; `elsewhere` says where it is if it is not to be launched. */
export const describeCluster = (
  config: ClusterConfig,
  elsewhere?: string,
  { rows } = OPTIONS,
): string => headerOf(rows, config, elsewhere);
