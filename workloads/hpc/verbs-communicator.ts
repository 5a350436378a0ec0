/**
 * Messages between ranks over verbs: MPI's point-to-point calls, blocking, with tags.
 *
 * Up to the eager limit a message is sent at once, into a receive that the other side has posted ahead (see peer.ts),
 * and copied out of it there; `send` returns when the buffer is free, not when the message is received. Above it a
 * rendezvous: the sender offers its buffer, the receiver reads it by RDMA READ and says when it is done. Messages from
 * one rank with one tag are received in the order in which they were sent.
 *
 * A rank is connected only to the peers that it names. What costs time is posts, polls, and copies (each byte read and
 * written once); a library's own instructions are not modelled. A completion in error ends the program.
 */
import type { Core, MemoryRegion } from '../../node/program/verbs.js';
import { alignUp } from '../../units/size.js';
import { requireRoom, type Communicator, type MessageBuffer } from './communicator.js';
import {
  emitOffer,
  HEADER_BYTES,
  KIND,
  parseOffer,
  REQUEST_BYTES,
  type Offer,
} from './message-header.js';
import type { Arrival, Peer, PeerShape } from './peer.js';
import { PeerSet } from './peer-set.js';

export interface VerbsOptions {
  /** The longest message that is sent without asking; the default is that of most MPI libraries, roughly. */
  readonly eagerLimit?: number;
  /** Messages that may be under way from one rank to another: at least 2, at most 255. */
  readonly credits?: number;
}

const EAGER_LIMIT = 8192;
const CREDITS = 8;
const CACHE_LINE = 64;

/** A receive that somebody waits in. */
interface Expectation {
  readonly peer: Peer;
  readonly tag: number;
  /** The slot with the message, once it is there. */
  slot: number;
}

/** A send that may not be over yet: the number of its rendezvous, or 0. */
interface SendRequest {
  readonly rendezvous: number;
}

