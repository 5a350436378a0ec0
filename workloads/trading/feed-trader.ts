/**
 * The trading host: takes the feed, keeps its books, and sends an order for what the strategy answers. What a message
 * and an order cost its core are parameters of the workload; the books and the strategy are real.
 *
 * Messages of one datagram are taken one after the other, so an order for the last one has the work for those before
 * it in its latency, as it would have.
 */
import type { CompletionQueue, Core, Picoseconds, Task, WorkCompletion } from '../../node/verbs.js';
import { openDevice } from '../micro/connect.js';
import { digestBooks } from './book-audit.js';
import { FeedSubscription } from './feed-subscription.js';
import { ItchMessage } from './itch.js';
import { OrderLine } from './order-line.js';
import { OrderReplies } from './order-replies.js';
import { OrderBooks } from './order-book.js';
import { primeBooks } from './published-books.js';
import {
  emitLoginRequest,
  emitSoupHeader,
  LOGIN_ACCEPTED,
  LOGOUT,
  SEQUENCED,
  SOUP_HEADER,
  UNSEQUENCED,
} from './soupbin.js';
import { Strategy } from './strategy.js';
import { feedOf } from './tick-to-trade-feed.js';
import {
  LONGEST_DATAGRAM,
  ORDER_WINDOW,
  RANK,
  SESSION,
  type StrategyResult,
  type TickToTradeParameters,
} from './tick-to-trade-session.js';

/** Takes the feed and trades on it until the feed ends and every order is answered. */
export async function trade(
  core: Core,
  { params, inputs, seed }: Task<TickToTradeParameters>,
): Promise<StrategyResult> {
  const device = await openDevice(core);
  const shape = {
    slots: params.receives,
    slotBytes: Math.min(device.context.attributes.activeMtu, LONGEST_DATAGRAM),
  };
  // Twice what can be under way: a completion can be followed a while after it was taken.
  const cq = await device.context.createCq(2 * (shape.slots + ORDER_WINDOW));
  const feed = await FeedSubscription.open(core, device, RANK.publisher, cq, shape);
  const line = await OrderLine.open(core, device, RANK.gateway, cq);
  const books = new OrderBooks();
  primeBooks(books, feedOf(inputs, params, seed));
  const strategy = new Strategy({ ...params, books });
  const trader = new FeedTrader(core, cq, feed, line, strategy, params);
  await trader.login();
  await core.tell(RANK.publisher, 'subscribed');
  await trader.run();
  await trader.logout();
  await core.tell(RANK.publisher, 'over');
  await core.tell(RANK.gateway, 'over');
  return trader.result();
}

class FeedTrader {
  private readonly core: Core;
  private readonly cq: CompletionQueue;
  private readonly feed: FeedSubscription;
  private readonly line: OrderLine;
  private readonly strategy: Strategy;
  private readonly params: TickToTradeParameters;
  private readonly message = new ItchMessage();
  private readonly replies = new OrderReplies();
  private readonly seen: number[] = [];
  /** Datagrams that came while an order waited for its turn. */
  private readonly waiting: WorkCompletion[] = [];
  private held = 0;

  constructor(
    core: Core,
    cq: CompletionQueue,
    feed: FeedSubscription,
    line: OrderLine,
    strategy: Strategy,
    params: TickToTradeParameters,
  ) {
    this.core = core;
    this.cq = cq;
    this.feed = feed;
    this.line = line;
    this.strategy = strategy;
    this.params = params;
  }

  async login(): Promise<void> {
    const { line, cq } = this;
    const login = { username: 'trader', password: '', session: SESSION, sequence: 1 };
    line.add((into, at) => emitLoginRequest(login, into, at));
    line.send();
    const [completion] = await cq.busyPoll(1);
    const [packet] = line.take(completion!);
    if (packet?.type !== LOGIN_ACCEPTED) throw new Error('the exchange did not accept the login');
    line.free(completion!);
  }

  async run(): Promise<void> {
    const { feed, replies } = this;
    while (!feed.ended || replies.open > 0) {
      const waited = this.waiting.shift();
      if (waited !== undefined) {
        this.core.follow(waited);
        await this.takeDatagram(waited);
        continue;
      }
      const [completion] = await this.cq.busyPoll(1);
      if (completion!.qpNum === feed.qpNum) await this.takeDatagram(completion!);
      else await this.takeReplies(completion!);
    }
  }

  async logout(): Promise<void> {
    const { line } = this;
    await line.room();
    line.add((into, at) => emitSoupHeader(LOGOUT, 0, into, at) - at);
    line.send(true);
    await line.drain();
  }

  result(): StrategyResult {
    const { strategy, replies, feed, held } = this;
    return {
      seen: Float64Array.from(this.seen),
      acknowledged: Float64Array.from(replies.acknowledged),
      digest: digestBooks(strategy.books),
      books: { ...strategy.books.counters },
      ticks: strategy.ticks,
      orders: strategy.orders,
      feedFaults: feed.faults,
      wrongReplies: replies.wrong,
      held,
    };
  }

  private async takeDatagram(completion: WorkCompletion): Promise<void> {
    const { core, feed, message, strategy } = this;
    const messages = feed.take(completion);
    const now = core.now;
    for (const { sequence } of messages) this.seen[sequence - 1] = now;
    for (const { start, sequence } of messages) {
      await core.work(this.params.book as Picoseconds);
      message.read(feed.view, start);
      if (strategy.take(message, sequence)) await this.sendOrder(completion);
    }
    core.endOperation();
    await feed.free(completion);
  }

  /** Sends the strategy's order for a message of this datagram. */
  private async sendOrder(tick: WorkCompletion): Promise<void> {
    const { core, line, replies, strategy } = this;
    const { order } = strategy;
    await core.work(this.params.decide as Picoseconds);
    if (replies.open >= ORDER_WINDOW || !line.open) {
      this.held++;
      while (replies.open >= ORDER_WINDOW) await this.awaitReply();
      await line.room();
      core.follow(tick);
    }
    line.add((into, at) => {
      into.set(order, emitSoupHeader(UNSEQUENCED, order.length, into, at));
      return SOUP_HEADER + order.length;
    });
    line.send();
    replies.entered(this.params.quantity);
  }

  private async awaitReply(): Promise<void> {
    const [completion] = await this.cq.busyPoll(1);
    if (completion!.qpNum === this.feed.qpNum) this.waiting.push(completion!);
    else await this.takeReplies(completion!);
  }

  private async takeReplies(completion: WorkCompletion): Promise<void> {
    const { core, line, replies } = this;
    for (const { type, payload } of line.take(completion)) {
      if (type === SEQUENCED) replies.take(payload, core.now);
      else replies.wrong++;
    }
    core.endOperation();
    line.free(completion);
    await line.ease();
  }
}
