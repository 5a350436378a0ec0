/** Building the packets of a request: which opcode each takes, its extension headers, and the payload from memory. */
import { addPsn, type Psn } from '../../../units/psn.js';
import { emitAtomicEth, newAtomicEth } from '../../../wire/atomic-eth.js';
import { EXTENSION, EXTENSION_BITS } from '../../../wire/opcode-table.js';
import { copyFromMemory } from '../nic/payload-writer.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { EngineParts } from './engine-parts.js';
import { beginPacket, extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import type { QueueSlot } from './queue-slot.js';
import type { RcTransport } from './rc-transport.js';
import { isReadOrAtomic, POSITION, positionOf, requestOpcode } from './request-opcodes.js';
import type { SendQueue } from './send-queue.js';
import {
  newAtomicOperands,
  parseAtomicOperands,
  SEND_OPCODE,
  WQE_FLAG,
} from './work-queue-entry.js';

const atomicEth = newAtomicEth();
const operands = newAtomicOperands();

export class RequestPacket {
  private readonly rc: RcTransport;
  private readonly qp: QueuePair;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;
  private frame: FrameSlot = NO_FRAME_SLOT;
  private filled = 0;

  constructor(rc: RcTransport, queue: SendQueue, parts: EngineParts) {
    this.rc = rc;
    this.qp = rc.qp;
    this.queue = queue;
    this.parts = parts;
  }

  /**
   * Where packet `packet` stands in the request in `slot`. READs and atomics ask in one packet, from any response on.
   */
  position(slot: QueueSlot, packet: number): number {
    const { queue } = this;
    return isReadOrAtomic(queue.opcode[slot]!)
      ? POSITION.only
      : positionOf(packet, queue.packets[slot]!);
  }

  /** Bytes of payload in packet `packet` of the request in `slot`. */
  payload(slot: QueueSlot, packet: number): number {
    const { queue } = this;
    const { pathMtu } = this.qp.attributes;
    if (isReadOrAtomic(queue.opcode[slot]!)) return 0;
    return Math.min(queue.length[slot]! - packet * pathMtu, pathMtu);
  }

  /**
   * The frame of packet `packet` of WQE `index`, which stands there at `position`; NO_FRAME_SLOT if the memory that it
   * is to carry has gone.
   */
  build(index: number, packet: number, position: number, ackReq: boolean): FrameSlot {
    const { queue, qp, parts } = this;
    const { path } = this.rc;
    const { pathMtu, destQpNum } = qp.attributes;
    const { pool, memory, regions } = parts;
    const slot = queue.slotOf(index);
    const opcode = requestOpcode(queue.opcode[slot]!, position);
    const offset = packet * pathMtu;
    const size = this.payload(slot, packet);
    const solicited = ackReq && (queue.flags[slot]! & WQE_FLAG.solicited) !== 0;
    const psn = addPsn(queue.firstPsn[slot]! as Psn, packet);
    const frame = beginPacket(pool, path!, opcode, destQpNum, psn, size, ackReq, solicited);
    this.emitExtensions(frame, slot, opcode, offset);
    if (size === 0) return frame;
    const physical = queue.placeOf(slot, regions.generation);
    if (physical >= 0) {
      copyFromMemory(memory, physical + offset, size, pool, frame, 0);
      return frame;
    }
    this.frame = frame;
    this.filled = 0;
    if (queue.gather(index, offset, size, memory, regions, qp.pd, this.fillPayload)) return frame;
    pool.release(frame);
    return NO_FRAME_SLOT;
  }

  private readonly fillPayload = (physical: number, length: number): void => {
    const { memory, pool } = this.parts;
    copyFromMemory(memory, physical, length, pool, this.frame, this.filled);
    this.filled += length;
  };

  private emitExtensions(frame: FrameSlot, slot: QueueSlot, opcode: number, offset: number): void {
    const { queue, parts } = this;
    const { pool } = parts;
    const bits = EXTENSION_BITS[opcode]!;
    if (bits === 0) return;
    const packet = pool.frames[frame]!;
    if ((bits & EXTENSION.reth) !== 0) {
      const address = queue.remoteAddress[slot]! + offset;
      packet.vaHigh = Math.floor(address / 2 ** 32);
      packet.vaLow = address >>> 0;
      packet.rkey = queue.rkey[slot]!;
      packet.dmaLength = queue.length[slot]! - offset;
    }
    if ((bits & EXTENSION.immediate) !== 0) packet.immediate = queue.immediate[slot]!;
    if ((bits & EXTENSION.atomic) !== 0) {
      pool.writeOut(frame);
      this.emitAtomic(extensionsAt(pool, frame), slot);
    }
  }

  private emitAtomic(at: number, slot: QueueSlot): void {
    const { queue, parts } = this;
    const wqe = queue.base + slot * queue.stride;
    const swaps = queue.opcode[slot] === SEND_OPCODE.ATOMIC_CMP_AND_SWP;
    const address = queue.remoteAddress[slot]!;
    atomicEth.vaHigh = Math.floor(address / 2 ** 32);
    atomicEth.vaLow = address >>> 0;
    atomicEth.rkey = queue.rkey[slot]!;
    // FETCH_ADD carries what to add where CMP_SWAP carries what to swap in (IBTA 9.2.5.4).
    parseAtomicOperands(parts.memory.view, wqe, operands);
    atomicEth.swapLow = swaps ? operands.swapLow : operands.compareLow;
    atomicEth.swapHigh = swaps ? operands.swapHigh : operands.compareHigh;
    atomicEth.compareLow = swaps ? operands.compareLow : 0;
    atomicEth.compareHigh = swaps ? operands.compareHigh : 0;
    emitAtomicEth(parts.pool.view, at, atomicEth);
  }
}
