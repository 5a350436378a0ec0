/**
 * The answering half of a reliable connection. A request that its checks (request-checks.ts) let on is executed; one
 * that they refuse is answered with a NAK (IBTA 9.7.5.2), silence, or what a duplicate is answered with (9.7.5.1).
 */
import { STAGE } from '../../../sim/stages.js';
import { addPsn, psnDistance, type Psn } from '../../../units/psn.js';
import { ACK_NO_CREDIT, rnrNakSyndrome } from '../../../wire/aeth.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import { ACCESS } from './access-flags.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { EngineParts } from './engine-parts.js';
import { ABSENT, REFUSED } from './memory-region.js';
import type { QueuePair } from './queue-pair.js';
import type { RcTransport } from './rc-transport.js';
import { ReceiveCompletions } from './receive-completions.js';
import type { ReceiveSource } from './receive-source.js';
import {
  MEMORY_PAGED_OUT,
  RECEIVE_NOT_OURS,
  RECEIVE_PAGED_OUT,
  RECEIVE_TOO_SHORT,
  refusalOf,
  RequestContext,
  type Refusal,
} from './request-checks.js';
import { GROUP, GROUP_OF } from './request-group.js';
import type { Response } from './response-stream.js';
import { RunningAtomics } from './running-atomics.js';
import { WC_RECV, WC_RECV_RDMA_WITH_IMM } from './work-queue-entry.js';

export class Responder {
  readonly atomics: RunningAtomics;
  private msn = 0;
  /** A NAK told of a gap or a missing receive; no other until the expected packet comes (rule 111). */
  private nakSent = false;
  /** The payload that is being written. */
  private writing = 0;
  /** Requests behind an atomic that is not done yet: they wait in the NIC, and are looked at in their order. */
  private readonly held: FrameSlot[] = [];
  /** The request being looked at, the message that it is part of, and what is remembered of those before. */
  private readonly context: RequestContext;
  private readonly completions: ReceiveCompletions;
  private readonly rc: RcTransport;
  private readonly qp: QueuePair;
  private readonly receives: ReceiveSource;
  private readonly parts: EngineParts;

  constructor(rc: RcTransport, receives: ReceiveSource, parts: EngineParts) {
    this.rc = rc;
    this.qp = rc.qp;
    this.receives = receives;
    this.parts = parts;
    this.context = new RequestContext(rc.qp, receives, parts);
    this.atomics = new RunningAtomics(rc, parts);
    this.completions = new ReceiveCompletions(rc.qp, parts);
  }

  /** Begins to answer, from `psn` on: INIT to RTR. */
  reset(psn: Psn): void {
    this.context.expectedPsn = psn;
    this.msn = 0;
    this.nakSent = false;
    this.context.resources.reset(this.qp.attributes.maxDestRdAtomic);
  }

  /** Forgets everything in progress: the queue pair is reset. */
  stop(): void {
    this.context.message.group = GROUP.none;
    this.atomics.stop();
    this.dropHeld();
  }

  /** max_dest_rd_atomic has changed. */
  resize(): void {
    this.context.resources.resize(this.qp.attributes.maxDestRdAtomic);
  }

  /** Receives that were posted complete with WR_FLUSH_ERR, that of a message in progress first. */
  flush(): void {
    const { completions, receives } = this;
    const { message } = this.context;
    if (message.group === GROUP.send) completions.fail(message.receive, STATUS.WR_FLUSH_ERR);
    message.group = GROUP.none;
    completions.flush(receives, message.receive);
    this.dropHeld();
  }

  /**
   * A request that came through the receive checks. Takes frame `slot` over. SENDs, WRITEs and atomics are executed in
   * the order received (IBTA C9-28): what is behind an atomic waits until that is done.
   */
  receive(slot: FrameSlot, packet: Frame): void {
    if (this.held.length > 0 || this.waitsForAtomic(packet)) this.held.push(slot);
    else this.look(slot, packet);
  }

  /** The oldest atomic is done: what waits behind it goes on, up to the next one. */
  atomicDone(): void {
    this.atomics.done();
    const { held, parts } = this;
    while (held.length > 0) {
      const slot = held[0]!;
      const packet = parts.pool.frames[slot]!;
      if (this.waitsForAtomic(packet)) return;
      held.shift();
      parts.pool.chains.advance(slot, STAGE.nic_wait, parts.scheduler.now);
      this.look(slot, packet);
    }
  }

