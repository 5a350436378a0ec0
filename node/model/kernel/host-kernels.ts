/**
 * The kernels of one host: its own, and one for each virtual machine, with cores, addresses, network function and flows
 * of its own. It constructs them, and says under which one a core runs.
 *
 * `own`: each machine's function is the NIC's, with its own receive queues and its own rate limit (SR-IOV). Its
 * interrupts are posted to it: they cost it an injection and no exit. `shared`: the NIC knows the host's function
 * alone, and the host's software switch has the machines behind it.
 */
import { RandomStream } from '../../../sim/random.js';
import type { Scheduler } from '../../../sim/scheduler.js';
import { KERNEL_UNIT, Sequencer } from '../../../sim/sequencer.js';
import { hostIpv4, hostMac, vmIpv4, vmMac } from '../../../units/address.js';
import { macNumber } from '../../../wire/ethernet.js';
import { ipv4Number } from '../../../wire/ipv4.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { FrameQueue } from '../nic/frame-queue.js';
import type { Nic } from '../nic.js';
import { RateLimit } from '../nic/rate-limit.js';
import type { Profile } from '../../spec/profile.js';
import type { MachineSettings, VmSpec } from '../../spec/run-spec.js';
import { FlowCache } from './flow-cache.js';
import { KernelCore } from './kernel-core.js';
import { Kernel, type KernelOptions } from './kernel.js';
import type { Processes } from './processes.js';
import { SoftwareSwitch } from './software-switch.js';
import { UserMemory } from './user-memory.js';
import { VirtioRing } from './virtio-ring.js';

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

type Cores = KernelOptions['cores'];

/** What differs between the kernels of a host. */
type KernelOfHost = Pick<
  KernelOptions,
  | 'number'
  | 'mac'
  | 'ipv4'
  | 'vlan'
  | 'cores'
  | 'queues'
  | 'interrupts'
  | 'promiscuous'
  | 'limit'
  | 'sendRing'
  | 'handler'
>;

export class HostKernels {
  readonly cores: readonly KernelCore[];
  /** The host's own; undefined where virtual machines have every core. */
  readonly own: Kernel | undefined;
  /** By the machine's number. */
  readonly machines = new Map<number, Kernel>();
  /** Where machines share the host's queues. */
  readonly bridge: SoftwareSwitch | undefined;
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
    const shared = guests.length > 0 && machine.vmQueues === 'shared';
    if (shared) this.bridge = this.softwareSwitch(left.find((core) => core !== undefined)!);
    const count = cores - taken.size;
    if (count > 0) this.own = this.ofHost(left, machine.queues || (shared ? 1 : count));
    for (const [vm, spec] of guests) this.machines.set(vm, this.ofMachine(vm, spec));
    // What one function sends to a group, the others of this host are to hear.
    nic.parts.transmitter.floodsHome = guests.length > 0 && !shared;
  }

  /** The kernel that core `core` runs under. */
  of(core: number): Kernel {
    return this.byCore[core]!;
  }

  private ofHost(cores: Cores, queues: number): Kernel {
    const { host, nic } = this.options;
    const { bridge } = this;
    const kernel = this.kernel({
      number: 0,
      mac: macNumber(hostMac(host)),
      ipv4: ipv4Number(hostIpv4(host)),
      vlan: 0,
      cores,
      queues,
      interrupts: null,
      promiscuous: bridge !== undefined,
      limit: null,
      sendRing: (core) => {
        const ring = this.frameQueue(null);
        return bridge === undefined ? ring : bridge.hostRing(core, ring);
      },
      ...(bridge && { handler: bridge }),
    });
    bridge?.connect(kernel);
    nic.ethernet.functions.push(kernel.networkFunction);
    return kernel;
  }

  private ofMachine(vm: number, { cores, queues, vlan, rate }: VmSpec): Kernel {
    const { host, profile, nic } = this.options;
    const { bridge } = this;
    const limit = rate > 0 ? new RateLimit(rate) : null;
    const machine = {
      number: 1 + vm,
      mac: macNumber(vmMac(host, vm)),
      ipv4: ipv4Number(vmIpv4(host, vm)),
      vlan,
      cores: this.cores.map((core) => (cores.includes(core.index) ? core : undefined)),
      queues,
      promiscuous: false,
      limit,
    };
    if (bridge !== undefined) return this.behindSwitch(bridge, machine);
    const kernel = this.kernel({
      ...machine,
      interrupts: { reaches: (at) => at, entry: profile.vm.inject },
      sendRing: () => this.frameQueue(limit),
    });
    nic.ethernet.functions.push(kernel.networkFunction);
    return kernel;
  }

  private behindSwitch(
    bridge: SoftwareSwitch,
    machine: Omit<KernelOfHost, 'interrupts' | 'sendRing'>,
  ): Kernel {
    const { profile, scheduler, pool } = this.options;
    const parts = { profile, scheduler, pool, limit: machine.limit, server: bridge };
    let ring: VirtioRing | undefined;
    const kernel = this.kernel({
      ...machine,
      interrupts: bridge.interrupts,
      // The machine's cores share one.
      sendRing: (_core, context) => (ring ??= new VirtioRing({ ...parts, context })),
    });
    // A virtual device does not moderate its interrupts.
    for (const { moderation } of kernel.queues) moderation.rxUsecs = 0;
    bridge.functions.push(kernel.networkFunction);
    return kernel;
  }

  private softwareSwitch(core: KernelCore): SoftwareSwitch {
    const { host, profile, seed, scheduler, pool } = this.options;
    const random = new RandomStream(seed, `host${host}/switch`);
    const { sequencer } = this;
    return new SoftwareSwitch({ profile, scheduler, sequencer, pool, random, core });
  }

  private frameQueue(limit: RateLimit | null): FrameQueue {
    const { nic, profile } = this.options;
    return new FrameQueue(nic.parts, profile.kernel.ringSize, limit);
  }

  private kernel(options: KernelOfHost): Kernel {
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
      iommu: nic.parts.iommu,
      nicSequencer: nic.parts.sequencer,
      sequencer: this.sequencer,
      flows: new FlowCache(cores, profile.cache),
    });
    for (const core of options.cores) if (core !== undefined) this.byCore[core.index] = kernel;
    return kernel;
  }
}
