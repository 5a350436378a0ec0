/**
 * What a program sees: libibverbs's objects and names in TypeScript's manner.
 *
 * A program is an async function that is handed a {@link Core}. It runs in segments: resumed at a virtual time, it runs
 * until it awaits the emulator. Posting costs time but does not end the segment; whatever reads what a device or
 * another core may write is awaited. Times are picoseconds of the run's clock, sizes bytes, addresses virtual addresses
 * of the host's process. A call that libibverbs fails with an errno throws {@link VerbsError} with that name in `code`.
 */
import type { StageTime } from '../../sim/stages.js';
import type { Flow, FlowRule } from './flow-rule.js';
import type { DmaHazard } from '../model/nic/dma-hazards.js';
import type { IommuFault } from '../model/nic/iommu.js';
import { STATUS } from '../model/rdma/completion-entry.js';
import type { Network, NetworkDevice, NetworkOptions } from './sockets.js';
import type { Lkey, Rkey } from '../../units/keys.js';
import type { Instant, Picoseconds } from '../../units/time.js';

export type { Flow, FlowRule } from './flow-rule.js';
export type { DmaHazard } from '../model/nic/dma-hazards.js';
export type { IommuFault } from '../model/nic/iommu.js';
export type { StageName, StageTime } from '../../sim/stages.js';
export { ms, ns, ps, us } from '../../units/durations.js';
export type { Lkey, Rkey } from '../../units/keys.js';
export { after, between, type Instant, type Picoseconds } from '../../units/time.js';
export { halveStages, STAGES, stageTimes } from '../../sim/stages.js';
export { ACCESS } from '../model/rdma/access-flags.js';
export { QP_ATTR } from '../model/rdma/qp-attributes.js';
export { STATUS as WC_STATUS } from '../model/rdma/completion-entry.js';
export { VerbsError, type Errno } from '../spec/verbs-error.js';

/**
 * `RC`, and `RAW_PACKET`: SENDs are whole Ethernet frames without frame check sequence, receives are filled with such.
 * `UC` and `UD` have their opcodes on the wire but no queue pairs yet.
 */
export type QpType = 'RC' | 'RAW_PACKET';
export type QpState = 'RESET' | 'INIT' | 'RTR' | 'RTS' | 'SQD' | 'SQE' | 'ERR';

/** ibv_wc_status, by name. */
export type WcStatus = keyof typeof STATUS;
export const WC_STATUS_NAMES = Object.keys(STATUS) as WcStatus[];

/** ibv_wc_opcode. */
export const WC_OPCODES = [
  'SEND',
  'RDMA_WRITE',
  'RDMA_READ',
  'COMP_SWAP',
  'FETCH_ADD',
  'RECV',
  'RECV_RDMA_WITH_IMM',
] as const;
export type WcOpcode = (typeof WC_OPCODES)[number];

/** A piece of registered local memory. */
export interface Sge {
  readonly address: number;
  readonly length: number;
  readonly lkey: Lkey;
}

interface SendBase {
  readonly wrId?: number;
  /** Default: one SGE, `sges: [...]` for several. An inline request needs no lkey. */
  readonly sges: readonly Sge[];
  /** Ask for a completion (default true; with `sqSigAll` every request is signalled). */
  readonly signaled?: boolean;
  /** Wait until all earlier READs and atomics of this QP are complete. */
  readonly fence?: boolean;
}

interface Inlinable {
  /** Copy the data into the WQE at post: the buffer is free again when `postSend` returns. */
  readonly inline?: boolean;
}

interface RemoteTarget {
  readonly remoteAddress: number;
  readonly rkey: Rkey;
}

