/**
 * What one run is made of, as the coordinator sends it to each process. Equal specs give equal results, byte for byte,
 * under the virtual clock; only `local` and `coreRuntime` may differ between placements.
 */
import type { Profile } from './profile.js';
import type { ModuleReference } from './module-reference.js';

export type ProgramParameters = Readonly<Record<string, number | string | boolean>>;

/** One program: rank `rank` runs the `program` of the workload that `module` names. */
export interface ProgramSpec {
  readonly rank: number;
  readonly host: number;
  readonly core: number;
  readonly role: string;
  /** The process of the host that it runs in, and the virtual machine that the process lives in (-1: on the bare host). */
  readonly process: number;
  readonly vm: number;
}

/** A virtual machine: cores of its own, memory of its own, and a network function with its own MAC (and VLAN). */
export interface VmSpec {
  readonly host: number;
  readonly cores: readonly number[];
  /** Bytes of the host's memory that are its own. */
  readonly memory: number;
  /** Receive queues of its function. */
  readonly queues: number;
  /** 0 for none. */
  readonly vlan: number;
  /** Its function may send at most this many picoseconds per byte slower than the link: 0 for no limit. */
  readonly rate: number;
}

/** How the hosts of a run are set up beyond the cluster's options: what a workload asks for. */
export interface MachineSettings {
  /** Whether the NIC's DMA goes through an IOMMU. */
  readonly iommu: boolean;
  /** Bytes of RAM of each host; 0 for the cluster's. */
  readonly memory: number;
  readonly pager: 'clock' | 'lru';
  /** Bytes of swap of each host. */
  readonly swap: number;
  /** RLIMIT_MEMLOCK of each process and of each host, in bytes; Infinity when unlimited. */
  readonly memlock: number;
  readonly hostMemlock: number;
  /** Receive queues of each host's own network function; 0 for one per core. */
  readonly queues: number;
  readonly vms: readonly VmSpec[];
  /** Whether each VM has queues of its own, or all share the host's one and a software switch. */
  readonly vmQueues: 'own' | 'shared';
}

/** A host as it is when a workload asks for nothing. */
export const PLAIN_MACHINE: MachineSettings = {
  iommu: false,
  memory: 0,
  pager: 'clock',
  swap: 2 ** 30,
  memlock: Infinity,
  hostMemlock: Infinity,
  queues: 0,
  vms: [],
  vmQueues: 'own',
};

/** `--fault`: probabilities per frame on every link, drawn from the seed; `delay` is added in ps to delayed frames. */
export interface FaultSpec {
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly delayed: number;
  readonly delay: number;
}

export interface RunSpec {
  /** All hosts of the cluster; those that this process is to build. */
  readonly hosts: number;
  readonly local: readonly number[];
  readonly cores: number;
  /** Bytes of emulated memory per host. */
  readonly memory: number;
  /** As the model uses it: overrides and noise already applied. */
  readonly profile: Profile;
  readonly mtu: number;
  readonly topology: 'switch' | 'direct';
  readonly clock: 'virtual' | 'real';
  readonly noise: boolean;
  readonly seed: number;
  readonly faults: FaultSpec | null;
  /** Whether the frames of every host are captured (`--capture`). */
  readonly capture: boolean;
  readonly trace: 'headers' | 'full';
  readonly coreRuntime: 'worker' | 'inline';
  /** How long a program may go without an await, in ms of wall time: 0 for as long as it likes. Default: 30 s. */
  readonly segmentLimit?: number;
  /** Names the module whose default export is the workload; each process finds its own copy. */
  readonly module: ModuleReference;
  readonly params: ProgramParameters;
  readonly programs: readonly ProgramSpec[];
  readonly machine: MachineSettings;
  /** Input files by parameter name. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
}

/** What one process has to say when a run is over. */
export interface RunOutcome {
  /** By rank, for the programs of this process. */
  readonly results: readonly {
    readonly rank: number;
    readonly value: unknown;
    readonly endedAt: number;
  }[];
  /** By host: the digest of its trace, and its counters. */
  readonly hosts: readonly {
    readonly host: number;
    readonly digest: string;
    readonly counters: Readonly<Record<string, number>>;
  }[];
  readonly events: number;
  readonly packets: number;
}

/** Of a failure that is a program's, when it is not known which program's. */
export const SOME_PROGRAM = { host: -1, core: 0 } as const;

/** Why a run cannot go on: a program threw or broke the rules, or the model found itself in error. */
export interface RunFailure {
  readonly host: number;
  readonly core: number;
  readonly message: string;
  readonly stack: string;
}
