/**
 * The sending half of a queue of raw frames: it reads WQEs, fetches frames ahead of the port, and sends them in order.
 * A request is over when its frame has left; one that cannot be sent stops the queue (SQE), after those before it.
 */
import { draw } from '../../../sim/cost.js';
import { STAGE } from '../../../sim/stages.js';
import type { Psn } from '../../../units/psn.js';
import { ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import { FrameAddress } from '../nic/frame-address.js';
import { lookUpTime } from '../nic/iommu.js';
import { maySend } from '../nic/network-function.js';
import { copyFromMemory } from '../nic/payload-writer.js';
import type { TransmitSource } from '../nic/transmitter.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { BusPort } from './bus-port.js';
import { STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import type { AddressResolver } from './memory-region.js';
import { headersOf, LEAST_FRAME_LENGTH, MOST_OVERHEAD } from './raw-frame.js';
import type { QueuePair } from './queue-pair.js';
import type { RawTransport } from './raw-transport.js';
import type { RdmaEngine } from './rdma-engine.js';
import { ReadyRing } from './ready-ring.js';
import { SendCompletions } from './send-completions.js';
import type { SendQueue } from './send-queue.js';
import type { TransportWiring } from './transport.js';
import { inlineBlocks, SEND_OPCODE, WQE_BLOCK, WQE_FLAG } from './work-queue-entry.js';

/** Raw frames have none. */
const NO_PSN = 0 as Psn;

export class RawSender implements TransmitSource {
  readyAt = Infinity;
  waiting = false;
  /** WQEs posted, read, and sent or failed. */
  private produced = 0;
  private fetched = 0;
  private sent = 0;
  private lastStart = -Infinity;
  /** The frame that {@link fill} writes into, and how far it has come. */
  private slot: FrameSlot = NO_FRAME_SLOT;
  private filled = 0;
  private readonly longest: number;
  private readonly ring: ReadyRing;
  private readonly completions: SendCompletions;
  private readonly qp: QueuePair;
  private readonly engine: RdmaEngine;
  private readonly queue: SendQueue;
  /** What SGEs name, and the way there if that is memory by bus address. */
  private readonly addresses: AddressResolver;
  private readonly bus: BusPort | undefined;
  private readonly machine: TransportWiring['machine'];
  private readonly address = new FrameAddress();
  private readonly parts: EngineParts;

  constructor(
    { qp, engine }: RawTransport,
    queue: SendQueue,
    addresses: AddressResolver,
    bus: BusPort | undefined,
    machine: TransportWiring['machine'],
    parts: EngineParts,
  ) {
    this.qp = qp;
    this.engine = engine;
    this.queue = queue;
    this.addresses = addresses;
    this.bus = bus;
    this.machine = machine;
    this.parts = parts;
    this.ring = new ReadyRing(parts.pool.chainLog);
    this.longest = parts.profile.kernel.mtu + MOST_OVERHEAD;
    this.completions = new SendCompletions(qp, queue, parts);
  }

  doorbell(produced: number, row: number): void {
    if (produced <= this.produced) return;
    const { queue, parts, qp, engine } = this;
    const { now } = parts.scheduler;
    const single = produced - this.produced === 1 && this.fetched === this.produced;
    for (let index = this.produced; index < produced; index++) {
      const slot = queue.slotOf(index);
      queue.arrival[slot] = now;
      queue.cameWithDoorbell[slot] = single ? 1 : 0;
      queue.chains.copy(slot, engine.doorbellChains, row);
    }
    this.produced = produced;
    if (qp.state === 'ERR' || qp.state === 'SQE') this.flush();
    else this.fetch();
  }

  /** Reads WQEs and asks for the bytes of their frames, as far ahead of the port as the NIC reads. */
  fetch(): void {
    const { ring, parts, qp } = this;
    if (qp.state === 'RTS') {
      while (!ring.full && ring.bytes < parts.profile.nic.readAhead) {
        if (this.fetched === this.produced || !this.fetchNext()) break;
      }
    }
    const free = this.machine?.limit?.freeAt ?? 0;
    this.readyAt = ring.readyAt > free ? ring.readyAt : free;
    if (this.readyAt !== Infinity) parts.transmitter.activate(this);
  }

  /** A frame won the port. */
  transmit(): void {
    const { parts, ring, queue, sent, machine } = this;
    const { pool, transmitter } = parts;
    const { now } = parts.scheduler;
    // Another queue of the machine may have sent meanwhile.
    if (machine?.limit && machine.limit.freeAt > now) {
      this.fetch();
      return;
    }
    const row = ring.bind(now, true);
    const frame = this.build(sent);
    if (frame === NO_FRAME_SLOT) {
      this.fail(sent, STATUS.LOC_PROT_ERR);
      return;
    }
    pool.chains.copy(frame, ring.chains, row);
    queue.chains.copy(queue.slotOf(sent), ring.chains, row);
    this.sent++;
    if (this.isSpoofed(frame)) {
      parts.counters.vm_spoofed_frames++;
      pool.release(frame);
    } else {
      machine?.limit?.took(now, pool.frames[frame]!.length);
      this.qp.tally.sent(pool.frames[frame]!.length);
      transmitter.forward(frame);
    }
    this.completions.complete(sent, STATUS.SUCCESS, NO_FRAME_SLOT, 0);
    this.fetch();
  }

  /** Forgets all requests up to number `posted`, with no completions (rule 63). */
  discard(posted: number): void {
    this.stop();
    this.produced = this.fetched = this.sent = posted;
  }

  /** What was fetched is not sent. */
  stop(): void {
    this.ring.clear();
    this.bus?.drop();
    this.readyAt = Infinity;
  }

  /** Everything that is not sent completes with WR_FLUSH_ERR. */
  flush(): void {
    while (this.sent < this.produced) {
      this.completions.abandon(this.sent++, STATUS.WR_FLUSH_ERR);
    }
    this.fetched = this.sent;
  }

  /** A machine sent it under another's name, or into another's VLAN: nobody tells the machine that it is lost. */
  private isSpoofed(frame: FrameSlot): boolean {
    const { machine, address } = this;
    if (machine === null) return false;
    const { view, frames } = this.parts.pool;
    const { start, length } = frames[frame]!;
    address.parse(view, start, length);
    return !maySend(machine, address);
  }

  /** WQE `index`, the next to leave, cannot be sent. */
  private fail(index: number, status: number): void {
    this.parts.counters.local_errors++;
    this.completions.abandon(index, status);
    this.sent = index + 1;
    this.qp.state = 'SQE';
    this.stop();
    this.flush();
  }

  /** False when the WQE is in error: what is before it leaves first. */
  private fetchNext(): boolean {
    const { queue, parts, ring, fetched } = this;
    const slot = queue.slotOf(fetched);
    const status = this.readWqe(fetched);
    if (status !== STATUS.SUCCESS) {
      if (this.sent === fetched) this.fail(fetched, status);
      return false;
    }
    this.fetched++;
    const { nic } = parts.profile;
    const row = ring.nextRow;
    const length = queue.length[slot]!;
    ring.chains.copy(row, queue.chains, slot);
    let ready = this.wqeReady(fetched);
    if ((queue.flags[slot]! & WQE_FLAG.inline) === 0) {
      ready = this.bus === undefined ? this.read(fetched, ready) : this.readBus(fetched, ready);
      ring.chains.advance(row, STAGE.payload_fetch, ready);
    }
    if (nic.tx.jitter !== null) {
      ready += draw(nic.tx, parts.random) - nic.tx.ps;
      ring.chains.advance(row, STAGE.nic_tx, ready);
    }
    ring.push(ready, length);
    return true;
  }

  private readWqe(index: number): number {
    const { queue, parts, longest } = this;
    const { pd } = this.qp;
    const status = queue.read(index, NO_PSN, longest, parts.memory, this.addresses, pd);
    const slot = queue.slotOf(index);
    if (queue.opcode[slot] !== SEND_OPCODE.SEND) return STATUS.LOC_QP_OP_ERR;
    const length = queue.length[slot]!;
    if (length < ETHERNET_LENGTH || length > longest) return STATUS.LOC_LEN_ERR;
    return status;
  }

  /** When WQE `index`, begun with now or one gap after the last, is in the NIC with what is inline. */
  private wqeReady(index: number): number {
    const { queue, parts, ring, qp, engine } = this;
    const { now } = parts.scheduler;
    const { nic } = parts.profile;
    const slot = queue.slotOf(index);
    const row = ring.nextRow;
    const flags = queue.flags[slot]!;
    let start = this.lastStart + nic.qpGap;
    if (start < now) start = now;
    this.lastStart = start;
    const pushed = (flags & WQE_FLAG.pushed) !== 0;
    if (queue.cameWithDoorbell[slot] === 0 && !pushed) {
      const walk = lookUpTime(parts.iommu, queue.wqeAt(index), WQE_BLOCK);
      const fetched = queue.arrival[slot]! + walk + draw(nic.wqeFetch, parts.random);
      ring.chains.advance(row, STAGE.wqe_fetch, fetched);
      let ready = fetched > start ? fetched : start;
      ready += engine.stateWait(qp.index, ready);
      ring.chains.advance(row, STAGE.nic_wait, ready);
      return ready;
    }
    let ready = start + engine.stateWait(qp.index, start);
    ring.chains.advance(row, STAGE.nic_wait, ready);
    // A pushed frame's blocks were the core's to pay for.
    if ((flags & WQE_FLAG.inline) !== 0 && !pushed) {
      ready += (inlineBlocks(SEND_OPCODE.SEND, queue.length[slot]!) - 1) * nic.inlineBlock;
      ring.chains.advance(row, STAGE.doorbell, ready);
    }
    return ready;
  }

  /** When the frame of WQE `index`, which is here at `at`, has been read from registered memory. */
  private read(index: number, at: number): number {
    const { queue, parts, ring } = this;
    const { memory, iommu } = parts;
    const length = queue.length[queue.slotOf(index)]!;
    let asked = at;
    if (iommu !== null) {
      const { pd } = this.qp;
      queue.gather(index, 0, length, memory, this.addresses, pd, (physical, size) => {
        asked += lookUpTime(iommu, physical, size);
      });
      ring.chains.advance(ring.nextRow, STAGE.translate, asked);
    }
    return parts.dma.read(asked, length);
  }

  /** Begins to read the frame of WQE `index` by bus address; when it is done. */
  private readBus(index: number, at: number): number {
    const { queue, parts, ring } = this;
    const bus = this.bus!;
    const slot = parts.pool.allocate();
    const place = queue.slotOf(index);
    bus.begin(false, slot, this.firstByte(slot), queue.wrId[place]!);
    const length = queue.length[place]!;
    queue.gather(index, 0, length, parts.memory, this.addresses, this.qp.pd, bus.piece);
    const asked = at + bus.lookUp();
    ring.chains.advance(ring.nextRow, STAGE.translate, asked);
    return bus.fetch(asked);
  }

  /**
   * The frame of WQE `index` in a slot of the pool; NO_FRAME_SLOT if the memory that it was to be read from has gone.
   */
  private build(index: number): FrameSlot {
    const { queue, parts, bus } = this;
    const { pool } = parts;
    const place = queue.slotOf(index);
    const length = queue.length[place]!;
    const inline = (queue.flags[place]! & WQE_FLAG.inline) !== 0;
    const slot = bus === undefined || inline ? this.gather(index, length) : bus.take();
    if (slot === NO_FRAME_SLOT) return slot;
    const start = this.firstByte(slot);
    const { bytes, view } = pool;
    const padded = length < LEAST_FRAME_LENGTH ? LEAST_FRAME_LENGTH : length;
    for (let at = start + length; at < start + padded; at++) bytes[at] = 0;
    const headers = headersOf(view, start, length);
    const frame = pool.frames[slot]!;
    frame.headerLength = headers;
    frame.start = pool.payloadAt(slot) - headers;
    frame.length = padded;
    if (headers !== ETHERNET_LENGTH) bytes.copyWithin(frame.start, start, start + padded);
    // Its checksums are the program's own, unless they are left to us.
    frame.offload = (queue.flags[place]! & WQE_FLAG.checksum) !== 0;
    frame.suspect = !frame.offload;
    return slot;
  }

  private gather(index: number, length: number): FrameSlot {
    const { queue, parts, qp } = this;
    const slot = parts.pool.allocate();
    this.slot = slot;
    this.filled = -ETHERNET_LENGTH;
    if (queue.gather(index, 0, length, parts.memory, this.addresses, qp.pd, this.fill)) return slot;
    parts.pool.release(slot);
    return NO_FRAME_SLOT;
  }

  /** The first bytes say where the payload begins; until then it is taken to be behind the Ethernet header. */
  private firstByte(slot: FrameSlot): number {
    return this.parts.pool.payloadAt(slot) - ETHERNET_LENGTH;
  }

  private readonly fill = (physical: number, length: number): void => {
    const { memory, pool } = this.parts;
    copyFromMemory(memory, physical, length, pool, this.slot, this.filled);
    this.filled += length;
  };
}
