/**
 * Completion queues as the NIC sees them: rings in host memory that it writes at the time a CQE becomes visible, the
 * record that program and NIC share, and who is polling.
 */
import { LoggedChains, type ChainTable } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { DmaEngine } from '../nic/dma-engine.js';
import { lookUpTime, type Iommu } from '../nic/iommu.js';
import type { Cost } from '../../spec/profile.js';
import {
  consumedOf,
  CQE_FLAG,
  CQE_SIZE,
  emitCompletionEntry,
  setOverrun,
  setProduced,
  STATUS,
  type CompletionEntry,
} from './completion-entry.js';

/** Hears that a queue has something new. */
export interface CompletionWaiter {
  completionVisible(queue: CompletionQueue): void;
}

/** What the CQEs of a queue pair, of whatever type, say of it. */
export interface CompletionSource {
  readonly number: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
}

/** ibv_req_notify_cq: nothing asked, any completion, a solicited one (or an error). */
export const NOTIFY = { none: 0, any: 1, solicited: 2 } as const;

export class CompletionQueue {
  readonly number: number;
  readonly capacity: number;
  /** Physical addresses of ring and record, and the first row of its chains (-1: they are not kept). */
  readonly ring: number;
  readonly record: number;
  readonly chainRow: number;
  produced = 0;
  /** QPs that send or receive through it. */
  users = 0;
  /** Set when a CQE found no room: the queue is of no more use (rule 126). */
  overrun = false;
  /** What is still on its way to it is dropped. */
  destroyed = false;
  notify: number = NOTIFY.none;
  /** An event that was raised and not yet waited for. */
  events = 0;
  readonly waiters: CompletionWaiter[] = [];
  readonly eventWaiters: CompletionWaiter[] = [];

  constructor(number: number, capacity: number, ring: number, record: number, chainRow: number) {
    this.number = number;
    this.capacity = capacity;
    this.ring = ring;
    this.record = record;
    this.chainRow = chainRow;
  }

  /** Whether a program that polls has something to see. */
  hasNews(memory: PhysicalMemory): boolean {
    return this.overrun || this.pending(memory) > 0;
  }

  /** ibv_req_notify_cq. A pending request for any completion is not narrowed to solicited ones. */
  requestNotify(kind: typeof NOTIFY.any | typeof NOTIFY.solicited): void {
    if (this.notify !== NOTIFY.any) this.notify = kind;
  }

  /** Where its next CQE goes, if none is on its way. */
  get next(): number {
    return this.ring + (this.produced % this.capacity) * CQE_SIZE;
  }

  /** Entries that the program has not taken yet. */
  pending(memory: PhysicalMemory): number {
    return (this.produced - consumedOf(memory.view, this.record)) >>> 0;
  }
}

/** One CQE on its way to memory. */
export interface PendingCompletion extends CompletionEntry {
  queue: CompletionQueue | undefined;
}

const ROWS = 256;

/** Writes CQEs when their time has come. */
export class CompletionWriter implements EventSink {
  written = 0;
  overruns = 0;
  /** Row i is the chain of pending completion i. */
  readonly chains: LoggedChains;
  private readonly pending: PendingCompletion[] = [];
  private readonly free: number[] = [];
  private readonly sink: number;
  private readonly scheduler: Scheduler;
  private readonly sequencer: Sequencer;
  private readonly memory: PhysicalMemory;
  private readonly dma: DmaEngine;
  private readonly iommu: Iommu | null;
  private readonly cost: Cost;
  private readonly random: RandomStream;
  /** Chains of the CQEs in memory, shared with the cores; row by queue and slot. */
  private readonly shared: ChainTable;
  private readonly overran: (queue: CompletionQueue) => void;
  private lastVisible = 0;

  constructor(
    scheduler: Scheduler,
    sequencer: Sequencer,
    memory: PhysicalMemory,
    dma: DmaEngine,
    iommu: Iommu | null,
    cost: Cost,
    random: RandomStream,
    log: ChainLog,
    shared: ChainTable,
    overran: (queue: CompletionQueue) => void,
  ) {
    this.scheduler = scheduler;
    this.sequencer = sequencer;
    this.memory = memory;
    this.dma = dma;
    this.iommu = iommu;
    this.cost = cost;
    this.random = random;
    this.chains = new LoggedChains(log, ROWS);
    this.shared = shared;
    this.overran = overran;
    this.sink = scheduler.register(this);
  }

