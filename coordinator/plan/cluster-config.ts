/**
 * The cluster that the options ask for, checked whole before any process starts. What it holds decides results;
 * placement, processes and core runtime decide only where the work is done.
 */
import { leastFlight } from '../../node/model/fabric/lookahead-between.js';
import type { Profile } from '../../node/spec/profile.js';
import type { FaultSpec } from '../../node/spec/run-spec.js';
import { MAX_CORES, MAX_HOSTS } from '../../sim/sequencer.js';
import { formatSize } from '../../units/size.js';
import type { ClusterShape } from '../../workloads/authoring/workload.js';
import { parseFaults } from '../options/faults.js';
import { readChoice, readSize, readWallTime, readWhole } from '../options/option-values.js';
import { loadProfile, noiseFree, realClock } from '../profiles/profiles.js';
import type { ClusterInfo } from '../report/results.js';
import { UsageError } from '../errors/usage-error.js';

/** As the command line has them. */
export interface ClusterOptions {
  readonly hosts?: string | undefined;
  readonly cores?: string | undefined;
  readonly memory?: string | undefined;
  readonly profile?: string | undefined;
  readonly override?: readonly string[] | undefined;
  readonly clock?: string | undefined;
  readonly placement?: string | undefined;
  readonly processes?: string | undefined;
  readonly 'core-runtime'?: string | undefined;
  readonly topology?: string | undefined;
  readonly mtu?: string | undefined;
  readonly noise?: string | undefined;
  readonly seed?: string | undefined;
  readonly fault?: readonly string[] | undefined;
  readonly trace?: string | undefined;
  readonly 'segment-limit'?: string | undefined;
}

export interface ClusterConfig {
  readonly hosts: number;
  readonly cores: number;
  /** Bytes per host. */
  readonly memory: number;
  /** Overrides, noise and clock already applied. */
  readonly profile: Profile;
  /** Overrides alone applied: what another run's noise is applied to. */
  readonly loadedProfile: Profile;
  readonly mtu: number;
  readonly topology: 'switch' | 'direct';
  readonly clock: 'virtual' | 'real';
  readonly noise: 'on' | 'off';
  readonly seed: number;
  readonly faults: FaultSpec | null;
  readonly trace: 'headers' | 'full';
  /** In ms of wall time; 0 is never. */
  readonly segmentLimit?: number;
  readonly placement: 'process' | 'embedded' | 'joined';
  readonly coreRuntime: 'worker' | 'inline';
  /** The hosts of each process; empty where they are still to join. */
  readonly partition: readonly (readonly number[])[];
}

export const DEFAULTS = {
  hosts: 4,
  cores: 4,
  memory: '64MiB',
  profile: 'roce-100g',
  clock: 'virtual',
  placement: 'process',
  topology: 'switch',
  noise: 'on',
  seed: 1,
  trace: 'headers',
} as const;

const MTUS = ['256', '512', '1024', '2048', '4096'] as const;
const LEAST_MEMORY = 2 ** 20;
const MOST_MEMORY = 2 ** 32;
/** Beyond these a machine thrashes instead of emulating; pack hosts with --processes, or run cores inline. */
const MAX_PROCESSES = 128;
const MAX_CORE_THREADS = 1024;

/** The hosts asked for, or undefined: then the workload decides. */
export const hostsAskedFor = (options: ClusterOptions): number | undefined =>
  options.hosts === undefined ? undefined : readWhole('--hosts', options.hosts, 1, MAX_HOSTS);

