/**
 * The trader's lines over sockets: the feed by multicast, orders over TCP. It waits for both at once (epoll), and reads
 * what has come.
 */
import type { Network, UdpSocket } from '../../../node/program/sockets.js';
import type { Core, Instant, MemoryRegion } from '../../../node/program/verbs.js';
import { PS_PER_US } from '../../../units/time.js';
import type { Feed } from '../feed/feed.js';
import type { FeedMessage } from '../feed/feed-subscription.js';
import { MOLD_HEADER, emitMoldHeader } from '../wire-formats/moldudp64.js';
import { MulticastSubscription } from '../feed/multicast-subscription.js';
import type { Packet } from './order-line.js';
import type { PacketSender, TraderLines } from '../session/session-lines.js';
import { SocketOrderLine } from './socket-order-line.js';
import {
  EXCHANGE_HOST,
  FEED_GROUP,
  FEED_PORT,
  messageMemory,
  openVenue,
  ORDER_PORT,
  REQUEST_PORT,
} from '../session/socket-venue.js';
import {
  LONGEST_DATAGRAM,
  RANK,
  SESSION,
  type TickToTradeParameters,
} from '../session/tick-to-trade-session.js';

const REQUEST_AT = LONGEST_DATAGRAM;
/** Well beyond the way to the publisher and back. */
const PATIENCE = 500 * PS_PER_US;

export interface SocketHeard {
  /** When the operation that it belongs to was meant to begin. */
  readonly started: Instant;
  /** The bytes of a datagram, and where they lie; or those of the order session. */
  readonly messages: FeedMessage[] | undefined;
  readonly view: DataView;
  readonly packets: Packet[];
}

export class SocketTraderLines implements TraderLines<SocketHeard> {
  readonly orders: PacketSender;
  private readonly core: Core;
  private readonly network: Network;
  private readonly times: Feed['times'];
  private readonly socket: UdpSocket;
  private readonly region: MemoryRegion;
  private readonly line: SocketOrderLine;
  private readonly subscription = new MulticastSubscription(SESSION, PATIENCE);
  private began = 0;

  /** Listens to the feed, and connects to the gateway. */
  static async open(
    core: Core,
    feed: Feed,
    params: TickToTradeParameters,
  ): Promise<SocketTraderLines> {
    const network = await openVenue(core, params);
    const region = await messageMemory(core, REQUEST_AT + MOLD_HEADER);
    const socket = await network.udp(FEED_PORT);
    await socket.join(FEED_GROUP);
    await core.hear(RANK.gateway);
    const connection = await network.connect({ host: EXCHANGE_HOST, port: ORDER_PORT });
    const line = await SocketOrderLine.of(core, connection);
    return new SocketTraderLines(core, network, feed, socket, region, line);
  }

  private constructor(
    core: Core,
    network: Network,
    { times }: Feed,
    socket: UdpSocket,
    region: MemoryRegion,
    line: SocketOrderLine,
  ) {
    this.core = core;
    this.network = network;
    this.times = times;
    this.socket = socket;
    this.region = region;
    this.line = line;
    this.orders = line;
  }

  get ended(): boolean {
    return this.subscription.ended;
  }

  get faults(): number {
    return this.subscription.faults;
  }

  get counters(): Readonly<Record<string, number>> {
    const { gaps, requests } = this.subscription;
    return { feed_gaps: gaps, feed_requests: requests };
  }

  async begin(): Promise<void> {
    this.began = (await this.core.hear(RANK.publisher)) as number;
  }

  async hear(): Promise<SocketHeard> {
    const { core, socket, line } = this;
    for (;;) {
      const kept = this.takeKept();
      if (kept !== undefined) return kept;
      const { index } = await core.any([socket.readable(), line.socket.readable()]);
      const [first, second] =
        index === 0 ? [this.hearFeed, this.hearLine] : [this.hearLine, this.hearFeed];
      let heard = await first();
      // A program that runs the protocols itself learns only that something has come.
      if (heard === undefined && this.network.path === 'bypass') heard = await second();
      if (heard !== undefined) return heard;
    }
  }

  async hearReplies(): Promise<SocketHeard> {
    return this.packetsHeard(await this.line.hear());
  }

  isFeed({ messages }: SocketHeard): boolean {
    return messages !== undefined;
  }

  messages({ messages }: SocketHeard): FeedMessage[] {
    return messages!;
  }

  view({ view }: SocketHeard): DataView {
    return view;
  }

  packets({ packets }: SocketHeard): Packet[] {
    return packets;
  }

  /** Whatever has gone into it until now is one wait. */
  goOnWith({ started }: SocketHeard): void {
    this.core.beginOperation(started);
  }

  freeFeed(): Promise<void> {
    return Promise.resolve();
  }

  freeReplies(): void {
    // Packets are copied out of the stream as they are read.
  }

  async close(): Promise<void> {
    await this.socket.close();
    await this.line.socket.close();
  }

  private readonly hearFeed = async (): Promise<SocketHeard | undefined> => {
    const { core, socket, region, subscription } = this;
    const datagram = await socket.tryReceive(region.address, LONGEST_DATAGRAM);
    if (datagram === undefined) return undefined;
    const messages = subscription.receive(region.bytes, 0, datagram.length);
    await this.askForMissing();
    if (messages.length > 0 || subscription.ended) {
      const started = core.operationStart;
      return { started, messages, view: region.data, packets: [] };
    }
    core.endOperation();
    return undefined;
  };

  private readonly hearLine = async (): Promise<SocketHeard | undefined> => {
    const packets = await this.line.tryHear();
    return packets.length === 0 ? undefined : this.packetsHeard(packets);
  };

  private packetsHeard(packets: Packet[]): SocketHeard {
    const started = this.core.operationStart;
    return { started, messages: undefined, view: this.region.data, packets };
  }

  /** A datagram that came before its turn: its operation has waited since it was meant. */
  private takeKept(): SocketHeard | undefined {
    const kept = this.subscription.next();
    if (kept === undefined) return undefined;
    const { bytes, messages } = kept;
    const started = (this.began + this.times[messages[0]!.sequence - 1]!) as Instant;
    this.core.beginOperation(started);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { started, messages, view, packets: [] };
  }

  private async askForMissing(): Promise<void> {
    const request = this.subscription.wanted(this.core.now);
    if (request === undefined) return;
    const { socket, region } = this;
    emitMoldHeader({ session: SESSION, ...request }, region.bytes, REQUEST_AT);
    const to = { host: EXCHANGE_HOST, port: REQUEST_PORT };
    await socket.sendTo(to, region.address + REQUEST_AT, MOLD_HEADER);
  }
}