/** ibv_send_wr as a discriminated union. `immediate` is 32 bits, unsigned. */
export type SendWr = SendBase &
  (
    | ({
        readonly opcode: 'SEND';
        readonly solicited?: boolean;
        /** IBV_SEND_IP_CSUM: of a raw frame, the NIC writes the checksums of IPv4, UDP and TCP. */
        readonly checksum?: boolean;
      } & Inlinable)
    | ({
        readonly opcode: 'SEND_WITH_IMM';
        readonly immediate: number;
        readonly solicited?: boolean;
      } & Inlinable)
    | ({ readonly opcode: 'RDMA_WRITE' } & Inlinable & RemoteTarget)
    | ({
        readonly opcode: 'RDMA_WRITE_WITH_IMM';
        readonly immediate: number;
        readonly solicited?: boolean;
      } & Inlinable &
        RemoteTarget)
    | ({ readonly opcode: 'RDMA_READ' } & RemoteTarget)
    | ({
        readonly opcode: 'ATOMIC_CMP_AND_SWP';
        readonly compare: bigint;
        readonly swap: bigint;
      } & RemoteTarget)
    | ({ readonly opcode: 'ATOMIC_FETCH_AND_ADD'; readonly add: bigint } & RemoteTarget)
  );

export interface RecvWr {
  readonly wrId?: number;
  readonly sges: readonly Sge[];
}

/** ibv_wc. When `status` is not SUCCESS only `wrId`, `status`, `qpNum` and `vendorErr` mean anything. */
export interface WorkCompletion {
  readonly wrId: number;
  readonly status: WcStatus;
  readonly opcode: WcOpcode;
  readonly byteLen: number;
  readonly qpNum: number;
  readonly vendorErr: number;
  /** The sender's immediate data, if it sent any. */
  readonly immediate: number | undefined;
  /** IBV_WC_IP_CSUM_OK: of a raw frame received, the NIC found its checksums right. */
  readonly checksumOk: boolean;
}

/** ibv_qp_cap. `createQp` answers with what was really given, each at least what was asked for. */
export interface QpCapabilities {
  maxSendWr: number;
  maxRecvWr: number;
  maxSendSge: number;
  maxRecvSge: number;
  maxInlineData: number;
}

/** ibv_qp_attr. Which fields `modify` needs and takes depends on the transition (ibv_modify_qp(3)). */
export interface QpAttributes {
  state?: QpState;
  curState?: QpState;
  enSqdAsyncNotify?: boolean;
  /** Of {@link ACCESS}: what the peer may do to this QP's memory. */
  accessFlags?: number;
  pkeyIndex?: number;
  /** Port number; hosts have port 1. */
  port?: number;
  qkey?: number;
  /** The peer's address: the host's number. */
  ahHost?: number;
  pathMtu?: number;
  /** Local ACK timeout: 4.096 us * 2^timeout, 0 for none. */
  timeout?: number;
  retryCnt?: number;
  /** 7 retries without limit. */
  rnrRetry?: number;
  rqPsn?: number;
  maxRdAtomic?: number;
  maxDestRdAtomic?: number;
  /** Code of the IBTA's RNR timer table (12 = 0.64 ms). */
  minRnrTimer?: number;
  sqPsn?: number;
  destQpNum?: number;
  cap?: QpCapabilities;
}

/** A piece of the process's memory. */
export interface Region {
  readonly address: number;
  readonly length: number;
}

/** Memory of a process, counted in pages of 4 KiB, and the page faults it has taken. */
export interface MemoryUsage {
  /** A page was made, or found; and one that had to be read from swap. */
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** In memory; only in swap. */
  readonly resident: number;
  readonly swapped: number;
  /** Against RLIMIT_MEMLOCK: pinned by memory regions; locked by mlock, or pinned for a driver. */
  readonly pinned: number;
  readonly locked: number;
}

/** Memory that a driver in user space has had pinned. */
export interface PinnedPages extends Region {
  /** The DMA (bus) address of each page, in order: without an IOMMU its physical address. */
  readonly pages: readonly number[];
  unpin(): Promise<void>;
}

/** Memory that a device may touch: its bus addresses are the process's own addresses. */
export interface DmaMapping extends Region {
  unmap(): Promise<void>;
}

/** A child that {@link Core.fork} made: its memory, as it sees it at the same addresses. */
export interface ChildProcess {
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** The child is over, and its memory goes back. */
  exit(): Promise<void>;
}

/** What ibv_rereg_mr changes; what is left out stays. */
export interface RegionChange {
  readonly pd?: ProtectionDomain;
  readonly access?: number;
  /** Other memory under the same key. */
  readonly region?: Region;
}

