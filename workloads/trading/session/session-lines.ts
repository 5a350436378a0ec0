/**
 * The lines between exchange and trader, whatever they run over: the feed's sender, the trader's two lines, the
 * gateway's one. Over RDMA they are reliable connections of SENDs (verbs-*.ts); over sockets the feed is UDP multicast,
 * with MoldUDP64's requests for what was lost, and the orders go over TCP (multicast-*.ts, socket-*.ts).
 */
import type { Instant } from '../../../node/program/verbs.js';
import type { FeedMessage } from '../feed/feed-subscription.js';
import type { Packet } from '../orders/order-line.js';

export interface FeedSender {
  /** The longest datagram. */
  readonly slotBytes: number;
  /** Datagrams sent, and the time in which there was no room for one. */
  readonly sent: number;
  readonly waited: number;
  /** The feed's time 0 falls on `began`. */
  begin(began: number): Promise<void>;
  /** Waits until a datagram may be sent. */
  room(): Promise<void>;
  sleepUntil(at: Instant): Promise<void>;
  /** Sends the first `length` bytes. */
  send(datagram: Uint8Array, length: number): Promise<void>;
  /** Sends the last one, and waits until the trader has all and is done. */
  end(datagram: Uint8Array, length: number): Promise<void>;
}

/** Packets of an order session, put together and sent. */
export interface PacketSender {
  /** Has `emit` write packets behind those that the next {@link send} takes along; it answers their length. */
  add(emit: (into: Uint8Array, at: number) => number): void;
  send(last?: boolean): Promise<void>;
  /** Whether there is room for a message at once; waiting for it. */
  readonly open: boolean;
  room(): Promise<void>;
  /** Clears up what was sent: at a time when nothing is measured. */
  ease(): Promise<void>;
  /** Waits until all that was sent is known to be there, as far as the line tells. */
  drain(): Promise<void>;
}

/** `Heard`: what has come on one of the two lines. */
export interface TraderLines<Heard> {
  readonly orders: PacketSender;
  /** The publisher has said that nothing more comes, and nothing more is to be taken. */
  readonly ended: boolean;
  /** Datagrams that are none of the feed's. */
  readonly faults: number;
  readonly counters: Readonly<Record<string, number>>;
  /** The feed is about to begin. */
  begin(): Promise<void>;
  hear(): Promise<Heard>;
  /** As {@link hear}, by somebody who waits for replies: datagrams may be left where they are. */
  hearReplies(): Promise<Heard>;
  isFeed(heard: Heard): boolean;
  messages(heard: Heard): FeedMessage[];
  /** Where the messages are. */
  view(heard: Heard): DataView;
  packets(heard: Heard): Packet[];
  /** Goes on with the operation of something that was heard a while ago. */
  goOnWith(heard: Heard): void;
  /** What was heard is done with. */
  freeFeed(heard: Heard): Promise<void>;
  freeReplies(heard: Heard): void;
  close(): Promise<void>;
}

export interface GatewayLine extends PacketSender {
  /** Waits for packets. */
  hear(): Promise<Packet[]>;
  /** They are done with. */
  free(): void;
  close(): Promise<void>;
}
