/**
 * The calls that a program makes into the host: verbs that create, change or destroy objects, memory, and the
 * out-of-band network. Each is executed by the host at the core's time, in (time, core) order, so keys and numbers
 * never depend on threads. Arguments and answers are JSON; {@link CallSignatures} is the contract of both sides.
 */
import type { DmaHazard } from '../../model/nic/dma-hazards.js';
import type { IommuFault } from '../../model/nic/iommu.js';
import type { FlowRule, QpType } from '../verbs.js';
import type { DeviceChange, DeviceStatistics } from '../sockets.js';
import type { Errno } from '../../spec/verbs-error.js';
import type { MemoryUsage } from '../verbs.js';

export interface WireCap {
  readonly maxSendWr: number;
  readonly maxRecvWr: number;
  readonly maxSendSge: number;
  readonly maxRecvSge: number;
  readonly maxInlineData: number;
}

/** Where a queue lies: physical addresses in the host's memory. */
export interface CqPlace {
  readonly number: number;
  readonly capacity: number;
  readonly ring: number;
  readonly record: number;
  readonly chainRow: number;
}

export interface QpPlace {
  readonly index: number;
  readonly number: number;
  readonly type: QpType;
  readonly cap: WireCap;
  readonly sends: { readonly base: number; readonly stride: number; readonly depth: number };
  readonly receives: { readonly base: number; readonly stride: number; readonly depth: number };
  /**
   * For a queue of raw frames that the core pushes with the doorbell: the cost of each 64 B beyond the first.
   */
  readonly push?: { readonly block: number; readonly longest: number };
}

/**
 * Where a region lies: `physical` if its pages are adjacent, else -1 and its frames, if they are pinned and few enough.
 */
export interface RegionPlace {
  readonly physical: number;
  readonly frames: number[];
}

export interface CallSignatures {
  queryDevice: [
    args: Record<string, never>,
    answer: {
      maxQp: number;
      maxQpWr: number;
      maxSge: number;
      maxCqe: number;
      maxInlineData: number;
      maxQpRdAtom: number;
      activeMtu: number;
    },
  ];
  allocate: [
    args: { length: number },
    answer: { address: number; length: number; physical: number },
  ];
  /** Where memory that stays in its place lies. */
  translate: [args: { address: number; length: number }, answer: { physical: number }];
  mmap: [
    args: { length: number; huge: boolean; populate: boolean },
    answer: { address: number; length: number },
  ];
  munmap: [args: { address: number; length: number }, answer: null];
  mlock: [args: { address: number; length: number }, answer: null];
  munlock: [args: { address: number; length: number }, answer: null];
  madvise: [args: { address: number; length: number; advice: string }, answer: null];
  /** -1 for no limit: JSON has no infinity. */
  setrlimitMemlock: [args: { bytes: number }, answer: null];
  /**
   * Makes the first `covered` bytes present until the end of the segment that follows: `pieces` are physical addresses
   * and lengths in turn. `child` is a process that this one forked, -1 for itself.
   */
  access: [
    args: { address: number; length: number; write: boolean; child: number },
    answer: { pieces: number[]; covered: number },
  ];
  /** `loads`: what a cache line of each page costs, in ps. */
  touch: [
    args: { address: number; length: number; write: boolean; child: number },
    answer: { covered: number; loads: number },
  ];
  /** `pages`: the bus address of each. */
  pin: [args: { address: number; length: number }, answer: { handle: number; pages: number[] }];
  unpin: [args: { handle: number }, answer: null];
  /** -1 when the page is not present. */
  pagemap: [args: { address: number }, answer: { physical: number }];
  usage: [args: Record<string, never>, answer: MemoryUsage];
  fork: [args: Record<string, never>, answer: { child: number }];
  exitChild: [args: { child: number }, answer: null];
  allocatePd: [args: Record<string, never>, answer: { pd: number }];
  deallocatePd: [args: { pd: number }, answer: null];
  /** `iova`: the address that SGEs and RETHs name it by, if not its own. */
  registerMemory: [
    args: { pd: number; address: number; length: number; access: number; iova?: number },
    answer: { key: number; address: number } & RegionPlace,
  ];
  /** What is null stays as it is. */
  reregisterMemory: [
    args: {
      key: number;
      pd: number | null;
      access: number | null;
      address: number | null;
      length: number | null;
    },
    answer: ({ address: number } & RegionPlace) | null,
  ];
  deregisterMemory: [args: { key: number }, answer: null];
  createCq: [args: { capacity: number }, answer: CqPlace];
  destroyCq: [args: { cq: number }, answer: null];
  requestNotify: [args: { cq: number; solicitedOnly: boolean }, answer: null];
  createQp: [
    args: {
      pd: number;
      sendCq: number;
      recvCq: number;
      cap: WireCap;
      sqSigAll: boolean;
      type: string;
      busAddresses: boolean;
    },
    answer: QpPlace,
  ];
  /** `sends` and `receives`: how many requests of each kind were ever posted. */
  modifyQp: [
    args: {
      qp: number;
      attributes: Record<string, unknown>;
      mask: number;
      sends: number;
      receives: number;
    },
    answer: null,
  ];
  queryQp: [args: { qp: number }, answer: Record<string, unknown>];
  destroyQp: [args: { qp: number }, answer: null];
  /** Bus addresses are the process's own; `pin` keeps the pages where they are. */
  mapDma: [
    args: { address: number; length: number; write: boolean; pin: boolean },
    answer: { mapping: number },
  ];
  unmapDma: [args: { mapping: number }, answer: null];
  iommuFaults: [args: Record<string, never>, answer: { faults: readonly IommuFault[] }];
  dmaHazards: [args: Record<string, never>, answer: { hazards: readonly DmaHazard[] }];
  attachFlow: [args: { qp: number; rule: FlowRule }, answer: { flow: number }];
  detachFlow: [args: { flow: number }, answer: null];
  /** The interface of the program's kernel; VLAN 0 for none. */
  interfaceAddress: [
    args: Record<string, never>,
    answer: { mac: number; ipv4: number; vlan: number; mtu: number },
  ];
  /** -1 while the neighbour is being asked for. */
  neighbour: [args: { ipv4: number }, answer: { mac: number }];
  /**
   * Frames to that port come to the raw queue pair, and the kernel's sockets cannot have it. Port 0: any that is free.
   */
  takePort: [
    args: { qp: number; protocol: 'tcp' | 'udp'; port: number },
    answer: { handle: number; port: number },
  ];
  givePort: [args: { handle: number }, answer: null];
  changeDevice: [args: { change: DeviceChange }, answer: number];
  deviceStatistics: [args: Record<string, never>, answer: DeviceStatistics];
  tell: [args: { rank: number; value: unknown }, answer: null];
}

export type CallName = keyof CallSignatures;
export type CallArguments<N extends CallName> = CallSignatures[N][0];
export type CallAnswer<N extends CallName> = CallSignatures[N][1];

export type CallOutcome =
  { readonly ok: unknown } | { readonly errno: Errno; readonly message: string };
