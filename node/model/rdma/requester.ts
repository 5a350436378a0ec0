/**
 * The sending half of a queue pair: it reads WQEs, fetches payload ahead of the port, sends the packets of each message
 * in order, and goes back to a PSN when it must (go-back-N, IBTA 9.9.2). What comes back is the completer's business.
 *
 *     completed <= send cursor <= fetch cursor <= assigned <= produced
 */
import { draw } from '../../../sim/cost.js';
import type { ChainTable } from '../../../sim/chain.js';
import { STAGE } from '../../../sim/stages.js';
import { addPsn, PSN_MASK, psnDistance, type Psn } from '../../../units/psn.js';
import { NO_FRAME_SLOT } from '../fabric/frame-slot.js';
import { lookUpTime } from '../nic/iommu.js';
import type { TransmitSource } from '../nic/transmitter.js';
import { STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import type { QueuePair } from './queue-pair.js';
import type { QueueSlot } from './queue-slot.js';
import type { RcTransport } from './rc-transport.js';
import { ReadyRing } from './ready-ring.js';
import { isReadOrAtomic, POSITION } from './request-opcodes.js';
import { RequestPacket } from './request-packet.js';
import type { SendQueue } from './send-queue.js';
import { inlineBlocks, SEND_OPCODE, WQE_BLOCK, WQE_FLAG } from './work-queue-entry.js';

/** PSNs that may be unacknowledged at once: half of all, so that old and new ones can be told apart (IBTA 9.7.1). */
const PSN_WINDOW = 2 ** 23 - 1;

/** An error found in WQE `index` before it was sent: raised when all before it are complete. */
interface LocalError {
  readonly index: number;
  readonly status: number;
}

export class Requester implements TransmitSource {
  readyAt = Infinity;
  waiting = false;
  produced = 0;
  completed = 0;
  /** The next packet to send: WQE and packet in it; for a READ, the packet is the first response still missing. */
  sendIndex = 0;
  sendPacket = 0;
  /** PSN behind the last packet ever sent: nothing at or after it can be acknowledged. */
  sentPsn = 0 as Psn;
  /** WQEs that have been read and have their PSNs; their slots in the queue mean something. */
  assigned = 0;
  localError: LocalError | undefined = undefined;
  private fetchIndex = 0;
  private fetchPacket = 0;
  private nextPsn = 0 as Psn;
  private lastStart = -Infinity;
  /** The WQE at the fetch cursor has been begun with. */
  private started = false;
  private wqeReady = 0;
  /** READs and atomics between `completed` and the fetch cursor. */
  private outstandingReads = 0;
  private readonly ring: ReadyRing;
  private readonly packet: RequestPacket;
  private readonly rc: RcTransport;
  private readonly qp: QueuePair;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;

  constructor(rc: RcTransport, queue: SendQueue, parts: EngineParts) {
    this.rc = rc;
    this.qp = rc.qp;
    this.queue = queue;
    this.parts = parts;
    this.ring = new ReadyRing(parts.pool.chainLog);
    this.packet = new RequestPacket(rc, queue, parts);
  }

  /** Forgets all requests up to number `posted`, with no completions (rule 63). */
  discard(posted: number): void {
    this.produced = this.completed = this.sendIndex = this.fetchIndex = this.assigned = posted;
    this.queue.letAllGo(this.parts.memory);
    this.restart(0 as Psn);
  }

  /** Begins sending at `psn`: RTR to RTS. */
  restart(psn: Psn): void {
    this.sendPacket = this.fetchPacket = 0;
    this.nextPsn = this.sentPsn = psn;
    this.outstandingReads = 0;
    this.started = false;
    this.localError = undefined;
    this.stop();
  }

  /** WQEs up to `produced` are in the queue; row `row` of `chains` is what led to this doorbell. */
  doorbell(produced: number, chains: ChainTable, row: number): void {
    const { now } = this.parts.scheduler;
    const { queue } = this;
    const single = produced - this.produced === 1 && this.fetchIndex === this.produced;
    for (let index = this.produced; index < produced; index++) {
      const slot = queue.slotOf(index);
      queue.arrival[slot] = now;
      queue.cameWithDoorbell[slot] = single ? 1 : 0;
      queue.chains.copy(slot, chains, row);
    }
    this.produced = produced;
    this.fill();
  }

  /** Something that held packets back is over: tries to fetch more. */
  fill(): void {
    const { state } = this.qp;
    if ((state === 'RTS' || state === 'SQD') && !this.rc.rnrWaiting) {
      while (!this.ring.full && this.ring.bytes < this.parts.profile.nic.readAhead) {
        if (!this.fetchNext()) break;
      }
    }
    this.readyAt = this.ring.readyAt;
    if (this.readyAt !== Infinity) this.parts.transmitter.activate(this);
  }

  /** A packet won the port. */
  transmit(): void {
    const { queue, parts, rc, qp, sendIndex, sendPacket } = this;
    const { pool, transmitter } = parts;
    const { now } = parts.scheduler;
    const slot = queue.slotOf(sendIndex);
    const row = this.ring.bind(now, sendPacket === 0);
    const position = this.packet.position(slot, sendPacket);
    const ends = position === POSITION.last || position === POSITION.only;
    const frame = this.packet.build(sendIndex, sendPacket, position, ends);
    if (frame === NO_FRAME_SLOT) {
      this.moveTo(sendIndex, sendPacket);
      this.failLocally(sendIndex, STATUS.LOC_PROT_ERR);
      this.fill();
      return;
    }
    const read = queue.opcode[slot] === SEND_OPCODE.RDMA_READ;
    const psnAfter = read
      ? queue.psnAfter(slot)
      : addPsn(queue.firstPsn[slot]! as Psn, sendPacket + 1);
    if (psnDistance(psnAfter, this.sentPsn) > 0) this.sentPsn = psnAfter;
    else {
      parts.counters.retransmitted_packets++;
      qp.tally.retransmitted++;
    }
    qp.tally.sent(pool.frames[frame]!.length);
    pool.chains.copy(frame, this.ring.chains, row);
    if (ends) queue.chains.copy(slot, this.ring.chains, row);
    transmitter.commit(frame, rc.path!.destination);
    this.ring.sentAt(transmitter.portFree);
    if (ends) {
      this.sendIndex++;
      this.sendPacket = 0;
      // The clock runs from the packet that asks for an answer (IBTA 9.7.6.1.3).
      rc.armTimer();
    } else {
      this.sendPacket++;
    }
    this.fill();
  }

  /**
   * Goes back: WQE `index` is sent again from packet `packet` on, and all after it. Their chains count the time since
   * they were sent as `retry`.
   */
  goBack(index: number, packet: number): void {
    const { queue, parts } = this;
    const { now } = parts.scheduler;
    for (let i = index; i < this.assigned; i++) {
      const slot = queue.slotOf(i);
      queue.chains.advance(slot, STAGE.retry, now);
      queue.arrival[slot] = now;
    }
    this.moveTo(index, packet);
    this.fill();
  }

  /** The wait that a receiver asked for is over: goes on from where {@link goBack} went to. */
  goOn(): void {
    this.goBack(this.sendIndex, this.sendPacket);
  }

  /** WQE `completed` is done with: its place among the outstanding reads is free. */
  retire(): void {
    const rewound = this.sendIndex <= this.completed;
    if (!rewound && isReadOrAtomic(this.queue.opcode[this.queue.slotOf(this.completed)]!)) {
      this.outstandingReads--;
    }
    this.skip();
    // It was to be sent again, and its late acknowledgement made that needless.
    if (rewound) this.moveTo(this.completed, 0);
  }

  /** WQE `completed` is over, however it ended. */
  skip(): void {
    this.queue.letGo(this.completed, this.parts.memory);
    this.completed++;
  }

  /** Whether an answer that was asked for has not come. */
  get outstanding(): boolean {
    return this.completed < this.sendIndex;
  }

  /** Stops: the queue pair is in error. */
  stop(): void {
    this.ring.clear();
    this.readyAt = Infinity;
  }

  private moveTo(index: number, packet: number): void {
    const { queue } = this;
    this.sendIndex = this.fetchIndex = index;
    this.sendPacket = this.fetchPacket = packet;
    this.started = false;
    this.stop();
    this.outstandingReads = 0;
    for (let i = this.completed; i < index; i++) {
      if (isReadOrAtomic(queue.opcode[queue.slotOf(i)]!)) this.outstandingReads++;
    }
  }

  /** WQE `index` cannot be sent; what is before it goes on. */
  private failLocally(index: number, status: number): void {
    this.localError = { index, status };
    this.parts.counters.local_errors++;
    this.rc.completer.raiseLocalError();
  }

  /** Fetches the next packet, if one may be: false when there is none or something holds it. */
  private fetchNext(): boolean {
    if (this.fetchIndex === this.produced || this.fetchIndex === this.localError?.index) {
      return false;
    }
    const { queue, parts, ring } = this;
    const slot = queue.slotOf(this.fetchIndex);
    if (this.started) ring.chains.copy(ring.nextRow, ring.chains, ring.lastRow);
    else if (!this.startWqe(slot)) return false;
    const { now } = parts.scheduler;
    const opcode = queue.opcode[slot]!;
    const inline = (queue.flags[slot]! & WQE_FLAG.inline) !== 0;
    const size = this.packet.payload(slot, this.fetchPacket);
    const row = ring.nextRow;
    let ready = this.wqeReady > now ? this.wqeReady : now;
    if (size > 0 && !inline) {
      if (parts.iommu !== null) ready = this.translated(ready, size);
      ready = parts.dma.read(ready, size);
      ring.chains.advance(row, STAGE.payload_fetch, ready);
    }
    const { tx } = parts.profile.nic;
    if (tx.jitter !== null) {
      ready += draw(tx, parts.random) - tx.ps;
      ring.chains.advance(row, STAGE.nic_tx, ready);
    }
    ring.push(ready, size);
    if (isReadOrAtomic(opcode) || this.fetchPacket === queue.packets[slot]! - 1) {
      this.fetchIndex++;
      this.fetchPacket = 0;
      this.started = false;
    } else {
      this.fetchPacket++;
    }
    return true;
  }

  /** When the IOMMU has translated the addresses of the packet at the fetch cursor, asked at `at`. */
  private translated(at: number, size: number): number {
    const { queue, parts, qp, ring, fetchIndex, fetchPacket } = this;
    const { memory, regions, iommu } = parts;
    ring.chains.advance(ring.nextRow, STAGE.payload_fetch, at);
    let end = at;
    queue.gather(
      fetchIndex,
      fetchPacket * qp.attributes.pathMtu,
      size,
      memory,
      regions,
      qp.pd,
      (physical, length) => {
        end += lookUpTime(iommu, physical, length);
      },
    );
    ring.chains.advance(ring.nextRow, STAGE.translate, end);
    return end;
  }

  /** Begins with the WQE in `slot`; false when it must wait or is in error. */
  private startWqe(slot: QueueSlot): boolean {
    const { queue, parts, rc, qp, ring } = this;
    const { now } = parts.scheduler;
    const { nic } = parts.profile;
    if (this.fetchIndex === this.assigned && !this.readWqe(slot)) return false;
    if (parts.regions.onDemand > 0 && !this.holdPages()) return false;
    const opcode = queue.opcode[slot]!;
    const fenced = (queue.flags[slot]! & WQE_FLAG.fence) !== 0;
    if (fenced && this.outstandingReads > 0) return false;
    if (isReadOrAtomic(opcode)) {
      if (this.outstandingReads >= qp.attributes.maxRdAtomic) return false;
      this.outstandingReads++;
    }
    if (this.fetchIndex === this.assigned) {
      this.assigned++;
      this.nextPsn = queue.psnAfter(slot);
    }
    this.started = true;
    const row = ring.nextRow;
    ring.chains.copy(row, queue.chains, slot);
    const arrival = queue.arrival[slot]!;
    let start = this.lastStart + nic.qpGap;
    if (start < now) start = now;
    this.lastStart = start;
    if (queue.cameWithDoorbell[slot] === 1) {
      this.wqeReady = start + rc.stateWait(start);
      ring.chains.advance(row, STAGE.nic_wait, this.wqeReady);
      if ((queue.flags[slot]! & WQE_FLAG.inline) !== 0) {
        this.wqeReady += (inlineBlocks(opcode, queue.length[slot]!) - 1) * nic.inlineBlock;
        ring.chains.advance(row, STAGE.doorbell, this.wqeReady);
      }
      queue.cameWithDoorbell[slot] = 0;
    } else {
      const walk = lookUpTime(parts.iommu, queue.wqeAt(this.fetchIndex), WQE_BLOCK);
      const fetched = arrival + walk + draw(nic.wqeFetch, parts.random);
      ring.chains.advance(row, STAGE.wqe_fetch, fetched);
      const here = fetched > start ? fetched : start;
      this.wqeReady = here + rc.stateWait(here);
      ring.chains.advance(row, STAGE.nic_wait, this.wqeReady);
    }
    return true;
  }

  /**
   * Has what the WQE at the fetch cursor needs of pages on demand in memory until it is complete; false when it must
   * wait.
   */
  private holdPages(): boolean {
    const { memory, regions, pageFaults } = this.parts;
    const { queue, qp, fetchIndex } = this;
    if (queue.holdPages(fetchIndex, memory, regions, qp.pd, pageFaults)) return true;
    pageFaults.wait(this);
    return false;
  }

  /** Reads the WQE in `slot` out of memory; false when it may not begin yet, or is wrong. */
  private readWqe(slot: QueueSlot): boolean {
    const { queue, parts, qp, fetchIndex, completed } = this;
    if (qp.state === 'SQD') return false;
    const { pathMtu } = qp.attributes;
    const { memory, regions } = parts;
    const status = queue.read(fetchIndex, this.nextPsn, pathMtu, memory, regions, qp.pd);
    if (status !== STATUS.SUCCESS) {
      this.failLocally(fetchIndex, status);
      return false;
    }
    if (completed === fetchIndex) return true;
    const unacknowledged =
      (this.nextPsn - queue.firstPsn[queue.slotOf(completed)]! + queue.packets[slot]!) & PSN_MASK;
    return unacknowledged <= PSN_WINDOW;
  }
}
