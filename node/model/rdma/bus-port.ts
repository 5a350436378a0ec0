/**
 * How a queue of raw frames reaches memory when a driver in user space gives it bus addresses (UIO, VFIO): keys mean
 * nothing, and every frame is a transfer of its own. With an IOMMU the addresses are those of the driver's domain;
 * without one they are physical, and nobody is protected from it.
 */
import { STAGE } from '../../../sim/stages.js';
import type { TransferOwner } from '../nic/dma-transfers.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import { REFUSED, type AddressResolver } from './memory-region.js';
import type { RawTransport } from './raw-transport.js';
import type { ReceiveWqe } from './receive-wqe.js';

/** Bus addresses have 48 bits. */
const LAST_ADDRESS = 2 ** 48;
/** No IOMMU: addresses are physical. */
export const PHYSICAL = -1;

/** Any address will do until it is touched. */
export const BUS_ADDRESSES: AddressResolver = {
  generation: 0,
  resolve: (_key, _pd, address, length) =>
    address >= 0 && address + length <= LAST_ADDRESS ? address : REFUSED,
  pieces: (_key, address, length, take) => {
    take(address, length);
  },
};

/** Whose addresses they are. */
export interface BusMaster {
  /** The process that drives the device. */
  readonly process: number;
  /** Its domain of the IOMMU, or PHYSICAL. */
  readonly domain: number;
}

export class BusPort implements TransferOwner {
  private readonly master: BusMaster;
  private readonly transport: RawTransport;
  private readonly parts: EngineParts;
  /** Transfers of frames that are fetched and not yet sent, oldest first. */
  private readonly fetching: number[] = [];
  private transfer = 0;
  /** Counts resets: what ends later than that is nobody's. */
  private epoch = 0;

  constructor(master: BusMaster, transport: RawTransport, parts: EngineParts) {
    this.master = master;
    this.transport = transport;
    this.parts = parts;
  }

  /** Adds a piece to the transfer in the making: what walks over SGEs calls it. */
  readonly piece = (address: number, length: number): void => {
    this.parts.transfers.piece(this.transfer, address, length);
  };

  /** Begins a transfer of request `wrId` with frame `slot`; its pieces follow. */
  begin(write: boolean, slot: FrameSlot, from: number, wrId: number): void {
    const { process, domain } = this.master;
    const { transfers } = this.parts;
    const { number } = this.transport.qp;
    this.transfer = transfers.begin(write, slot, from, domain, process, number, wrId);
  }

  /** What looking up the addresses of the transfer in the making takes. */
  lookUp(): number {
    return this.parts.transfers.lookUp(this.transfer);
  }

  /** Reads the frame in the making, asked for at `at`; when all of it is here. */
  fetch(at: number): number {
    this.fetching.push(this.transfer);
    return this.parts.transfers.read(this.transfer, at);
  }

  /** The frame of the oldest fetch, which leaves now; NO_FRAME_SLOT if it could not be read. */
  take(): FrameSlot {
    const { transfers, pool } = this.parts;
    const index = this.fetching.shift()!;
    const { slot } = transfers.at(index);
    const whole = transfers.finish(index);
    transfers.free(index);
    if (whole) return slot;
    pool.release(slot);
    return NO_FRAME_SLOT;
  }

  /** What was fetched is not sent. */
  drop(): void {
    const { transfers, pool } = this.parts;
    for (const index of this.fetching) {
      pool.release(transfers.at(index).slot);
      transfers.free(index);
    }
    this.fetching.length = 0;
  }

  /** What is on its way to memory completes nothing any more. */
  reset(): void {
    this.drop();
    this.epoch++;
  }

  /** Frame `slot` goes into `receive`, which has been taken; it completes when the frame is there. */
  deliver(slot: FrameSlot, receive: ReceiveWqe): void {
    const { transfers, pool, scheduler } = this.parts;
    const { start, length } = pool.frames[slot]!;
    this.begin(true, slot, start, receive.wrId);
    receive.scatter(0, length, this.piece);
    const transfer = transfers.at(this.transfer);
    transfer.count = receive.count;
    transfer.epoch = this.epoch;
    const at = scheduler.now + this.lookUp();
    pool.chains.advance(slot, STAGE.translate, at);
    const visible = transfers.write(this.transfer, at, this);
    pool.chains.advance(slot, STAGE.payload_write, visible);
  }

  transferEnded(index: number, arrived: boolean): void {
    const { transfers, pool, scheduler } = this.parts;
    const { slot, wrId, count, epoch, length } = transfers.at(index);
    transfers.free(index);
    if (epoch === this.epoch) {
      const status = arrived ? STATUS.SUCCESS : STATUS.LOC_PROT_ERR;
      this.transport.received(status, wrId, count, length, slot, scheduler.now);
    }
    pool.release(slot);
  }
}
