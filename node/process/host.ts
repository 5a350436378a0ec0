/** The board: one emulated host. It constructs every part and connects it, and has no behaviour. */
import { LoggedChains, type ChainTable } from '../../sim/chain.js';
import { RandomStream } from '../../sim/random.js';
import type { Scheduler } from '../../sim/scheduler.js';
import { CHAIN_CELLS, SharedChains } from '../../sim/shared-chains.js';
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
import { PhysicalMemory } from '../model/memory/physical-memory.js';
import { Nic } from '../model/nic.js';
import type { ProgramSpec, RunSpec } from '../spec/run-spec.js';

/** Rows for the chains of CQEs, all CQs of a host together; the memory is used only where they are. */
const CHAIN_ROWS = 1 << 16;

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
  readonly nic: Nic;
  readonly inlet: HostInlet;
  /** The switch's output port towards this host, where it is evaluated beside it. */
  readonly outputPort: OutputPort | undefined;
  readonly cores: readonly HostCore[];
  readonly calls: HostCalls;
  readonly kernels: HostKernels;
  readonly management: ManagementNetwork;
  readonly faults: FaultyLink | undefined;

  constructor({ number, spec, own, scheduler, pool, fabric, supervisor, tap }: HostParts) {
    const { profile, seed, mtu, hosts, programs } = spec;
    this.number = number;
    const { machine } = spec;
    const runsInWorkers = spec.coreRuntime === 'worker';
    this.memory = new PhysicalMemory(
      machine.memory > 0 ? machine.memory : spec.memory,
      runsInWorkers,
    );
    this.processes = new Processes({
      host: number,
      seed,
      profile,
      memory: this.memory,
      machine,
      programs: own,
    });
    let completionChains: ChainTable;
    if (runsInWorkers) {
      this.completionChains = new SharedArrayBuffer(CHAIN_ROWS * CHAIN_CELLS * 8);
      completionChains = new SharedChains(new Float64Array(this.completionChains));
    } else {
      this.completionChains = completionChains = new LoggedChains(pool.chainLog, 0);
    }

    let port = fabric.uplink(number);
    if (spec.faults !== null) {
      this.faults = new FaultyLink(port, pool, number, spec.faults, seed);
      port = this.faults;
    }
    if (tap !== undefined) port = new CapturedLink(port, pool, tap);

    this.nic = new Nic({
      host: number,
      hosts,
      profile,
      seed,
      iommu: spec.machine.iommu,
      clock: spec.clock,
      scheduler,
      pool,
      memory: this.memory,
      port,
      completionChains,
      refused: refusalPrinter(number),
    });
    this.management = new ManagementNetwork(
      number,
      pool,
      fabric.router,
      profile.management.latency,
      {
        told: (from, to, value) => {
          const core = this.cores.find(({ rank }) => rank === to);
          core?.told(from, value);
          return core !== undefined;
        },
      },
    );
    this.inlet = new HostInlet({
      host: number,
      link: profile.link,
      traceFull: spec.trace === 'full',
      scheduler,
      pool,
      nic: this.nic,
      management: this.management,
      tap,
    });
    this.outputPort = fabric.attach(number, this.inlet);

    let chainRows = 0;
    const memoryCalls = new MemoryCalls({
      profile,
      processes: this.processes,
      frames: this.memory.table,
      random: new RandomStream(seed, `host${number}/traps`),
      now: () => scheduler.now,
    });
    const services: HostServices = {
      hosts,
      mtu,
      profile,
      nic: this.nic,
      memory: this.memory,
      processes: this.processes,
      claimChainRows: (count) => {
        if (chainRows + count > CHAIN_ROWS) return -1;
        chainRows += count;
        completionChains.grow(chainRows);
        return chainRows - count;
      },
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
    this.calls = new HostCalls(services, memoryCalls);
    this.kernels = new HostKernels({
      host: number,
      cores: spec.cores,
      machine,
      profile,
      seed,
      scheduler,
      pool,
      memory: this.memory,
      processes: this.processes,
      nic: this.nic,
    });
    this.cores = own.map(
      ({ core, rank, process }) =>
        new HostCore({
          host: number,
          index: core,
          rank,
          process,
          core: this.kernels.cores[core]!,
          system: this.kernels.of(core).sockets,
          profile,
          seed,
          clock: spec.clock,
          mailbox: supervisor.mailbox(),
          alone: own.length === 1,
          scheduler,
          nic: this.nic,
          calls: this.calls,
          supervisor,
        }),
    );
  }
}
