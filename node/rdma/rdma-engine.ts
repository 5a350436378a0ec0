/**
 * The RDMA engine of one NIC: its queue pairs, completion queues and regions, the receive checks that come before any
 * queue pair, and the units that all of them share.
 */
import { ChainTable } from '../../sim/chain.js';
import { draw } from '../../sim/cost.js';
import type { EventSink } from '../../sim/scheduler.js';
import { STAGE } from '../../sim/stages.js';
import type { Psn } from '../../units/psn.js';
import { BTH_LENGTH, DEFAULT_PKEY, newBth, parseBth, TVER } from '../../wire/bth.js';
import { ETHERNET_LENGTH } from '../../wire/ethernet.js';
import { ICRC_LENGTH, icrcIsRight } from '../../wire/icrc.js';
import { ipv4Checksum } from '../../wire/ipv4.js';
import { EXTENSION_LENGTH, IS_KNOWN, IS_RESPONSE } from '../../wire/opcode-table.js';
import { isRoceFrame } from '../link/finished-frame.js';
import type { MemoryWatches } from '../memory/memory-watches.js';
import { lookUpTime } from '../nic/iommu.js';
import { QpStateCache } from '../nic/qp-state-cache.js';
import { CompletionQueue } from './completion-queue.js';
import { ENGINE_EVENT, type EngineParts } from './engine-parts.js';
import { PATH_LENGTH } from './path.js';
import { QueuePair, type QueuePairOptions } from './queue-pair.js';
import { QueuePairTally } from './queue-pair-tally.js';
import { RawQueues } from './raw-queues.js';
import type { ReceiveQueue } from './receive-queue.js';
import type { SendQueue } from './send-queue.js';

/** Of our own frames: Ethernet II, IPv4 without options, UDP. */
const IP_TOTAL_LENGTH_AT = ETHERNET_LENGTH + 2;
const IP_CHECKSUM_AT = ETHERNET_LENGTH + 10;
const IP_SOURCE_AT = ETHERNET_LENGTH + 12;
const IP_DESTINATION_AT = ETHERNET_LENGTH + 16;

/** QP numbers begin here: 0 and 1 are the management QPs. */
const FIRST_QPN = 0x11;
const DOORBELL_ROWS = 1024;

const bth = newBth();

export class RdmaEngine implements EventSink {
  /** Chains of doorbells on their way; rows by {@link claimDoorbellRow}. */
  readonly doorbellChains = new ChainTable(DOORBELL_ROWS);
  readonly completionQueues: (CompletionQueue | undefined)[] = [];
  readonly queuePairs: (QueuePair | undefined)[] = [];
  /** Which queue pairs' state the NIC holds. */
  readonly states: QpStateCache;
  /** Queue pairs of raw frames. */
  readonly raw: RawQueues;
  /** Of every queue pair that there ever was, in the order of their numbers. */
  private readonly tallies: QueuePairTally[] = [];
  private readonly parts: EngineParts;
  private readonly watches: MemoryWatches;
  /** Takes over a frame that is no RoCEv2 packet. */
  private readonly others: (slot: number) => void;
  private readonly freeDoorbellRows: number[] = [];
  private doorbellRows = 0;
  private atomicFreeAt = 0;
  private lastAtomicEnd = 0;
  private liveQps = 0;

  constructor(parts: EngineParts, watches: MemoryWatches, others: (slot: number) => void) {
    this.parts = parts;
    this.states = new QpStateCache(parts.profile.nic, parts.scheduler);
    this.watches = watches;
    this.raw = new RawQueues(this, parts);
    this.others = others;
  }

  get liveQueuePairs(): number {
    return this.liveQps;
  }

  createCq(capacity: number, ring: number, record: number, chainRow: number): CompletionQueue {
    const queue = new CompletionQueue(
      this.completionQueues.length,
      capacity,
      ring,
      record,
      chainRow,
    );
    this.completionQueues.push(queue);
    return queue;
  }

  createQp(
    options: Omit<QueuePairOptions, 'number' | 'index'>,
    sends: SendQueue,
    receives: ReceiveQueue,
  ): QueuePair {
    const numbered = { ...options, ...this.claimNumber() };
    const qp = new QueuePair(numbered, sends, receives, this, this.parts);
    this.queuePairs[qp.index] = qp;
    qp.sendCq.users++;
    qp.recvCq.users++;
    return qp;
  }

  destroyQp(qp: QueuePair): void {
    qp.tally.state = qp.state;
    qp.reset(0, 0);
    this.queuePairs[qp.index] = undefined;
    this.giveUpNumber(qp.index);
    qp.sendCq.users--;
    qp.recvCq.users--;
  }

  /** A number for a queue pair of any type, and its place in the tables. */
  claimNumber(): { readonly index: number; readonly number: number } {
    const index = this.queuePairs.length;
    this.queuePairs.push(undefined);
    this.liveQps++;
    return { index, number: FIRST_QPN + index };
  }

  /** A new tally, for a queue pair of this number. */
  tally(number: number, type: QueuePairTally['type']): QueuePairTally {
    const tally = new QueuePairTally(number, type);
    this.tallies.push(tally);
    return tally;
  }

  /** What every queue pair has done until now. */
  takeTallies(): readonly QueuePairTally[] {
    for (const pair of [...this.queuePairs, ...this.raw.pairs]) {
      if (pair !== undefined) pair.tally.state = pair.state;
    }
    return this.tallies;
  }

  giveUpNumber(index: number): void {
    this.states.forget(index);
    this.liveQps--;
  }

