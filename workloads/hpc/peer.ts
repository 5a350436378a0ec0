/**
 * One rank's connection to another: a queue pair, receives posted ahead, and credits for those of the other side.
 *
 * A message takes one credit: one receive that is known to be posted. Messages that carry nothing but credits take
 * none; as each gives back at least half of them, at most two can be under way, and receives are kept for these.
 * Most sends are unsignalled: a signalled one, every few, tells that all before it are done.
 */
import type { MemoryRegion, QueuePair, RecvWr, Sge } from '../../node/program/verbs.js';
import type { Connection } from '../authoring/connect.js';
import {
  emitHeader,
  HEADER_BYTES,
  KIND,
  parseHeader,
  type Header,
  type Offer,
} from './message-header.js';

/** Receives for messages that take no credit: two of credits, one that ends the connection, one to be safe. */
const SPARE_RECEIVES = 4;
/** Send requests beyond one per credit: reads, and messages that take no credit. */
const SPARE_SENDS = 16;
/** The most that is sent inline where the NIC allows more: beyond it, fetching costs no more than the blocks do. */
const MOST_INLINE = 220;

/** What a completion's `wrId` says: which peer, what it was, and its receive slot or its place among the sends. */
export const WORK = { receive: 0, send: 1, read: 2 } as const;
const PLACES = 2 ** 32;
const KINDS = 4;

export interface Work {
  readonly peer: number;
  readonly kind: number;
  readonly place: number;
}

export const workOf = (wrId: number): Work => {
  const upper = Math.floor(wrId / PLACES);
  return { peer: Math.floor(upper / KINDS), kind: upper % KINDS, place: wrId % PLACES };
};

/** A message that arrived before anybody asked for it. `data`: what came with it. */
export interface Arrival extends Header {
  readonly data: Uint8Array;
  readonly offer: Offer | undefined;
}

export interface PeerShape {
  readonly credits: number;
  /** Bytes of one slot, header included. */
  readonly slotBytes: number;
}

/** Slots are posted again several at a time. */
const restockAt = ({ credits }: PeerShape): number => Math.max(1, credits >> 1);
export const receiveSlots = (shape: PeerShape): number =>
  shape.credits + restockAt(shape) + SPARE_RECEIVES;
/** One more than the slots: the header of an inline message, copied when it is posted. */
export const regionBytes = (shape: PeerShape): number =>
  shape.slotBytes * (receiveSlots(shape) + shape.credits + 1);
export const sendDepth = ({ credits }: PeerShape): number => 2 * credits + SPARE_SENDS;
/** Completions that one peer can have in a queue: its receives, and the signalled ones of its sends. */
export const completionsPerPeer = (shape: PeerShape): number =>
  receiveSlots(shape) + sendDepth(shape);

export class Peer {
  readonly rank: number;
  /** Messages that may be sent before more credits come. */
  credits: number;
  readonly arrivals: Arrival[] = [];
  private readonly index: number;
  private readonly qp: QueuePair;
  private readonly region: MemoryRegion;
  private readonly shape: PeerShape;
  /** Send requests posted, and how many of them are known to be done. */
  private posted = 0;
  private retired = 0;
  private lastSignaled = 0;
  /** Which send request last used each send slot, as a count of `posted`. */
  private readonly usedBy: number[];
  private nextSlot = 0;
  /** Receive slots to post again, and how many of them took a credit. */
  private readonly freed: number[] = [];
  private freedCredits = 0;
  /** Receives posted again that the peer does not know of. */
  private owed = 0;

  constructor(
    index: number,
    rank: number,
    { qp }: Connection,
    region: MemoryRegion,
    shape: PeerShape,
  ) {
    this.index = index;
    this.rank = rank;
    this.qp = qp;
    this.region = region;
    this.shape = shape;
    this.credits = shape.credits;
    this.usedBy = new Array<number>(shape.credits).fill(0);
  }

  /** Posts all receives of a new connection. */
  static postReceives(index: number, qp: QueuePair, region: MemoryRegion, shape: PeerShape): void {
    const slots = Array.from({ length: receiveSlots(shape) }, (_, slot) => slot);
    qp.postRecvList(slots.map((slot) => receiveOf(index, slot, region, shape)));
  }

  /** Whether a message of this kind can be posted now. */
  maySend(kind: number, inline: boolean): boolean {
    if (this.posted - this.retired >= this.qp.cap.maxSendWr) return false;
    if (kind === KIND.credits) return true;
    return this.credits > 0 && (inline || this.usedBy[this.nextSlot]! <= this.retired);
  }