/** The configuration of a cluster of `hosts` hosts. Throws a UsageError for what cannot be. */
export function clusterConfig(options: ClusterOptions, hosts: number): ClusterConfig {
  const cores = readWhole('--cores', options.cores ?? String(DEFAULTS.cores), 1, MAX_CORES);
  const memory = readSize('--memory', options.memory ?? DEFAULTS.memory, LEAST_MEMORY, MOST_MEMORY);
  const clock = readChoice('--clock', options.clock ?? DEFAULTS.clock, ['virtual', 'real']);
  const noise = readChoice('--noise', options.noise ?? DEFAULTS.noise, ['on', 'off']);
  const topology = readChoice('--topology', options.topology ?? DEFAULTS.topology, [
    'switch',
    'direct',
  ]);
  if (topology === 'direct' && hosts > 2) {
    throw new UsageError(`--topology direct: a cable joins 2 hosts, not ${hosts}`);
  }
  const seed = String(DEFAULTS.seed);
  const loaded = loadProfile(options.profile ?? DEFAULTS.profile, options.override ?? []);
  const mtu = readChoice('--mtu', options.mtu ?? String(loaded.link.mtu), MTUS);
  const config = {
    hosts,
    cores,
    memory,
    profile: profileOf(loaded, clock, noise),
    loadedProfile: loaded,
    mtu: Number(mtu),
    topology,
    clock,
    noise,
    seed: readWhole('--seed', options.seed ?? seed, 0, Number.MAX_SAFE_INTEGER),
    faults: parseFaults(options.fault ?? []),
    trace: readChoice('--trace', options.trace ?? DEFAULTS.trace, ['headers', 'full']),
    ...segmentLimited(options),
    ...placed(options, hosts),
  };
  if (clock === 'virtual' && leastFlight(config.profile, config.topology) === 0) {
    throw new UsageError(
      `--profile ${config.profile.name}: what lies between two hosts takes no time, and virtual time ` +
        'needs some',
    );
  }
  const threads = hosts * cores;
  if (config.coreRuntime === 'worker' && threads > MAX_CORE_THREADS) {
    throw new UsageError(
      `--hosts ${hosts} --cores ${cores}: ${threads} cores in threads of their own are more than ` +
        `${MAX_CORE_THREADS}; use --core-runtime inline`,
    );
  }
  return config;
}

function segmentLimited(options: ClusterOptions): Pick<ClusterConfig, 'segmentLimit'> {
  const limit = options['segment-limit'];
  if (limit === undefined) return {};
  return { segmentLimit: limit.trim() === '0' ? 0 : readWallTime('--segment-limit', limit) };
}

/** A loaded profile as a run's clock and noise have it. */
export function profileOf(
  profile: Profile,
  clock: 'virtual' | 'real',
  noise: 'on' | 'off',
): Profile {
  if (clock === 'real') return realClock(profile);
  return noise === 'off' ? noiseFree(profile) : profile;
}

function placed(
  options: ClusterOptions,
  hosts: number,
): Pick<ClusterConfig, 'placement' | 'coreRuntime' | 'partition'> {
  const placement = readChoice('--placement', options.placement ?? DEFAULTS.placement, [
    'process',
    'embedded',
    'joined',
  ]);
  const usual = placement === 'embedded' ? 'inline' : 'worker';
  const coreRuntime = readChoice('--core-runtime', options['core-runtime'] ?? usual, [
    'worker',
    'inline',
  ]);
  if (placement === 'joined') {
    if (options.processes === undefined) return { placement, coreRuntime, partition: [] };
    throw new UsageError('--processes: of a cluster that hosts join, `join` says it');
  }
  const processes =
    options.processes === undefined
      ? placement === 'process'
        ? hosts
        : 1
      : readWhole('--processes', options.processes, 1, hosts);
  if (placement === 'embedded' && processes !== 1) {
    throw new UsageError('--processes: with --placement embedded there is only one');
  }
  if (processes > MAX_PROCESSES) {
    throw new UsageError(
      `--hosts ${hosts}: ${processes} processes are more than ${MAX_PROCESSES}; pack hosts with --processes N`,
    );
  }
  return { placement, coreRuntime, partition: partition(hosts, processes) };
}

/** Hosts in order over processes in order, as evenly as they go. */
export function partition(hosts: number, processes: number): number[][] {
  const first = (process: number): number => Math.floor((process * hosts) / processes);
  return Array.from({ length: processes }, (_, process) =>
    Array.from(
      { length: first(process + 1) - first(process) },
      (_, index) => first(process) + index,
    ),
  );
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
export const describeCluster = (config: ClusterConfig, elsewhere?: string): string => {
  const { hosts, cores, memory, profile, mtu, topology, clock, noise, placement } = config;
  const processes = config.partition.length;
  const where =
    elsewhere ??
    (placement === 'joined'
      ? 'to join'
      : placement === 'embedded'
        ? 'embedded in one process'
        : `in ${processes} process${processes === 1 ? '' : 'es'}`);
  return (
    `${hosts} host${hosts === 1 ? '' : 's'} x ${cores} cores, ${formatSize(memory)} each, ${where}; ` +
    `${profile.name}, MTU ${mtu}, ${topology}; ` +
    (clock === 'virtual' ? `virtual clock, noise ${noise}` : 'real clock: wall-clock figures')
  );
};
