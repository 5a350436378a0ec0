/**
 * The exchange's order gateway: takes one client's orders, acknowledges each, and tells in the same message what it
 * traded and what is cancelled, since all are immediate-or-cancel.
 */
import {
  STAGES,
  type Core,
  type Instant,
  type Picoseconds,
  type Task,
} from '../../../node/program/verbs.js';
import { doInPortions } from '../../authoring/portions.js';
import { PS_PER_NS } from '../../../units/time.js';
import type { Feed } from '../feed/feed.js';
import { itchTimestamp } from '../wire-formats/itch.js';
import type { Packet } from './order-line.js';
import { emitReply, parseRequest, type EnterOrder, type OuchReply } from '../wire-formats/ouch.js';
import {
  CANCELLED_AS_IOC,
  OUCH_OUTBOUND,
  REMOVED_LIQUIDITY,
} from '../wire-formats/ouch-layouts.js';
import { PublishedBooks } from '../feed/published-books.js';
import type { GatewayLine } from '../session/session-lines.js';
import { SocketGatewayLine } from './socket-order-line.js';
import {
  emitLoginAccepted,
  emitSoupHeader,
  LOGIN_REQUEST,
  LOGOUT,
  parseLoginRequest,
  SEQUENCED,
  SOUP_HEADER,
  UNSEQUENCED,
} from '../wire-formats/soupbin.js';
import { feedOf } from '../feed/tick-to-trade-feed.js';
import {
  RANK,
  SESSION,
  type GatewayResult,
  type TickToTradeParameters,
} from '../session/tick-to-trade-session.js';
import { VerbsGatewayLine } from './verbs-trader-lines.js';

/** Prices that an order trades at, at most: so its reply is short enough to be sent inline. */
const MOST_FILLS = 3;
const ORDER_LIVE = 'L';

/** Takes the session's orders until the client logs out. */
export async function takeOrders(
  core: Core,
  { params, inputs, seed }: Task<TickToTradeParameters>,
): Promise<GatewayResult> {
  const line: GatewayLine =
    params.path === 'rdma'
      ? await VerbsGatewayLine.open(core)
      : await SocketGatewayLine.open(core, params);
  const feed = await doInPortions(core, feedOf(inputs, params, seed));
  const books = await doInPortions(core, PublishedBooks.of(feed));
  const gateway = new Gateway(core, line, params, books, firstStampOf(feed));
  for (let open = true; open;) {
    const packets = await line.hear();
    const arrival = {
      seen: core.now,
      started: core.operationStart,
      stages: core.operationStages(),
    };
    for (const packet of packets) {
      if (packet.type === UNSEQUENCED) await gateway.order(packet, arrival);
      else if (packet.type === LOGIN_REQUEST) await gateway.login(packet);
      else if (packet.type === LOGOUT) open = false;
    }
    core.endOperation();
    line.free();
    await line.ease();
  }
  await core.hear(RANK.strategy);
  await line.close();
  return gateway.result();
}

/** When something was seen, and the chain that led to it. */
interface SeenArrival {
  readonly seen: Instant;
  readonly started: Instant;
  readonly stages: Float64Array;
}

class Gateway {
  private readonly core: Core;
  private readonly line: GatewayLine;
  private readonly books: PublishedBooks;
  /** Processor time of one order, in ps. */
  private readonly cost: Picoseconds;
  /** Time of day of the feed's first message, in ns. */
  private readonly firstStamp: number;
  private began = 0;
  private readonly orders: Uint8Array[] = [];
  private readonly seen: number[] = [];
  private readonly started: number[] = [];
  private readonly stages: Float64Array[] = [];
  private malformed = 0;
  private matches = 0;
  private executedShares = 0;
  private cancelledShares = 0;

  constructor(
    core: Core,
    line: GatewayLine,
    params: TickToTradeParameters,
    books: PublishedBooks,
    firstStamp: number,
  ) {
    this.core = core;
    this.line = line;
    this.books = books;
    this.cost = params.gateway;
    this.firstStamp = firstStamp;
  }

  /** Accepts any connection, and learns when the feed begins. */
  async login({ payload }: Packet): Promise<void> {
    const request = parseLoginRequest(payload, 0, payload.length);
    if (request === undefined) throw new Error('a login request that is none');
    this.line.add((into, at) => emitLoginAccepted({ session: SESSION, sequence: 1 }, into, at));
    await this.line.send();
    this.began = (await this.core.hear(RANK.publisher)) as number;
  }

  async order({ payload }: Packet, { seen, started, stages }: SeenArrival): Promise<void> {
    const order = parseRequest(payload, 0, payload.length);
    if (order?.type !== 'O') {
      this.malformed++;
      return;
    }
    this.orders.push(payload);
    this.seen.push(seen);
    this.started.push(started);
    this.stages.push(stages);
    await this.core.work(this.cost);
    await this.answer(order);
  }

  result(): GatewayResult {
    const { malformed, executedShares, cancelledShares } = this;
    return {
      orders: joined(this.orders),
      seen: Float64Array.from(this.seen),
      started: Float64Array.from(this.started),
      stages: this.joinedStages(),
      malformed,
      executedShares,
      cancelledShares,
    };
  }

  private async answer(order: EnterOrder): Promise<void> {
    const sinceStart = this.core.now - this.began;
    const timestamp = this.firstStamp + Math.floor(sinceStart / PS_PER_NS);
    const { userRefNum, quantity } = order;
    this.reply({
      ...order,
      type: 'A',
      timestamp,
      reference: this.orders.length,
      orderState: ORDER_LIVE,
    });
    await doInPortions(this.core, this.books.advance(sinceStart));
    let left = quantity;
    for (const { price, shares } of this.books.fills(order, MOST_FILLS)) {
      this.matches++;
      left -= shares;
      this.reply({
        type: 'E',
        timestamp,
        userRefNum,
        quantity: shares,
        price,
        liquidityFlag: REMOVED_LIQUIDITY,
        matchNumber: this.matches,
      });
    }
    this.executedShares += quantity - left;
    this.cancelledShares += left;
    if (left > 0) {
      const cancelOrderReason = CANCELLED_AS_IOC;
      this.reply({ type: 'C', timestamp, userRefNum, quantity: left, cancelOrderReason });
    }
    await this.line.send();
  }

  private reply(reply: OuchReply): void {
    const { length } = OUCH_OUTBOUND[reply.type];
    this.line.add((into, at) => {
      emitReply(reply, into, emitSoupHeader(SEQUENCED, length, into, at));
      return SOUP_HEADER + length;
    });
  }

  private joinedStages(): Float64Array {
    const all = new Float64Array(this.stages.length * STAGES.length);
    for (const [index, each] of this.stages.entries()) all.set(each, index * STAGES.length);
    return all;
  }
}

function firstStampOf({ bytes, starts }: Feed): number {
  const { buffer, byteOffset, byteLength } = bytes;
  return itchTimestamp(new DataView(buffer, byteOffset, byteLength), starts[0]!);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
