/** What a command will run, checked whole before any process starts: workloads, configurations, ranks, input files. */
import type { MachineSettings, ProgramSpec } from '../../node/spec/run-spec.js';
import type { Parameters, RankPlacement, Workload } from '../../workloads/authoring/workload.js';
import { clusterShape, type ClusterConfig } from './cluster-config.js';
import { readInputs } from './input-files.js';
import { checkPlacement, machineSettings } from './machine-settings.js';
import { readParameters, type Setting } from './parameters.js';
import type { ResolvedWorkload } from './programs.js';
import { UsageError } from '../errors/usage-error.js';
import { isCount, isRecord } from '../../wire/control/shape.js';
import { answerOf } from './workload-question.js';

export interface PlannedConfiguration {
  readonly params: Parameters;
  readonly programs: readonly ProgramSpec[];
  readonly machine: MachineSettings;
}

export interface PlannedWorkload extends ResolvedWorkload {
  readonly configurations: readonly PlannedConfiguration[];
  readonly inputs: ReadonlyMap<string, Uint8Array>;
}

/** Hosts that a workload gets when nobody says. */
const usualHosts = ({ hosts, minHosts }: Workload): number => hosts ?? Math.max(2, minHosts ?? 1);

/** Hosts that all the workloads together need when nobody says. */
export const hostsFor = (workloads: readonly ResolvedWorkload[]): number =>
  Math.max(...workloads.map(({ workload }) => usualHosts(workload)));

const NO_FILES: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * The plan of one workload on this cluster; `files` need not be read, as they are at hand. Throws a UsageError for what
 * cannot be run.
 */
export function planWorkload(
  resolved: ResolvedWorkload,
  settings: readonly Setting[],
  config: ClusterConfig,
  files = NO_FILES,
): PlannedWorkload {
  const { name, workload } = resolved;
  const shape = clusterShape(config);
  const least = workload.minHosts ?? 1;
  if (config.hosts < least) {
    throw new UsageError(
      `${name} needs at least ${least} hosts, but the cluster has ${config.hosts} (--hosts)`,
    );
  }
  const params = readParameters(workload, settings);
  const inputs = readInputs(workload, params, files);
  const broken = answerOf(name, 'check', () => workload.check?.(inputs, params));
  if (broken !== undefined) throw new UsageError(`${name}: ${broken}`);
  const configurations = answerOf(name, 'configurations', () =>
    workload.configurations?.(params, shape),
  ) ?? [params];
  if (typeof configurations === 'string') throw new UsageError(`${name}: ${configurations}`);
  if (!isListOfRecords(configurations)) {
    throw new UsageError(`${name}: configurations returned no list of parameters`);
  }
  if (configurations.length === 0) throw new UsageError(`${name}: has nothing to run`);
  return {
    ...resolved,
    inputs,
    configurations: configurations.map((params) => {
      const programs = programsOf(name, workload, params, config);
      const asked = answerOf(name, 'machine', () => workload.machine?.(params, shape)) ?? {};
      const machine = machineSettings(name, asked, config);
      checkPlacement(name, programs, machine);
      return { params, programs, machine };
    }),
  };
}

function programsOf(
  name: string,
  workload: Workload,
  params: Parameters,
  config: ClusterConfig,
): ProgramSpec[] {
  const shape = clusterShape(config);
  const placed: unknown = answerOf(name, 'place', () => workload.place(params, shape));
  if (!isPlacement(placed)) {
    throw new UsageError(`${name}: place returned no list of { host, core, role }`);
  }
  if (placed.length === 0) throw new UsageError(`${name}: places no program`);
  const taken = new Set<string>();
  return placed.map(({ host, core, role, process, vm }, rank) => {
    if (!isCount(host) || !isCount(core)) {
      throw new UsageError(`${name}: places a program on host ${host}, core ${core}`);
    }
    if (host >= config.hosts) {
      throw new UsageError(
        `${name} needs ${host + 1} hosts, but the cluster has ${config.hosts} (--hosts)`,
      );
    }
    if (core >= config.cores) {
      throw new UsageError(
        `${name} needs ${core + 1} cores, but a host has ${config.cores} (--cores)`,
      );
    }
    const place = `host${host} core ${core}`;
    if (taken.has(place)) throw new UsageError(`${name}: places two programs on ${place}`);
    taken.add(place);
    return { rank, host, core, role, process: process ?? 0, vm: vm ?? -1 };
  });
}

const isListOfRecords = (value: unknown): boolean => Array.isArray(value) && value.every(isRecord);

const isPlacement = (value: unknown): value is readonly RankPlacement[] => isListOfRecords(value);
