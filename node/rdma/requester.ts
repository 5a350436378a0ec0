/**
 * The sending half of a queue pair: it reads WQEs, fetches payload ahead of the port, sends the packets of each message in
 * order, and goes back to a PSN when it must (go-back-N, IBTA 9.9.2). What comes back is the completer's business.
 *
 *     completed <= send cursor <= fetch cursor <= produced
 */
import { draw } from '../../sim/cost.js';
import type { ChainTable } from '../../sim/chain.js';
import { STAGE } from '../../sim/stages.js';
import { addPsn, psnDistance, type Psn } from '../../units/psn.js';
import { emitAtomicEth, newAtomicEth } from '../../wire/atomic-eth.js';
import { emitImmDt, IMM_DT_LENGTH, newImmDt } from '../../wire/imm-dt.js';
import { EXTENSION, EXTENSION_BITS } from '../../wire/opcode-table.js';
import { emitReth, newReth, RETH_LENGTH } from '../../wire/reth.js';
import { copyFromMemory } from '../nic/payload-writer.js';
import type { TransmitSource } from '../nic/transmitter.js';
import { STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import { beginPacket, extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import { ReadyRing } from './ready-ring.js';
import {
  hasImmediate,
  isAtomic,
  isReadOrAtomic,
  POSITION,
  positionOf,
  requestOpcode,
} from './request-opcodes.js';
import type { SendQueue } from './send-queue.js';
import { inlineBlocks, SEND_OPCODE, WQE, WQE_FLAG } from './work-queue-entry.js';

const reth = newReth();
const atomicEth = newAtomicEth();
const immDt = newImmDt();

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
  localError: LocalError | undefined;
  private fetchIndex = 0;
  private fetchPacket = 0;
  /** WQEs that have been read and have their PSNs. */
  private assigned = 0;
  private nextPsn = 0 as Psn;
  private lastStart = -Infinity;
  /** The WQE at the fetch cursor has been begun with. */
  private started = false;
  private wqeReady = 0;
  /** READs and atomics between `completed` and the fetch cursor. */
  private outstandingReads = 0;
  private readonly ring = new ReadyRing();
  private readonly qp: QueuePair;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;
  private frame = 0;
  private filled = 0;

  constructor(qp: QueuePair, queue: SendQueue, parts: EngineParts) {
    this.qp = qp;
    this.queue = queue;
    this.parts = parts;
  }

  reset(psn: Psn): void {
    this.produced = this.completed = this.sendIndex = this.fetchIndex = this.assigned = 0;
    this.restart(psn);
  }

  /** Begins sending at `psn`: RTR to RTS. */
  restart(psn: Psn): void {
    this.sendPacket = this.fetchPacket = 0;
    this.nextPsn = this.sentPsn = psn;
    this.outstandingReads = 0;
    this.started = false;
    this.localError = undefined;
    this.ring.clear();
    this.readyAt = Infinity;
  }

  /** WQEs up to `produced` are in the queue; row `row` of `chains` is what led to this doorbell. */
  doorbell(produced: number, chains: ChainTable, row: number): void {
    const { now } = this.parts.scheduler;
    const { queue } = this;
    const single = produced - this.produced === 1 && this.fetchIndex === this.produced;
    for (let index = this.produced; index < produced; index++) {
      const slot = index % queue.depth;
      queue.arrival[slot] = now;
      queue.cameWithDoorbell[slot] = single ? 1 : 0;
      queue.chains.copy(slot, chains, row);
    }
    this.produced = produced;
    this.fill();
  }

  /** Something that held packets back is over: tries to fetch more. */
  fill(): void {
    const { qp } = this;
    if (qp.state === 'RTS' || qp.state === 'SQD') {
      while (!this.ring.full && this.ring.bytes < this.parts.profile.nic.readAhead) {
        if (!this.fetchNext()) break;
      }
    }
    this.readyAt = qp.rnrWaiting ? Infinity : this.ring.readyAt;
    if (this.readyAt !== Infinity) this.parts.transmitter.activate(this);
  }

  /** A packet won the port. */
  transmit(now: number): void {
    const { queue, parts, qp } = this;
    const { pool } = parts;
    const slot = this.sendIndex % queue.depth;
    const packet = this.sendPacket;
    const packets = queue.packets[slot]!;
    const row = this.ring.bind(now, packet === 0);
    const read = queue.opcode[slot] === SEND_OPCODE.RDMA_READ;
    const position = isReadOrAtomic(queue.opcode[slot]!)
      ? POSITION.only
      : positionOf(packet, packets);
    const ends = position === POSITION.last || position === POSITION.only;
    const frame = this.build(slot, packet, position, ends);
    if (frame < 0) return;
    const psnAfter = read ? queue.psnAfter(slot) : addPsn(queue.firstPsn[slot]! as Psn, packet + 1);
    if (psnDistance(psnAfter, this.sentPsn) > 0) this.sentPsn = psnAfter;
    else parts.counters.retransmitted_packets++;
    pool.chains.copy(frame, this.ring.chains, row);
    if (ends) queue.chains.copy(slot, this.ring.chains, row);
    parts.transmitter.commit(frame, qp.path!.destination);
    this.ring.sentAt(parts.transmitter.portFree);
    if (ends) {
      this.sendIndex++;
      this.sendPacket = 0;
    } else {
      this.sendPacket++;
    }
    qp.armTimer();
    this.fill();
  }

  /**
   * Goes back: WQE `index` is sent again from packet `packet` on, and all after it. Their chains count the time since they
   * were sent as `retry`.
   */
  goBack(index: number, packet: number): void {
    const { queue, parts } = this;
    const { now } = parts.scheduler;
    for (let i = index; i < this.assigned; i++) {
      const slot = i % queue.depth;
      queue.chains.advance(slot, STAGE.retry, now);
      queue.arrival[slot] = now;
    }
    this.moveTo(index, packet);
    this.fill();
  }

  private moveTo(index: number, packet: number): void {
    const { queue } = this;
    this.sendIndex = this.fetchIndex = index;
    this.sendPacket = this.fetchPacket = packet;
    this.started = false;
    this.ring.clear();
    this.outstandingReads = 0;
    for (let i = this.completed; i < index; i++) {
      if (isReadOrAtomic(queue.opcode[i % queue.depth]!)) this.outstandingReads++;
    }
  }

  /** WQE `completed` is done with: its place among the outstanding reads is free. */
  retire(): void {
    const rewound = this.sendIndex <= this.completed;
    if (!rewound && isReadOrAtomic(this.queue.opcode[this.completed % this.queue.depth]!)) {
      this.outstandingReads--;
    }
    this.completed++;
    // It was to be sent again, and its late acknowledgement made that needless.
    if (rewound) this.moveTo(this.completed, 0);
  }

  /** Whether anything sent is still unacknowledged. */
  get outstanding(): boolean {
    return this.completed < this.sendIndex || this.sendPacket > 0;
  }

  /** Stops: the queue pair is in error. */
  stop(): void {
    this.ring.clear();
    this.readyAt = Infinity;
  }

  /** Whether WQE `index` has been read, so that its slot means something. */
  isAssigned(index: number): boolean {
    return index < this.assigned;
  }

  /** Fetches the next packet, if one may be: false when there is none or something holds it. */
  private fetchNext(): boolean {
    if (this.fetchIndex === this.produced || this.localError !== undefined) return false;
    const { queue, parts, ring } = this;
    const slot = this.fetchIndex % queue.depth;
    if (this.started) ring.chains.copy(ring.nextRow, ring.chains, ring.lastRow);
    else if (!this.startWqe(slot)) return false;
    const { now } = parts.scheduler;
    const opcode = queue.opcode[slot]!;
    const inline = (queue.flags[slot]! & WQE_FLAG.inline) !== 0;
    const offset = this.fetchPacket * this.qp.mtu;
    const size = isReadOrAtomic(opcode) ? 0 : Math.min(queue.length[slot]! - offset, this.qp.mtu);
    const row = ring.nextRow;
    let ready = this.wqeReady > now ? this.wqeReady : now;
    if (size > 0 && !inline) {
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

  /** Begins with the WQE in `slot`; false when it must wait or is in error. */
  private startWqe(slot: number): boolean {
    const { queue, parts, qp, ring } = this;
    const { now } = parts.scheduler;
    const { nic } = parts.profile;
    if (this.fetchIndex === this.assigned) {
      if (qp.state === 'SQD') return false;
      const status = queue.read(
        this.fetchIndex,
        this.nextPsn,
        qp.mtu,
        parts.memory,
        parts.regions,
        qp.pd,
      );
      if (status !== STATUS.SUCCESS) {
        this.localError = { index: this.fetchIndex, status };
        parts.counters.local_errors++;
        qp.completer.raiseLocalError();
        return false;
      }
    }
    const opcode = queue.opcode[slot]!;
    const fenced = (queue.flags[slot]! & WQE_FLAG.fence) !== 0;
    if (fenced && this.outstandingReads > 0) return false;
    if (isReadOrAtomic(opcode)) {
      if (this.outstandingReads >= qp.maxRdAtomic) return false;
      this.outstandingReads++;
    }
    if (this.fetchIndex === this.assigned) {
      this.assigned++;
      this.nextPsn = queue.psnAfter(slot);
    }
    const row = ring.nextRow;
    ring.chains.copy(row, queue.chains, slot);
    const arrival = queue.arrival[slot]!;
    let start = this.lastStart + nic.qpGap;
    if (start < now) start = now;
    this.lastStart = start;
    if (queue.cameWithDoorbell[slot] === 1) {
      this.wqeReady = start + qp.stateMiss();
      ring.chains.advance(row, STAGE.nic_wait, this.wqeReady);
      if ((queue.flags[slot]! & WQE_FLAG.inline) !== 0) {
        this.wqeReady += (inlineBlocks(opcode, queue.length[slot]!) - 1) * nic.inlineBlock;
        ring.chains.advance(row, STAGE.doorbell, this.wqeReady);
      }
      queue.cameWithDoorbell[slot] = 0;
    } else {
      const fetched = arrival + draw(nic.wqeFetch, parts.random);
      ring.chains.advance(row, STAGE.wqe_fetch, fetched);
      this.wqeReady = (fetched > start ? fetched : start) + qp.stateMiss();
      ring.chains.advance(row, STAGE.nic_wait, this.wqeReady);
    }
    return true;
  }

  /** Builds the packet; -1 if its memory has gone, which is then an error of that request. */
  private build(slot: number, packet: number, position: number, ends: boolean): number {
    const { queue, qp, parts } = this;
    const { pool } = parts;
    const sendOpcode = queue.opcode[slot]!;
    const opcode = requestOpcode(sendOpcode, position);
    const offset = packet * qp.mtu;
    const size = isReadOrAtomic(sendOpcode) ? 0 : Math.min(queue.length[slot]! - offset, qp.mtu);
    const solicited = ends && (queue.flags[slot]! & WQE_FLAG.solicited) !== 0;
    const frame = beginPacket(
      pool,
      qp.path!,
      opcode,
      qp.destQp,
      addPsn(queue.firstPsn[slot]! as Psn, packet),
      size,
      ends,
      solicited,
    );
    this.emitExtensions(frame, slot, opcode, offset);
    if (size === 0) return frame;
    this.frame = frame;
    this.filled = 0;
    const { memory, regions } = parts;
    if (queue.gather(this.sendIndex, offset, size, memory, regions, qp.pd, this.fillPayload)) {
      return frame;
    }
    pool.release(frame);
    this.ring.clear();
    this.readyAt = Infinity;
    this.localError = { index: this.sendIndex, status: STATUS.LOC_PROT_ERR };
    qp.completer.raiseLocalError();
    return -1;
  }

  private readonly fillPayload = (physical: number, length: number): void => {
    const { memory, pool } = this.parts;
    copyFromMemory(memory.bytes, physical, length, pool, this.frame, this.filled);
    this.filled += length;
  };

  private emitExtensions(frame: number, slot: number, opcode: number, offset: number): void {
    const { queue, parts } = this;
    const { pool } = parts;
    const bits = EXTENSION_BITS[opcode]!;
    if (bits === 0) return;
    const sendOpcode = queue.opcode[slot]!;
    const address = queue.remoteAddress[slot]! + (isAtomic(sendOpcode) ? 0 : offset);
    let at = extensionsAt(pool, frame);
    if ((bits & EXTENSION.reth) !== 0) {
      reth.vaHigh = Math.floor(address / 2 ** 32);
      reth.vaLow = address >>> 0;
      reth.rkey = queue.rkey[slot]!;
      reth.dmaLength = queue.length[slot]! - offset;
      emitReth(pool.view, at, reth);
      at += RETH_LENGTH;
    }
    if ((bits & EXTENSION.atomic) !== 0) this.emitAtomic(at, slot, address);
    if ((bits & EXTENSION.immediate) !== 0 && hasImmediate(sendOpcode)) {
      immDt.immediate = queue.immediate[slot]!;
      emitImmDt(pool.view, at, immDt);
      at += IMM_DT_LENGTH;
    }
  }

  private emitAtomic(at: number, slot: number, address: number): void {
    const { queue, parts } = this;
    const { view } = parts.memory;
    const wqe = queue.base + slot * queue.stride;
    const swaps = queue.opcode[slot] === SEND_OPCODE.ATOMIC_CMP_AND_SWP;
    atomicEth.vaHigh = Math.floor(address / 2 ** 32);
    atomicEth.vaLow = address >>> 0;
    atomicEth.rkey = queue.rkey[slot]!;
    // FETCH_ADD carries what to add where CMP_SWAP carries what to swap in (IBTA 9.2.5.4).
    const first = swaps ? WQE.swapLow : WQE.compareLow;
    atomicEth.swapLow = view.getUint32(wqe + first, true);
    atomicEth.swapHigh = view.getUint32(wqe + first + 4, true);
    atomicEth.compareLow = swaps ? view.getUint32(wqe + WQE.compareLow, true) : 0;
    atomicEth.compareHigh = swaps ? view.getUint32(wqe + WQE.compareHigh, true) : 0;
    emitAtomicEth(parts.pool.view, at, atomicEth);
  }
}
