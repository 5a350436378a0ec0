/**
 * The trading host: takes the feed, keeps its books, and sends an order for what the strategy answers. What a message
 * and an order cost its core are parameters of the workload; the books and the strategy are real.
 *
 * Messages of one datagram are taken one after the other, so an order for the last one has the work for those before
 * it in its latency, as it would have.
 */
import type { Core, Task } from '../../../node/program/verbs.js';
import { doInPortions } from '../../authoring/portions.js';
import { digestBooks } from '../market/book-audit.js';
import type { Feed } from '../feed/feed.js';
import { ItchMessage } from '../wire-formats/itch.js';
import { OrderReplies } from './order-replies.js';
import { OrderBooks } from '../market/order-book.js';
import { primeBooks } from '../feed/published-books.js';
import type { TraderLines } from '../session/session-lines.js';
import { SocketTraderLines } from './socket-trader-lines.js';
import {
  emitLoginRequest,
  emitSoupHeader,
  LOGIN_ACCEPTED,
  LOGOUT,
  SEQUENCED,
  SOUP_HEADER,
  UNSEQUENCED,
} from '../wire-formats/soupbin.js';
import { Strategy } from '../market/strategy.js';
import { feedOf } from '../feed/tick-to-trade-feed.js';
import {
  ORDER_WINDOW,
  RANK,
  SESSION,
  type StrategyResult,
  type TickToTradeParameters,
} from '../session/tick-to-trade-session.js';
import { VerbsTraderLines } from './verbs-trader-lines.js';

/** Takes the feed and trades on it until the feed ends and every order is answered. */
export async function trade(
  core: Core,
  { params, inputs, seed }: Task<TickToTradeParameters>,
): Promise<StrategyResult> {
  const feed = await doInPortions(core, feedOf(inputs, params, seed));
  return params.path === 'rdma'
    ? tradeOver(await VerbsTraderLines.open(core, params.receives), core, feed, params)
    : tradeOver(await SocketTraderLines.open(core, feed, params), core, feed, params);
}

async function tradeOver<Heard>(
  lines: TraderLines<Heard>,
  core: Core,
  feed: Feed,
  params: TickToTradeParameters,
): Promise<StrategyResult> {
  const books = new OrderBooks();
  await doInPortions(core, primeBooks(books, feed));
  const strategy = new Strategy({ ...params, books });
  const trader = new FeedTrader(core, lines, strategy, params);
  await trader.login();
  await core.tell(RANK.publisher, 'subscribed');
  await lines.begin();
  await trader.run();
  await trader.logout();
  await core.tell(RANK.publisher, 'over');
  await core.tell(RANK.gateway, 'over');
  await lines.close();
  return trader.result();
}

class FeedTrader<Heard> {
  private readonly core: Core;
  private readonly lines: TraderLines<Heard>;
  private readonly strategy: Strategy;
  private readonly params: TickToTradeParameters;
  private readonly message = new ItchMessage();
  private readonly replies = new OrderReplies();
  private readonly seen: number[] = [];
  /** Datagrams that came while an order waited for its turn. */
  private readonly waiting: Heard[] = [];
  private held = 0;

  constructor(
    core: Core,
    lines: TraderLines<Heard>,
    strategy: Strategy,
    params: TickToTradeParameters,
  ) {
    this.core = core;
    this.lines = lines;
    this.strategy = strategy;
    this.params = params;
  }

  async login(): Promise<void> {
    const { lines } = this;
    const login = { username: 'trader', password: '', session: SESSION, sequence: 1 };
    lines.orders.add((into, at) => emitLoginRequest(login, into, at));
    await lines.orders.send();
    const heard = await lines.hearReplies();
    const [packet] = lines.packets(heard);
    if (packet?.type !== LOGIN_ACCEPTED) throw new Error('the exchange did not accept the login');
    lines.freeReplies(heard);
  }

  async run(): Promise<void> {
    const { lines, replies } = this;
    while (!lines.ended || replies.open > 0) {
      const waited = this.waiting.shift();
      if (waited !== undefined) {
        lines.goOnWith(waited);
        await this.takeDatagram(waited);
        continue;
      }
      const heard = await lines.hear();
      if (lines.isFeed(heard)) await this.takeDatagram(heard);
      else await this.takeReplies(heard);
    }
  }

  async logout(): Promise<void> {
    const { orders } = this.lines;
    await orders.room();
    orders.add((into, at) => emitSoupHeader(LOGOUT, 0, into, at) - at);
    await orders.send(true);
    await orders.drain();
  }

  result(): StrategyResult {
    const { strategy, replies, lines, held } = this;
    return {
      seen: Float64Array.from(this.seen),
      acknowledged: Float64Array.from(replies.acknowledged),
      digest: digestBooks(strategy.books),
      books: { ...strategy.books.counters },
      ticks: strategy.ticks,
      orders: strategy.orders,
      feedFaults: lines.faults,
      wrongReplies: replies.wrong,
      held,
      lineCounters: lines.counters,
    };
  }

  private async takeDatagram(heard: Heard): Promise<void> {
    const { core, lines, message, strategy } = this;
    const messages = lines.messages(heard);
    const view = lines.view(heard);
    const now = core.now;
    for (const { sequence } of messages) this.seen[sequence - 1] = now;
    for (const { start, sequence } of messages) {
      await core.work(this.params.book);
      message.read(view, start);
      if (strategy.take(message, sequence)) await this.sendOrder(heard);
    }
    core.endOperation();
    await lines.freeFeed(heard);
  }

  /** Sends the strategy's order for a message of this datagram. */
  private async sendOrder(tick: Heard): Promise<void> {
    const { core, lines, replies, strategy } = this;
    const { orders } = lines;
    const { order } = strategy;
    await core.work(this.params.decide);
    if (replies.open >= ORDER_WINDOW || !orders.open) {
      this.held++;
      while (replies.open >= ORDER_WINDOW) await this.awaitReply();
      await orders.room();
      lines.goOnWith(tick);
    }
    orders.add((into, at) => {
      into.set(order, emitSoupHeader(UNSEQUENCED, order.length, into, at));
      return SOUP_HEADER + order.length;
    });
    await orders.send();
    replies.entered(this.params.quantity);
  }

  private async awaitReply(): Promise<void> {
    const heard = await this.lines.hearReplies();
    if (this.lines.isFeed(heard)) this.waiting.push(heard);
    else await this.takeReplies(heard);
  }

  private async takeReplies(heard: Heard): Promise<void> {
    const { core, lines, replies } = this;
    for (const { type, payload } of lines.packets(heard)) {
      if (type === SEQUENCED) replies.take(payload, core.now);
      else replies.wrong++;
    }
    core.endOperation();
    lines.freeReplies(heard);
    await lines.orders.ease();
  }
}