/** A memory region: pinned, unless it is on demand. Its address is the one that SGEs and peers name it by. */
export interface MemoryRegion extends Region {
  readonly lkey: Lkey;
  readonly rkey: Rkey;
  /**
   * Its bytes, while it is registered. Throws EFAULT unless it is pinned on adjacent frames, as memory of
   * {@link Core.allocate} is: other memory is read and written through {@link Core.read} and {@link Core.write}.
   */
  readonly bytes: Uint8Array;
  /** A view of the same bytes from `offset` on. */
  readonly data: DataView;
  /** An SGE of part of it (default: all). */
  sge(offset?: number, length?: number): Sge;
  /** ibv_rereg_mr. EINVAL, EOPNOTSUPP, ENOMEM, EFAULT as at registration. */
  reregister(change: RegionChange): Promise<void>;
  deregister(): Promise<void>;
}

/** Regions that were registered when their memory was first used, and are kept. */
export interface RegistrationCache {
  readonly hits: number;
  readonly misses: number;
  /**
   * A region that this memory lies in, registered now if there is none. Costs the core a look-up. Its memory must not
   * be unmapped before {@link clear}.
   */
  find(memory: Region): Promise<MemoryRegion>;
  /** Deregisters all. */
  clear(): Promise<void>;
}

export interface ProtectionDomain {
  /**
   * ibv_reg_mr: pins the pages, but for {@link ACCESS}.ON_DEMAND. EINVAL for no bytes, and for remote write or atomic
   * without local write; EFAULT for what is not mapped, ENOMEM past RLIMIT_MEMLOCK or when memory is short, EPERM where
   * that limit is 0. `iova` (ibv_reg_mr_iova): the address that SGEs and peers name it by, with the memory's own offset
   * in its page.
   */
  registerMemory(
    region: Region,
    access: number,
    options?: { iova?: number },
  ): Promise<MemoryRegion>;
  /** A cache of regions of this domain with these access flags, as communication libraries keep one. */
  registrationCache(access: number): RegistrationCache;
  createQp(options: QpOptions): Promise<QueuePair>;
  /** ibv_dealloc_pd: EBUSY while anything refers to it. */
  deallocate(): Promise<void>;
}

export interface QpOptions {
  readonly type?: QpType;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly cap?: Partial<QpCapabilities>;
  /** Every send request is signalled. Default false. */
  readonly sqSigAll?: boolean;
  /**
   * RAW_PACKET only: SGEs hold bus addresses, and no key is looked at: a driver in user space, in the manner of UIO and
   * VFIO. Without an IOMMU bus addresses are physical, and nothing protects anybody; with one they are the process's
   * own addresses, as far as {@link Core.mapDma} mapped them.
   */
  readonly busAddresses?: boolean;
}

export interface CompletionQueue {
  readonly capacity: number;
  /** ibv_poll_cq: looks once; at most `max` completions, none if there are none. */
  poll(max?: number): Promise<WorkCompletion[]>;
  /** Polls in a loop until there is at least one. The core is busy meanwhile. */
  busyPoll(max?: number): Promise<WorkCompletion[]>;
  /** For {@link Core.any}: as {@link busyPoll}. */
  polled(max?: number): Awaitable<WorkCompletion[]>;
  /** ibv_req_notify_cq: one event for the next completion (or solicited one). */
  requestNotify(solicitedOnly?: boolean): Promise<void>;
  /** ibv_get_cq_event: sleeps until the event that was requested; the core is idle, waking costs an interrupt. */
  event(): Promise<void>;
  /** ibv_destroy_cq: EBUSY while a QP uses it. */
  destroy(): Promise<void>;
}

export interface QueuePair {
  readonly qpNum: number;
  readonly cap: Readonly<QpCapabilities>;
  /** ibv_post_send. Costs the core post and doorbell; throws EINVAL, ENOMEM (queue full). */
  postSend(request: SendWr): void;
  /** A list of requests with one doorbell; on an error `VerbsError.index` tells the first that was not posted. */
  postSendList(requests: readonly SendWr[]): void;
  /** ibv_post_recv. */
  postRecv(request: RecvWr): void;
  postRecvList(requests: readonly RecvWr[]): void;
  /** ibv_modify_qp. `mask` defaults to the bits of the attributes given. */
  modify(attributes: QpAttributes, mask?: number): Promise<void>;
  query(): Promise<QpAttributes & { state: QpState }>;
  /**
   * ibv_create_flow: frames that fit the rule come to this RAW_PACKET queue pair. EINVAL for a rule that no frame can
   * fit, EOPNOTSUPP on a queue pair of another type.
   */
  attachFlow(rule: FlowRule): Promise<Flow>;
  destroy(): Promise<void>;
}