  /** A completion to fill in; its chain is row `index` of {@link chains}, cleared. */
  allocate(): number {
    const index = this.free.pop() ?? this.pending.length;
    if (index >= this.chains.rows) this.chains.grow(index * 2);
    this.pending[index] ??= {
      queue: undefined,
      wrId: 0,
      status: 0,
      opcode: 0,
      byteLen: 0,
      immediate: 0,
      qpNum: 0,
      vendorErr: 0,
      flags: 0,
      wqeCounter: 0,
      visible: 0,
    };
    this.chains.clear(index);
    return index;
  }

  /** When everything posted so far is in memory. */
  get allVisibleAt(): number {
    return this.lastVisible;
  }

  at(index: number): PendingCompletion {
    return this.pending[index]!;
  }

  /** Has completion `index` written: its payload, if any, is in memory at `payloadVisible`; the CQE follows it. */
  post(index: number, payloadVisible: number): void {
    const { now } = this.scheduler;
    // Behind a payload the CQE rides on the same posted writes; alone it pays for the way itself.
    if (payloadVisible > 0) this.chains.advance(index, STAGE.payload_write, payloadVisible);
    let start = payloadVisible > 0 ? payloadVisible : now;
    if (this.iommu !== null) {
      start += lookUpTime(this.iommu, this.pending[index]!.queue!.next, CQE_SIZE);
      this.chains.advance(index, STAGE.translate, start);
    }
    const from = payloadVisible > 0 ? start : this.dma.write(start, CQE_SIZE);
    const visible = from + draw(this.cost, this.random);
    if (visible > this.lastVisible) this.lastVisible = visible;
    this.chains.advance(index, STAGE.cqe_write, this.lastVisible);
    this.scheduler.at(this.lastVisible, this.sequencer.key(), this.sink, 0, index);
  }

  handle(_kind: number, index: number): void {
    const entry = this.pending[index]!;
    const queue = entry.queue!;
    entry.queue = undefined;
    this.free.push(index);
    if (queue.destroyed) return;
    if (!queue.overrun && queue.pending(this.memory) < queue.capacity) {
      this.write(queue, entry, index);
      return;
    }
    this.overruns++;
    if (!queue.overrun) this.overrun(queue);
  }

  /** The CQE found no room. Its waiters and its QPs are notified (rule 126). */
  private overrun(queue: CompletionQueue): void {
    queue.overrun = true;
    setOverrun(this.memory.view, queue.record);
    tell(queue.waiters, queue);
    raise(queue);
    this.overran(queue);
  }

  private write(queue: CompletionQueue, entry: PendingCompletion, index: number): void {
    const { view } = this.memory;
    const slot = queue.produced % queue.capacity;
    entry.visible = this.scheduler.now;
    emitCompletionEntry(view, queue.ring + slot * CQE_SIZE, entry);
    if (queue.chainRow >= 0) this.shared.copy(queue.chainRow + slot, this.chains, index);
    queue.produced = (queue.produced + 1) >>> 0;
    setProduced(view, queue.record, queue.produced);
    this.written++;
    tell(queue.waiters, queue);
    const raises =
      queue.notify === NOTIFY.any ||
      (queue.notify === NOTIFY.solicited &&
        ((entry.flags & CQE_FLAG.solicited) !== 0 || entry.status !== STATUS.SUCCESS));
    if (raises) raise(queue);
  }
}

/** A completion event: one per request, for one waiter. */
function raise(queue: CompletionQueue): void {
  queue.notify = NOTIFY.none;
  queue.events++;
  queue.eventWaiters.shift()?.completionVisible(queue);
}

function tell(waiters: CompletionWaiter[], queue: CompletionQueue): void {
  while (waiters.length > 0) waiters.shift()!.completionVisible(queue);
}