  /** A READ is answered behind the atomic, and an atomic is done behind it, without waiting here. */
  private waitsForAtomic({ opcode }: Frame): boolean {
    return this.atomics.count > 0 && GROUP_OF[opcode]! <= GROUP.write;
  }

  private dropHeld(): void {
    const { held, parts } = this;
    for (const slot of held.splice(0)) parts.pool.release(slot);
  }

  private look(slot: FrameSlot, packet: Frame): void {
    const { parts, context } = this;
    if (!context.begin(slot, packet)) {
      parts.counters.dropped++;
      parts.pool.release(slot);
      return;
    }
    const refusal = refusalOf(context);
    if (refusal !== null) {
      this.refuse(slot, packet, refusal);
      return;
    }
    this.nakSent = false;
    if (context.group === GROUP.read) this.executeRead(slot, packet);
    else if (context.group === GROUP.atomic) this.executeAtomic(slot, packet);
    else this.executeMessage(slot, packet);
  }

  private refuse(slot: FrameSlot, packet: Frame, refusal: Refusal): void {
    const { parts, qp } = this;
    const { counters, pool, refused } = parts;
    const psn = packet.psn as Psn;
    if (refused !== null) refused(qp.number, psn, refusal.check, refusal.says);
    switch (refusal.answer) {
      case 'duplicate':
        counters.duplicates_received++;
        this.answerDuplicate(slot, packet);
        break;
      case 'sequence':
        counters.out_of_sequence++;
        // One NAK until the gap closes (IBTA 9.7.5.2.1, C9-113).
        if (!this.nakSent) {
          this.nakSent = true;
          this.sendNak(slot, refusal.syndrome);
        }
        break;
      case 'not ready':
        this.faultIn(refusal);
        counters.rnr_naks_sent++;
        qp.tally.notReadySent++;
        this.nakSent = true;
        this.answer(psn, rnrNakSyndrome(qp.attributes.minRnrTimer), true, slot);
        break;
      case 'nak':
        this.failReceive(refusal);
        this.sendNak(slot, refusal.syndrome);
        break;
    }
    pool.release(slot);
    // A NAK that ends the connection: this side's queue pair goes to ERR too.
    if (refusal.answer === 'nak') this.rc.enterError();
  }

  /** What was refused because its pages are not in memory has them brought in meanwhile. */
  private faultIn(refusal: Refusal): void {
    const { memory, pageFaults } = this.parts;
    const { message, group } = this.context;
    const { rkey, address, length, receive } = message;
    if (refusal === RECEIVE_PAGED_OUT) receive.faultIn(memory, pageFaults);
    else if (refusal === MEMORY_PAGED_OUT) {
      pageFaults.begin(rkey, address, length, group !== GROUP.read);
    }
  }

  /** A receive that its message cannot go into is used up, and completes with an error. */
  private failReceive(refusal: Refusal): void {
    if (refusal !== RECEIVE_NOT_OURS && refusal !== RECEIVE_TOO_SHORT) return;
    const { message, starts } = this.context;
    const { receive } = message;
    if (starts) receive.take(this.receives);
    message.group = GROUP.none;
    const status = refusal === RECEIVE_NOT_OURS ? STATUS.LOC_PROT_ERR : STATUS.LOC_LEN_ERR;
    this.completions.fail(receive, status);
  }

  /**
   * A packet of a SEND or a WRITE: its payload goes where the checks found, and the last one may complete a receive.
   */
  private executeMessage(slot: FrameSlot, packet: Frame): void {
    const { parts, context, receives, completions } = this;
    const { message, group, starts, ends, hasImmediate } = context;
    const { receive } = message;
    const { payloadLength: size } = packet;
    if (starts) message.offset = 0;
    if (starts && group === GROUP.send) receive.take(receives);
    this.advance(packet, ends, group, slot);
    const visible = size > 0 ? this.place(slot, size, group) : 0;
    message.offset += size;
    if (group === GROUP.write && hasImmediate) receive.takeUnchecked(receives, parts.memory);
    if (hasImmediate || (group === GROUP.send && ends)) {
      const opcode = group === GROUP.send ? WC_RECV : WC_RECV_RDMA_WITH_IMM;
      const flags =
        (hasImmediate ? CQE_FLAG.immediate : 0) | (packet.solicited === 1 ? CQE_FLAG.solicited : 0);
      completions.succeed(receive, opcode, message.offset, flags, slot, visible);
    }
    if (size === 0) parts.pool.release(slot);
  }

