/**
 * A queue pair of raw frames (IBV_QPT_RAW_PACKET): a SEND is a whole Ethernet frame without frame check sequence, a receive
 * is filled with one. There is no peer and no protocol: what is sent completes when it has left, and what finds no
 * receive is lost.
 */
import { draw } from '../../sim/cost.js';
import { STAGE } from '../../sim/stages.js';
import type { Psn } from '../../units/psn.js';
import { ETHERNET_LENGTH } from '../../wire/ethernet.js';
import { copyFromMemory } from '../nic/payload-writer.js';
import type { TransmitSource } from '../nic/transmitter.js';
import { STATUS } from './completion-entry.js';
import type { CompletionQueue, CompletionSource } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import { headersOf, LEAST_FRAME_LENGTH, MOST_OVERHEAD } from './raw-frame.js';
import type { RdmaEngine } from './rdma-engine.js';
import { canReceive, type QpStateName } from './qp-state.js';
import { ReadyRing } from './ready-ring.js';
import { ReceiveCompletions } from './receive-completions.js';
import type { ReceiveQueue } from './receive-queue.js';
import { NO_FRAME, SendCompletions } from './send-completions.js';
import type { SendQueue } from './send-queue.js';
import { inlineBlocks, SEND_OPCODE, WC_RECV, WQE_FLAG } from './work-queue-entry.js';

const NO_PSN = 0 as Psn;

export interface RawQueuePairOptions {
  readonly number: number;
  /** Its place in the engine's table. */
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
}

export class RawQueuePair implements CompletionSource, TransmitSource {
  readonly number: number;
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
  state: QpStateName = 'RESET';
  readyAt = Infinity;
  waiting = false;
  /** WQEs posted, read, and sent or failed. */
  private produced = 0;
  private fetched = 0;
  private sent = 0;
  private lastStart = -Infinity;
  private readonly longest: number;
  private readonly ring = new ReadyRing();
  private readonly sendCompletions: SendCompletions;
  private readonly receiveCompletions: ReceiveCompletions;
  private readonly sends: SendQueue;
  private readonly receives: ReceiveQueue;
  private readonly engine: RdmaEngine;
  private readonly parts: EngineParts;
  /** The frame that {@link fill} writes into, and how far it has come. */
  private slot = 0;
  private filled = 0;
  private write = 0;

  constructor(
    options: RawQueuePairOptions,
    sends: SendQueue,
    receives: ReceiveQueue,
    engine: RdmaEngine,
    parts: EngineParts,
  ) {
    this.number = options.number;
    this.index = options.index;
    this.pd = options.pd;
    this.sendCq = options.sendCq;
    this.recvCq = options.recvCq;
    this.sqSigAll = options.sqSigAll;
    this.sends = sends;
    this.receives = receives;
    this.engine = engine;
    this.parts = parts;
    this.longest = parts.profile.kernel.mtu + MOST_OVERHEAD;
    this.sendCompletions = new SendCompletions(this, sends, parts);
    this.receiveCompletions = new ReceiveCompletions(this, receives, parts);
  }

  /** Moves to `next`. To RESET by {@link reset}. */
  enter(next: Exclude<QpStateName, 'RESET'>): void {
    if (next === 'ERR') {
      this.enterError();
      return;
    }
    this.state = next;
    if (next === 'RTS') this.fetch();
  }

  /** To RESET: what was posted up to these numbers is discarded without completions (rule 63). */
  reset(sends: number, receives: number): void {
    this.state = 'RESET';
    this.stop();
    this.produced = this.fetched = this.sent = sends;
    this.receives.discard(receives);
  }

  /** Everything outstanding is flushed, with completions (rule 94). */
  enterError(): void {
    if (this.state === 'ERR' || this.state === 'RESET') return;
    this.state = 'ERR';
    this.stop();
    this.flushSends();
    this.receiveCompletions.flush();
  }

