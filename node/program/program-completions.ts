/** A completion queue as a program sees it: it reads the ring in host memory itself (kernel bypass is literal). */
import type { ChainTable } from '../../sim/chain.js';
import { STAGE } from '../../sim/stages.js';
import type { CqPlace } from './mailbox/calls.js';
import type { Cost } from '../spec/profile.js';
import {
  CQE_FLAG,
  CQE_SIZE,
  newCompletionEntry,
  parseCompletionEntry,
  producedOf,
  setConsumed,
  wasOverrun,
} from '../model/rdma/completion-entry.js';
import {
  WC_OPCODES,
  WC_STATUS_NAMES,
  type Awaitable,
  type CompletionQueue,
  type WorkCompletion,
} from './verbs.js';
import { VerbsError } from '../spec/verbs-error.js';
import { AWAIT } from '../spec/awaits.js';
import { OPERATION_ROW } from './mailbox/core-page.js';
import type { ProgramMemory } from './program-memory.js';
import type { ProgramPort } from './program-port.js';
import type { ProgramQueuePair } from './program-queue-pair.js';

const DEFAULT_MAX = 16;

/** What completion queues and queue pairs of one core share. */
export interface ProgramShared {
  readonly port: ProgramPort;
  /** Chains of the CQEs in memory. */
  readonly completionChains: ChainTable;
  readonly queuePairs: Map<number, ProgramQueuePair>;
  readonly regions: ProgramMemory;
  readonly cpu: {
    readonly post: Cost;
    readonly doorbell: Cost;
    readonly poll: Cost;
    readonly registrationLookup: number;
  };
}

/** A completion, and the row of its chain in the shared table (-1 for none). */
export interface TracedCompletion extends WorkCompletion {
  readonly chainRow: number;
}

export class ProgramCompletionQueue implements CompletionQueue {
  readonly place: CqPlace;
  private consumed = 0;
  private isDestroyed = false;
  private readonly shared: ProgramShared;
  /** The CQE that is being taken. */
  private readonly entry = newCompletionEntry();

  constructor(place: CqPlace, shared: ProgramShared) {
    this.place = place;
    this.shared = shared;
  }

  get capacity(): number {
    return this.place.capacity;
  }

  async poll(max = DEFAULT_MAX): Promise<WorkCompletion[]> {
    if (this.isDestroyed) throw destroyed('poll');
    const { port } = this.shared;
    const since = port.now;
    await port.suspend(AWAIT.poll, this.place.number);
    return this.take(max, since);
  }

  async busyPoll(max = DEFAULT_MAX): Promise<WorkCompletion[]> {
    if (this.isDestroyed) throw destroyed('busyPoll');
    const { port } = this.shared;
    const since = port.now;
    await port.suspend(AWAIT.busyPoll, this.place.number);
    return this.take(max, since);
  }

  polled(max = DEFAULT_MAX): Awaitable<WorkCompletion[]> {
    if (this.isDestroyed) throw destroyed('polled');
    return new PolledCompletions(this, max, this.shared.port.now);
  }

  async requestNotify(solicitedOnly = false): Promise<void> {
    await this.shared.port.call('requestNotify', { cq: this.place.number, solicitedOnly });
  }

  async event(): Promise<void> {
    if (this.isDestroyed) throw destroyed('event');
    await this.shared.port.suspend(AWAIT.event, this.place.number);
  }

  async destroy(): Promise<void> {
    await this.shared.port.call('destroyCq', { cq: this.place.number });
    this.isDestroyed = true;
  }

  /** Takes up to `max` CQEs that are in the ring; polling began at `since`. */
  take(max: number, since: number): WorkCompletion[] {
    const { port, completionChains } = this.shared;
    const { view, page } = port;
    const { entry } = this;
    const { record, ring, capacity, chainRow } = this.place;
    const produced = producedOf(view, record);
    const available = (produced - this.consumed) >>> 0;
    const count = Math.min(max, available);
    const completions: WorkCompletion[] = [];
    for (let i = 0; i < count; i++) {
      const slot = this.consumed % capacity;
      const row = chainRow + slot;
      this.consumed = (this.consumed + 1) >>> 0;
      parseCompletionEntry(view, ring + slot * CQE_SIZE, entry);
      const { flags, qpNum } = entry;
      const traced = chainRow >= 0 && completionChains.operation(row) !== 0;
      if (traced) this.seen(row, entry.visible, since);
      this.freeSlots(qpNum, entry.wqeCounter, flags);
      const completion: TracedCompletion = {
        wrId: entry.wrId,
        status: WC_STATUS_NAMES[entry.status]!,
        opcode: WC_OPCODES[entry.opcode]!,
        byteLen: entry.byteLen,
        qpNum,
        vendorErr: entry.vendorErr,
        immediate: (flags & CQE_FLAG.immediate) !== 0 ? entry.immediate : undefined,
        checksumOk: (flags & CQE_FLAG.checksumOk) !== 0,
        chainRow: traced ? row : -1,
      };
      completions.push(completion);
    }
    if (count > 0) setConsumed(view, record, this.consumed);
    else if (wasOverrun(view, record)) {
      const problem = `completion queue ${this.place.number} was overrun: it has ${capacity} entries`;
      throw new VerbsError('EINVAL', problem);
    }
    page.chains.advance(OPERATION_ROW, STAGE.poll, port.now);
    return completions;
  }

  /**
   * Brings the completion's chain up to now, and has the core go on with it. What bound this moment is the later of
   * two: the CQE, or what the core did for the same operation before it polled. A core that was busy with another
   * operation kept the completion waiting: `backlog`.
   */
  private seen(row: number, visible: number, since: number): void {
    const { port, completionChains } = this.shared;
    const { chains } = port.page;
    const same = chains.operation(OPERATION_ROW) === completionChains.operation(row);
    if (same && chains.asOf(OPERATION_ROW) >= visible) {
      completionChains.copy(row, chains, OPERATION_ROW);
    } else if (visible < since) {
      completionChains.advance(row, STAGE.backlog, since);
    }
    completionChains.advance(row, STAGE.poll, port.now);
    if (chains.mayGoOnWith(OPERATION_ROW, completionChains.operation(row))) {
      chains.copy(OPERATION_ROW, completionChains, row);
    }
  }

  /** A completion frees its own slot and all before it (rule 76). */
  private freeSlots(qpNum: number, wqeCounter: number, flags: number): void {
    const qp = this.shared.queuePairs.get(qpNum);
    if (qp === undefined) return;
    if ((flags & CQE_FLAG.receive) !== 0) qp.receivesDone(wqeCounter);
    else qp.sendsDone(wqeCounter);
  }
}

const destroyed = (call: string): VerbsError =>
  new VerbsError('EINVAL', `${call} on a destroyed completion queue`);

/** Completions that `core.any` waits for. One object and no closure: a ping-pong makes two for every message. */
class PolledCompletions implements Awaitable<WorkCompletion[]> {
  readonly awaits = AWAIT.busyPoll;
  readonly argument0: number;
  readonly argument1 = 0;
  private readonly queue: ProgramCompletionQueue;
  private readonly max: number;
  private readonly since: number;

  constructor(queue: ProgramCompletionQueue, max: number, since: number) {
    this.queue = queue;
    this.argument0 = queue.place.number;
    this.max = max;
    this.since = since;
  }

  take(): WorkCompletion[] {
    return this.queue.take(this.max, this.since);
  }
}