export class VerbsCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly core: Core;
  messagesSent = 0;
  bytesSent = 0;
  private readonly set: PeerSet;
  private readonly eagerLimit: number;
  private readonly offers: MemoryRegion;
  private readonly unfinished = new Set<number>();
  private expected: Expectation | undefined;
  private rendezvous = 0;

  /** Opens the device; all ranks of the run are members, and all must use the same options. */
  static async open(core: Core, options: VerbsOptions = {}): Promise<VerbsCommunicator> {
    const eagerLimit = options.eagerLimit ?? EAGER_LIMIT;
    const shape: PeerShape = {
      credits: options.credits ?? CREDITS,
      slotBytes: alignUp(HEADER_BYTES + Math.max(eagerLimit, REQUEST_BYTES), CACHE_LINE),
    };
    const set = await PeerSet.open(core, shape);
    return new VerbsCommunicator(core, set, eagerLimit, await set.allocate(REQUEST_BYTES));
  }

  private constructor(core: Core, set: PeerSet, eagerLimit: number, offers: MemoryRegion) {
    this.core = core;
    this.rank = core.rank;
    this.size = core.ranks;
    this.set = set;
    this.eagerLimit = eagerLimit;
    this.offers = offers;
  }

  async allocate(length: number): Promise<MemoryRegion> {
    return this.set.allocate(Math.max(1, length));
  }

  /** Everybody goes by ascending rank, so that all connections are made in one order and nobody waits in a circle. */
  async connect(ranks: Iterable<number>): Promise<void> {
    await this.set.connect(ranks);
  }

  async send(buffer: MessageBuffer, to: number, tag: number): Promise<void> {
    await this.finish(await this.start(buffer, to, tag));
  }

  async recv(buffer: MessageBuffer, from: number, tag: number): Promise<number> {
    const peer = this.set.peer(from);
    const early = peer.arrivals.findIndex((arrival) => arrival.tag === tag);
    if (early >= 0) return this.takeArrival(peer, peer.arrivals.splice(early, 1)[0]!, buffer);
    const expected: Expectation = { peer, tag, slot: -1 };
    this.expected = expected;
    while (expected.slot < 0) await this.progress();
    this.expected = undefined;
    return this.takeSlot(peer, expected.slot, buffer);
  }

  async sendrecv(
    outgoing: MessageBuffer,
    to: number,
    sendTag: number,
    incoming: MessageBuffer,
    from: number,
    recvTag: number,
  ): Promise<number> {
    const request = await this.start(outgoing, to, sendTag);
    const length = await this.recv(incoming, from, recvTag);
    await this.finish(request);
    return length;
  }

  async close(): Promise<void> {
    await this.set.close(this.arrived);
  }

  private async start(buffer: MessageBuffer, to: number, tag: number): Promise<SendRequest> {
    const peer = this.set.peer(to);
    this.messagesSent++;
    this.bytesSent += buffer.length;
    if (buffer.length <= this.eagerLimit) {
      await this.sendEager(peer, buffer, tag);
      return { rendezvous: 0 };
    }
    const number = ++this.rendezvous;
    this.unfinished.add(number);
    await this.untilFree(peer, KIND.request, true);
    const { region, offset, length } = buffer;
    emitOffer({ address: region.address + offset, rkey: region.rkey }, this.offers.data, 0);
    peer.postInline({ kind: KIND.request, tag, length, number }, this.offers.sge(0, REQUEST_BYTES));
    return { rendezvous: number };
  }

  private async finish({ rendezvous }: SendRequest): Promise<void> {
    while (this.unfinished.has(rendezvous)) await this.progress();
  }

  private async sendEager(peer: Peer, buffer: MessageBuffer, tag: number): Promise<void> {
    const { region, offset, length } = buffer;
    const inline = peer.fitsInline(length);
    await this.untilFree(peer, KIND.eager, inline);
    const header = { kind: KIND.eager, tag, length, number: 0 };
    if (inline) {
      peer.postInline(header, length === 0 ? undefined : region.sge(offset, length));
      return;
    }
    const from = region.bytes.subarray(offset, offset + length);
    await this.copy(from, peer.bytes, peer.payloadSlot());
    peer.postSlot(header, length);
  }

  private async untilFree(peer: Peer, kind: number, inline: boolean): Promise<void> {
    while (!peer.maySend(kind, inline)) await this.progress();
  }

  private async takeSlot(peer: Peer, slot: number, buffer: MessageBuffer): Promise<number> {
    const { kind, length, number } = peer.header(slot);
    const at = peer.payload(slot);
    requireRoom(this.rank, peer.rank, length, buffer);
    if (kind === KIND.request) {
      const offer = parseOffer(peer.data, at);
      peer.free(slot, true);
      await this.read(peer, offer, number, { ...buffer, length });
    } else {
      await this.copy(peer.bytes.subarray(at, at + length), buffer.region.bytes, buffer.offset);
      peer.free(slot, true);
    }
    return length;
  }

  private async takeArrival(peer: Peer, arrival: Arrival, buffer: MessageBuffer): Promise<number> {
    const { length, number, offer, data } = arrival;
    requireRoom(this.rank, peer.rank, length, buffer);
    if (offer !== undefined) await this.read(peer, offer, number, { ...buffer, length });
    else await this.copy(data, buffer.region.bytes, buffer.offset);
    return length;
  }

  /** The receiver's part of a rendezvous. */
  private async read(
    peer: Peer,
    offer: Offer,
    number: number,
    { region, offset, length }: MessageBuffer,
  ): Promise<void> {
    await this.untilFree(peer, KIND.credits, true);
    this.set.readPosted();
    peer.postRead(offer, region.sge(offset, length));
    while (this.set.reading) await this.progress();
    await this.untilFree(peer, KIND.finished, true);
    peer.postInline({ kind: KIND.finished, tag: 0, length: 0, number }, undefined);
  }

  private progress(): Promise<void> {
    return this.set.progress(this.arrived);
  }

  private readonly arrived = async (peer: Peer, slot: number): Promise<void> => {
    const header = peer.header(slot);
    peer.credits += header.credits;
    const { expected } = this;
    if (header.kind === KIND.credits) {
      peer.free(slot, false);
    } else if (header.kind === KIND.finished) {
      this.unfinished.delete(header.number);
      peer.free(slot, true);
    } else if (expected?.peer === peer && expected.tag === header.tag && expected.slot < 0) {
      expected.slot = slot;
    } else {
      await this.setAside(peer, slot);
    }
  };

  /** Copies an unexpected message out of its slot, so that others can come. */
  private async setAside(peer: Peer, slot: number): Promise<void> {
    const header = peer.header(slot);
    const at = peer.payload(slot);
    if (header.kind === KIND.request) {
      const offer = parseOffer(peer.data, at);
      peer.arrivals.push({ ...header, data: new Uint8Array(0), offer });
    } else {
      const data = new Uint8Array(header.length);
      await this.copy(peer.bytes.subarray(at, at + header.length), data, 0);
      peer.arrivals.push({ ...header, data, offer: undefined });
    }
    peer.free(slot, true);
  }

  private async copy(from: Uint8Array, to: Uint8Array, at: number): Promise<void> {
    if (from.length === 0) return;
    await this.core.compute({ bytes: 2 * from.length }, () => to.set(from, at));
  }
}