  sendDoorbell(produced: number, row: number): void {
    if (produced <= this.produced) return;
    const { sends, parts } = this;
    const { now } = parts.scheduler;
    const single = produced - this.produced === 1 && this.fetched === this.produced;
    for (let index = this.produced; index < produced; index++) {
      const slot = index % sends.depth;
      sends.arrival[slot] = now;
      sends.cameWithDoorbell[slot] = single ? 1 : 0;
      sends.chains.copy(slot, this.engine.doorbellChains, row);
    }
    this.produced = produced;
    if (this.state === 'ERR' || this.state === 'SQE') this.flushSends();
    else this.fetch();
  }

  receiveDoorbell(produced: number): void {
    if (produced <= this.receives.produced) return;
    this.receives.produced = produced;
    if (this.state === 'ERR') this.receiveCompletions.flush();
  }

  /** A frame won the port. */
  transmit(now: number): void {
    const { parts, ring, sends, sent } = this;
    const { pool, transmitter } = parts;
    const place = sent % sends.depth;
    const row = ring.bind(now, true);
    const frame = this.build(sent);
    if (frame < 0) {
      this.fail(sent, STATUS.LOC_PROT_ERR);
      return;
    }
    pool.chains.copy(frame, ring.chains, row);
    sends.chains.copy(place, ring.chains, row);
    this.sent++;
    transmitter.forward(frame);
    this.sendCompletions.complete(sent, STATUS.SUCCESS, NO_FRAME, 0);
    this.fetch();
  }

