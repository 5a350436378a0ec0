/**
 * What a responder has to answer, in order: acknowledgements, NAKs, atomic results and READ responses, whose payload it
 * fetches ahead of the port. An acknowledgement still waiting for the port is replaced by the next one (coalescing).
 */
import { draw } from '../../../sim/cost.js';
import { LoggedChains } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { STAGE } from '../../../sim/stages.js';
import { addPsn, type Psn } from '../../../units/psn.js';
import { ACK_NO_CREDIT, AETH_LENGTH, NAK } from '../../../wire/aeth.js';
import { emitAtomicAckEth, newAtomicAckEth } from '../../../wire/atomic-ack-eth.js';
import { EXTENSION, EXTENSION_BITS, OPCODE } from '../../../wire/opcode-table.js';
import { lookUpTime } from '../nic/iommu.js';
import { copyFromMemory } from '../nic/payload-writer.js';
import type { TransmitSource } from '../nic/transmitter.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { ACCESS } from './access-flags.js';
import type { EngineParts } from './engine-parts.js';
import { piecesOf, REFUSED, type HeldFrames, type TakePiece } from './memory-region.js';
import { beginPacket, extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import type { RcTransport } from './rc-transport.js';
import { ReadyRing } from './ready-ring.js';
import { positionOf } from './request-opcodes.js';
import type { Resource } from './responder-resources.js';

const KIND = { acknowledge: 0, atomic: 1, read: 2 } as const;

interface Response {
  kind: number;
  psn: Psn;
  msn: number;
  syndrome: number;
  /** Atomic result; `known` once the atomic unit has done it. */
  originalHigh: number;
  originalLow: number;
  known: boolean;
  /**
   * READ: what was asked for, where it lies in this generation of regions, and how many packets were fetched and sent.
   */
  rkey: number;
  address: number;
  physical: number;
  generation: number;
  /** Pages on demand stay until they are sent, whatever the process does with them. */
  held: HeldFrames | null;
  length: number;
  packets: number;
  fetched: number;
  sent: number;
  /** Not before. */
  from: number;
  /** What it answers for the first time: in use until it has left. */
  resource: Resource | null;
  readonly chain: LoggedChains;
}

const atomicAck = newAtomicAckEth();

const READ_OPCODES = Uint8Array.of(
  OPCODE.RC_READ_RESP_FIRST,
  OPCODE.RC_READ_RESP_MIDDLE,
  OPCODE.RC_READ_RESP_LAST,
  OPCODE.RC_READ_RESP_ONLY,
);

export class ResponseStream implements TransmitSource {
  readyAt = Infinity;
  waiting = false;
  private readonly queue: Response[] = [];
  private readonly free: Response[] = [];
  /** The first response that is not fetched wholly. */
  private fetching = 0;
  private readonly ring: ReadyRing;
  /** The frame that pieces of memory go into, and how far it has come. */
  private frame: FrameSlot = NO_FRAME_SLOT;
  private filled = 0;
  private readonly rc: RcTransport;
  private readonly qp: QueuePair;
  private readonly parts: EngineParts;

  constructor(rc: RcTransport, parts: EngineParts) {
    this.rc = rc;
    this.qp = rc.qp;
    this.parts = parts;
    this.ring = new ReadyRing(parts.pool.chainLog);
  }

  /** An ACK, or a NAK with its syndrome; `frame` is the request that it answers. */
  acknowledge(psn: Psn, syndrome: number, msn: number, isNak: boolean, frame: FrameSlot): void {
    const last = this.queue.at(-1);
    if (
      last?.kind === KIND.acknowledge &&
      !isNak &&
      last.syndrome === syndrome &&
      last.sent === 0
    ) {
      last.psn = psn;
      last.msn = msn;
      last.chain.copy(0, this.parts.pool.chains, frame);
      if (last.fetched > 0 && this.ring.count > 0) {
        this.ring.chains.copy(this.ring.lastRow, this.parts.pool.chains, frame);
      }
      return;
    }
    const response = this.add(KIND.acknowledge, psn, msn, frame);
    response.syndrome = syndrome;
    response.known = true;
    response.from = this.parts.scheduler.now;
    this.fill();
  }

  /** Room for an atomic's result, which {@link atomicDone} fills in. */
  atomic(psn: Psn, syndrome: number, msn: number, frame: FrameSlot): Response {
    const response = this.add(KIND.atomic, psn, msn, frame);
    response.syndrome = syndrome;
    return response;
  }

  atomicDone(response: Response, originalHigh: number, originalLow: number): void {
    response.originalHigh = originalHigh;
    response.originalLow = originalLow;
    response.known = true;
    response.from = this.parts.scheduler.now;
    response.chain.advance(0, STAGE.atomic, response.from);
    this.fill();
  }

  /** READ responses of `length` bytes at `address`, which is `physical`, not fetched before `from`. */
  read(
    psn: Psn,
    msn: number,
    rkey: number,
    address: number,
    physical: number,
    length: number,
    from: number,
    frame: FrameSlot,
  ): Response {
    const response = this.add(KIND.read, psn, msn, frame);
    response.syndrome = ACK_NO_CREDIT;
    response.rkey = rkey;
    response.address = address;
    response.physical = physical;
    response.generation = this.parts.regions.generation;
    response.held = length > 0 ? this.parts.regions.demandFrames(rkey, address, length) : null;
    if (response.held !== null) this.parts.memory.table.holdAll(response.held.frames);
    response.length = length;
    response.packets = Math.max(1, Math.ceil(length / this.qp.attributes.pathMtu));
    response.known = true;
    response.from = from;
    this.fill();
    return response;
  }

  /** Drops what is queued: the queue pair is reset. */
  clear(): void {
    while (this.queue.length > 0) this.retire(this.queue.pop()!);
    this.fetching = 0;
    this.ring.clear();
    this.readyAt = Infinity;
  }

  transmit(): void {
    const { parts, rc, ring } = this;
    const { pool } = parts;
    const { now } = parts.scheduler;
    const response = this.queue[0]!;
    const row = ring.bind(now, response.sent === 0);
    const gone = !this.holds(response);
    if (gone) this.refuse(response);
    const frame = this.build(response);
    pool.chains.copy(frame, ring.chains, row);
    rc.qp.tally.sent(pool.frames[frame]!.length);
    parts.transmitter.commit(frame, rc.path!.destination);
    ring.sentAt(parts.transmitter.portFree);
    response.sent++;
    if (response.sent === response.packets) {
      this.queue.shift();
      this.fetching--;
      this.retire(response);
    }
    if (gone) rc.enterError();
    this.fill();
  }

  /** Whether the region of a READ still is what it was when the request was checked (rule 28). */
  private holds(response: Response): boolean {
    const { regions } = this.parts;
    if (response.kind !== KIND.read || response.length === 0) return true;
    if (response.generation === regions.generation) return true;
    const { rkey, address, length } = response;
    response.generation = regions.generation;
    response.physical = regions.resolve(rkey, this.qp.pd, address, length, ACCESS.REMOTE_READ);
    return response.physical !== REFUSED;
  }

  private retire(response: Response): void {
    if (response.held !== null) this.parts.memory.table.letGoAll(response.held.frames);
    response.held = null;
    if (response.resource !== null) response.resource.inUse = false;
    response.resource = null;
    this.free.push(response);
  }

  /** Instead of the rest of this READ, and of all answers behind it, there is a NAK. */
  private refuse(response: Response): void {
    while (this.queue.length > 1) this.retire(this.queue.pop()!);
    this.ring.clear();
    this.fetching = 1;
    this.parts.counters.naks_sent++;
    response.kind = KIND.acknowledge;
    response.psn = addPsn(response.psn, response.sent);
    response.syndrome = NAK.REMOTE_ACCESS;
    response.packets = 1;
    response.sent = 0;
  }

  private add(kind: number, psn: Psn, msn: number, frame: FrameSlot): Response {
    const response = this.free.pop() ?? newResponse(this.parts.pool.chainLog);
    response.kind = kind;
    response.psn = psn;
    response.msn = msn;
    response.packets = 1;
    response.fetched = response.sent = 0;
    response.length = 0;
    response.known = false;
    response.chain.copy(0, this.parts.pool.chains, frame);
    this.queue.push(response);
    return response;
  }

  private fill(): void {
    const { ring, parts } = this;
    const { readAhead } = parts.profile.nic;
    while (!ring.full && ring.bytes < readAhead && this.fetching < this.queue.length) {
      const response = this.queue[this.fetching]!;
      if (!response.known) break;
      this.fetch(response);
      if (response.fetched === response.packets) this.fetching++;
    }
    this.readyAt = ring.readyAt;
    if (this.readyAt !== Infinity) parts.transmitter.activate(this);
  }

  private fetch(response: Response): void {
    const { ring, parts } = this;
    const { pathMtu } = this.qp.attributes;
    const { now } = parts.scheduler;
    const row = ring.nextRow;
    if (response.fetched === 0) {
      ring.chains.copy(row, response.chain, 0);
      // Until now answers before it had the NIC.
      ring.chains.advance(row, STAGE.nic_wait, now);
    } else {
      ring.chains.copy(row, ring.chains, ring.lastRow);
    }
    let ready = response.from > now ? response.from : now;
    const size = Math.min(response.length - response.fetched * pathMtu, pathMtu);
    if (response.kind === KIND.read && size > 0) {
      if (parts.iommu !== null) ready = this.translated(response, size, ready);
      ready = parts.dma.read(ready, size);
      ring.chains.advance(row, STAGE.payload_fetch, ready);
    }
    const { tx } = parts.profile.nic;
    if (tx.jitter !== null) {
      ready += draw(tx, parts.random) - tx.ps;
      ring.chains.advance(row, STAGE.nic_tx, ready);
    }
    ring.push(ready, size);
    response.fetched++;
  }

  /** When the IOMMU has translated the addresses of the next packet to be fetched, asked at `at`. */
  private translated(response: Response, size: number, at: number): number {
    const { ring, parts } = this;
    const { pathMtu } = this.qp.attributes;
    // A region that has gone is found when the packet is built.
    if (parts.regions.find(response.rkey) === undefined) return at;
    let end = at;
    this.pieces(response, response.fetched * pathMtu, size, (physical, length) => {
      end += lookUpTime(parts.iommu, physical, length);
    });
    ring.chains.advance(ring.nextRow, STAGE.payload_fetch, at);
    ring.chains.advance(ring.nextRow, STAGE.translate, end);
    return end;
  }

  private build(response: Response): FrameSlot {
    const { path } = this.rc;
    const { pathMtu, destQpNum } = this.qp.attributes;
    const { pool } = this.parts;
    const packet = response.sent;
    const opcode =
      response.kind === KIND.read
        ? READ_OPCODES[positionOf(packet, response.packets)]!
        : response.kind === KIND.atomic
          ? OPCODE.RC_ATOMIC_ACK
          : OPCODE.RC_ACK;
    const offset = packet * pathMtu;
    const size = response.kind === KIND.read ? Math.min(response.length - offset, pathMtu) : 0;
    const psn = addPsn(response.psn, packet);
    const frame = beginPacket(pool, path!, opcode, destQpNum, psn, size, false, false);
    const headers = pool.frames[frame]!;
    const bits = EXTENSION_BITS[opcode]!;
    if ((bits & EXTENSION.aeth) !== 0) {
      headers.syndrome = response.syndrome;
      headers.msn = response.msn;
    }
    if ((bits & EXTENSION.atomicAck) !== 0) {
      atomicAck.originalHigh = response.originalHigh;
      atomicAck.originalLow = response.originalLow;
      pool.writeOut(frame);
      emitAtomicAckEth(pool.view, extensionsAt(pool, frame) + AETH_LENGTH, atomicAck);
    }
    if (size > 0) this.fillPayload(response, offset, size, frame);
    return frame;
  }

  private fillPayload(response: Response, offset: number, size: number, frame: FrameSlot): void {
    this.frame = frame;
    this.filled = 0;
    this.pieces(response, offset, size, this.addPiece);
  }

  /** Hands out where `size` bytes at `offset` of what a READ asks for lie. */
  private pieces(response: Response, offset: number, size: number, take: TakePiece): void {
    const { held, physical, rkey, address } = response;
    if (held !== null) piecesOf(held.frames, held.skew + offset, size, take);
    else if (physical >= 0) take(physical + offset, size);
    else this.parts.regions.pieces(rkey, address + offset, size, take);
  }

  private readonly addPiece = (physical: number, length: number): void => {
    copyFromMemory(this.parts.memory, physical, length, this.parts.pool, this.frame, this.filled);
    this.filled += length;
  };
}

export type { Response };

const newResponse = (log: ChainLog): Response => ({
  kind: KIND.acknowledge,
  psn: 0 as Psn,
  msn: 0,
  syndrome: 0,
  originalHigh: 0,
  originalLow: 0,
  known: false,
  rkey: 0,
  address: 0,
  physical: 0,
  generation: 0,
  held: null,
  length: 0,
  packets: 1,
  fetched: 0,
  sent: 0,
  from: 0,
  resource: null,
  chain: new LoggedChains(log, 1),
});
