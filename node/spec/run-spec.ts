/**
 * What one run is made of, as the coordinator sends it to each process: the types and, from the same shapes, the checks
 * that they pass when they arrive. Equal specs give equal results, byte for byte, under the virtual clock; only `local`
 * and `coreRuntime` may differ between placements.
 */
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import {
  anything,
  choice,
  dictionary,
  flag,
  list,
  mapped,
  nullable,
  number,
  parsed,
  record,
  refined,
  saying,
  text,
  whole,
  type Infer,
  type Scope,
} from '../../wire/control/shape.js';
import { parseModuleReference } from './module-reference.js';
import { PROFILE } from './profile-shape.js';

const MAX_PROGRAMS = MAX_HOSTS * MAX_CORES;
/** Bytes of a host. */
export const MAX_MEMORY = 2 ** 32;
export const LAST_VLAN = 4094;

const anyHost = ({ hosts }: Scope): number => hosts - 1;
const anyCore = ({ cores }: Scope): number => cores - 1;

const isParameter = (value: unknown): value is number | string | boolean =>
  ['number', 'string', 'boolean'].includes(typeof value);

/** One program: rank `rank` runs the `program` of the workload that `module` names. */
const PROGRAM = record('program', {
  rank: whole(0, MAX_PROGRAMS - 1),
  host: whole(0, anyHost),
  core: whole(0, anyCore),
  role: text(256),
  /**
   * The process of the host that it runs in, and the virtual machine that the process lives in (-1: on the bare host).
   */
  process: whole(0, MAX_PROGRAMS - 1),
  vm: refined(number(-1, MAX_CORES), Number.isInteger, 'not a whole number'),
});
export type ProgramSpec = Infer<typeof PROGRAM>;

/** A virtual machine: cores of its own, memory of its own, and a network function with its own MAC (and VLAN). */
const VM = record('vm', {
  host: whole(0, anyHost),
  cores: list(({ cores }) => cores, saying('not a core of this host', whole(0, anyCore))),
  /** Bytes of the host's memory that are its own. */
  memory: whole(1, MAX_MEMORY),
  /** Receive queues of its function. */
  queues: whole(1, MAX_CORES),
  /** 0 for none. */
  vlan: whole(0, LAST_VLAN),
  /** Its function may send at most this many picoseconds per byte slower than the link: 0 for no limit. */
  rate: number(0, Number.MAX_SAFE_INTEGER),
});
export type VmSpec = Infer<typeof VM>;

/** How the hosts of a run are set up beyond the cluster's options: what a workload asks for. */
export const MACHINE = record('machine', {
  /** Whether the NIC's DMA goes through an IOMMU. */
  iommu: flag,
  /** Bytes of RAM of each host; 0 for the cluster's. */
  memory: whole(0, MAX_MEMORY),
  pager: choice('clock', 'lru'),
  /** Bytes of swap of each host. */
  swap: whole(),
  /** RLIMIT_MEMLOCK of each process and of each host, in bytes; Infinity when unlimited. */
  memlock: number(),
  hostMemlock: number(),
  /** Receive queues of each host's own network function; 0 for one per core. */
  queues: whole(0, MAX_CORES),
  vms: list(MAX_PROGRAMS, VM),
  /** Whether each VM has queues of its own, or all share the host's one and a software switch. */
  vmQueues: choice('own', 'shared'),
});
export type MachineSettings = Infer<typeof MACHINE>;

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

/**
 * `--fault`: probabilities per frame on every link, drawn from the seed. `corrupt` is damage that the FCS shows,
 * `icrc` damage from before the FCS was made; `delay` is added in ps to delayed frames.
 */
const FAULTS = record('faults', {
  loss: number(0, 1),
  duplicate: number(0, 1),
  corrupt: number(0, 1),
  icrc: number(0, 1),
  delayed: number(0, 1),
  delay: whole(),
});
export type FaultSpec = Infer<typeof FAULTS>;

/** What lies between the hosts: one switch, or a cable (`model/fabric/topologies.ts`). */
export const TOPOLOGY_NAMES = ['switch', 'direct'] as const;
export type TopologyName = (typeof TOPOLOGY_NAMES)[number];

/**
 * What the options of a command decide of a run, as a cluster's configuration has it too. Each is set by a row of
 * `coordinator/plan/run-options.ts`.
 */
export const RUN_SETTINGS = {
  /** All hosts of the cluster. */
  hosts: whole(1, MAX_HOSTS),
  cores: whole(1, MAX_CORES),
  /** Bytes of emulated memory per host. */
  memory: whole(1, MAX_MEMORY),
  mtu: whole(256, 4096),
  topology: choice(...TOPOLOGY_NAMES),
  clock: choice('virtual', 'real'),
  seed: whole(),
  /** The last instant of the run, in ps: later events do not happen. Infinity: it runs to its end. */
  until: number(0, Infinity),
  faults: nullable(FAULTS),
  trace: choice('headers', 'full'),
  coreRuntime: choice('worker', 'inline'),
  /** How long a program may go without an await, in ms of wall time: 0 for as long as it likes. */
  segmentLimit: number(0),
};

/** The shape of a specification whose options set these fields. */
export const runSpecShape = <const S extends typeof RUN_SETTINGS>(settings: S) =>
  record('spec', {
    ...settings,
    /** The hosts that this process is to build. */
    local: list(({ hosts }) => hosts, saying('not a host of this cluster', whole(0, anyHost))),
    /** As the model uses it: overrides and noise already applied. */
    profile: PROFILE,
    noise: flag,
    /** Whether the frames of every host are captured (`--capture`). */
    capture: flag,
    /** Names the module whose default export is the workload; each process finds its own copy. */
    module: parsed(parseModuleReference),
    params: dictionary(isParameter),
    programs: list(MAX_PROGRAMS, PROGRAM),
    machine: MACHINE,
    /** Input files by parameter name. */
    inputs: mapped(
      dictionary((each) => each instanceof Uint8Array),
      (files): ReadonlyMap<string, Uint8Array> => new Map(Object.entries(files)),
    ),
  });

export const RUN_SPEC = runSpecShape(RUN_SETTINGS);
export type RunSpec = Infer<typeof RUN_SPEC>;

/** What one process has to say when a run is over. */
export const RUN_OUTCOME = record('outcome', {
  /** By rank, for the programs of this process. */
  results: list(
    MAX_PROGRAMS,
    record('result', {
      rank: whole(0, MAX_PROGRAMS - 1),
      value: anything,
      endedAt: number(0, Number.MAX_SAFE_INTEGER),
    }),
  ),
  /** By host: the digest of its trace, its counters, and those among them that its programs have counted. */
  hosts: list(
    MAX_HOSTS,
    record('host', {
      host: whole(0, MAX_HOSTS - 1),
      digest: refined(text(16), (digest) => /^[0-9a-f]{16}$/.test(digest), 'not a digest'),
      counters: dictionary((count): count is number => Number.isFinite(count)),
      counted: dictionary((count): count is number => Number.isFinite(count)),
    }),
  ),
  events: whole(),
  packets: whole(),
});
export type RunOutcome = Infer<typeof RUN_OUTCOME>;

/** The place of a program's failure when the program is not known. */
export const SOME_PROGRAM = { host: -1, core: 0 } as const;

/** Why a run cannot go on: a program threw or broke the rules, or the model found itself in error. */
export interface RunFailure {
  readonly host: number;
  readonly core: number;
  readonly message: string;
  readonly stack: string;
}
