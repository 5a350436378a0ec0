/** The trader's lines over RDMA: two queue pairs, whose receives complete in one queue. */
import type { CompletionQueue, Core, WorkCompletion } from '../../../node/program/verbs.js';
import { openDevice } from '../../authoring/connect.js';
import { FeedSubscription, type FeedMessage } from '../feed/feed-subscription.js';
import { OrderLine, type Packet } from './order-line.js';
import type { GatewayLine, PacketSender, TraderLines } from '../session/session-lines.js';
import { LONGEST_DATAGRAM, ORDER_WINDOW, RANK } from '../session/tick-to-trade-session.js';

export class VerbsTraderLines implements TraderLines<WorkCompletion> {
  readonly orders: PacketSender;
  readonly counters = {};
  private readonly core: Core;
  private readonly cq: CompletionQueue;
  private readonly feed: FeedSubscription;
  private readonly line: OrderLine;

  /** Connects to publisher and gateway; the feed has `receives` receives. */
  static async open(core: Core, receives: number): Promise<VerbsTraderLines> {
    const device = await openDevice(core);
    const slotBytes = Math.min(device.context.attributes.activeMtu, LONGEST_DATAGRAM);
    const shape = { slots: receives, slotBytes };
    // Twice what can be under way: a completion can be followed a while after it was taken.
    const cq = await device.context.createCq(2 * (shape.slots + ORDER_WINDOW));
    const feed = await FeedSubscription.open(core, device, RANK.publisher, cq, shape);
    const line = await OrderLine.open(core, device, RANK.gateway, cq);
    return new VerbsTraderLines(core, cq, feed, line);
  }

  private constructor(core: Core, cq: CompletionQueue, feed: FeedSubscription, line: OrderLine) {
    this.core = core;
    this.cq = cq;
    this.feed = feed;
    this.line = line;
    this.orders = line;
  }

  get ended(): boolean {
    return this.feed.ended;
  }

  get faults(): number {
    return this.feed.faults;
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async hear(): Promise<WorkCompletion> {
    return (await this.cq.busyPoll(1))[0]!;
  }

  hearReplies(): Promise<WorkCompletion> {
    return this.hear();
  }

  isFeed({ qpNum }: WorkCompletion): boolean {
    return qpNum === this.feed.qpNum;
  }

  messages(heard: WorkCompletion): FeedMessage[] {
    return this.feed.take(heard);
  }

  view(): DataView {
    return this.feed.view;
  }

  packets(heard: WorkCompletion): Packet[] {
    return this.line.take(heard);
  }

  goOnWith(heard: WorkCompletion): void {
    this.core.follow(heard);
  }

  freeFeed(heard: WorkCompletion): Promise<void> {
    return this.feed.free(heard);
  }

  freeReplies(heard: WorkCompletion): void {
    this.line.free(heard);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The gateway's line over RDMA. */
export class VerbsGatewayLine implements GatewayLine {
  private readonly cq: CompletionQueue;
  private readonly line: OrderLine;
  private heard: WorkCompletion | undefined;

  static async open(core: Core): Promise<VerbsGatewayLine> {
    const device = await openDevice(core);
    const cq = await device.context.createCq(2 * ORDER_WINDOW);
    return new VerbsGatewayLine(cq, await OrderLine.open(core, device, RANK.strategy, cq));
  }

  private constructor(cq: CompletionQueue, line: OrderLine) {
    this.cq = cq;
    this.line = line;
  }

  async hear(): Promise<Packet[]> {
    const [completion] = await this.cq.busyPoll(1);
    this.heard = completion;
    return this.line.take(completion!);
  }

  free(): void {
    this.line.free(this.heard!);
  }

  add(emit: (into: Uint8Array, at: number) => number): void {
    this.line.add(emit);
  }

  send(last = false): Promise<void> {
    return this.line.send(last);
  }

  get open(): boolean {
    return this.line.open;
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
    return Promise.resolve();
  }
}
