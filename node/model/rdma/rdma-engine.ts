/**
 * The RDMA engine of one NIC: its queue pairs, completion queues and regions, the receive checks that come before any
 * queue pair, and the units that all of them share.
 */
import { LoggedChains, type ChainTable } from '../../../sim/chain.js';
import { draw } from '../../../sim/cost.js';
import type { EventSink } from '../../../sim/scheduler.js';
import { STAGE } from '../../../sim/stages.js';
import { BTH_LENGTH, DEFAULT_PKEY, newBth, parseBth, pkeysMatch } from '../../../wire/bth.js';
import { ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import { ICRC_LENGTH, icrcIsRight } from '../../../wire/icrc.js';
import {
  ipv4Checksum,
  IPV4_TOTAL_LENGTH_OFFSET,
  IPV4_CHECKSUM_OFFSET,
  IPV4_SOURCE_OFFSET,
  IPV4_DESTINATION_OFFSET,
} from '../../../wire/ipv4.js';
import { OPCODE } from '../../../wire/opcode-table.js';
import { isRoceFrame } from '../fabric/finished-frame.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import { parseHeaders } from '../fabric/packet-headers.js';
import type { MemoryWatches } from '../memory/memory-watches.js';
import { lookUpTime } from '../nic/iommu.js';
import { QpStateCache } from '../nic/qp-state-cache.js';
import { CompletionQueue } from './completion-queue.js';
import { ENGINE_EVENT, type EngineParts } from './engine-parts.js';
import { PATH_LENGTH } from '../../../wire/path.js';
import type { LongStreak } from './retry-streak.js';
import { QueuePair, type QueuePairOptions } from './queue-pair.js';
import type { QueuePairTally } from './queue-pair-tally.js';
import type { TransportKind } from './transport.js';

/** Of our own frames: Ethernet II, IPv4 without options, UDP. */
const IP_TOTAL_LENGTH_AT = ETHERNET_LENGTH + IPV4_TOTAL_LENGTH_OFFSET;
const IP_CHECKSUM_AT = ETHERNET_LENGTH + IPV4_CHECKSUM_OFFSET;
const IP_SOURCE_AT = ETHERNET_LENGTH + IPV4_SOURCE_OFFSET;
const IP_DESTINATION_AT = ETHERNET_LENGTH + IPV4_DESTINATION_OFFSET;

/** QP numbers begin here: 0 and 1 are the management QPs. */
const FIRST_QPN = 0x11;
const DOORBELL_ROWS = 1024;

const bth = newBth();

export class RdmaEngine implements EventSink {
  /** Chains of doorbells on their way; rows by {@link claimDoorbellRow}. */
  readonly doorbellChains: LoggedChains;
  readonly completionQueues: (CompletionQueue | undefined)[] = [];
  /** Of every kind; the place of each is its number less that of the first, and is not used again. */
  readonly queuePairs: (QueuePair | undefined)[] = [];
  /** Which queue pairs' state the NIC holds. */
  readonly states: QpStateCache;
  /** Queue pairs that went on sending the same again, as it came to be known. */
  readonly longStreaks: LongStreak[] = [];
  /** Of every queue pair that there ever was, in the order of their numbers. */
  private readonly tallies: QueuePairTally[] = [];
  private readonly parts: EngineParts;
  private readonly watches: MemoryWatches;
  /** Takes over a frame that is no RoCEv2 packet. */
  private readonly others: (slot: FrameSlot) => void;
  private readonly freeDoorbellRows: number[] = [];
  private doorbellRows = 0;
  private atomicFreeAt = 0;
  private lastAtomicEnd = 0;
  private liveQps = 0;

  constructor(parts: EngineParts, watches: MemoryWatches, others: (slot: FrameSlot) => void) {
    this.parts = parts;
    this.doorbellChains = new LoggedChains(parts.pool.chainLog, DOORBELL_ROWS);
    this.states = new QpStateCache(parts.profile.nic, parts.scheduler);
    this.watches = watches;
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

  createQp(kind: TransportKind, options: QueuePairOptions): QueuePair {
    const index = this.queuePairs.length;
    const place = { index, number: FIRST_QPN + index };
    const qp = new QueuePair(kind, place, options, this, this.parts);
    this.queuePairs.push(qp);
    this.tallies.push(qp.tally);
    this.liveQps++;
    qp.sendCq.users++;
    qp.recvCq.users++;
    return qp;
  }

  destroyQp(qp: QueuePair): void {
    qp.tally.state = qp.state;
    qp.transport.destroy();
    this.queuePairs[qp.index] = undefined;
    this.states.forget(qp.index);
    this.liveQps--;
    qp.sendCq.users--;
    qp.recvCq.users--;
  }

  /** Whether a queue pair is in protection domain `pd`. */
  usesPd(pd: number): boolean {
    return this.queuePairs.some((qp) => qp?.pd === pd);
  }

  /** What every queue pair has done until now. */
  takeTallies(): readonly QueuePairTally[] {
    for (const qp of this.queuePairs) {
      if (qp !== undefined) qp.tally.state = qp.state;
    }
    return this.tallies;
  }

  /** A doorbell of the queue pair at `index`, which may be gone, has come: see {@link Transport.doorbell}. */
  doorbell(index: number, kind: number, produced: number, row: number): void {
    this.queuePairs[index]?.transport.doorbell(kind, produced, row);
  }

  /** A flow rule gave frame `slot` to the queue pair at `index`, which may be gone. Takes the frame over. */
  receiveSteered(index: number, slot: FrameSlot): void {
    const qp = this.queuePairs[index];
    if (qp === undefined) this.drop(slot);
    else qp.transport.receive(slot, this.parts.pool.frames[slot]!);
  }

  handle(kind: number, argument: number): void {
    if (kind === ENGINE_EVENT.receive) {
      this.receive(argument as FrameSlot);
      return;
    }
    this.queuePairs[argument]?.transport.handle(kind);
  }

  /** A CQE found no room in `queue`: the queue pairs on it can go on no more (rule 126). */
  overran(queue: CompletionQueue): void {
    for (const qp of this.queuePairs) {
      if (qp?.sendCq === queue || qp?.recvCq === queue) qp.transport.enterError();
    }
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
   * Takes the atomic unit for one operation on 8 bytes at `physical`: waits for it, reads the target, changes it.
   * Answers when it is done; `chain` is advanced up to the read.
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

  /** When every atomic so far has changed its target. */
  get atomicsDoneAt(): number {
    return this.lastAtomicEnd;
  }

  /** Memory was changed by the NIC itself. */
  memoryChanged(physical: number, length: number, chain: ChainTable): void {
    this.watches.written(physical, length, chain, 0);
  }

  /** How long after `at`, when it is wanted, the state of the queue pair at `index` is in the NIC. */
  stateWait(index: number, at: number): number {
    return this.states.holdsAll(this.liveQps) ? 0 : this.states.wait(index, at);
  }

  /** The same, for the queue pair that frame `slot` is for. */
  stateWaitFor(slot: FrameSlot, at: number): number {
    return this.states.holdsAll(this.liveQps) ? 0 : this.waitForFrame(slot, at);
  }

  private waitForFrame(slot: FrameSlot, at: number): number {
    const frame = this.parts.pool.frames[slot]!;
    if (frame.length < PATH_LENGTH + BTH_LENGTH) return 0;
    const index = this.destinationOf(frame) - FIRST_QPN;
    // A packet that names a queue of whole frames is dropped before anything is looked up.
    return this.queuePairs[index]?.kind.carries === 'messages' ? this.states.wait(index, at) : 0;
  }

  /** The queue pair that `frame` says it is for. */
  private destinationOf(frame: Frame): number {
    if (!frame.written) return frame.destQp;
    parseBth(this.parts.pool.view, frame.start + PATH_LENGTH, bth);
    return bth.destQp;
  }

  /** Frame `slot` has passed the receive pipeline. */
  private receive(slot: FrameSlot): void {
    const { pool } = this.parts;
    const frame = pool.frames[slot]!;
    // Who goes on with an acknowledgement's chain, which few do, settles it.
    if (frame.written || frame.opcode !== OPCODE.RC_ACK) pool.settleChain(slot);
    if (!frame.written) {
      // It is as its sender made it.
      const { own, peer } = frame.path!;
      this.dispatch(slot, frame, own, peer);
    } else if (!isRoceFrame(pool, slot)) {
      this.others(slot);
    } else if (this.parse(slot, frame)) {
      const { view } = pool;
      const source = view.getUint32(frame.start + IP_SOURCE_AT);
      this.dispatch(slot, frame, source, view.getUint32(frame.start + IP_DESTINATION_AT));
    }
  }

  /** Checks and reads the headers of a frame whose bytes may be anything; false if it has been dropped. */
  private parse(slot: FrameSlot, frame: Frame): boolean {
    const { pool, counters } = this.parts;
    if (!this.isWhole(frame)) {
      this.drop(slot);
      return false;
    }
    if (frame.suspect && !icrcIsRight(pool.bytes, frame.start, frame.length)) {
      counters.icrc_errors++;
      pool.release(slot);
      return false;
    }
    const isRight = parseHeaders(frame, pool.view);
    if (isRight && pkeysMatch(frame.pkey, DEFAULT_PKEY)) return true;
    if (isRight) counters.bad_pkey_cntr++;
    this.drop(slot);
    return false;
  }

  /** Gives packet `slot`, which came from one IPv4 address and is for the other, to its queue pair. */
  private dispatch(slot: FrameSlot, frame: Frame, source: number, destination: number): void {
    const qp = this.queuePairs[frame.destQp - FIRST_QPN];
    if (qp?.transport.accepts(frame, source, destination) !== true) this.drop(slot);
    else qp.transport.receive(slot, frame);
  }

  /** The lengths of a RoCEv2 frame, and the checksum that guards what the ICRC leaves to routers. */
  private isWhole({ start, length, suspect }: Frame): boolean {
    const { view } = this.parts.pool;
    return (
      length >= PATH_LENGTH + BTH_LENGTH + ICRC_LENGTH &&
      view.getUint16(start + IP_TOTAL_LENGTH_AT) === length - ETHERNET_LENGTH &&
      (!suspect ||
        view.getUint16(start + IP_CHECKSUM_AT) === ipv4Checksum(view, start + ETHERNET_LENGTH))
    );
  }

  private drop(slot: FrameSlot): void {
    this.parts.counters.dropped++;
    this.parts.pool.release(slot);
  }
}
