/** One end of an order session over TCP: SoupBinTCP packets on the stream. */
import type { TcpSocket } from '../../../node/program/sockets.js';
import type { Core, MemoryRegion } from '../../../node/program/verbs.js';
import type { Packet } from './order-line.js';
import type { GatewayLine, PacketSender } from '../session/session-lines.js';
import { messageMemory, openVenue, ORDER_PORT } from '../session/socket-venue.js';
import { SoupReader } from '../wire-formats/soupbin.js';
import { RANK, type TickToTradeParameters } from '../session/tick-to-trade-session.js';

const READ_BYTES = 4096;
/** More than the packets of one message have. */
const MOST_BYTES = 256;

export class SocketOrderLine implements PacketSender {
  /** A connection takes what its send buffer has room for, and it has. */
  readonly open = true;
  readonly socket: TcpSocket;
  private readonly region: MemoryRegion;
  private readonly reader: SoupReader;
  private packets: Packet[] = [];
  private length = 0;

  static async of(core: Core, socket: TcpSocket): Promise<SocketOrderLine> {
    await socket.setNoDelay(true);
    return new SocketOrderLine(socket, await messageMemory(core, READ_BYTES + MOST_BYTES));
  }

  private constructor(socket: TcpSocket, region: MemoryRegion) {
    this.socket = socket;
    this.region = region;
    this.reader = new SoupReader((type, bytes, at, end) => {
      this.packets.push({ type, payload: bytes.slice(at, end) });
    });
  }

  /** Waits for packets. */
  async hear(): Promise<Packet[]> {
    for (;;) {
      const packets = this.read(await this.socket.receive(this.region.address, READ_BYTES));
      if (packets.length > 0) return packets;
    }
  }

  /** The packets that are there. */
  async tryHear(): Promise<Packet[]> {
    const got = await this.socket.tryReceive(this.region.address, READ_BYTES);
    return got === undefined ? [] : this.read(got);
  }

  add(emit: (into: Uint8Array, at: number) => number): void {
    this.length += emit(this.region.bytes, READ_BYTES + this.length);
  }

  async send(): Promise<void> {
    await this.socket.send(this.region.address + READ_BYTES, this.length);
    this.length = 0;
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  ease(): Promise<void> {
    return Promise.resolve();
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  private read(got: number): Packet[] {
    if (got === 0) throw new Error('the other side of the order session has gone');
    if (!this.reader.read(this.region.bytes, 0, got)) {
      throw new Error('a packet of no type in the order session');
    }
    const { packets } = this;
    this.packets = [];
    return packets;
  }
}

/** The gateway's line over TCP: it listens for its one client. */
export class SocketGatewayLine implements GatewayLine {
  readonly open = true;
  private readonly line: SocketOrderLine;

  static async open(core: Core, params: TickToTradeParameters): Promise<SocketGatewayLine> {
    const network = await openVenue(core, params);
    const listener = await network.listen(ORDER_PORT);
    await core.tell(RANK.strategy, 'listening');
    return new SocketGatewayLine(await SocketOrderLine.of(core, await listener.accept()));
  }

  private constructor(line: SocketOrderLine) {
    this.line = line;
  }

  hear(): Promise<Packet[]> {
    return this.line.hear();
  }

  free(): void {
    // Packets are copied out of the stream as they are read.
  }

  add(emit: (into: Uint8Array, at: number) => number): void {
    this.line.add(emit);
  }

  send(): Promise<void> {
    return this.line.send();
  }

  room(): Promise<void> {
    return this.line.room();
  }

  ease(): Promise<void> {
    return this.line.ease();
  }

  drain(): Promise<void> {
    return this.line.drain();
  }

  close(): Promise<void> {
    return this.line.socket.close();
  }
}
