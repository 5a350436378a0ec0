/**
 * What `runEmbedded` takes, read as the command line is: every value becomes the text that `pinwire run` would have
 * been given, so that its checks, its messages and its defaults are the same.
 */
import type { Picoseconds } from '../../units/time.js';
import type {
  MachineRequest,
  ParameterSpec,
  ParameterValue,
  Workload,
} from '../../workloads/authoring/workload.js';
import { UsageError } from '../errors/usage-error.js';
import type { ClusterOptions } from '../plan/cluster-config.js';
import type { Setting } from '../plan/parameters.js';
import { missingPart, resolveWorkload, type ResolvedWorkload } from '../plan/programs.js';
import type { Kind } from '../profiles/profile-fields.js';
import { FIELD_BY_KEY } from '../profiles/profile-fields.js';
import { isModulePath } from '../../node/spec/module-reference.js';
import {
  parameterValue,
  programsWorkload,
  type EmbeddedProgram,
  type ProgramPlace,
} from './embedded-programs.js';
import { isRecord, isText, refuseUnknown, shown } from './given-values.js';

/** Hosts, hardware and run, as the options of `pinwire run` have them; the defaults are its own. */
export interface EmbeddedOptions<
  Programs extends readonly EmbeddedProgram[] = readonly EmbeddedProgram[],
> {
  /** A name of the catalogue, or a workload; or else `programs`. */
  readonly workload?: string | Workload | undefined;
  /** The workload's parameters, as values or as `--set` has them. Programs get them as they are. */
  readonly params?: Readonly<Record<string, ParameterValue>> | undefined;
  /** By rank; rank n runs on core 0 of host n unless `placement` says otherwise. */
  readonly programs?: Programs | undefined;
  /** By rank: where each program runs. */
  readonly placement?: readonly ProgramPlace[] | undefined;
  /** How the hosts of `programs` are set up, as a workload's `machine` says it: virtual machines, limits, paging. */
  readonly machine?: MachineRequest | undefined;
  /** Default: what the workload needs, or the programs. */
  readonly hosts?: number | undefined;
  readonly cores?: number | undefined;
  /** Bytes per host, or a text such as `64MiB`. */
  readonly memory?: number | string | undefined;
  /** A profile's name, or its file's path. */
  readonly profile?: string | undefined;
  /** By key of the profile: a number of the key's unit (durations in ps, rates in Gb/s), or a text such as `600ns`. */
  readonly override?: Readonly<Record<string, number | string>> | undefined;
  readonly topology?: 'switch' | 'direct' | undefined;
  readonly mtu?: number | undefined;
  readonly noise?: boolean | undefined;
  readonly seed?: number | undefined;
  /** As `--fault` has them: `['loss=0.01']`. */
  readonly faults?: readonly string[] | undefined;
  /** Whether the frames of every host are captured. */
  readonly capture?: boolean | undefined;
  /** The last virtual instant, or a text such as `10ms`. */
  readonly until?: Picoseconds | string | undefined;
  readonly clock?: 'virtual' | 'real' | undefined;
  readonly trace?: 'headers' | 'full' | undefined;
  /** The bytes of input files, by the name that a parameter of kind `file` has; programs get all of them. */
  readonly inputs?: Readonly<Record<string, Uint8Array>> | undefined;
  /** Called for each configuration when its hosts are built and virtual time begins. */
  readonly onBegin?: (() => void) | undefined;
}

const NAMES = [
  ...['workload', 'params', 'programs', 'placement', 'machine', 'hosts', 'cores', 'memory'],
  ...['profile', 'override', 'topology', 'mtu', 'noise', 'seed', 'faults', 'capture', 'until'],
  ...['clock', 'trace', 'inputs', 'onBegin'],
];
/** The unit in which a number stands for a quantity of this kind. */
const FIELD_UNITS: Readonly<Record<Kind, string>> = {
  cost: 'ps',
  time: 'ps',
  rate: 'Gbps',
  flops: 'Gflop/s',
  size: '',
  buffer: '',
  count: '',
  choice: '',
};
const PARAMETER_UNITS: Readonly<Record<string, string>> = { duration: 'ps', rate: 'Gbps' };

