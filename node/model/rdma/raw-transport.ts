/**
 * A queue pair of raw frames (IBV_QPT_RAW_PACKET): a SEND is a whole Ethernet frame without frame check sequence, a
 * receive is filled with one. There is no peer and no protocol: what is sent completes when it has left, and what finds
 * no receive is lost.
 */
import { checksumsAreRight } from '../../../wire/checksums.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import { DOORBELL } from '../nic/doorbell.js';
import { BUS_ADDRESSES, BusPort } from './bus-port.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import type { AddressResolver } from './memory-region.js';
import { QP_ATTR } from './qp-attributes.js';
import { canReceive, RAW_PACKET_TRANSITIONS, type QpStateName } from './qp-state.js';
import type { QueuePair } from './queue-pair.js';
import { RawSender } from './raw-sender.js';
import type { RdmaEngine } from './rdma-engine.js';
import { ReceiveCompletions } from './receive-completions.js';
import type { ReceiveSource } from './receive-source.js';
import { ReceiveWqe } from './receive-wqe.js';
import type { Transport, TransportKind, TransportWiring } from './transport.js';
import { WC_RECV } from './work-queue-entry.js';

export const RAW_PACKET: TransportKind = {
  type: 'RAW_PACKET',
  carries: 'frames',
  transitions: RAW_PACKET_TRANSITIONS,
  attributes: 0,
  create: (qp, wiring, engine, parts) => new RawTransport(qp, wiring, engine, parts),
};

export class RawTransport implements Transport {
  readonly qp: QueuePair;
  readonly engine: RdmaEngine;
  /** Frames that are fetched are sent in every state that this kind has. */
  readonly draining = false;
  private readonly sender: RawSender;
  private readonly receives: ReceiveSource;
  private readonly receiveWqe = new ReceiveWqe();
  private readonly completions: ReceiveCompletions;
  /** What SGEs name, and the way there if that is memory by bus address. */
  private readonly addresses: AddressResolver;
  private readonly bus: BusPort | undefined;
  private readonly parts: EngineParts;
  private write = 0;

  constructor(
    qp: QueuePair,
    { sends, receives, bus, machine }: TransportWiring,
    engine: RdmaEngine,
    parts: EngineParts,
  ) {
    this.qp = qp;
    this.engine = engine;
    this.parts = parts;
    this.receives = receives;
    this.addresses = bus === null ? parts.regions : BUS_ADDRESSES;
    if (bus !== null) this.bus = new BusPort(bus, this, parts);
    this.sender = new RawSender(this, sends, this.addresses, this.bus, machine, parts);
    this.completions = new ReceiveCompletions(qp, parts);
  }

  /** No packet names it: its frames come by flow rules. */
  accepts(): boolean {
    return false;
  }

  doorbell(kind: number, produced: number, row: number): void {
    const { receives } = this;
    if (kind === DOORBELL.send) {
      this.sender.doorbell(produced, row);
    } else if (produced > receives.produced) {
      receives.post(produced);
      if (this.qp.state === 'ERR') this.flushReceives();
    }
  }

  modify(next: QpStateName, mask: number, sends: number, receives: number): void {
    if ((mask & QP_ATTR.STATE) === 0) return;
    if (next === 'RESET') {
      this.reset(sends, receives);
    } else if (next === 'ERR') {
      this.enterError();
    } else {
      this.qp.state = next;
      if (next === 'RTS') this.sender.fetch();
    }
  }

  enterError(): void {
    const { qp } = this;
    if (qp.state === 'ERR' || qp.state === 'RESET') return;
    qp.state = 'ERR';
    this.sender.stop();
    this.sender.flush();
    this.flushReceives();
  }

  /** It schedules none. */
  handle(): void {}

  destroy(): void {
    this.reset(0, 0);
  }

  /** Into the next receive, or lost. */
  receive(slot: FrameSlot, { start, length }: Frame): void {
    const { qp, parts, receives, receiveWqe } = this;
    const { pool, counters, payloads } = parts;
    qp.tally.received(length);
    if (!canReceive(qp.state)) {
      counters.dropped++;
      pool.release(slot);
      return;
    }
    if (receives.empty) {
      counters.rx_no_buffer++;
      pool.release(slot);
      return;
    }
    const isUsable = receiveWqe.look(receives, parts.memory, this.addresses, qp.pd);
    receiveWqe.take(receives);
    if (!isUsable) {
      pool.release(slot);
      this.completions.fail(receiveWqe, STATUS.LOC_PROT_ERR);
      this.enterError();
    } else if (receiveWqe.length < length) {
      pool.release(slot);
      this.completions.fail(receiveWqe, STATUS.LOC_LEN_ERR);
    } else if (this.bus !== undefined) {
      this.bus.deliver(slot, receiveWqe);
    } else {
      this.write = payloads.begin(slot, start);
      receiveWqe.scatter(0, length, this.addSegment);
      const visible = payloads.start(this.write, length);
      this.completions.succeed(receiveWqe, WC_RECV, length, this.checked(slot), slot, visible);
    }
  }

  /** A frame by bus address has come to an end: `wrId` was receive number `count`, and is visible at `visible`. */
  received(
    status: number,
    wrId: number,
    count: number,
    length: number,
    frame: FrameSlot,
    visible: number,
  ): void {
    if (status === STATUS.SUCCESS) {
      const flags = this.checked(frame);
      this.completions.post(wrId, count, status, WC_RECV, length, 0, flags, frame, visible);
    } else {
      this.completions.post(wrId, count, status, WC_RECV, 0, 0, 0, NO_FRAME_SLOT, 0);
      this.enterError();
    }
  }

  private reset(sends: number, receives: number): void {
    this.qp.state = 'RESET';
    this.sender.discard(sends);
    this.bus?.reset();
    this.receives.discard(receives);
  }

  private flushReceives(): void {
    this.completions.flush(this.receives, this.receiveWqe);
  }

  /** What the NIC found of the frame's checksums. Those that were left to a NIC and never looked at since are right. */
  private checked(slot: FrameSlot): number {
    const { bytes, view, frames } = this.parts.pool;
    const { start, length, suspect } = frames[slot]!;
    const isRight = !suspect || checksumsAreRight(bytes, view, start, length);
    return isRight ? CQE_FLAG.checksumOk : 0;
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.write, physical, length);
  };
}
