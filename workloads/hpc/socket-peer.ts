/**
 * One rank's TCP connection to another: messages on a stream, each behind a header. What is read first goes into a
 * buffer of the library, as it may be several messages, and is copied from there; the rest of a long message is read to
 * its place.
 *
 *     0     4        8
 *   | tag | length | data ...      little-endian, as both ends are
 */
import type { TcpSocket } from '../../node/program/sockets.js';
import type { Core, MemoryRegion } from '../../node/program/verbs.js';
import { requireRoom, type MessageBuffer } from './communicator.js';

const HEADER_BYTES = 8;
const LENGTH_AT = 4;
/** What is copied rather than sent from where it lies, or read to where it goes. */
const BUFFERED = 16_384;
/** Memory for one peer: what comes, what goes. */
const STAGE_BYTES = HEADER_BYTES + BUFFERED;
export const PEER_BYTES = 2 * STAGE_BYTES;

interface MessageHeader {
  readonly tag: number;
  readonly length: number;
}

interface Arrival {
  readonly tag: number;
  readonly data: Uint8Array;
}

/** A message that is being sent. */
export interface Outgoing {
  readonly buffer: MessageBuffer;
  /** Bytes of it that stand behind the header in the peer's own memory. */
  readonly staged: number;
  /** Bytes sent, header included. */
  sent: number;
}

export class SocketPeer {
  readonly rank: number;
  readonly socket: TcpSocket;
  private readonly core: Core;
  private readonly stage: MemoryRegion;
  private filled = 0;
  private readonly arrivals: Arrival[] = [];

  /** `stage` has {@link PEER_BYTES}. */
  constructor(core: Core, rank: number, socket: TcpSocket, stage: MemoryRegion) {
    this.core = core;
    this.rank = rank;
    this.socket = socket;
    this.stage = stage;
  }

  /** Puts a message together; {@link push} and {@link finish} send it. */
  async start(buffer: MessageBuffer, tag: number): Promise<Outgoing> {
    const { region, offset, length } = buffer;
    const { bytes, data } = this.stage;
    data.setInt32(STAGE_BYTES, tag, true);
    data.setUint32(STAGE_BYTES + LENGTH_AT, length, true);
    const staged = Math.min(length, BUFFERED);
    const from = region.bytes.subarray(offset, offset + staged);
    await this.copy(from, bytes, STAGE_BYTES + HEADER_BYTES);
    return { buffer, staged, sent: 0 };
  }

  /** Sends what there is room for. True if that is all. */
  async push(message: Outgoing): Promise<boolean> {
    for (;;) {
      const [address, length] = this.rest(message);
      if (length === 0) return true;
      const taken = await this.socket.trySend(address, length);
      message.sent += taken;
      if (taken < length) return false;
    }
  }

  /** Sends what is left, and waits for room for it. */
  async finish(message: Outgoing): Promise<void> {
    for (;;) {
      const [address, length] = this.rest(message);
      if (length === 0) return;
      await this.socket.send(address, length);
      message.sent += length;
    }
  }

  /** Begins to receive the next message with that tag. */
  expect(buffer: MessageBuffer, tag: number): Incoming {
    return new Incoming(this, buffer, tag);
  }

  /** A message with that tag came before it was asked for. */
  hasEarly(tag: number): boolean {
    return this.arrivals.some((arrival) => arrival.tag === tag);
  }

  /** Takes it. */
  takeEarly(tag: number): Uint8Array {
    const at = this.arrivals.findIndex((arrival) => arrival.tag === tag);
    return this.arrivals.splice(at, 1)[0]!.data;
  }

  /** The header of the next message, once it is there. */
  header(): MessageHeader | undefined {
    if (this.filled < HEADER_BYTES) return undefined;
    const { data } = this.stage;
    return { tag: data.getInt32(0, true), length: data.getUint32(LENGTH_AT, true) };
  }

  /** Waits for more of the stream, into this peer's own memory. */
  async fill(): Promise<void> {
    const { stage, filled } = this;
    this.filled += await this.receive(stage.address + filled, STAGE_BYTES - filled);
  }

  /** Drops `skip` bytes of what has come, and copies up to `length` behind them: answers how many there were. */
  async take(into: Uint8Array, at: number, length: number, skip: number): Promise<number> {
    const { bytes } = this.stage;
    const there = Math.min(length, this.filled - skip);
    await this.copy(bytes.subarray(skip, skip + there), into, at);
    bytes.copyWithin(0, skip + there, this.filled);
    this.filled -= skip + there;
    return there;
  }

  /** Keeps the next message, which nobody asks for yet. */
  async setAside({ tag, length }: MessageHeader): Promise<void> {
    const data = new Uint8Array(length);
    let got = await this.take(data, 0, length, HEADER_BYTES);
    while (got < length) {
      await this.fill();
      got += await this.take(data, got, length - got, 0);
    }
    this.arrivals.push({ tag, data });
  }

  /** Bytes of the stream, at least one, to where they belong. */
  async receive(address: number, length: number): Promise<number> {
    const got = await this.socket.receive(address, length);
    if (got === 0) throw new Error(`rank ${this.core.rank}: rank ${this.rank} has gone`);
    return got;
  }

  requireRoom(length: number, buffer: MessageBuffer): void {
    requireRoom(this.core.rank, this.rank, length, buffer);
  }

  async copy(from: Uint8Array, to: Uint8Array, at: number): Promise<void> {
    if (from.length === 0) return;
    await this.core.compute({ bytes: 2 * from.length }, () => to.set(from, at));
  }

  private rest({ buffer, staged, sent }: Outgoing): [address: number, length: number] {
    const { region, offset, length } = buffer;
    const front = HEADER_BYTES + staged;
    if (sent < front) return [this.stage.address + STAGE_BYTES + sent, front - sent];
    const at = sent - HEADER_BYTES;
    return [region.address + offset + at, length - at];
  }
}

/** A message that somebody waits for, a step at a time. */
export class Incoming {
  /** All of it is there, and it is so long. */
  done = false;
  length = 0;
  private readonly peer: SocketPeer;
  private readonly buffer: MessageBuffer;
  private readonly tag: number;
  /** Bytes of it in the buffer; -1: its header has not come. */
  private got = -1;

  constructor(peer: SocketPeer, buffer: MessageBuffer, tag: number) {
    this.peer = peer;
    this.buffer = buffer;
    this.tag = tag;
  }

  /** The next step waits for the socket. */
  get waits(): boolean {
    return this.got >= 0 || (!this.peer.hasEarly(this.tag) && this.peer.header() === undefined);
  }

  /** Takes what has come, or waits once for more. */
  async step(): Promise<void> {
    const { peer, tag, got, length } = this;
    const { region, offset } = this.buffer;
    if (got >= 0) {
      this.advance(await peer.receive(region.address + offset + got, length - got));
      return;
    }
    const header = peer.header();
    if (peer.hasEarly(tag)) {
      const early = peer.takeEarly(tag);
      this.begin(early.length);
      await peer.copy(early, region.bytes, offset);
      this.advance(early.length);
    } else if (header === undefined) {
      await peer.fill();
    } else if (header.tag === tag) {
      this.begin(header.length);
      this.advance(await peer.take(region.bytes, offset, header.length, HEADER_BYTES));
    } else {
      await peer.setAside(header);
    }
  }

  private begin(length: number): void {
    this.peer.requireRoom(length, this.buffer);
    this.length = length;
    this.got = 0;
  }

  private advance(got: number): void {
    this.got += got;
    this.done = this.got === this.length;
  }
}
