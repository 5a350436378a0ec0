/** Programs at hand, as a workload: which runs where, and what they find there. */
import { PLAIN_MACHINE } from '../../node/spec/run-spec.js';
import type { Core, Task } from '../../node/program/verbs.js';
import type {
  MachineRequest,
  ParameterSpec,
  ParameterValue,
  RankPlacement,
  VmRequest,
  Workload,
} from '../../workloads/authoring/workload.js';
import { UsageError } from '../errors/usage-error.js';
import { isCount, isRecord, refuseUnknown, shown } from './given-values.js';

/** The program of one rank. */
export type EmbeddedProgram = (core: Core, task: Task) => Promise<unknown>;

/** Where a program runs; its role is '' unless said otherwise. */
export type ProgramPlace = Omit<RankPlacement, 'role'> & Partial<Pick<RankPlacement, 'role'>>;

/** What `runEmbedded` takes instead of a workload. */
export interface GivenPrograms<Programs extends readonly EmbeddedProgram[]> {
  readonly programs: Programs;
  readonly placement: readonly ProgramPlace[] | undefined;
  readonly machine: MachineRequest | undefined;
  readonly params: Readonly<Record<string, ParameterValue>>;
}

const PLACE_NAMES = ['host', 'core', 'role', 'process', 'vm'];
const MACHINE_NAMES = Object.keys(PLAIN_MACHINE);
const VM_NAMES = ['host', 'cores', 'memory', 'queues', 'vlan', 'rateGbps'];

/** Throws a UsageError where one of them is not even of the right type; whether a host has room is the plan's. */
export function programsWorkload({
  programs,
  placement,
  machine = {},
  params,
}: GivenPrograms<readonly EmbeddedProgram[]>): Workload {
  if (!isProgramList(programs)) {
    throw new UsageError('programs: expected a list of functions, one for each host');
  }
  if (placement !== undefined) checkPlaces(placement, programs.length);
  checkMachine(machine);
  const places = placement ?? programs.map((_, host): ProgramPlace => ({ host, core: 0 }));
  const parameters = Object.entries(params).map(([name, value]): [string, ParameterSpec] => {
    const type =
      typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'text';
    return [name, { default: parameterValue(name, value), type, help: '' }];
  });
  const hosts = [...places, ...(machine.vms ?? [])].map(({ host }) => host);
  return {
    name: 'programs',
    summary: '',
    parameters: Object.fromEntries(parameters),
    hosts: 1 + Math.max(...hosts),
    place: () => places.map((place) => ({ role: '', ...place })),
    machine: () => machine,
    program: (core: Core, task: Task) => programs[core.rank]!(core, task),
    summarise: () => ({ verified: null, metrics: [] }),
  };
}

/** A parameter's value as it was given; whether the parameter takes it is the plan's. */
export function parameterValue(name: string, value: ParameterValue): ParameterValue {
  if (['number', 'string', 'boolean'].includes(typeof value)) return value;
  throw new UsageError(
    `params.${name}: expected a number, a text or a boolean, not ${shown(value)}`,
  );
}

function checkPlaces(placement: readonly ProgramPlace[], programs: number): void {
  if (!Array.isArray(placement) || placement.length !== programs) {
    throw new UsageError('placement: expected a list of { host, core }, one for each program');
  }
  for (const [rank, place] of placement.entries()) {
    const where = `placement[${rank}]`;
    if (!isRecord(place)) {
      throw new UsageError(`${where}: expected { host, core }, not ${shown(place)}`);
    }
    refuseUnknown(`${where}: unknown field`, place, PLACE_NAMES);
    const { host, core, role = '', process = 0, vm = 0 } = place as ProgramPlace;
    for (const [name, value] of Object.entries({ host, core, process, vm })) {
      if (!isCount(value)) {
        throw new UsageError(`${where}.${name}: expected a whole number, not ${shown(value)}`);
      }
    }
    if (typeof role !== 'string') {
      throw new UsageError(`${where}.role: expected a text, not ${shown(role)}`);
    }
  }
}

function checkMachine(machine: MachineRequest): void {
  if (!isRecord(machine)) {
    throw new UsageError(`machine: expected an object of settings, not ${shown(machine)}`);
  }
  refuseUnknown('machine: unknown setting', machine, MACHINE_NAMES);
  const { vms = [] } = machine;
  if (!Array.isArray(vms)) {
    throw new UsageError(`machine.vms: expected a list of virtual machines, not ${shown(vms)}`);
  }
  for (const [number, vm] of (vms as VmRequest[]).entries()) {
    const where = `machine.vms[${number}]`;
    if (!isRecord(vm) || !isCount(vm.host) || !Array.isArray(vm.cores)) {
      throw new UsageError(`${where}: expected { host, cores: [...], memory }`);
    }
    refuseUnknown(`${where}: unknown field`, vm, VM_NAMES);
  }
}

const isProgramList = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'function');
