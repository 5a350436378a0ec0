/** How a workload wants its hosts set up, checked against the cluster and completed. */
import { PLAIN_MACHINE, type MachineSettings, type VmSpec } from '../node/run-spec.js';
import { perByte } from '../units/rate.js';
import type { MachineRequest, VmRequest } from '../workloads/workload.js';
import type { ClusterConfig } from './cluster-config.js';
import { UsageError } from './usage-error.js';

/** Throws a UsageError, in the name of workload `name`, for what the cluster cannot give. */
export function machineSettings(
  name: string,
  request: MachineRequest,
  config: Pick<ClusterConfig, 'hosts' | 'cores' | 'memory' | 'profile'>,
): MachineSettings {
  const { memory: limits, iommu } = config.profile;
  const memory = request.memory ?? 0;
  if (memory > config.memory) {
    const [asked, there] = [memory, config.memory].map(String) as [string, string];
    throw new UsageError(`${name} needs ${asked} bytes of memory per host, and there are ${there}`);
  }
  return {
    ...PLAIN_MACHINE,
    iommu: iommu.mode === 'on',
    memlock: limits.memlock,
    ...request,
    memory,
    vms: (request.vms ?? []).map((vm) => vmSpec(name, vm, config)),
  };
}

function vmSpec(
  name: string,
  { host, cores, memory, queues, vlan, rateGbps }: VmRequest,
  config: Pick<ClusterConfig, 'hosts' | 'cores'>,
): VmSpec {
  if (cores.length === 0 || ![host, ...cores].every((each) => Number.isSafeInteger(each))) {
    throw new UsageError(`${name}: a VM on host ${host}, cores ${cores.join(', ')}`);
  }
  const lastCore = Math.max(...cores);
  if (host >= config.hosts) {
    throw new UsageError(`${name} needs ${host + 1} hosts, and --hosts says ${config.hosts}`);
  }
  if (lastCore >= config.cores) {
    throw new UsageError(`${name} needs ${lastCore + 1} cores, and --cores says ${config.cores}`);
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