  fitsInline(length: number): boolean {
    return HEADER_BYTES + length <= Math.min(MOST_INLINE, this.qp.cap.maxInlineData);
  }

  /** Sends a message whose payload, a few bytes at most, is free again at once. */
  postInline(header: Omit<Header, 'credits'>, payload: Sge | undefined): void {
    const at = this.scratch;
    this.writeHeader(header, at);
    const front = this.region.sge(at, HEADER_BYTES);
    const sges = payload === undefined ? [front] : [front, payload];
    this.post(sges, true);
  }

  /** Sends credits, and nothing else. With `last`, it will be known when this and all before it are done. */
  postCredits(last = false): void {
    const at = this.scratch;
    this.writeHeader({ kind: KIND.credits, tag: 0, length: 0, number: 0 }, at);
    this.post([this.region.sge(at, HEADER_BYTES)], true, last);
  }

  /** The next send slot: where its payload goes. It must be free ({@link maySend}). */
  payloadSlot(): number {
    return this.sendSlot + HEADER_BYTES;
  }

  /** Sends the message whose payload was put into the next send slot. */
  postSlot(header: Omit<Header, 'credits'>, payload: number): void {
    const at = this.sendSlot;
    this.writeHeader(header, at);
    this.post([this.region.sge(at, HEADER_BYTES + payload)], false);
    this.usedBy[this.nextSlot] = this.posted;
    this.nextSlot = (this.nextSlot + 1) % this.shape.credits;
  }

  /** Reads `length` bytes that the peer offered. Signalled. */
  postRead(offer: Offer, into: Sge): void {
    this.posted++;
    this.lastSignaled = this.posted;
    this.qp.postSend({
      opcode: 'RDMA_READ',
      wrId: wrIdOf(this.index, WORK.read, this.posted % PLACES),
      sges: [into],
      remoteAddress: offer.address,
      rkey: offer.rkey,
    });
  }

  /** A signalled send or read is done, and all sends before it. */
  sent(place: number): void {
    this.retired += (place - this.retired) | 0;
  }

  /** Whether everything that was posted is known to be done. */
  get quiet(): boolean {
    return this.retired === this.posted;
  }

  /** Whether what was posted last will tell when it is done. */
  get signaled(): boolean {
    return this.lastSignaled === this.posted;
  }

  header(slot: number): Header {
    return parseHeader(this.region.data, slot * this.shape.slotBytes);
  }

  /** Where the payload of a receive slot is in {@link bytes}. */
  payload(slot: number): number {
    return slot * this.shape.slotBytes + HEADER_BYTES;
  }

  get bytes(): Uint8Array {
    return this.region.bytes;
  }

  get data(): DataView {
    return this.region.data;
  }

  /** The slot's message is done with. */
  free(slot: number, credit: boolean): void {
    this.freed.push(slot);
    if (credit) this.freedCredits++;
  }

  /** Posts free slots again, and tells the peer of them, once there are enough of either. */
  restock(): void {
    const { index, qp, region, shape, freed } = this;
    if (freed.length >= restockAt(shape)) {
      qp.postRecvList(freed.map((slot) => receiveOf(index, slot, region, shape)));
      freed.length = 0;
      this.owed += this.freedCredits;
      this.freedCredits = 0;
    }
    if (this.owed >= restockAt(shape) && this.maySend(KIND.credits, true)) this.postCredits();
  }

  private get sendSlot(): number {
    return (receiveSlots(this.shape) + this.nextSlot) * this.shape.slotBytes;
  }

  private get scratch(): number {
    return (receiveSlots(this.shape) + this.shape.credits) * this.shape.slotBytes;
  }

  private writeHeader(header: Omit<Header, 'credits'>, at: number): void {
    emitHeader(header, this.owed, this.region.data, at);
    this.owed = 0;
    if (header.kind !== KIND.credits) this.credits--;
  }

  private post(sges: readonly Sge[], inline: boolean, last = false): void {
    this.posted++;
    const signaled = last || this.posted - this.lastSignaled >= restockAt(this.shape);
    if (signaled) this.lastSignaled = this.posted;
    this.qp.postSend({
      opcode: 'SEND',
      sges,
      inline,
      signaled,
      wrId: wrIdOf(this.index, WORK.send, this.posted % PLACES),
    });
  }
}

const wrIdOf = (peer: number, kind: number, place: number): number =>
  (peer * KINDS + kind) * PLACES + place;

const receiveOf = (
  peer: number,
  slot: number,
  region: MemoryRegion,
  { slotBytes }: PeerShape,
): RecvWr => ({
  wrId: wrIdOf(peer, WORK.receive, slot),
  sges: [region.sge(slot * slotBytes, slotBytes)],
});
