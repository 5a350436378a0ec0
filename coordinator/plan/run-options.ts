/**
 * The options of a run and of the cluster that it runs on, a row each: a new one is a row here, and the field that it
 * sets in `RUN_SETTINGS` of `node/spec/run-spec.ts`, where the model reads it.
 */
import { MAX_MEMORY, RUN_SETTINGS } from '../../node/spec/run-spec.js';
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import { formatSize } from '../../units/size.js';
import { formatDuration } from '../../units/time.js';
import type { Choice } from '../../wire/control/shape.js';
import { UsageError } from '../errors/usage-error.js';
import { parseFaults } from '../options/faults.js';
import {
  readChoice,
  readDuration,
  readSize,
  readWallTime,
  readWhole,
} from '../options/option-values.js';
import { loadProfile } from '../profiles/profiles.js';
import { CLUSTER_FIELDS, NOISE, PLACEMENT, type ClusterConfig } from './cluster-shape.js';
import type { Context, OptionRow, OptionSet } from './option-row.js';
import { partition } from './partition.js';

/** A run that no `--until` ends. */
const FOREVER = 'forever';
const MTUS = ['256', '512', '1024', '2048', '4096'] as const;
const LEAST_MEMORY = 2 ** 20;
/** Beyond it a machine thrashes instead of emulating. */
const MAX_PROCESSES = 128;
/** Default for a cluster that is launched for no particular workload. */
export const DEFAULT_HOSTS = 4;

type RowOf<F extends keyof ClusterConfig> = F extends string
  ? OptionRow<F, ClusterConfig[F]>
  : never;
type ConfigRow = { [F in keyof ClusterConfig]: RowOf<F> }[keyof ClusterConfig];

/** Reads and shows one of some words. */
const oneOf = <T extends string>({ choices }: Choice<T>) => ({
  read: (option: string, text: string): T => readChoice(option, text, choices),
  show: (value: T): string => value,
});

const plural = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

