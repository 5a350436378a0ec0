/** The board: one emulated host. It constructs every part and connects it, and has no behaviour. */
import { LoggedChains, type ChainTable } from '../../sim/chain.js';
import { ChainRows, MAX_CHAIN_ROWS } from '../../sim/chain-rows.js';
import { RandomStream } from '../../sim/random.js';
import type { Scheduler } from '../../sim/scheduler.js';
import { chainMemory, SharedChains } from '../../sim/shared-chains.js';
import { HostCore, type CoreSupervisor } from '../cores/host-core.js';
import { HostCalls, type HostServices } from '../model/kernel/host-calls.js';
import { refusalPrinter } from './refusal-printer.js';
import { HostKernels } from '../model/kernel/host-kernels.js';
import { MemoryCalls } from '../model/kernel/memory-calls.js';
import { Processes } from '../model/kernel/processes.js';
import { ManagementNetwork } from '../model/fabric/management-network.js';
import { CapturedLink, type FrameTap } from '../model/fabric/captured-link.js';
import type { Fabric } from '../model/fabric/fabric.js';
import { FaultyLink } from '../model/fabric/faulty-link.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import { HostInlet } from '../model/fabric/host-inlet.js';
import type { OutputPort } from '../model/fabric/output-port.js';
import type { Port } from '../model/fabric/port.js';
import { PhysicalMemory } from '../model/memory/physical-memory.js';
import { Nic } from '../model/nic.js';
import type { ProgramSpec, RunSpec } from '../spec/run-spec.js';

export interface HostParts {
  readonly number: number;
  readonly spec: RunSpec;
  /** Its programs. */
  readonly own: readonly ProgramSpec[];
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  readonly fabric: Fabric;
  readonly supervisor: CoreSupervisor;
  readonly tap: FrameTap | undefined;
}

export class Host {
  readonly number: number;
  readonly memory: PhysicalMemory;
  readonly processes: Processes;
  /** Of the CQEs in memory: a table for cores in this thread, shared memory for those in workers. */
  readonly completionChains: ChainTable | SharedArrayBuffer;
  readonly chainRows: ChainRows;
  readonly nic: Nic;
  readonly inlet: HostInlet;
  /** The switch's output port towards this host, where it is evaluated beside it. */
  readonly outputPort: OutputPort | undefined;
  readonly cores: readonly HostCore[];
  readonly calls: HostCalls;
  readonly kernels: HostKernels;
  readonly management: ManagementNetwork;
  readonly faults: FaultyLink | undefined;

  constructor(parts: HostParts) {
    const { number, spec, own, scheduler, pool, fabric, tap } = parts;
    const { profile, seed, machine } = spec;
    const runsInWorkers = spec.coreRuntime === 'worker';
    this.number = number;
    this.memory = new PhysicalMemory(
      machine.memory > 0 ? machine.memory : spec.memory,
      runsInWorkers,
    );
    const { memory } = this;
    const processes = new Processes({
      host: number,
      seed,
      profile,
      memory,
      machine,
      programs: own,
    });
    this.processes = processes;
    const shared = runsInWorkers ? chainMemory(MAX_CHAIN_ROWS) : undefined;
    const chains = completionTable(shared, pool);
    this.completionChains = shared ?? chains;
    this.chainRows = new ChainRows(chains);
    const { port, faults } = wayOut(parts);
    this.faults = faults;

    this.nic = new Nic({
      host: number,
      hosts: spec.hosts,
      profile,
      seed,
      iommu: machine.iommu,
      clock: spec.clock,
      scheduler,
      pool,
      memory,
      port,
      completionChains: chains,
      refused: refusalPrinter(number),
    });
    const { nic } = this;
    this.management = this.managementNetwork(parts);
    this.inlet = new HostInlet({
      host: number,
      link: profile.link,
      traceFull: spec.trace === 'full',
      scheduler,
      pool,
      nic,
      management: this.management,
      tap,
    });
    this.outputPort = fabric.attach(number, this.inlet);
    this.calls = this.systemCalls(parts);
    this.kernels = new HostKernels({
      host: number,
      cores: spec.cores,
      machine,
      profile,
      seed,
      scheduler,
      pool,
      memory,
      processes,
      nic,
    });
    this.cores = own.map((program) => this.core(program, parts));
  }

  /** What ranks tell each other beside the fabric; it reaches the core that runs the rank. */
  private managementNetwork({ number, pool, fabric, spec }: HostParts): ManagementNetwork {
    const { latency } = spec.profile.management;
    return new ManagementNetwork(number, pool, fabric.router, latency, {
      told: (from, to, value) => {
        const core = this.cores.find(({ rank }) => rank === to);
        core?.told(from, value);
        return core !== undefined;
      },
    });
  }

  /** What programs may ask of the host, and what answers it. */
  private systemCalls({ number, spec, scheduler }: HostParts): HostCalls {
    const { profile, seed, mtu, hosts, programs } = spec;
    const { nic, memory, processes } = this;
    const memoryCalls = new MemoryCalls({
      profile,
      processes,
      frames: memory.table,
      random: new RandomStream(seed, `host${number}/traps`),
      now: () => scheduler.now,
    });
    const services: HostServices = {
      hosts,
      mtu,
      profile,
      nic,
      memory,
      processes,
      chainRows: this.chainRows,
      kernel: (core) => this.kernels.of(core),
      tell: (index, rank, value) => {
        const core = this.cores.find((candidate) => candidate.index === index)!;
        const target = programs[rank];
        if (target === undefined) return false;
        const key = (): number => core.nextKey();
        this.management.send(core.rank, rank, target.host, value, scheduler.now, key);
        return true;
      },
    };
    return new HostCalls(services, memoryCalls);
  }

  /** The core that runs one of the host's programs. */
  private core(
    program: ProgramSpec,
    { number, spec, own, scheduler, supervisor }: HostParts,
  ): HostCore {
    const { core, rank, process } = program;
    return new HostCore({
      host: number,
      index: core,
      rank,
      process,
      core: this.kernels.cores[core]!,
      system: this.kernels.of(core).sockets,
      profile: spec.profile,
      seed: spec.seed,
      clock: spec.clock,
      mailbox: supervisor.mailbox(),
      alone: own.length === 1,
      scheduler,
      nic: this.nic,
      calls: this.calls,
      supervisor,
    });
  }
}

/** The chains of CQEs: in `shared` memory where cores run in workers, else in the run's log. */
function completionTable(shared: SharedArrayBuffer | undefined, pool: FramePool): ChainTable {
  if (shared !== undefined) return new SharedChains(shared);
  return new LoggedChains(pool.chainLog, 0);
}

/** The port that frames leave by: faults come before the wire, and a capture shows what the NIC sent. */
function wayOut({ number, spec, pool, fabric, tap }: HostParts): {
  port: Port;
  faults: FaultyLink | undefined;
} {
  let port: Port = fabric.uplink(number);
  let faults: FaultyLink | undefined;
  if (spec.faults !== null)
    port = faults = new FaultyLink(port, pool, number, spec.faults, spec.seed);
  if (tap !== undefined) port = new CapturedLink(port, pool, tap);
  return { port, faults };
}
