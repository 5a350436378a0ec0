/**
 * The answering half of a queue pair. A request passes the checks in this order, each of which lets it on or refuses it:
 *
 *     checkPsn -> checkOpSequence -> checkOperation -> checkLength -> checkResource -> execute
 *
 * Refusals are NAKs (IBTA 9.7.5.2), silence, or the answer to a duplicate (9.7.5.1).
 */
import { addPsn, psnDistance, type Psn } from '../../../units/psn.js';
import { ACK_NO_CREDIT, NAK, rnrNakSyndrome } from '../../../wire/aeth.js';
import { newAtomicEth, parseAtomicEth } from '../../../wire/atomic-eth.js';
import { EXTENSION, EXTENSION_BITS, IS_END, IS_START } from '../../../wire/opcode-table.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { Frame } from '../fabric/frame.js';
import type { EngineParts } from './engine-parts.js';
import {
  ABSENT,
  ACCESS_REMOTE_ATOMIC,
  ACCESS_REMOTE_READ,
  ACCESS_REMOTE_WRITE,
  REFUSED,
} from './memory-region.js';
import { extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import { ReceiveCompletions } from './receive-completions.js';
import type { ReceiveQueue } from './receive-queue.js';
import { ACCESS_OF_GROUP, GROUP, GROUP_OF } from './request-group.js';
import { ResponderResources } from './responder-resources.js';
import { RunningAtomics } from './running-atomics.js';
import { MAX_MESSAGE, WC_RECV, WC_RECV_RDMA_WITH_IMM } from './work-queue-entry.js';

const atomicEth = newAtomicEth();

/** How a check ends: the packet may go on, a receive is wanting, or the NAK it is refused with. */
const GO_ON = 0;
const NOT_READY = 1;

const ATOMIC_BYTES = 8;
/** A generation of regions that there never is. */
const NEVER = -1;

export class Responder {
  readonly atomics: RunningAtomics;
  private expectedPsn = 0 as Psn;
  private msn = 0;
  /** A NAK told of a gap or a missing receive; no other until the expected packet comes (rule 111). */
  private nakSent = false;
  /** The message in progress: its group, how much of it is here, and for a WRITE where it goes. */
  private message: number = GROUP.none;
  private offset = 0;
  private writeKey = 0;
  private writeAddress = 0;
  private writeLength = 0;
  private writePhysical = 0;
  private writeGeneration = NEVER;
  private writing = 0;
  /** The request being looked at. */
  private packet!: Frame;
  private readonly resources = new ResponderResources();
  private readonly completions: ReceiveCompletions;
  private readonly qp: QueuePair;
  private readonly receives: ReceiveQueue;
  private readonly parts: EngineParts;

  constructor(qp: QueuePair, receives: ReceiveQueue, parts: EngineParts) {
    this.qp = qp;
    this.receives = receives;
    this.parts = parts;
    this.atomics = new RunningAtomics(qp, parts);
    this.completions = new ReceiveCompletions(qp, receives, parts);
  }

  /** Begins to answer, from `psn` on: INIT to RTR. */
  reset(psn: Psn): void {
    this.expectedPsn = psn;
    this.msn = 0;
    this.nakSent = false;
    this.resources.reset(this.qp.maxDestRdAtomic);
  }

  /** Forgets everything in progress: the queue pair is reset. */
  stop(): void {
    this.message = GROUP.none;
    this.atomics.stop();
  }

  /** max_dest_rd_atomic has changed. */
  resize(): void {
    this.resources.resize(this.qp.maxDestRdAtomic);
  }

  /** Receives that were posted complete with WR_FLUSH_ERR, that of a message in progress first. */
  flush(): void {
    if (this.message === GROUP.send) this.completions.fail(STATUS.WR_FLUSH_ERR);
    this.message = GROUP.none;
    this.completions.flush();
  }

  /** A request that came through the receive checks. Takes frame `slot` over. */
  receive(slot: number, packet: Frame): void {
    const { parts } = this;
    const { opcode, payloadLength: size } = packet;
    const psn = packet.psn as Psn;
    const ackReq = packet.ackReq === 1;
    const solicited = packet.solicited === 1;
    this.packet = packet;
    const group = GROUP_OF[opcode]!;
    if (group === GROUP.none) {
      parts.counters.dropped++;
      parts.pool.release(slot);
      return;
    }
    if (!this.checkPsn(slot, opcode, psn, ackReq)) return;
    const verdict =
      this.checkOpSequence(opcode, group) ||
      this.checkOperation(opcode, group) ||
      this.checkLength(opcode, group, size) ||
      this.checkResource(slot, opcode, group, size);
    if (verdict === NOT_READY) {
      parts.counters.rnr_naks_sent++;
      this.qp.tally.notReadySent++;
      this.nakSent = true;
      this.answer(psn, rnrNakSyndrome(this.qp.minRnrTimer), true, slot);
      parts.pool.release(slot);
    } else if (verdict !== GO_ON) {
      this.refuse(slot, verdict);
    } else if (group === GROUP.send) {
      this.executeSend(slot, opcode, psn, size, ackReq, solicited);
    } else if (group === GROUP.write) {
      this.executeWrite(slot, opcode, psn, size, ackReq, solicited);
    } else if (group === GROUP.read) {
      this.executeRead(slot, psn);
    } else {
      this.executeAtomic(slot, opcode, psn);
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
    return GO_ON;
  }

  /** The queue pair's own access flags (rule 89), and reads only where they may be (rule 101). */
  private checkOperation(opcode: number, group: number): number {
    const needed = ACCESS_OF_GROUP[group]!;
    if ((this.qp.accessFlags & needed) !== needed) {
      return this.parts.profile.nic.qpAccessNak === 'remote_access'
        ? NAK.REMOTE_ACCESS
        : NAK.INVALID_REQUEST;
    }
    if (group >= GROUP.read && this.resources.capacity === 0) return NAK.INVALID_REQUEST;
    // There are no memory windows, so nothing that a SEND could invalidate.
    if ((EXTENSION_BITS[opcode]! & EXTENSION.ieth) !== 0) return NAK.INVALID_REQUEST;
    return GO_ON;
  }

  /**
   * FIRST and MIDDLE are exactly one MTU, LAST 1 to one MTU, a WRITE as long as its RETH said (rule 109); READ requests and
   * atomics carry nothing.
   */
  private checkLength(opcode: number, group: number, size: number): number {
    const { mtu } = this.qp;
    const starts = IS_START[opcode] === 1;
    const ends = IS_END[opcode] === 1;
    if (!ends && size !== mtu) return NAK.INVALID_REQUEST;
    if (size > mtu || (ends && !starts && size === 0)) return NAK.INVALID_REQUEST;
    if (group >= GROUP.read) return size === 0 ? GO_ON : NAK.INVALID_REQUEST;
    if (group === GROUP.write) {
      const length = starts ? this.packet.dmaLength : this.writeLength;
      const at = (starts ? 0 : this.offset) + size;
      if (length > MAX_MESSAGE || (ends ? at !== length : at >= length)) return NAK.INVALID_REQUEST;
    }
    return GO_ON;
  }

  /** A SEND, and the last packet of a WRITE with immediate, need a receive; a WRITE needs memory. */
  private checkResource(slot: number, opcode: number, group: number, size: number): number {
    if (group >= GROUP.read && this.parts.regions.onDemand > 0) return this.checkPages(slot, group);
    if (group === GROUP.send) return this.checkReceive(IS_START[opcode] === 1, size);
    if (group !== GROUP.write) return GO_ON;
    const immediate = (EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0;
    if (immediate && this.receives.empty) return NOT_READY;
    return IS_START[opcode] === 1 ? this.beginWrite() : this.checkWrite();
  }

  private checkReceive(starts: boolean, size: number): number {
    const { receives, parts, qp } = this;
    if (starts && receives.empty) return NOT_READY;
    if (starts) this.offset = 0;
    const { memory, regions } = parts;
    const usable = starts
      ? receives.take(memory, regions, qp.pd)
      : receives.holds(memory, regions, qp.pd);
    if (usable && this.offset + size <= receives.length) return GO_ON;
    if (!usable && receives.absent) {
      receives.faultIn(memory, parts.pageFaults);
      if (starts) receives.putBack();
      return NOT_READY;
    }
    this.message = GROUP.none;
    this.completions.fail(usable ? STATUS.LOC_LEN_ERR : STATUS.LOC_PROT_ERR);
    return usable ? NAK.INVALID_REQUEST : NAK.REMOTE_OPERATIONAL;
  }

  private beginWrite(): number {
    this.offset = 0;
    this.writeKey = this.packet.rkey;
    this.writeAddress = this.packet.vaHigh * 2 ** 32 + this.packet.vaLow;
    this.writeLength = this.packet.dmaLength;
    return this.resolveWrite();
  }

  /** A region may go while a message is written to it (rule 28). */
  private checkWrite(): number {
    return this.writeGeneration === this.parts.regions.generation ? GO_ON : this.resolveWrite();
  }

  private resolveWrite(): number {
    const { regions } = this.parts;
    const { writeKey, writeAddress, writeLength } = this;
    // A WRITE of nothing names no memory: neither key nor address is looked at (rule 73).
    if (writeLength === 0) return GO_ON;
    this.writeGeneration = NEVER;
    this.writePhysical = regions.resolve(
      writeKey,
      this.qp.pd,
      writeAddress,
      writeLength,
      ACCESS_REMOTE_WRITE,
    );
    if (this.writePhysical === REFUSED) return NAK.REMOTE_ACCESS;
    if (this.writePhysical === ABSENT) {
      this.parts.pageFaults.begin(writeKey, writeAddress, writeLength, true);
      return NOT_READY;
    }
    this.writeGeneration = regions.generation;
    return GO_ON;
  }

  private executeSend(
    slot: number,
    opcode: number,
    psn: Psn,
    size: number,
    ackReq: boolean,
    solicited: boolean,
  ): void {
    const { receives, parts } = this;
    const ends = IS_END[opcode] === 1;
    const immediate = this.immediateOf(opcode);
    this.advance(psn, ends, GROUP.send, ackReq, slot);
    let visible = 0;
    if (size > 0) {
      this.writing = parts.payloads.begin(slot);
      receives.scatter(this.offset, size, this.addSegment);
      visible = parts.payloads.start(this.writing, size);
    }
    this.offset += size;
    if (ends) {
      const flags = this.flagsOf(opcode, solicited);
      this.completions.succeed(WC_RECV, this.offset, immediate, flags, slot, visible);
    }
    if (size === 0) parts.pool.release(slot);
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
    const immediate = this.immediateOf(opcode);
    this.advance(psn, ends, GROUP.write, ackReq, slot);
    let visible = 0;
    if (size > 0) {
      this.writing = parts.payloads.begin(slot);
      if (this.writePhysical >= 0) {
        parts.payloads.segment(this.writing, this.writePhysical + this.offset, size);
      } else {
        const at = this.writeAddress + this.offset;
        parts.regions.pieces(this.writeKey, at, size, this.addSegment);
      }
      visible = parts.payloads.start(this.writing, size);
    }
    this.offset += size;
    if ((EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0) {
      receives.takeUnchecked(parts.memory);
      const flags = this.flagsOf(opcode, solicited);
      const { completions, writeLength } = this;
      completions.succeed(WC_RECV_RDMA_WITH_IMM, writeLength, immediate, flags, slot, visible);
    }
    if (size === 0) parts.pool.release(slot);
  }

  private executeRead(slot: number, psn: Psn): void {
    const { parts, qp } = this;
    const length = this.packet.dmaLength;
    const address = this.packet.vaHigh * 2 ** 32 + this.packet.vaLow;
    const physical =
      length > MAX_MESSAGE ? REFUSED : this.resolveRead(this.packet.rkey, address, length);
    if (physical === REFUSED) {
      this.refuse(slot, length > MAX_MESSAGE ? NAK.INVALID_REQUEST : NAK.REMOTE_ACCESS);
      return;
    }
    const packets = Math.max(1, Math.ceil(length / qp.mtu));
    const resource = this.resources.claim(psn, packets, false);
    resource.rkey = this.packet.rkey;
    resource.address = address;
    resource.length = length;
    this.expectedPsn = addPsn(psn, packets);
    this.msn = (this.msn + 1) & 0xffffff;
    this.answerRead(psn, this.packet.rkey, address, physical, length, slot);
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
    this.atomics.start(opcode, psn, atomicEth, physical, resource, response);
    parts.pool.release(slot);
  }

  /** The pages on demand that a READ or an atomic is about must be there; one that names what is not its own goes on. */
  private checkPages(slot: number, group: number): number {
    const { parts, qp } = this;
    const { pool, regions, pageFaults } = parts;
    const { packet } = this;
    let { rkey, dmaLength: length } = packet;
    let address = packet.vaHigh * 2 ** 32 + packet.vaLow;
    const atomic = group === GROUP.atomic;
    if (atomic) {
      parseAtomicEth(pool.view, extensionsAt(pool, slot), atomicEth);
      rkey = atomicEth.rkey;
      address = atomicEth.vaHigh * 2 ** 32 + atomicEth.vaLow;
      length = ATOMIC_BYTES;
      if (address % ATOMIC_BYTES !== 0) return GO_ON;
    }
    if (length === 0 || length > MAX_MESSAGE) return GO_ON;
    const access = atomic ? ACCESS_REMOTE_ATOMIC : ACCESS_REMOTE_READ;
    if (regions.resolve(rkey, qp.pd, address, length, access) !== ABSENT) return GO_ON;
    pageFaults.begin(rkey, address, length, atomic);
    return NOT_READY;
  }

  /** Where what a READ asks for lies, as regions resolve it. A READ of nothing names no memory (rule 73). */
  private resolveRead(rkey: number, address: number, length: number): number {
    if (length === 0) return 0;
    return this.parts.regions.resolve(rkey, this.qp.pd, address, length, ACCESS_REMOTE_READ);
  }

  private answerRead(
    psn: Psn,
    rkey: number,
    address: number,
    physical: number,
    length: number,
    frame: number,
  ): void {
    const { parts, qp } = this;
    const from = Math.max(parts.scheduler.now, parts.dma.writesVisibleAt);
    qp.responses.read(psn, this.msn, rkey, address, physical, length, from, frame);
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
    if (resource === undefined || resource.atomic !== (group === GROUP.atomic)) return;
    if (resource.atomic) {
      if (!resource.done) return;
      const response = qp.responses.atomic(psn, ACK_NO_CREDIT, this.msn, slot);
      qp.responses.atomicDone(response, resource.originalHigh, resource.originalLow);
      return;
    }
    const { packet } = this;
    const skipped = psnDistance(psn, resource.firstPsn) * qp.mtu;
    const address = packet.vaHigh * 2 ** 32 + packet.vaLow;
    const { rkey, dmaLength } = packet;
    const inside =
      rkey === resource.rkey &&
      address === resource.address + skipped &&
      dmaLength <= resource.length - skipped;
    // The key is looked up again: it may have gone since (rule 28).
    const physical = inside ? this.resolveRead(rkey, address, dmaLength) : REFUSED;
    // Pages that have gone meanwhile: it asks again, and finds them there.
    if (physical === ABSENT) parts.pageFaults.begin(rkey, address, dmaLength, false);
    else if (physical !== REFUSED) this.answerRead(psn, rkey, address, physical, dmaLength, slot);
  }

  /** The packet is accepted: the next PSN is expected, a whole message counts, and an ACK goes out if asked for. */
  private advance(psn: Psn, ends: boolean, group: number, ackReq: boolean, slot: number): void {
    this.expectedPsn = addPsn(psn, 1);
    this.message = ends ? GROUP.none : group;
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

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.writing, physical, length);
  };

  private immediateOf(opcode: number): number {
    return (EXTENSION_BITS[opcode]! & EXTENSION.immediate) === 0 ? 0 : this.packet.immediate;
  }

  private flagsOf(opcode: number, solicited: boolean): number {
    const immediate = (EXTENSION_BITS[opcode]! & EXTENSION.immediate) !== 0;
    return (immediate ? CQE_FLAG.immediate : 0) | (solicited ? CQE_FLAG.solicited : 0);
  }
}