  /** Writes `size` bytes of payload; when they are visible. */
  private place(slot: FrameSlot, size: number, group: number): number {
    const { payloads, regions } = this.parts;
    const { receive, offset, physical, rkey, address } = this.context.message;
    this.writing = payloads.begin(slot);
    if (group === GROUP.send) receive.scatter(offset, size, this.addSegment);
    else if (physical >= 0) payloads.segment(this.writing, physical + offset, size);
    else regions.pieces(rkey, address + offset, size, this.addSegment);
    return payloads.start(this.writing, size);
  }

  private executeRead(slot: FrameSlot, packet: Frame): void {
    const { parts, qp, context } = this;
    const { rkey, address, length, physical } = context.message;
    const psn = packet.psn as Psn;
    const packets = Math.max(1, Math.ceil(length / qp.attributes.pathMtu));
    const resource = context.resources.claim(psn, packets, false);
    resource.rkey = rkey;
    resource.address = address;
    resource.length = length;
    context.expectedPsn = addPsn(psn, packets);
    this.msn = (this.msn + 1) & 0xffffff;
    this.answerRead(psn, rkey, address, physical, length, slot).resource = resource;
    parts.pool.release(slot);
  }

  private executeAtomic(slot: FrameSlot, { opcode, psn: at }: Frame): void {
    const { parts, rc, context } = this;
    const { atomic, physical } = context.message;
    const psn = at as Psn;
    const resource = context.resources.claim(psn, 1, true);
    context.expectedPsn = addPsn(psn, 1);
    this.msn = (this.msn + 1) & 0xffffff;
    const response = rc.responses.atomic(psn, ACK_NO_CREDIT, this.msn, slot);
    response.resource = resource;
    this.atomics.start(opcode, psn, atomic, physical, resource, response);
    parts.pool.release(slot);
  }

  private answerRead(
    psn: Psn,
    rkey: number,
    address: number,
    physical: number,
    length: number,
    frame: FrameSlot,
  ): Response {
    const { parts, rc } = this;
    const from = Math.max(parts.scheduler.now, parts.dma.writesVisibleAt);
    return rc.responses.read(psn, this.msn, rkey, address, physical, length, from, frame);
  }

  private answerDuplicate(slot: FrameSlot, packet: Frame): void {
    const { parts, rc, qp, context } = this;
    const { group, ends, resources, expectedPsn } = context;
    if (group <= GROUP.write) {
      // The last good PSN is acknowledged, whichever duplicate this is (IBTA 9.7.5.1.1).
      if (packet.ackReq === 1 || ends) {
        this.answer(addPsn(expectedPsn, -1), ACK_NO_CREDIT, false, slot);
      }
      return;
    }
    const psn = packet.psn as Psn;
    const resource = resources.find(psn);
    if (resource === undefined || resource.atomic !== (group === GROUP.atomic)) return;
    if (resource.atomic) {
      if (!resource.done) return;
      const response = rc.responses.atomic(psn, ACK_NO_CREDIT, this.msn, slot);
      rc.responses.atomicDone(response, resource.originalHigh, resource.originalLow);
      return;
    }
    const skipped = psnDistance(psn, resource.firstPsn) * qp.attributes.pathMtu;
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

  /** Where what a READ asks for again lies, as regions resolve it. A READ of nothing names no memory (rule 73). */
  private resolveRead(rkey: number, address: number, length: number): number {
    if (length === 0) return 0;
    return this.parts.regions.resolve(rkey, this.qp.pd, address, length, ACCESS.REMOTE_READ);
  }

  /** The packet is accepted: the next PSN is expected, a whole message counts, and an ACK goes out if asked for. */
  private advance(packet: Frame, ends: boolean, group: number, slot: FrameSlot): void {
    const { context } = this;
    const psn = packet.psn as Psn;
    context.expectedPsn = addPsn(psn, 1);
    context.message.group = ends ? GROUP.none : group;
    if (ends) this.msn = (this.msn + 1) & 0xffffff;
    if (packet.ackReq === 1) this.answer(psn, ACK_NO_CREDIT, false, slot);
  }

  private sendNak(frame: FrameSlot, syndrome: number): void {
    this.parts.counters.naks_sent++;
    this.answer(this.context.expectedPsn, syndrome, true, frame);
  }

  private answer(psn: Psn, syndrome: number, isNak: boolean, frame: FrameSlot): void {
    this.rc.responses.acknowledge(psn, syndrome, this.msn, isNak, frame);
  }

  private readonly addSegment = (physical: number, length: number): void => {
    this.parts.payloads.segment(this.writing, physical, length);
  };
}