export interface DeviceAttributes {
  readonly maxQp: number;
  readonly maxQpWr: number;
  readonly maxSge: number;
  readonly maxCqe: number;
  readonly maxInlineData: number;
  readonly maxQpRdAtom: number;
  readonly activeMtu: number;
}

export interface Context {
  readonly attributes: DeviceAttributes;
  allocatePd(): Promise<ProtectionDomain>;
  /** ibv_create_cq: EINVAL unless 1 <= capacity <= maxCqe. */
  createCq(capacity: number): Promise<CompletionQueue>;
}

/** Something that {@link Core.any} can wait for: what the host watches for, and how the program then takes it. */
export interface Awaitable<T> {
  readonly awaits: number;
  readonly argument0: number;
  readonly argument1: number;
  take(): T;
}

/** A core of an emulated host, as the program that runs on it sees it. */
export interface Core {
  readonly host: number;
  readonly index: number;
  /** This program's number among the run's programs, and how many there are. */
  readonly rank: number;
  readonly ranks: number;
  /** The run's clock as this core sees it. Under `--clock real` the machine's monotonic clock. */
  readonly now: Instant;
  /** In [0, 1), from this core's own seeded stream. */
  random(): number;

  openDevice(): Promise<Context>;
  /** Sockets: see node/program/sockets.ts. */
  openNetwork(options?: NetworkOptions): Promise<Network>;
  /** The network function's settings and counters, as ethtool has them. */
  readonly networkDevice: NetworkDevice;
  /**
   * Memory of the process, page-aligned, zeroed: adjacent frames, present from the start and never replaced, as a
   * shared mapping of hugetlbfs is. It counts against RLIMIT_MEMLOCK only when it is registered, and is the process's
   * until its end. ENOMEM when the host has no such frames.
   */
  allocate(length: number): Promise<Region>;
  /**
   * mmap: anonymous private memory. A page of it is made when it is first used, may be replaced, and is shared with a
   * child until one of the two writes. `huge`: pages of 2 MiB, never replaced, shared with children. `populate` makes
   * them all at once. EINVAL for no length, ENOMEM for more than there is.
   */
  mmap(length: number, options?: { huge?: boolean; populate?: boolean }): Promise<Region>;
  /** EINVAL unless it begins at a page. What a region or a driver has pinned stays until it is unpinned. */
  munmap(region: Region): Promise<void>;
  /**
   * Keeps pages in memory, and makes those that are not there. ENOMEM past RLIMIT_MEMLOCK or for what is not mapped,
   * EPERM when that limit is 0, EAGAIN when not all could be made.
   */
  mlock(region: Region): Promise<void>;
  munlock(region: Region): Promise<void>;
  /**
   * DONTNEED: zeros again (EINVAL for locked pages). DONTFORK: children do not get these pages. ENOMEM for what is not
   * mapped.
   */
  madvise(region: Region, advice: 'DONTNEED' | 'DONTFORK' | 'DOFORK'): Promise<void>;
  /** Infinity for no limit; EPERM beyond the one that the process began with. */
  setrlimitMemlock(bytes: number): Promise<void>;
  /** Reads, or writes, every page, and takes the page faults that this brings. */
  touch(region: Region, options?: { write?: boolean }): Promise<void>;
  /**
   * get_user_pages for a driver in user space, through a system call: the pages stay where they are until they are
   * unpinned, and count as locked. EFAULT, ENOMEM.
   */
  pin(region: Region): Promise<PinnedPages>;
  /** The physical address, as root reads it in /proc/self/pagemap; undefined when the page is not present. */
  pagemap(address: number): Promise<number | undefined>;
  /**
   * VFIO_IOMMU_MAP_DMA: lets the device read the region, and write it, under the process's own addresses. `pin` (the
   * default) keeps the pages where they are, and counts them as locked; without it each is mapped until the pager takes
   * it. EOPNOTSUPP without an IOMMU, EEXIST for what is mapped, EFAULT, ENOMEM.
   */
  mapDma(region: Region, options?: { write?: boolean; pin?: boolean }): Promise<DmaMapping>;
  /** Accesses of this process's devices that the IOMMU turned away since it was last asked. */
  iommuFaults(): Promise<readonly IommuFault[]>;
  /**
   * What devices of this host did to memory that was not their driver's to use: told by the emulator, not by any
   * hardware.
   */
  dmaHazards(): Promise<readonly DmaHazard[]>;
  usage(): Promise<MemoryUsage>;
  /**
   * Makes a child. It shares this process's frames until one of the two writes; pages that are pinned are copied at
   * once, so that this process keeps the frames that its devices know.
   */
  fork(): Promise<ChildProcess>;
  /** Reads and writes memory, present or not: page faults are the core's. EFAULT for what is not mapped. */
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;