  /** Frame `slot` is for this queue: into the next receive, or lost. Takes the frame over. */
  receive(slot: number): void {
    const { parts, receives } = this;
    const { pool, counters, payloads } = parts;
    if (!canReceive(this.state)) {
      counters.dropped++;
      pool.release(slot);
      return;
    }
    if (receives.empty) {
      counters.rx_no_buffer++;
      pool.release(slot);
      return;
    }
    const length = pool.length[slot]!;
    if (!receives.take(parts.memory, parts.regions, this.pd)) {
      pool.release(slot);
      this.receiveCompletions.fail(STATUS.LOC_PROT_ERR);
      this.enterError();
      return;
    }
    if (receives.length < length) {
      pool.release(slot);
      this.receiveCompletions.fail(STATUS.LOC_LEN_ERR);
      return;
    }
    this.write = payloads.begin(slot, pool.start[slot]);
    receives.scatter(0, length, this.addSegment);
    const visible = payloads.start(this.write, length);
    this.receiveCompletions.succeed(WC_RECV, length, 0, 0, slot, visible);
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.write, physical, length);
  };

  private stop(): void {
    this.ring.clear();
    this.readyAt = Infinity;
  }

  private flushSends(): void {
    while (this.sent < this.produced) {
      this.sendCompletions.abandon(this.sent++, STATUS.WR_FLUSH_ERR);
    }
    this.fetched = this.sent;
  }

  /** WQE `index`, the next to leave, cannot be sent: the send queue stops (SQE), receives go on. */
  private fail(index: number, status: number): void {
    this.parts.counters.local_errors++;
    this.sendCompletions.abandon(index, status);
    this.sent = index + 1;
    this.state = 'SQE';
    this.stop();
    this.flushSends();
  }

  /** Reads WQEs and asks for the bytes of their frames, as far ahead of the port as the NIC reads. */
  private fetch(): void {
    const { ring, parts } = this;
    if (this.state === 'RTS') {
      while (!ring.full && ring.bytes < parts.profile.nic.readAhead) {
        if (this.fetched === this.produced || !this.fetchNext()) break;
      }
    }
    this.readyAt = ring.readyAt;
    if (this.readyAt !== Infinity) parts.transmitter.activate(this);
  }

  /** False when the WQE is in error: what is before it leaves first. */
  private fetchNext(): boolean {
    const { sends, parts, ring, fetched } = this;
    const slot = fetched % sends.depth;
    const status = this.readWqe(fetched);
    if (status !== STATUS.SUCCESS) {
      if (this.sent === fetched) this.fail(fetched, status);
      return false;
    }
    this.fetched++;
    const { now } = parts.scheduler;
    const { nic } = parts.profile;
    const row = ring.nextRow;
    const length = sends.length[slot]!;
    const inline = (sends.flags[slot]! & WQE_FLAG.inline) !== 0;
    ring.chains.copy(row, sends.chains, slot);
    let start = this.lastStart + nic.qpGap;
    if (start < now) start = now;
    this.lastStart = start;
    const pushed = (sends.flags[slot]! & WQE_FLAG.pushed) !== 0;
    let ready = this.wqeReady(slot, start, inline, pushed);
    if (!inline) {
      ready = parts.dma.read(ready, length);
      ring.chains.advance(row, STAGE.payload_fetch, ready);
    }
    if (nic.tx.jitter !== null) {
      ready += draw(nic.tx, parts.random) - nic.tx.ps;
      ring.chains.advance(row, STAGE.nic_tx, ready);
    }
    ring.push(ready, length);
    return true;
  }

  /** When the WQE in `slot`, begun with at `start`, is in the NIC. */
  private wqeReady(slot: number, start: number, inline: boolean, pushed: boolean): number {
    const { sends, parts, ring, engine, index } = this;
    const { nic } = parts.profile;
    const row = ring.nextRow;
    if (sends.cameWithDoorbell[slot] === 0 && !pushed) {
      const fetched = sends.arrival[slot]! + draw(nic.wqeFetch, parts.random);
      ring.chains.advance(row, STAGE.wqe_fetch, fetched);
      const ready = engine.stateReady(index, fetched > start ? fetched : start);
      ring.chains.advance(row, STAGE.nic_wait, ready);
      return ready;
    }
    let ready = engine.stateReady(index, start);
    ring.chains.advance(row, STAGE.nic_wait, ready);
    // A pushed frame's blocks were the core's to pay for.
    if (inline && !pushed) {
      ready += (inlineBlocks(SEND_OPCODE.SEND, sends.length[slot]!) - 1) * nic.inlineBlock;
      ring.chains.advance(row, STAGE.doorbell, ready);
    }
    return ready;
  }

  private readWqe(index: number): number {
    const { sends, parts, longest } = this;
    const { memory, regions } = parts;
    const status = sends.read(index, NO_PSN, longest, memory, regions, this.pd);
    const slot = index % sends.depth;
    if (sends.opcode[slot] !== SEND_OPCODE.SEND) return STATUS.LOC_QP_OP_ERR;
    const length = sends.length[slot]!;
    if (length < ETHERNET_LENGTH || length > longest) return STATUS.LOC_LEN_ERR;
    return status;
  }

  /** The frame of WQE `index` in a slot of the pool; -1 if the memory that it was to be read from has gone. */
  private build(index: number): number {
    const { parts, sends } = this;
    const { pool, memory, regions } = parts;
    const length = sends.length[index % sends.depth]!;
    const slot = pool.allocate();
    this.slot = slot;
    // The first bytes say where the payload begins; until then it is taken to be behind the Ethernet header.
    const start = pool.payloadAt(slot) - ETHERNET_LENGTH;
    this.filled = -ETHERNET_LENGTH;
    if (!sends.gather(index, 0, length, memory, regions, this.pd, this.fill)) {
      pool.release(slot);
      return -1;
    }
    const { bytes, view } = pool;
    const padded = length < LEAST_FRAME_LENGTH ? LEAST_FRAME_LENGTH : length;
    for (let at = start + length; at < start + padded; at++) bytes[at] = 0;
    const headers = headersOf(view, start, length);
    pool.headerLength[slot] = headers;
    pool.start[slot] = pool.payloadAt(slot) - headers;
    pool.length[slot] = padded;
    if (headers !== ETHERNET_LENGTH) bytes.copyWithin(pool.start[slot], start, start + padded);
    // Its checksums are the program's own.
    pool.suspect[slot] = 1;
    return slot;
  }

  private readonly fill = (physical: number, length: number): void => {
    const { memory, pool } = this.parts;
    copyFromMemory(memory.bytes, physical, length, pool, this.slot, this.filled);
    this.filled += length;
  };
}
