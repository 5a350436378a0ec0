/**
 * The kernels of one host: its own, and one for each virtual machine, with cores, addresses, network function and flows of its
 * own. It constructs them, and says under which one a core runs.
 *
 * `own`: each machine's function is the NIC's, with its own receive queues and its own rate limit (SR-IOV). Its interrupts are
 * posted to it: they cost it an injection and no exit.
 */
import type { Scheduler } from '../../sim/scheduler.js';
import { KERNEL_UNIT, Sequencer } from '../../sim/sequencer.js';
import { hostIpv4, hostMac, vmIpv4, vmMac } from '../../units/address.js';
import { macNumber } from '../../wire/ethernet.js';
import { ipv4Number } from '../../wire/ipv4.js';
import type { FramePool } from '../link/frame-pool.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { FrameQueue } from '../nic/frame-queue.js';
import type { Nic } from '../nic/nic.js';
import { RateLimit } from '../nic/rate-limit.js';
import type { Profile } from '../profile.js';
import type { MachineSettings, VmSpec } from '../run-spec.js';
import { FlowCache } from './flow-cache.js';
import { KernelCore } from './kernel-core.js';
import { Kernel, type KernelOptions } from './kernel.js';
import type { Processes } from './processes.js';
import { UserMemory } from './user-memory.js';

export interface HostKernelsOptions {
  readonly host: number;
  /** How many cores the host has. */
  readonly cores: number;
  readonly machine: MachineSettings;
  readonly profile: Profile;
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  readonly memory: PhysicalMemory;
  readonly processes: Processes;
  readonly nic: Nic;
}

type Addresses = Pick<KernelOptions, 'number' | 'mac' | 'ipv4' | 'vlan'>;

export class HostKernels {
  readonly cores: readonly KernelCore[];
  /** The host's own; undefined where virtual machines have every core. */
  readonly own: Kernel | undefined;
  /** By the machine's number. */
  readonly machines = new Map<number, Kernel>();
  private readonly options: HostKernelsOptions;
  private readonly sequencer: Sequencer;
  /** By core. */
  private readonly byCore: Kernel[] = [];

  constructor(options: HostKernelsOptions) {
    const { host, cores, machine, nic } = options;
    this.options = options;
    this.sequencer = new Sequencer(host, KERNEL_UNIT);
    this.cores = Array.from({ length: cores }, (_, index) => new KernelCore(index));
    const guests = [...machine.vms.entries()].filter(([, vm]) => vm.host === host);
    const taken = new Set(guests.flatMap(([, vm]) => vm.cores));
    const left = this.cores.map((core) => (taken.has(core.index) ? undefined : core));
    const count = cores - taken.size;
    if (count > 0) {
      const addresses = {
        number: 0,
        mac: macNumber(hostMac(host)),
        ipv4: ipv4Number(hostIpv4(host)),
        vlan: 0,
      };
      this.own = this.onNic(addresses, left, machine.queues || count, null);
    }
    for (const [vm, spec] of guests) this.machines.set(vm, this.machine(vm, spec));
    // What one function sends to a group, the others of this host are to hear.
    nic.parts.transmitter.floodsHome = guests.length > 0;
  }

  /** The kernel that core `core` runs under. */
  of(core: number): Kernel {
    return this.byCore[core]!;
  }

  private machine(vm: number, { cores, queues, vlan, rate }: VmSpec): Kernel {
    const { host, profile } = this.options;
    const own = this.cores.map((core) => (cores.includes(core.index) ? core : undefined));
    const addresses = {
      number: 1 + vm,
      mac: macNumber(vmMac(host, vm)),
      ipv4: ipv4Number(vmIpv4(host, vm)),
      vlan,
    };
    const limit = rate > 0 ? new RateLimit(rate) : null;
    const posted = { reaches: (at: number) => at, entry: profile.vm.inject };
    return this.onNic(addresses, own, queues, limit, posted);
  }

  /** A kernel with a function of the NIC's. */
  private onNic(
    addresses: Addresses,
    cores: readonly (KernelCore | undefined)[],
    queues: number,
    limit: RateLimit | null,
    interrupts: KernelOptions['interrupts'] = null,
  ): Kernel {
    const { profile, nic } = this.options;
    const kernel = this.kernel({
      ...addresses,
      cores,
      queues,
      interrupts,
      promiscuous: false,
      sendRing: () => new FrameQueue(nic.parts, profile.kernel.ringSize, limit),
    });
    nic.ethernet.functions.push(kernel.networkFunction);
    return kernel;
  }

  private kernel(
    options: Addresses &
      Pick<KernelOptions, 'cores' | 'queues' | 'interrupts' | 'promiscuous' | 'sendRing'>,
  ): Kernel {
    const { host, cores, profile, seed, scheduler, pool, memory, processes, nic } = this.options;
    const kernel = new Kernel({
      ...options,
      host,
      profile,
      seed,
      scheduler,
      pool,
      memory: new UserMemory(memory, (core) => processes.of(core).space),
      dma: nic.parts.dma,
      nicSequencer: nic.parts.sequencer,
      sequencer: this.sequencer,
      flows: new FlowCache(cores, profile.cache),
    });
    for (const core of options.cores) if (core !== undefined) this.byCore[core.index] = kernel;
    return kernel;
  }
}
