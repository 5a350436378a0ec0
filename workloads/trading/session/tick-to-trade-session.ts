/**
 * What the three programs of tick-to-trade have agreed on: who they are, the sizes of their queues, and the framing.
 *
 *     host0 core 0   publisher  --- RC: MoldUDP64 datagrams of ITCH, each a SEND --->  strategy   host1 core 0
 *     host0 core 1   gateway    <-- RC: SoupBinTCP packets of OUCH, each way --------->
 *
 * Over reliable connections a datagram is neither lost nor late by more than a retransmission. Over sockets (`path`)
 * the feed is UDP multicast and the orders go over TCP, as exchanges have it; what the feed loses is asked for again. A
 * and B sides of a feed are not modelled.
 */
import type { Picoseconds } from '../../../units/time.js';
import type { Tick } from '../market/strategy.js';
import type { Path } from '../../authoring/paths.js';
import type { FeedParameters } from '../feed/tick-to-trade-feed.js';

export const RANK = { publisher: 0, gateway: 1, strategy: 2 } as const;

export const SESSION = 'PINWIRE';

/** What fits in one Ethernet frame, as MoldUDP64 is used; less where the path MTU is less. */
export const LONGEST_DATAGRAM = 1400;

/** Bytes of a packet of the order session, and how many orders may be unanswered. */
export const ORDER_SLOT_BYTES = 256;
export const ORDER_WINDOW = 256;
/** Replies, orders and datagrams that a sender may have under way before it looks at its completions. */
export const SEND_DEPTH = 64;
/** At the end of the publisher's memory: how many batches of receives the subscriber has posted again, modulo 256. */
export const GRANTS_BYTES = 8;

export interface TickToTradeParameters extends FeedParameters {
  readonly every: number;
  readonly quantity: number;
  readonly tick: Tick;
  /** Processor time: per message, per order, and at the exchange per order. */
  readonly book: Picoseconds;
  readonly decide: Picoseconds;
  readonly gateway: Picoseconds;
  /** Over RDMA: datagrams that the strategy has receives for. */
  readonly receives: number;
  readonly path: Path;
  readonly library?: 'socket' | 'direct';
}

export interface PublisherResult {
  /** The instant that the feed's time 0 fell on. */
  readonly began: number;
  readonly datagrams: number;
  /** Messages published after the instant that was meant. */
  readonly late: number;
  /** Time in which the feed waited for receives of the strategy, in ps. */
  readonly waited: number;
}

export interface GatewayResult {
  /** The orders received, one behind the other, when each was seen, and the chain that led to it. */
  readonly orders: Uint8Array;
  readonly seen: Float64Array;
  readonly started: Float64Array;
  readonly stages: Float64Array;
  readonly malformed: number;
  readonly executedShares: number;
  readonly cancelledShares: number;
}

export interface StrategyResult {
  /** When each message was seen, by sequence. */
  readonly seen: Float64Array;
  /** When each order was acknowledged, by reference number. */
  readonly acknowledged: Float64Array;
  readonly digest: string;
  readonly books: Readonly<Record<string, number>>;
  readonly ticks: number;
  readonly orders: number;
  /** Datagrams out of turn, and replies that do not fit the orders. */
  readonly feedFaults: number;
  readonly wrongReplies: number;
  /** Orders that waited until earlier ones were acknowledged. */
  readonly held: number;
  /** What its lines counted besides. */
  readonly lineCounters: Readonly<Record<string, number>>;
}
