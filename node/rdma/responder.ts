/**
 * The answering half of a queue pair. A request passes the checks in this order, each of which lets it on or refuses it:
 *
 *     checkPsn -> checkOpSequence -> checkOperation -> checkLength -> checkResource -> checkKey -> execute
 *
 * Refusals are NAKs (IBTA 9.7.5.2), silence, or the answer to a duplicate (9.7.5.1).
 */
import { addPsn, psnDistance, type Psn } from '../../units/psn.js';
import { ACK_NO_CREDIT, NAK, rnrNakSyndrome } from '../../wire/aeth.js';
import { newAtomicEth, parseAtomicEth } from '../../wire/atomic-eth.js';
import { IMM_DT_LENGTH, newImmDt, parseImmDt } from '../../wire/imm-dt.js';
import {
  EXTENSION,
  EXTENSION_BITS,
  EXTENSION_LENGTH,
  IS_END,
  IS_START,
  OPCODE,
  OPCODE_INFO,
} from '../../wire/opcode-table.js';
import { newReth, parseReth } from '../../wire/reth.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import { ENGINE_EVENT, type EngineParts } from './engine-parts.js';
import { ACCESS_REMOTE_ATOMIC, ACCESS_REMOTE_READ, ACCESS_REMOTE_WRITE } from './memory-region.js';
import { extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import type { ReceiveQueue } from './receive-queue.js';
import { ResponderResources, type Resource } from './responder-resources.js';
import type { Response } from './response-stream.js';
import { MAX_MESSAGE } from './send-queue.js';
import { WC_RECV, WC_RECV_RDMA_WITH_IMM } from './work-queue-entry.js';

const reth = newReth();
const atomicEth = newAtomicEth();
const immDt = newImmDt();

const GROUP = { none: 0, send: 1, write: 2, read: 3, atomic: 4 } as const;

/** By opcode: which group of operations a request belongs to. */
const GROUP_OF = Uint8Array.from(OPCODE_INFO, (info) => {
  if (info?.transport !== 'RC' || info.kind !== 'request') return GROUP.none;
  if (info.operation === 'send') return GROUP.send;
  if (info.operation === 'write') return GROUP.write;
  return info.operation === 'read-request' ? GROUP.read : GROUP.atomic;
});
const ACCESS_OF_GROUP = Uint8Array.of(
  0,
  0,
  ACCESS_REMOTE_WRITE,
  ACCESS_REMOTE_READ,
  ACCESS_REMOTE_ATOMIC,
);

/** How a check ends that does not let the packet on. */
const REFUSED = { no: 0, drop: 1, notReady: 2 } as const;

/** An atomic that is in the atomic unit. */
interface RunningAtomic {
  readonly response: Response;
  readonly resource: Resource;
  readonly physical: number;
  readonly swaps: boolean;
  readonly operandHigh: number;
  readonly operandLow: number;
  readonly compareHigh: number;
  readonly compareLow: number;
}

export class Responder {
  expectedPsn = 0 as Psn;
  msn = 0;
  private nakSent = false;
  /** The message in progress: its group, where it stands, and for a WRITE how long it is. */
  private message: number = GROUP.none;
  private offset = 0;
  private writePhysical = 0;
  private writeLength = 0;
  private writing = 0;
  private readonly running: RunningAtomic[] = [];
  private readonly resources = new ResponderResources();
  private readonly qp: QueuePair;
  private readonly receives: ReceiveQueue;
  private readonly parts: EngineParts;

  constructor(qp: QueuePair, receives: ReceiveQueue, parts: EngineParts) {
    this.qp = qp;
    this.receives = receives;
    this.parts = parts;
  }

  reset(psn: Psn): void {
    this.expectedPsn = psn;
    this.msn = 0;
    this.nakSent = false;
    this.message = GROUP.none;
    this.running.length = 0;
    this.resources.reset(this.qp.maxDestRdAtomic);
  }

  /** A request that came through the receive checks. Takes frame `slot` over. */
  receive(slot: number, opcode: number, psn: Psn, ackReq: boolean, solicited: boolean): void {
    const { parts } = this;
    const size = this.qp.payloadLength(slot);
    const group = GROUP_OF[opcode]!;
    if (group === GROUP.none) {
      this.drop(slot);
      return;
    }
    if (!this.checkPsn(slot, opcode, psn, ackReq)) return;
    if (IS_START[opcode] === 1 && (EXTENSION_BITS[opcode]! & EXTENSION.reth) !== 0) {
      parseReth(parts.pool.view, extensionsAt(parts.pool, slot), reth);
    }
    const nak =
      this.checkOpSequence(opcode, group) ||
      this.checkOperation(group) ||
      this.checkLength(opcode, group, size);
    if (nak !== REFUSED.no) {
      this.refuse(slot, nak);
      return;
    }
    const resource = this.checkResource(opcode, group, size);
    if (resource === REFUSED.notReady) {
      this.parts.counters.rnr_naks_sent++;
      this.nakSent = true;
      this.answer(psn, rnrNakSyndrome(this.qp.minRnrTimer), true, slot);
      parts.pool.release(slot);
      return;
    }
    if (resource !== REFUSED.no) {
      this.refuse(slot, resource);
      return;
    }
    if (group === GROUP.send) this.executeSend(slot, opcode, psn, size, ackReq, solicited);
    else if (group === GROUP.write) this.executeWrite(slot, opcode, psn, size, ackReq, solicited);
    else if (group === GROUP.read) this.executeRead(slot, psn);
    else this.executeAtomic(slot, opcode, psn);
  }

  /** The atomic at the head of the unit's queue is done at this instant: reads, changes and answers. */
  atomicDone(): void {
    const atomic = this.running.shift();
    // The queue pair was reset meanwhile.
    if (atomic === undefined) return;
    const { view } = this.parts.memory;
    const { physical, resource } = atomic;
    const low = view.getUint32(physical, true);
    const high = view.getUint32(physical + 4, true);
    if (atomic.swaps) {
      if (low === atomic.compareLow && high === atomic.compareHigh) {
        view.setUint32(physical, atomic.operandLow, true);
        view.setUint32(physical + 4, atomic.operandHigh, true);
      }
    } else {
      const sum = low + atomic.operandLow;
      view.setUint32(physical, sum >>> 0, true);
      view.setUint32(
        physical + 4,
        (high + atomic.operandHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0,
        true,
      );
    }
    resource.originalHigh = high;
    resource.originalLow = low;
    resource.done = true;
    this.qp.responses.atomicDone(atomic.response, high, low);
    this.qp.engine.memoryChanged(physical, 8, atomic.response.chain);
  }

  /** Receives that were posted and not used complete with WR_FLUSH_ERR. */
  flush(): void {
    const { receives, parts } = this;
    this.message = GROUP.none;
    while (!receives.empty) {
      const wrId = receives.wrIdAt(receives.consumed++, parts.memory);
      this.completeReceive(wrId, STATUS.WR_FLUSH_ERR, WC_RECV, 0, 0, 0, -1, 0);
    }
  }

  private checkPsn(slot: number, opcode: number, psn: Psn, ackReq: boolean): boolean {
    const distance = psnDistance(psn, this.expectedPsn);
    if (distance === 0) {
      this.nakSent = false;
      return true;
    }
    const { parts } = this;
    if (distance > 0) {
      parts.counters.out_of_sequence++;
      // One NAK until the gap closes (IBTA 9.7.5.2.1, C9-113).
      if (!this.nakSent) {
        this.nakSent = true;
        parts.counters.naks_sent++;
        this.answer(this.expectedPsn, NAK.PSN_SEQUENCE, true, slot);
      }
    } else {
      parts.counters.duplicates_received++;
      this.answerDuplicate(slot, opcode, psn, ackReq);
    }
    parts.pool.release(slot);
    return false;
  }

  /** A MIDDLE or LAST continues a message of its group; a FIRST or ONLY begins one only when none is in progress. */
  private checkOpSequence(opcode: number, group: number): number {
    const starts = IS_START[opcode] === 1;
    if (starts ? this.message !== GROUP.none : this.message !== group) return NAK.INVALID_REQUEST;
    return REFUSED.no;
  }

  /** The queue pair's own access flags (rule 89), and reads only where they may be (rule 101). */
  private checkOperation(group: number): number {
    const needed = ACCESS_OF_GROUP[group]!;
    if ((this.qp.accessFlags & needed) !== needed) {
      return this.parts.profile.nic.qpAccessNak === 'remote_access'
        ? NAK.REMOTE_ACCESS
        : NAK.INVALID_REQUEST;
    }
    if (group >= GROUP.read && this.resources.capacity === 0) return NAK.INVALID_REQUEST;
    return REFUSED.no;
  }

  /** FIRST and MIDDLE are exactly one MTU, LAST 1 to one MTU, and a WRITE as long as its RETH said (rule 109). */
  private checkLength(opcode: number, group: number, size: number): number {
    const { mtu } = this.qp;
    const starts = IS_START[opcode] === 1;
    const ends = IS_END[opcode] === 1;
    if (!ends && size !== mtu) return NAK.INVALID_REQUEST;
    if (size > mtu || (ends && !starts && size === 0)) return NAK.INVALID_REQUEST;
    if (group === GROUP.write) {
      const length = starts ? reth.dmaLength : this.writeLength;
      const at = (starts ? 0 : this.offset) + size;
      if (ends ? at !== length : at >= length) return NAK.INVALID_REQUEST;
    }
    return REFUSED.no;
  }

  /** A SEND, and the last packet of a WRITE with immediate, need a receive; then the keys of WRITE, READ and atomic. */
  private checkResource(opcode: number, group: number, size: number): number {
    const starts = IS_START[opcode] === 1;
    const { receives, parts, qp } = this;
    const immediate = (EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0;
    if (group === GROUP.send) {
      if (starts) {
        if (receives.empty) return REFUSED.notReady;
        if (!receives.take(parts.memory, parts.regions, qp.pd)) {
          this.failReceive(STATUS.LOC_PROT_ERR);
          return NAK.REMOTE_OPERATIONAL;
        }
        this.offset = 0;
      }
      if (this.offset + size > receives.length) {
        this.failReceive(STATUS.LOC_LEN_ERR);
        return NAK.INVALID_REQUEST;
      }
      return REFUSED.no;
    }
    if (group === GROUP.write && immediate && receives.empty) return REFUSED.notReady;
    if (group === GROUP.write && starts) return this.checkWriteKey();
    return REFUSED.no;
  }

  private checkWriteKey(): number {
    const { parts, qp } = this;
    const length = reth.dmaLength;
    this.offset = 0;
    this.writeLength = length;
    this.writePhysical = 0;
    // A WRITE of nothing names no memory: neither key nor address is looked at (rule 73).
    if (length === 0) return REFUSED.no;
    if (length > MAX_MESSAGE) return NAK.INVALID_REQUEST;
    this.writePhysical = parts.regions.resolve(
      reth.rkey,
      qp.pd,
      reth.vaHigh * 2 ** 32 + reth.vaLow,
      length,
      ACCESS_REMOTE_WRITE,
    );
    return this.writePhysical < 0 ? NAK.REMOTE_ACCESS : REFUSED.no;
  }

  private executeSend(
    slot: number,
    opcode: number,
    psn: Psn,
    size: number,
    ackReq: boolean,
    solicited: boolean,
  ): void {
    const { receives } = this;
    const ends = IS_END[opcode] === 1;
    const immediate = this.immediateOf(slot, opcode);
    const { wrId } = receives;
    const length = this.offset + size;
    this.advance(psn, ends, ends ? GROUP.none : GROUP.send, ackReq, slot);
    if (size > 0) {
      this.writing = this.parts.payloads.begin(slot);
      receives.scatter(this.offset, size, this.addSegment);
    }
    const visible = size > 0 ? this.parts.payloads.start(this.writing, size) : 0;
    this.offset += size;
    if (ends) {
      const flags = this.flagsOf(opcode, solicited);
      this.completeReceive(wrId, STATUS.SUCCESS, WC_RECV, length, immediate, flags, slot, visible);
    }
    if (size === 0) this.parts.pool.release(slot);
  }

  private executeWrite(
    slot: number,
    opcode: number,
    psn: Psn,
    size: number,
    ackReq: boolean,
    solicited: boolean,
  ): void {
    const { receives, parts } = this;
    const ends = IS_END[opcode] === 1;
    const withImmediate = (EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0;
    const immediate = this.immediateOf(slot, opcode);
    this.advance(psn, ends, ends ? GROUP.none : GROUP.write, ackReq, slot);
    let visible = 0;
    if (size > 0) {
      const writing = parts.payloads.begin(slot);
      parts.payloads.segment(writing, this.writePhysical + this.offset, size);
      visible = parts.payloads.start(writing, size);
    }
    this.offset += size;
    if (ends && withImmediate) {
      const wrId = receives.wrIdAt(receives.consumed++, parts.memory);
      const flags = this.flagsOf(opcode, solicited);
      const opcodeOf = WC_RECV_RDMA_WITH_IMM;
      this.completeReceive(
        wrId,
        STATUS.SUCCESS,
        opcodeOf,
        this.writeLength,
        immediate,
        flags,
        slot,
        visible,
      );
    }
    if (size === 0) parts.pool.release(slot);
  }

  private executeRead(slot: number, psn: Psn): void {
    const { parts, qp } = this;
    const length = reth.dmaLength;
    const address = reth.vaHigh * 2 ** 32 + reth.vaLow;
    const physical =
      length === 0
        ? 0
        : parts.regions.resolve(reth.rkey, qp.pd, address, length, ACCESS_REMOTE_READ);
    if (physical < 0 || length > MAX_MESSAGE) {
      this.refuse(slot, physical < 0 ? NAK.REMOTE_ACCESS : NAK.INVALID_REQUEST);
      return;
    }
    const packets = Math.max(1, Math.ceil(length / qp.mtu));
    const resource = this.resources.claim(psn, packets, false);
    resource.rkey = reth.rkey;
    resource.address = address;
    resource.length = length;
    this.expectedPsn = addPsn(psn, packets);
    this.msn = (this.msn + 1) & 0xffffff;
    this.answerRead(psn, physical, length, slot);
    parts.pool.release(slot);
  }

  private executeAtomic(slot: number, opcode: number, psn: Psn): void {
    const { parts, qp } = this;
    parseAtomicEth(parts.pool.view, extensionsAt(parts.pool, slot), atomicEth);
    const address = atomicEth.vaHigh * 2 ** 32 + atomicEth.vaLow;
    if (atomicEth.vaLow % 8 !== 0) {
      this.refuse(slot, NAK.INVALID_REQUEST);
      return;
    }
    const physical = parts.regions.resolve(atomicEth.rkey, qp.pd, address, 8, ACCESS_REMOTE_ATOMIC);
    if (physical < 0) {
      this.refuse(slot, NAK.REMOTE_ACCESS);
      return;
    }
    const resource = this.resources.claim(psn, 1, true);
    this.expectedPsn = addPsn(psn, 1);
    this.msn = (this.msn + 1) & 0xffffff;
    const response = qp.responses.atomic(psn, ACK_NO_CREDIT, this.msn, slot);
    const swaps = opcode === OPCODE.RC_CMP_SWAP;
    this.running.push({
      response,
      resource,
      physical,
      swaps,
      operandHigh: atomicEth.swapHigh,
      operandLow: atomicEth.swapLow,
      compareHigh: atomicEth.compareHigh,
      compareLow: atomicEth.compareLow,
    });
    const end = qp.engine.atomicUnit(response.chain);
    parts.scheduler.at(end, parts.sequencer.key(), parts.engineSink, ENGINE_EVENT.atomic, qp.index);
    parts.pool.release(slot);
  }

  private answerRead(psn: Psn, physical: number, length: number, frame: number): void {
    const { parts, qp } = this;
    const from = Math.max(parts.scheduler.now, parts.dma.writesVisibleAt);
    qp.responses.read(psn, ACK_NO_CREDIT, this.msn, physical, length, from, frame);
  }

  private answerDuplicate(slot: number, opcode: number, psn: Psn, ackReq: boolean): void {
    const { parts, qp } = this;
    const group = GROUP_OF[opcode]!;
    if (group <= GROUP.write) {
      // The last good PSN is acknowledged, whichever duplicate this is (IBTA 9.7.5.1.1).
      if (ackReq || IS_END[opcode] === 1) {
        this.answer(addPsn(this.expectedPsn, -1), ACK_NO_CREDIT, false, slot);
      }
      return;
    }
    const resource = this.resources.find(psn);
    if (resource === undefined) return;
    if (resource.atomic !== (group === GROUP.atomic)) return;
    if (resource.atomic) {
      if (!resource.done || resource.firstPsn !== psn) return;
      const response = qp.responses.atomic(psn, ACK_NO_CREDIT, this.msn, slot);
      qp.responses.atomicDone(response, resource.originalHigh, resource.originalLow);
      return;
    }
    parseReth(parts.pool.view, extensionsAt(parts.pool, slot), reth);
    const skipped = psnDistance(psn, resource.firstPsn) * qp.mtu;
    const address = reth.vaHigh * 2 ** 32 + reth.vaLow;
    const inside =
      reth.rkey === resource.rkey &&
      address === resource.address + skipped &&
      reth.dmaLength <= resource.length - skipped;
    if (!inside) return;
    const { dmaLength } = reth;
    // The key is looked up again: it may have gone since (rule 28).
    const physical =
      dmaLength === 0
        ? 0
        : parts.regions.resolve(reth.rkey, qp.pd, address, dmaLength, ACCESS_REMOTE_READ);
    if (physical >= 0) this.answerRead(psn, physical, dmaLength, slot);
  }

  /** The packet is accepted: the next PSN is expected, a whole message counts, and an ACK goes out if asked for. */
  private advance(psn: Psn, ends: boolean, message: number, ackReq: boolean, slot: number): void {
    this.expectedPsn = addPsn(psn, 1);
    this.message = message;
    if (ends) this.msn = (this.msn + 1) & 0xffffff;
    if (ackReq) this.answer(psn, ACK_NO_CREDIT, false, slot);
  }

  private answer(psn: Psn, syndrome: number, isNak: boolean, frame: number): void {
    this.qp.responses.acknowledge(psn, syndrome, this.msn, isNak, frame);
  }

  /** A NAK that ends the connection: this side's queue pair goes to ERR too. */
  private refuse(slot: number, syndrome: number): void {
    this.parts.counters.naks_sent++;
    this.answer(this.expectedPsn, syndrome, true, slot);
    this.parts.pool.release(slot);
    this.qp.enterError();
  }

  private drop(slot: number): void {
    this.parts.counters.dropped++;
    this.parts.pool.release(slot);
  }

  private failReceive(status: number): void {
    this.completeReceive(this.receives.wrId, status, WC_RECV, 0, 0, 0, -1, 0);
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.writing, physical, length);
  };

  private immediateOf(slot: number, opcode: number): number {
    if ((EXTENSION_BITS[opcode]! & EXTENSION.immediate) === 0) return 0;
    const { pool } = this.parts;
    const at = extensionsAt(pool, slot) + EXTENSION_LENGTH[opcode]! - IMM_DT_LENGTH;
    parseImmDt(pool.view, at, immDt);
    return immDt.immediate;
  }

  private flagsOf(opcode: number, solicited: boolean): number {
    const immediate = (EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0;
    return (
      CQE_FLAG.receive | (immediate ? CQE_FLAG.immediate : 0) | (solicited ? CQE_FLAG.solicited : 0)
    );
  }

  private completeReceive(
    wrId: number,
    status: number,
    opcode: number,
    byteLen: number,
    immediate: number,
    flags: number,
    frame: number,
    visible: number,
  ): void {
    const { completions, pool } = this.parts;
    const completion = completions.allocate();
    if (frame >= 0) completions.chains.copy(completion, pool.chains, frame);
    const entry = completions.at(completion);
    entry.queue = this.qp.recvCq;
    entry.wrId = wrId;
    entry.status = status;
    entry.opcode = opcode;
    entry.byteLen = byteLen;
    entry.immediate = immediate;
    entry.qpNum = this.qp.number;
    entry.vendorErr = 0;
    entry.flags = flags | CQE_FLAG.receive;
    entry.wqeCounter = this.receives.consumed >>> 0;
    completions.post(completion, visible);
  }
}
