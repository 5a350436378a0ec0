/**
 * A trading strategy as simple as can be measured: it keeps its own books and answers ticks of the stocks it watches,
 * immediate or cancel. Only every n-th tick is answered. What a tick is:
 *
 * `retreat`: a best price gives way, and the strategy follows the move. A best ask that is gone (executed, cancelled or
 * deleted away, so that the next one is higher) is a tick up: it buys at the new best ask. A best bid that is gone is
 * a tick down: it sells at the new best bid.
 *
 * `touch`: a best price is another one than before; the first message of a stock is none. It buys at a best ask that
 * has moved, else it sells at the best bid, or takes the one side that there is.
 */
import { emitRequest, type EnterOrder } from '../wire-formats/ouch.js';
import { IMMEDIATE_OR_CANCEL, VISIBLE } from '../wire-formats/ouch-layouts.js';
import type { ItchMessage } from '../wire-formats/itch.js';
import { OrderBooks, type OrderBook } from './order-book.js';

export type Tick = 'retreat' | 'touch';

export interface StrategyParameters {
  /** Stock locates; every stock unless given. */
  readonly watched?: readonly number[];
  /** Answers every n-th tick; 1 for all. */
  readonly every: number;
  /** Shares of each order. */
  readonly quantity: number;
  /** `retreat` unless given. */
  readonly tick?: Tick;
  readonly books?: OrderBooks;
}

interface Quote {
  bid: number;
  ask: number;
}

export class Strategy {
  readonly books: OrderBooks;
  /** Times that a best price gave way, and the orders sent for them. */
  ticks = 0;
  orders = 0;
  /** The last order, as OUCH has it: an Enter Order without optional fields. */
  readonly order = new Uint8Array(47);
  private readonly watched: ReadonlySet<number> | undefined;
  private readonly every: number;
  private readonly quantity: number;
  private readonly tick: Tick;
  private readonly quotes = new Map<number, Quote>();

  constructor({ watched, every, quantity, tick = 'retreat', books }: StrategyParameters) {
    this.books = books ?? new OrderBooks();
    this.watched = watched === undefined ? undefined : new Set(watched);
    this.every = every;
    this.quantity = quantity;
    this.tick = tick;
    for (const book of this.books.all()) this.quoteOf(book.locate, book);
  }

  /**
   * Takes the feed's message number `sequence`. True if it is answered: `order` is then the order's bytes,
   * and its ClOrdID the number of the message that it answers.
   */
  take(message: ItchMessage, sequence: number): boolean {
    const book = this.books.apply(message);
    if (book === undefined) return false;
    if (this.watched !== undefined && !this.watched.has(book.locate)) return false;
    const quote = this.quoteOf(book.locate, book);
    const bid = book.bestBid();
    const ask = book.bestAsk();
    const buy = this.tick === 'retreat' ? onRetreat(quote, bid, ask) : onTouch(quote, bid, ask);
    quote.bid = bid;
    quote.ask = ask;
    if (buy === undefined) return false;
    this.ticks++;
    if (this.ticks % this.every !== 0) return false;
    this.enter(book, buy, buy ? ask : bid, sequence);
    return true;
  }

  private enter(book: OrderBook, buy: boolean, price: number, sequence: number): void {
    this.orders++;
    const order: EnterOrder = {
      type: 'O',
      userRefNum: this.orders,
      side: buy ? 'B' : 'S',
      quantity: this.quantity,
      symbol: book.stock,
      price,
      timeInForce: IMMEDIATE_OR_CANCEL,
      display: VISIBLE,
      capacity: 'P',
      interMarketSweepEligibility: 'N',
      crossType: 'N',
      clOrdId: String(sequence),
    };
    emitRequest(order, this.order, 0);
  }

  private quoteOf(locate: number, book: OrderBook): Quote {
    let quote = this.quotes.get(locate);
    if (quote === undefined) {
      quote = { bid: book.bestBid(), ask: book.bestAsk() };
      this.quotes.set(locate, quote);
    }
    return quote;
  }
}

/** Whether to buy (true) or sell; undefined if it is no tick. 0 is no price. */
function onRetreat(before: Quote, bid: number, ask: number): boolean | undefined {
  if (before.ask !== 0 && ask > before.ask) return true;
  return before.bid !== 0 && bid !== 0 && bid < before.bid ? false : undefined;
}

function onTouch(before: Quote, bid: number, ask: number): boolean | undefined {
  const moved = ask !== before.ask || bid !== before.bid;
  if (!moved || (ask === 0 && bid === 0)) return undefined;
  return ask !== 0 && (ask !== before.ask || bid === 0);
}