export const RUN_OPTIONS = {
  hosts: {
    field: 'hosts',
    group: 'Cluster:',
    help: 'number of emulated hosts: host0, host1, ...',
    usualHelp: `as many as the workload needs; up, suite: ${DEFAULT_HOSTS}`,
    owner: 'cluster',
    read: (option, text) => readWhole(option, text, 1, MAX_HOSTS),
    show: String,
    header: {
      clause: 'size',
      text: ({ hosts, cores }) => `${plural(hosts, 'host', 'hosts')} x ${cores} cores`,
    },
  },
  cores: {
    field: 'cores',
    group: 'Cluster:',
    help: 'cores per host',
    usual: '4',
    owner: 'cluster',
    read: (option, text) => readWhole(option, text, 1, MAX_CORES),
    show: String,
  },
  memory: {
    field: 'memory',
    group: 'Cluster:',
    help: 'memory per host',
    usual: '64MiB',
    owner: 'cluster',
    read: (option, text) => readSize(option, text, LEAST_MEMORY, MAX_MEMORY),
    show: formatSize,
    header: { clause: 'size', text: ({ memory }) => `${formatSize(memory)} each` },
  },
  profile: {
    field: 'loadedProfile',
    group: 'Cluster:',
    help: 'hardware profile: a name from `profiles`, or a file',
    usual: 'roce-100g',
    owner: 'cluster',
    read: (_option, text, { options }) => loadProfile(text, [options['override'] ?? []].flat()),
    show: ({ name }) => `its own profile, ${name}`,
    header: {
      clause: 'hardware',
      text: ({ profile, mtu }) => `${profile.name}, MTU ${mtu}`,
    },
  },
  override: {
    field: 'loadedProfile',
    group: 'Cluster:',
    help: 'change one value of the profile, such as nic.dma_read=600ns (repeatable)',
    repeatable: true,
    owner: 'cluster',
    // They were applied when the profile was loaded.
    read: (_option, _texts, { config }) => config.loadedProfile!,
    show: ({ name }) => `its own profile, ${name}`,
  },
  topology: {
    field: 'topology',
    group: 'Cluster:',
    help: 'switch, or direct: two hosts back to back',
    usual: 'switch',
    owner: 'cluster',
    ...oneOf(RUN_SETTINGS.topology),
    header: { clause: 'hardware', text: ({ topology }) => topology },
  },
  mtu: {
    field: 'mtu',
    group: 'Cluster:',
    help: 'RDMA path MTU: 256, 512, 1024, 2048, 4096',
    usual: ({ config }) => String(config.loadedProfile!.link.mtu),
    usualHelp: 'the profile’s',
    owner: 'cluster',
    read: (option, text) => Number(readChoice(option, text, MTUS)),
    show: String,
  },
  seed: {
    field: 'seed',
    group: 'Run:',
    help: 'seed of every random number',
    usual: '1',
    owner: 'run',
    read: (option, text) => readWhole(option, text, 0, Number.MAX_SAFE_INTEGER),
    show: String,
  },
  until: {
    field: 'until',
    group: 'Run:',
    help: 'end each run at this virtual time, such as 10ms, and report what it has done by then',
    usualHelp: 'run to completion',
    usual: FOREVER,
    owner: 'run',
    read: (option, text) => (text === FOREVER ? Infinity : readDuration(option, text)),
    show: (until) => (until === Infinity ? 'none' : formatDuration(until)),
  },
  'segment-limit': {
    field: 'segmentLimit',
    group: 'Run:',
    help: 'wall time that a program may compute without an await, such as 2m; 0: no limit',
    usual: '30s',
    owner: 'run',
    read: (option, text) => (text.trim() === '0' ? 0 : readWallTime(option, text)),
    show: (ms) => `${ms / 1000} s`,
  },
  noise: {
    field: 'noise',
    group: 'Run:',
    help: 'on or off: let costs vary as on real hardware',
    usual: 'on',
    owner: 'run',
    inherited: true,
    ...oneOf(NOISE),
  },
  clock: {
    field: 'clock',
    group: 'Run:',
    help: 'virtual: times of the modelled hardware; real: times of this machine',
    usual: 'virtual',
    owner: 'cluster',
    ...oneOf(RUN_SETTINGS.clock),
    header: {
      clause: 'time',
      text: ({ clock, noise }) =>
        clock === 'virtual' ? `virtual clock, noise ${noise}` : 'real clock: wall-clock figures',
    },
  },
  fault: {
    field: 'faults',
    group: 'Run:',
    help: 'loss=1e-3,duplicate=1e-3,corrupt=1e-6,icrc=1e-6,delayed=1e-3,delay=10us, per frame',
    repeatable: true,
    owner: 'run',
    inherited: true,
    read: (_option, texts) => parseFaults(texts),
    show: (faults) => (faults === null ? 'none' : JSON.stringify(faults)),
  },
  placement: {
    field: 'placement',
    group: 'Where the work is done:',
    help: 'process: hosts in processes of their own; embedded: all in one process; joined (`up` only): machines add them with `join`',
    usual: 'process',
    owner: 'cluster',
    ...oneOf(PLACEMENT),
    header: { clause: 'size', text: placeOf },
  },
  processes: {
    field: 'partition',
    group: 'Where the work is done:',
    help: 'pack the hosts into N processes',
    usual: ({ config: { placement, hosts } }) => (placement === 'process' ? String(hosts) : '1'),
    usualHelp: 'one each',
    owner: 'cluster',
    read: readPartition,
    show: ({ length }) => String(length),
  },
  'core-runtime': {
    field: 'coreRuntime',
    group: 'Where the work is done:',
    help: 'worker: cores are threads; inline: one thread per process',
    usual: ({ config: { placement } }) => (placement === 'embedded' ? 'inline' : 'worker'),
    usualHelp: 'worker, embedded inline',
    owner: 'cluster',
    ...oneOf(RUN_SETTINGS.coreRuntime),
  },
  trace: {
    field: 'trace',
    group: 'Output:',
    help: 'headers or full: what trace_hash covers',
    usual: 'headers',
    owner: 'run',
    inherited: true,
    ...oneOf(RUN_SETTINGS.trace),
  },
} as const satisfies Readonly<Record<string, ConfigRow>>;

export type RunOptionName = keyof typeof RUN_OPTIONS;
/** What the command line has for it. */
export type RunOptionValue<N extends RunOptionName> = (typeof RUN_OPTIONS)[N] extends {
  readonly repeatable: true;
}
  ? readonly string[]
  : string;

export const OPTIONS: OptionSet = {
  rows: RUN_OPTIONS,
  cluster: CLUSTER_FIELDS,
  settings: RUN_SETTINGS,
};

function placeOf({ placement, partition }: ClusterConfig, elsewhere: string | undefined): string {
  if (elsewhere !== undefined) return elsewhere;
  if (placement === 'joined') return 'to join';
  if (placement === 'embedded') return 'embedded in one process';
  return `in ${plural(partition.length, 'process', 'processes')}`;
}

function readPartition(
  option: string,
  text: string,
  { options, config }: Context,
): readonly (readonly number[])[] {
  const { placement, hosts } = config;
  if (placement === 'joined') {
    if (options['processes'] === undefined) return [];
    throw new UsageError(
      '--processes: does not apply to --placement joined; pass it to `pinwire join`',
    );
  }
  const processes = readWhole(option, text, 1, hosts!);
  if (placement === 'embedded' && processes !== 1) {
    throw new UsageError('--processes: --placement embedded has only one process');
  }
  if (processes > MAX_PROCESSES) {
    throw new UsageError(
      `--hosts ${hosts!}: ${processes} processes exceed the limit of ${MAX_PROCESSES}; pack hosts with --processes N`,
    );
  }
  return partition(hosts!, processes);
}