  /** The core is idle until then. */
  sleep(length: Picoseconds): Promise<void>;
  sleepUntil(at: Instant): Promise<void>;
  /** The core is busy for this long. */
  work(length: Picoseconds): Promise<void>;
  /**
   * Arithmetic of a declared virtual cost: `flops` floating-point operations and `bytes` of memory traffic, the longer
   * of the two. `fn` is what it computes; its result is there when the time has passed.
   */
  compute<T>(cost: { flops?: number; bytes?: number }, fn: () => T): Promise<T>;
  /**
   * For a program that computes for seconds of wall time within one segment: tells the emulator that it is not stuck,
   * and lets signals and messages be served. It takes no virtual time and changes no result. Cheap: call it often.
   */
  checkIn(): Promise<void>;
  /**
   * Polls one byte in a loop until it differs from `seen`, and answers what it is now. The core is busy meanwhile.
   */
  watch(address: number, seen: number): Promise<number>;
  watched(address: number, seen: number): Awaitable<number>;
  /** For {@link any}: a time. */
  until(at: Instant): Awaitable<void>;
  /** Waits for several things at once; answers which came (its index) and what it gave. */
  any<T>(awaitables: readonly Awaitable<T>[]): Promise<{ index: number; value: T }>;

  /** Sends a value (JSON) to another rank over the out-of-band network, as programs exchange QP numbers. */
  tell(rank: number, value: unknown): Promise<void>;
  /** The next value from that rank, in order. */
  hear(rank: number): Promise<unknown>;
  heard(rank: number): Awaitable<unknown>;

  /**
   * Begins an operation whose latency will be told stage by stage, at its intended start (default: now). What is
   * posted from here on carries it; it comes back with the completion, or goes on at the peer.
   *
   * Ranks that give the same `collective` number (from 1) and the same intended start take part in one operation, each
   * with its own chain of it. Until {@link endOperation} only that operation's completions go on with it here: where
   * one was waited for, its chain is what bound this core, else the core's own is.
   */
  beginOperation(intended?: Instant, collective?: number): void;
  /** Makes what this completion belongs to the core's current operation. A poll does so for its last completion. */
  follow(completion: WorkCompletion): void;
  /** The current operation: its intended start, and its stages up to now, summing to now - started exactly. */
  readonly operationStart: Instant;
  operationStages(into?: Float64Array): Float64Array;
  /** Has nothing measured any more: bulk transfers run faster. */
  endOperation(): void;
  /** Adds to a counter that the run's results show. */
  count(name: string, by?: number): void;
}

/** What a run hands its program. */
export interface Task<P = Readonly<Record<string, number | string | boolean>>> {
  /** The part this rank plays, as the workload named it. */
  readonly role: string;
  readonly params: P;
  /** Bytes of input files that the workload named, the same for every rank that asked for them. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** Host and core of every rank. */
  readonly placement: readonly { readonly host: number; readonly core: number }[];
  /** The run's seed: streams of a program's own are derived from it. */
  readonly seed: number;
  readonly clock: 'virtual' | 'real';
}

/** A program. What it returns (numbers, strings, arrays, typed arrays) reaches the workload's `summarise`. */
export type Program<P = Readonly<Record<string, number | string | boolean>>, R = unknown> = (
  core: Core,
  task: Task<P>,
) => Promise<R>;

export type Stages = readonly StageTime[];
