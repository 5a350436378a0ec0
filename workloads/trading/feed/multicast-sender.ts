/**
 * The exchange's end of a feed by UDP multicast: every datagram goes out once for all listeners, without
 * acknowledgement. A listener that misses some requests them (MoldUDP64) and gets them by unicast. After the last one
 * the end of the session is repeated until the trader is done.
 */
import type { UdpSocket } from '../../../node/program/sockets.js';
import type { Core, Instant, MemoryRegion } from '../../../node/program/verbs.js';
import { PS_PER_MS } from '../../../units/time.js';
import { framedLength, type Feed } from './feed.js';
import {
  MOLD_HEADER,
  MoldPacker,
  parseMoldHeader,
  type MoldHeader,
} from '../wire-formats/moldudp64.js';
import type { FeedSender } from '../session/session-lines.js';
import {
  FEED_GROUP,
  FEED_PORT,
  messageMemory,
  openVenue,
  REQUEST_PORT,
} from '../session/socket-venue.js';
import {
  LONGEST_DATAGRAM,
  RANK,
  SESSION,
  type TickToTradeParameters,
} from '../session/tick-to-trade-session.js';

const REQUEST_AT = LONGEST_DATAGRAM;
const END_AGAIN = PS_PER_MS;
const GROUP = { address: FEED_GROUP, port: FEED_PORT };

export class MulticastSender implements FeedSender {
  readonly slotBytes = LONGEST_DATAGRAM;
  readonly waited = 0;
  sent = 0;
  private began = 0;
  private readonly core: Core;
  private readonly feed: Feed;
  private readonly socket: UdpSocket;
  private readonly region: MemoryRegion;

  static async open(
    core: Core,
    feed: Feed,
    params: TickToTradeParameters,
  ): Promise<MulticastSender> {
    const network = await openVenue(core, params);
    const region = await messageMemory(core, REQUEST_AT + MOLD_HEADER);
    return new MulticastSender(core, feed, await network.udp(REQUEST_PORT), region);
  }

  private constructor(core: Core, feed: Feed, socket: UdpSocket, region: MemoryRegion) {
    this.core = core;
    this.feed = feed;
    this.socket = socket;
    this.region = region;
  }

  async begin(began: number): Promise<void> {
    this.began = began;
    await this.core.tell(RANK.strategy, began);
  }

  room(): Promise<void> {
    return Promise.resolve();
  }

  /** Serves requests meanwhile. */
  async sleepUntil(at: Instant): Promise<void> {
    while (this.core.now < at) {
      const { index } = await this.core.any([this.socket.readable(), this.core.until(at)]);
      if (index === 0) await this.serve();
    }
  }

  async send(datagram: Uint8Array, length: number): Promise<void> {
    this.region.bytes.set(datagram.subarray(0, length), 0);
    await this.socket.sendTo(GROUP, this.region.address, length);
    this.sent++;
  }

  async end(datagram: Uint8Array, length: number): Promise<void> {
    const { core, socket, region } = this;
    for (let over = false; !over;) {
      region.bytes.set(datagram.subarray(0, length), 0);
      await socket.sendTo(GROUP, region.address, length);
      const again = (core.now + END_AGAIN) as Instant;
      for (let index = -1; index !== 2 && !over;) {
        const awaited = [socket.readable(), core.heard(RANK.strategy), core.until(again)];
        ({ index } = await core.any<unknown>(awaited));
        over = index === 1;
        if (index === 0) await this.serve();
      }
    }
    await socket.close();
  }

  /** Answers a request, if there is one, with as many of the messages as fit. */
  private async serve(): Promise<void> {
    const { core, socket, region, feed } = this;
    const from = await socket.tryReceive(region.address + REQUEST_AT, MOLD_HEADER);
    if (from === undefined) return;
    const request = parseMoldHeader(region.bytes, REQUEST_AT, REQUEST_AT + from.length);
    if (request?.session !== SESSION) return;
    const { sequence, count } = request;
    const end = Math.min(sequence + count, feed.starts.length + 1);
    if (sequence < 1 || sequence >= end) return;
    core.beginOperation((this.began + feed.times[sequence - 1]!) as Instant);
    const length = this.repack({ sequence, count: end - sequence });
    await core.compute({ bytes: 2 * length }, () => undefined);
    const to = { address: from.address, port: from.port };
    await socket.sendTo(to, region.address, length);
    core.endOperation();
  }

  /** Packs messages into the region again; the datagram's length. */
  private repack({ sequence, count }: Pick<MoldHeader, 'sequence' | 'count'>): number {
    const { feed, slotBytes } = this;
    const packer = new MoldPacker(SESSION, slotBytes, sequence);
    for (let number = sequence; number < sequence + count; number++) {
      const start = feed.starts[number - 1]!;
      const length = framedLength(feed.bytes, start);
      if (!packer.fits(length)) break;
      packer.add(feed.bytes, start, start + length);
    }
    const length = packer.finish();
    this.region.bytes.set(packer.datagram.subarray(0, length), 0);
    return length;
  }
}
