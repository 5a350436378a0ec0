/** How a workload wants its hosts set up, checked against the cluster and completed. */
import {
  LAST_VLAN,
  MACHINE,
  PLAIN_MACHINE,
  type MachineSettings,
  type ProgramSpec,
  type VmSpec,
} from '../../node/spec/run-spec.js';
import { perByte } from '../../units/rate.js';
import type { MachineRequest, VmRequest } from '../../workloads/authoring/workload.js';
import type { ClusterConfig } from './cluster-config.js';
import { UsageError } from '../errors/usage-error.js';
import { isCount, reader } from '../../wire/control/shape.js';

/** A machine's number is one byte of its MAC, and one of its IPv4 address above 10.15. */
const MOST_VMS = 240;
/** What is left for the host itself, at the least. */
const LEAST_HOST_MEMORY = 2 ** 20;
/** What every process of the run will read. */
const readMachine = reader(MACHINE);

/** Throws a UsageError, in the name of workload `name`, for what the cluster cannot give. */
export function machineSettings(
  name: string,
  request: MachineRequest,
  config: Pick<ClusterConfig, 'hosts' | 'cores' | 'memory' | 'profile'>,
): MachineSettings {
  const { memory: limits, iommu } = config.profile;
  const memory = request.memory ?? 0;
  const vms = (request.vms ?? []).map((vm) => vmSpec(name, vm, config));
  const settings = {
    ...PLAIN_MACHINE,
    iommu: iommu.mode === 'on',
    memlock: limits.memlock,
    ...request,
    memory,
    vms,
  };
  const read = readMachine(settings, config);
  if (typeof read === 'string') throw new UsageError(`${name}: ${read}`);
  checkMachine(name, settings, config);
  return settings;
}

/**
 * Throws a UsageError where a workload asks for more than a host has, or its virtual machines for each other's.
 */
export function checkMachine(
  name: string,
  { vms, vmQueues, memory }: MachineSettings,
  config: Pick<ClusterConfig, 'cores' | 'memory'>,
): void {
  if (memory > config.memory) {
    const [asked, there] = [memory, config.memory].map(String) as [string, string];
    throw new UsageError(
      `${name} needs ${asked} bytes of memory per host, but a host has ${there}`,
    );
  }
  if (vms.length > MOST_VMS)
    throw new UsageError(`${name}: ${vms.length} VMs (at most ${MOST_VMS})`);
  for (const host of new Set(vms.map((vm) => vm.host))) {
    const guests = vms.filter((vm) => vm.host === host);
    const cores = guests.flatMap((vm) => vm.cores);
    if (new Set(cores).size < cores.length) {
      throw new UsageError(`${name}: two VMs of host ${host} have the same core`);
    }
    if (vmQueues === 'shared' && cores.length === config.cores) {
      throw new UsageError(
        `${name}: VMs that share a queue need a free core on host ${host} to switch their frames ` +
          `(it has ${config.cores}: --cores)`,
      );
    }
    const asked = guests.reduce((sum, vm) => sum + vm.memory, LEAST_HOST_MEMORY);
    const there = memory > 0 ? memory : config.memory;
    if (asked > there) {
      throw new UsageError(
        `${name} needs ${String(asked)} bytes of memory on host ${host} for its VMs and itself, ` +
          `but it has ${String(there)}`,
      );
    }
  }
}

/** Throws a UsageError where a program runs on a core that its virtual machine, or the bare host, does not have. */
export function checkPlacement(
  name: string,
  programs: readonly ProgramSpec[],
  { vms }: MachineSettings,
): void {
  for (const { host, core, vm } of programs) {
    const owner = vms.findIndex((each) => each.host === host && each.cores.includes(core));
    if (owner === vm) continue;
    const whose = (number: number): string => (number < 0 ? 'the bare host' : `VM ${number}`);
    throw new UsageError(
      `${name}: places a program of ${whose(vm)} on host ${host} core ${core}, which is ${whose(owner)}'s`,
    );
  }
}

function vmSpec(
  name: string,
  { host, cores, memory, queues, vlan, rateGbps }: VmRequest,
  config: Pick<ClusterConfig, 'hosts' | 'cores'>,
): VmSpec {
  if (cores.length === 0 || ![host, ...cores].every(isCount)) {
    throw new UsageError(`${name}: a VM on host ${host}, cores ${cores.join(', ')}`);
  }
  const wrong =
    outside('bytes of memory', memory, 1) ??
    outside('queues', queues ?? 1, 1) ??
    outside('as its VLAN', vlan ?? 0, 0, LAST_VLAN);
  if (wrong !== undefined) throw new UsageError(`${name}: a VM with ${wrong}`);
  if (rateGbps !== undefined && !(rateGbps > 0 && rateGbps < Infinity)) {
    throw new UsageError(`${name}: a VM with a rate of ${rateGbps} Gb/s`);
  }
  const lastCore = Math.max(...cores);
  if (host >= config.hosts) {
    throw new UsageError(
      `${name} needs ${host + 1} hosts, but the cluster has ${config.hosts} (--hosts)`,
    );
  }
  if (lastCore >= config.cores) {
    throw new UsageError(
      `${name} needs ${lastCore + 1} cores, but a host has ${config.cores} (--cores)`,
    );
  }
  return {
    host,
    cores,
    memory,
    queues: queues ?? cores.length,
    vlan: vlan ?? 0,
    rate: rateGbps === undefined ? 0 : perByte(rateGbps),
  };
}

function outside(what: string, value: number, least: number, most = Infinity): string | undefined {
  return Number.isSafeInteger(value) && value >= least && value <= most
    ? undefined
    : `${value} ${what}`;
}