  handle(kind: number, argument: number): void {
    if (kind === ENGINE_EVENT.receive) {
      this.receive(argument);
      return;
    }
    const qp = this.queuePairs[argument];
    if (qp === undefined) return;
    if (kind === ENGINE_EVENT.timer) qp.onTimer();
    else if (kind === ENGINE_EVENT.rnrOver) qp.onRnrOver();
    else qp.responder.atomics.done();
  }

  /** A CQE found no room in `queue`: the queue pairs on it can go on no more (rule 126). */
  overran(queue: CompletionQueue): void {
    for (const qp of this.queuePairs) {
      if (qp?.sendCq === queue || qp?.recvCq === queue) qp.enterError();
    }
    this.raw.overran(queue);
  }

  /** A row of {@link doorbellChains} for a doorbell on its way. */
  claimDoorbellRow(): number {
    const row = this.freeDoorbellRows.pop() ?? this.doorbellRows++;
    if (row >= DOORBELL_ROWS && (row & (row - 1)) === 0) this.doorbellChains.grow(row * 2);
    return row;
  }

  releaseDoorbellRow(row: number): void {
    this.freeDoorbellRows.push(row);
  }

  /**
   * Takes the atomic unit for one operation on 8 bytes at `physical`: waits for it, reads the target, changes it. Answers when
   * it is done; `chain` is advanced up to the read.
   */
  atomicUnit(physical: number, chain: ChainTable): number {
    const { parts } = this;
    const { nic } = parts.profile;
    const { now } = parts.scheduler;
    const start = Math.max(now, this.atomicFreeAt, parts.dma.writesVisibleAt);
    this.atomicFreeAt = start + nic.atomicOccupancy;
    chain.advance(0, STAGE.nic_wait, start);
    const found = start + lookUpTime(parts.iommu, physical, 8);
    chain.advance(0, STAGE.translate, found);
    const read = parts.dma.read(found, 8);
    chain.advance(0, STAGE.payload_fetch, read);
    // One unit: results leave it in the order in which operations came.
    this.lastAtomicEnd = Math.max(this.lastAtomicEnd, read + draw(nic.atomic, parts.random));
    return this.lastAtomicEnd;
  }

  /** Memory was changed by the NIC itself. */
  memoryChanged(physical: number, length: number, chain: ChainTable): void {
    this.watches.written(physical, length, chain, 0);
  }

  /** When the state of the queue pair at `index`, wanted at `at`, is in the NIC. */
  stateReady(index: number, at: number): number {
    return this.states.ready(index, this.liveQps, at);
  }

  /** When the state of the queue pair that frame `slot` is for, wanted at `at`, is in the NIC. */
  stateReadyFor(slot: number, at: number): number {
    if (this.liveQps <= this.parts.profile.nic.qpCacheEntries) return at;
    const { pool } = this.parts;
    if (pool.length[slot]! < PATH_LENGTH + BTH_LENGTH) return at;
    parseBth(pool.view, pool.start[slot]! + PATH_LENGTH, bth);
    const index = bth.destQp - FIRST_QPN;
    return this.queuePairs[index] === undefined ? at : this.stateReady(index, at);
  }

  /** Frame `slot` has passed the receive pipeline. */
  private receive(slot: number): void {
    const { pool, counters } = this.parts;
    const start = pool.start[slot]!;
    const length = pool.length[slot]!;
    if (!isRoceFrame(pool, slot)) {
      this.others(slot);
      return;
    }
    if (!this.isWhole(slot, start, length)) {
      this.drop(slot);
      return;
    }
    if (pool.suspect[slot] === 1 && !icrcIsRight(pool.bytes, start, length)) {
      counters.icrc_errors++;
      pool.release(slot);
      return;
    }
    parseBth(pool.view, start + PATH_LENGTH, bth);
    const headers = PATH_LENGTH + BTH_LENGTH + EXTENSION_LENGTH[bth.opcode]!;
    const wellFormed =
      IS_KNOWN[bth.opcode] === 1 &&
      bth.tver === TVER &&
      bth.pkey === DEFAULT_PKEY &&
      headers === pool.headerLength[slot] &&
      length >= headers + bth.padCount + ICRC_LENGTH &&
      (length - headers) % 4 === 0;
    const qp = this.queuePairs[bth.destQp - FIRST_QPN];
    const source = pool.view.getUint32(start + IP_SOURCE_AT);
    const destination = pool.view.getUint32(start + IP_DESTINATION_AT);
    if (!wellFormed || qp?.accepts(source, destination) !== true) {
      this.drop(slot);
      return;
    }
    qp.tally.received(length);
    const psn = bth.psn as Psn;
    if (IS_RESPONSE[bth.opcode] === 1) qp.completer.receive(slot, bth.opcode, psn);
    else qp.responder.receive(slot, bth.opcode, psn, bth.ackReq === 1, bth.solicited === 1);
  }

  /** The lengths of a RoCEv2 frame, and the checksum that guards what the ICRC leaves to routers. */
  private isWhole(slot: number, start: number, length: number): boolean {
    const { view, suspect } = this.parts.pool;
    return (
      length >= PATH_LENGTH + BTH_LENGTH + ICRC_LENGTH &&
      view.getUint16(start + IP_TOTAL_LENGTH_AT) === length - ETHERNET_LENGTH &&
      (suspect[slot] === 0 ||
        view.getUint16(start + IP_CHECKSUM_AT) === ipv4Checksum(view, start + ETHERNET_LENGTH))
    );
  }

  private drop(slot: number): void {
    this.parts.counters.dropped++;
    this.parts.pool.release(slot);
  }
}