/** Throws a UsageError for what is no option, or has not even the type of one. */
export function checkOptions(options: EmbeddedOptions): void {
  if (!isRecord(options)) throw new UsageError('runEmbedded: expected an object of options');
  refuseUnknown('runEmbedded: unknown option', options, NAMES);
  const { params, override, inputs, faults, noise, capture, onBegin } = options;
  const { programs, placement, machine } = options;
  for (const [name, value] of Object.entries({ placement, machine })) {
    if (value !== undefined && programs === undefined) {
      throw new UsageError(`${name}: applies only to programs; a workload has its own`);
    }
  }
  for (const [name, value] of Object.entries({ params, override, inputs })) {
    if (value !== undefined && !isRecord(value)) {
      throw new UsageError(`${name}: expected an object of names and values`);
    }
  }
  for (const [name, value] of Object.entries({ noise, capture })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw new UsageError(`${name}: expected true or false, not ${shown(value)}`);
    }
  }
  if (faults !== undefined && !(Array.isArray(faults) && faults.every(isText))) {
    throw new UsageError("faults: expected a list of texts such as ['loss=0.01']");
  }
  if (onBegin !== undefined && typeof onBegin !== 'function') {
    throw new UsageError(`onBegin: expected a function, not ${shown(onBegin)}`);
  }
  for (const [name, bytes] of Object.entries(inputs ?? {})) {
    if (!(bytes instanceof Uint8Array))
      throw new UsageError(`inputs.${name}: expected a Uint8Array`);
  }
}

/** The options of the cluster as the command line has them. */
export function clusterOptions(options: EmbeddedOptions): ClusterOptions {
  const { hosts, cores, memory, profile, topology, mtu, noise, seed, faults, clock, trace } =
    options;
  const { until, override } = options;
  return {
    placement: 'embedded',
    hosts: text(hosts),
    cores: text(cores),
    memory: text(memory),
    profile: text(profile),
    override: Object.entries(override ?? {}).map(([key, value]) => overrideText(key, value)),
    topology: text(topology),
    mtu: text(mtu),
    noise: noise === undefined ? undefined : noise ? 'on' : 'off',
    seed: text(seed),
    until: typeof until === 'number' ? `${until}ps` : text(until),
    fault: faults,
    clock: text(clock),
    trace: text(trace),
    // A program that never awaits has the caller's thread: nothing but the caller can end it.
    'segment-limit': '0',
  };
}

/** The workload that is asked for; programs become one. */
export async function requestedWorkload(options: EmbeddedOptions): Promise<ResolvedWorkload> {
  const { workload, programs, placement, machine, params = {} } = options;
  if ((workload === undefined) === (programs === undefined)) {
    throw new UsageError('runEmbedded: expected either workload or programs');
  }
  if (programs !== undefined) {
    const given = { programs, placement, machine, params };
    return withoutModule('programs', programsWorkload(given));
  }
  if (typeof workload === 'string') {
    if (!isModulePath(workload)) return resolveWorkload(workload, '', 'private');
    throw new UsageError(
      `workload: "${workload}" is a path: import the module, and hand over what it exports`,
    );
  }
  if (!isRecord(workload)) {
    throw new UsageError(`workload: expected a name or a workload, not ${shown(workload)}`);
  }
  const missing = missingPart(workload);
  if (missing !== undefined) {
    throw new UsageError(`workload: has no ${missing}; expected what defineWorkload returns`);
  }
  const { name } = workload as Partial<Workload>;
  return withoutModule(isText(name) && name !== '' ? name : 'workload', workload);
}

/** `params` as `--set` has them; those of programs need not be read. */
export function requestedSettings(
  { params = {}, programs }: EmbeddedOptions,
  { workload }: ResolvedWorkload,
): Setting[] {
  if (programs !== undefined) return [];
  return Object.entries(params).map(([name, value]) => [
    name,
    parameterText(name, value, workload.parameters[name]),
  ]);
}

/** Programs at hand are not looked up by their module. */
const withoutModule = (name: string, workload: Workload): ResolvedWorkload => ({
  name,
  workload,
  module: { kind: 'catalogue', name: 'embedded' },
});

function overrideText(key: string, value: number | string): string {
  if (typeof value !== 'number') return `${key}=${value}`;
  const kind = FIELD_BY_KEY.get(key)?.kind;
  if (kind === 'buffer' && value === Infinity) return `${key}=unbounded`;
  return `${key}=${value}${kind === undefined ? '' : FIELD_UNITS[kind]}`;
}

function parameterText(
  name: string,
  value: ParameterValue,
  spec: ParameterSpec | undefined,
): string {
  const checked = parameterValue(name, value);
  const unit = typeof checked === 'number' ? (PARAMETER_UNITS[spec?.type ?? ''] ?? '') : '';
  return `${checked}${unit}`;
}

/** As the command line would have it; what is no text there is shown by what it is. */
const text = (value: unknown): string | undefined => {
  if (value === undefined) return undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : shown(value);
};
