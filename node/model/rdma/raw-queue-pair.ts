/**
 * A queue pair of raw frames (IBV_QPT_RAW_PACKET): a SEND is a whole Ethernet frame without frame check sequence, a receive
 * is filled with one. There is no peer and no protocol: what is sent completes when it has left, and what finds no
 * receive is lost.
 */
import { checksumsAreRight } from '../../../wire/checksums.js';
import type { NetworkFunction } from '../nic/network-function.js';
import { BUS_ADDRESSES, BusPort, type BusMaster } from './bus-port.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { CompletionQueue, CompletionSource } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import type { AddressResolver } from './memory-region.js';
import { canReceive, type QpStateName } from './qp-state.js';
import { RawSender } from './raw-sender.js';
import type { QueuePairTally } from './queue-pair-tally.js';
import type { RdmaEngine } from './rdma-engine.js';
import { ReceiveCompletions } from './receive-completions.js';
import type { ReceiveQueue } from './receive-queue.js';
import { NO_FRAME } from './send-completions.js';
import type { SendQueue } from './send-queue.js';
import { WC_RECV } from './work-queue-entry.js';

export interface RawQueuePairOptions {
  readonly number: number;
  /** Its place in the engine's table. */
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
  /** Whose bus addresses SGEs hold; null where they name registered memory. */
  readonly bus: BusMaster | null;
  /** The function of the virtual machine that it is in, which says what it may send; null on the bare host. */
  readonly machine: Pick<NetworkFunction, 'mac' | 'vlan' | 'limit'> | null;
}

export class RawQueuePair implements CompletionSource {
  readonly number: number;
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
  readonly engine: RdmaEngine;
  readonly tally: QueuePairTally;
  state: QpStateName = 'RESET';
  private readonly sender: RawSender;
  private readonly receives: ReceiveQueue;
  private readonly completions: ReceiveCompletions;
  /** What SGEs name, and the way there if that is memory by bus address. */
  private readonly addresses: AddressResolver;
  private readonly bus: BusPort | undefined;
  private readonly parts: EngineParts;
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
    this.engine = engine;
    this.tally = engine.tally(options.number, 'RAW_PACKET');
    this.parts = parts;
    this.receives = receives;
    this.addresses = options.bus === null ? parts.regions : BUS_ADDRESSES;
    if (options.bus !== null) this.bus = new BusPort(options.bus, this, receives, parts);
    this.sender = new RawSender(this, sends, this.addresses, this.bus, options.machine, parts);
    this.completions = new ReceiveCompletions(this, receives, parts);
  }

  /** Moves to `next`. To RESET by {@link reset}. */
  enter(next: Exclude<QpStateName, 'RESET'>): void {
    if (next === 'ERR') {
      this.enterError();
      return;
    }
    this.state = next;
    if (next === 'RTS') this.sender.fetch();
  }

  /** To RESET: what was posted up to these numbers is discarded without completions (rule 63). */
  reset(sends: number, receives: number): void {
    this.state = 'RESET';
    this.sender.discard(sends);
    this.bus?.reset();
    this.receives.discard(receives);
  }

  /** Everything outstanding is flushed, with completions (rule 94). */
  enterError(): void {
    if (this.state === 'ERR' || this.state === 'RESET') return;
    this.state = 'ERR';
    this.sender.stop();
    this.sender.flush();
    this.completions.flush();
  }

  sendDoorbell(produced: number, row: number): void {
    this.sender.doorbell(produced, row);
  }

  receiveDoorbell(produced: number): void {
    if (produced <= this.receives.produced) return;
    this.receives.produced = produced;
    if (this.state === 'ERR') this.completions.flush();
  }

  /** Frame `slot` is for this queue: into the next receive, or lost. Takes the frame over. */
  receive(slot: number): void {
    const { parts, receives } = this;
    const { pool, counters, payloads } = parts;
    const { start, length } = pool.frames[slot]!;
    this.tally.received(length);
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
    if (!receives.take(parts.memory, this.addresses, this.pd)) {
      pool.release(slot);
      this.completions.fail(STATUS.LOC_PROT_ERR);
      this.enterError();
    } else if (receives.length < length) {
      pool.release(slot);
      this.completions.fail(STATUS.LOC_LEN_ERR);
    } else if (this.bus !== undefined) {
      this.bus.deliver(slot);
    } else {
      this.write = payloads.begin(slot, start);
      receives.scatter(0, length, this.addSegment);
      const visible = payloads.start(this.write, length);
      this.completions.succeed(WC_RECV, length, 0, this.checked(slot), slot, visible);
    }
  }

  /** A frame by bus address has come to an end: `wrId` was receive number `count`, and is visible at `visible`. */
  received(
    status: number,
    wrId: number,
    count: number,
    length: number,
    frame: number,
    visible: number,
  ): void {
    if (status === STATUS.SUCCESS) {
      const flags = this.checked(frame);
      this.completions.post(wrId, count, status, WC_RECV, length, 0, flags, frame, visible);
    } else {
      this.completions.post(wrId, count, status, WC_RECV, 0, 0, 0, NO_FRAME, 0);
      this.enterError();
    }
  }

  /** What the NIC found of the frame's checksums. Those that were left to a NIC and never looked at since are right. */
  private checked(slot: number): number {
    const { bytes, view, frames } = this.parts.pool;
    const { start, length, suspect } = frames[slot]!;
    const isRight = !suspect || checksumsAreRight(bytes, view, start, length);
    return isRight ? CQE_FLAG.checksumOk : 0;
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.write, physical, length);
  };
}
