/** A run's specification and outcome as they travel over the control socket, and the checks they pass when they arrive. */
import { FieldReader, isRecord } from '../../wire/control/field-reader.js';
import { MAX_CORES, MAX_HOSTS } from '../../sim/sequencer.js';
import type { Profile } from '../spec/profile.js';
import { parseModuleReference, printModuleReference } from '../spec/module-reference.js';
import type {
  FaultSpec,
  MachineSettings,
  ProgramSpec,
  RunOutcome,
  RunSpec,
  VmSpec,
} from '../spec/run-spec.js';

const MAX_PROGRAMS = MAX_HOSTS * MAX_CORES;
const PROFILE_GROUPS = [
  'cpu',
  'pcie',
  'nic',
  'link',
  'switch',
  'memory',
  'cache',
  'kernel',
  'iommu',
  'bypass',
  'vm',
  'management',
] as const;

/** A specification as plain data: `inputs` becomes an object, `module` a text. */
export const specMessage = (spec: RunSpec): object => ({
  ...spec,
  module: printModuleReference(spec.module),
  inputs: Object.fromEntries(spec.inputs),
});

/** A specification, or what is wrong with it. */
export function parseRunSpec(value: unknown): RunSpec | string {
  const fields = new FieldReader('spec', value);
  const hosts = fields.whole('hosts', 1, MAX_HOSTS);
  const cores = fields.whole('cores', 1, MAX_CORES);
  const inputs = fields.record('inputs', (each) => each instanceof Uint8Array);
  const spec: RunSpec = {
    hosts,
    local: fields.list('local', hosts, (host) =>
      Number.isInteger(host) && Number(host) >= 0 && Number(host) < hosts
        ? Number(host)
        : 'no host of this cluster',
    ),
    cores,
    memory: fields.whole('memory', 1, 2 ** 32),
    profile: fields.parsed('profile', parseProfile),
    mtu: fields.whole('mtu', 256, 4096),
    topology: fields.oneOf('topology', ['switch', 'direct']),
    clock: fields.oneOf('clock', ['virtual', 'real']),
    noise: fields.flag('noise'),
    seed: fields.whole('seed'),
    faults: fields.any('faults') === null ? null : fields.parsed('faults', parseFaultSpec),
    capture: fields.flag('capture'),
    trace: fields.oneOf('trace', ['headers', 'full']),
    coreRuntime: fields.oneOf('coreRuntime', ['worker', 'inline']),
    ...(fields.any('segmentLimit') !== undefined && { segmentLimit: fields.whole('segmentLimit') }),
    module: fields.parsed('module', parseModuleReference),
    params: fields.record('params', isParameter),
    programs: fields.list('programs', MAX_PROGRAMS, (each) => parseProgram(each, hosts, cores)),
    machine: fields.parsed('machine', (each) => parseMachine(each, hosts, cores)),
    inputs: new Map(Object.entries(inputs)),
  };
  return fields.problem ?? spec;
}

const isParameter = (value: unknown): value is number | string | boolean =>
  ['number', 'string', 'boolean'].includes(typeof value);

/** The profile's own loader has checked each value; here the shape is. */
export function parseProfile(value: unknown): Profile | string {
  const fields = new FieldReader('profile', value);
  fields.text('name');
  fields.text('title');
  for (const group of PROFILE_GROUPS) fields.record(group, isConstant);
  return fields.problem ?? (value as Profile);
}

function isConstant(value: unknown): value is number | string | object {
  if (typeof value === 'string') return true;
  if (typeof value === 'number') return !Number.isNaN(value);
  return isRecord(value) && Number.isSafeInteger(value['ps']);
}

export function parseFaultSpec(value: unknown): FaultSpec | string {
  const fields = new FieldReader('faults', value);
  const faults = {
    loss: fields.number('loss', 0, 1),
    duplicate: fields.number('duplicate', 0, 1),
    corrupt: fields.number('corrupt', 0, 1),
    delayed: fields.number('delayed', 0, 1),
    delay: fields.whole('delay'),
  };
  return fields.problem ?? faults;
}

function parseProgram(value: unknown, hosts: number, cores: number): ProgramSpec | string {
  const fields = new FieldReader('program', value);
  const program = {
    rank: fields.whole('rank', 0, MAX_PROGRAMS - 1),
    host: fields.whole('host', 0, hosts - 1),
    core: fields.whole('core', 0, cores - 1),
    role: fields.text('role', 256),
    process: fields.whole('process', 0, MAX_PROGRAMS - 1),
    vm: fields.number('vm', -1, MAX_CORES),
  };
  if (!Number.isInteger(program.vm)) fields.problem ??= 'program.vm: no whole number';
  return fields.problem ?? program;
}

function parseMachine(value: unknown, hosts: number, cores: number): MachineSettings | string {
  const fields = new FieldReader('machine', value);
  const machine = {
    iommu: fields.flag('iommu'),
    memory: fields.whole('memory', 0, 2 ** 32),
    pager: fields.oneOf('pager', ['clock', 'lru']),
    swap: fields.whole('swap'),
    memlock: fields.number('memlock', 0, Infinity),
    hostMemlock: fields.number('hostMemlock', 0, Infinity),
    queues: fields.whole('queues', 0, MAX_CORES),
    vms: fields.list('vms', MAX_HOSTS * MAX_CORES, (each) => parseVm(each, hosts, cores)),
    vmQueues: fields.oneOf('vmQueues', ['own', 'shared']),
  } as const;
  return fields.problem ?? machine;
}

function parseVm(value: unknown, hosts: number, cores: number): VmSpec | string {
  const fields = new FieldReader('vm', value);
  const vm = {
    host: fields.whole('host', 0, hosts - 1),
    cores: fields.list('cores', cores, (core) =>
      Number.isInteger(core) && Number(core) >= 0 && Number(core) < cores
        ? Number(core)
        : 'no core of this host',
    ),
    memory: fields.whole('memory', 1, 2 ** 32),
    queues: fields.whole('queues', 1, MAX_CORES),
    vlan: fields.whole('vlan', 0, 4094),
    rate: fields.number('rate', 0, Number.MAX_SAFE_INTEGER),
  };
  return fields.problem ?? vm;
}

/** An outcome, or what is wrong with it. */
export function parseRunOutcome(value: unknown): RunOutcome | string {
  const fields = new FieldReader('outcome', value);
  const outcome = {
    results: fields.list('results', MAX_PROGRAMS, parseResult),
    hosts: fields.list('hosts', MAX_HOSTS, parseHost),
    events: fields.whole('events'),
    packets: fields.whole('packets'),
  };
  return fields.problem ?? outcome;
}

function parseResult(value: unknown): RunOutcome['results'][number] | string {
  const fields = new FieldReader('result', value);
  const result = {
    rank: fields.whole('rank', 0, MAX_PROGRAMS - 1),
    value: fields.any('value'),
    endedAt: fields.number('endedAt', 0, Number.MAX_SAFE_INTEGER),
  };
  return fields.problem ?? result;
}

function parseHost(value: unknown): RunOutcome['hosts'][number] | string {
  const fields = new FieldReader('host', value);
  const host = {
    host: fields.whole('host', 0, MAX_HOSTS - 1),
    digest: fields.text('digest', 16),
    counters: fields.record(
      'counters',
      (each): each is number => typeof each === 'number' && Number.isFinite(each),
    ),
  };
  if (!/^[0-9a-f]{16}$/.test(host.digest)) fields.problem ??= 'host.digest: no digest';
  return fields.problem ?? host;
}
