/**
 * Order books kept from an ITCH feed: one {@link OrderBook} per stock locate, in price-time priority.
 *
 * A feed is believed, not policed: a book primed in the middle of a day meets references it has never
 * seen, and may be crossed for a while. What does not add up is counted and left out.
 */
import {
  ADD,
  ADD_ATTRIBUTED,
  CANCEL,
  DELETE,
  EXECUTED,
  EXECUTED_WITH_PRICE,
  REPLACE,
  type ItchMessage,
} from '../wire-formats/itch.js';
import { PriceLadder, type PriceLevel } from './price-ladder.js';
import { ReferenceMap } from './reference-map.js';

/** An order that rests in a book; reused for another one once it has left. */
export class BookOrder {
  referenceHigh = 0;
  referenceLow = 0;
  price = 0;
  shares = 0;
  book: OrderBook;
  buy = false;
  level: PriceLevel<BookOrder> | undefined = undefined;
  previous: BookOrder | undefined = undefined;
  next: BookOrder | undefined = undefined;

  constructor(book: OrderBook) {
    this.book = book;
  }
}

/** Both sides of one stock. */
export class OrderBook {
  readonly locate: number;
  /** The symbol's eight characters, as the first order for it gave them. */
  readonly stockHigh: number;
  readonly stockLow: number;
  readonly bids = new PriceLadder<BookOrder>(true);
  readonly asks = new PriceLadder<BookOrder>(false);

  constructor(locate: number, stockHigh: number, stockLow: number) {
    this.locate = locate;
    this.stockHigh = stockHigh;
    this.stockLow = stockLow;
  }

  /** The symbol, without its padding. */
  get stock(): string {
    return (letters(this.stockHigh) + letters(this.stockLow)).trimEnd();
  }

  side(buy: boolean): PriceLadder<BookOrder> {
    return buy ? this.bids : this.asks;
  }

  /** The best price of a side; 0 if nobody is there. */
  bestBid(): number {
    return this.bids.best()?.price ?? 0;
  }

  bestAsk(): number {
    return this.asks.best()?.price ?? 0;
  }

  /** Whether somebody bids at or above what another asks: locked or crossed. */
  crossed(): boolean {
    const bid = this.bids.best();
    const ask = this.asks.best();
    return bid !== undefined && ask !== undefined && bid.price >= ask.price;
  }
}

/** What a feed said that a book could not take at its word, and how often. */
export interface BookCounters {
  /** Messages that changed a book. */
  applied: number;
  /** E, C, X, D, U about an order that is not in any book. */
  unknown: number;
  /** A, F, U under a reference that is taken; left out. */
  duplicate: number;
  /** E, C, X of more shares than the order has; it is removed. */
  excess: number;
  /** A, F, U of no shares; left out. */
  empty: number;
  /** Messages after which their book was locked or crossed. */
  crossed: number;
}

export class OrderBooks {
  readonly counters: BookCounters = {
    applied: 0,
    unknown: 0,
    duplicate: 0,
    excess: 0,
    empty: 0,
    crossed: 0,
  };
  private readonly books = new Map<number, OrderBook>();
  private readonly orders = new ReferenceMap<BookOrder>();
  private readonly free: BookOrder[] = [];

  /** Orders in all books. */
  get resting(): number {
    return this.orders.size;
  }

  book(locate: number): OrderBook | undefined {
    return this.books.get(locate);
  }

  order(referenceHigh: number, referenceLow: number): BookOrder | undefined {
    return this.orders.get(referenceHigh, referenceLow);
  }

  /** All books, by stock locate. */
  all(): OrderBook[] {
    return [...this.books.values()].sort((a, b) => a.locate - b.locate);
  }

  /** Applies a message and answers the book that it changed; undefined if it changed none. */
  apply(message: ItchMessage): OrderBook | undefined {
    const book = this.change(message);
    if (book === undefined) return undefined;
    this.counters.applied++;
    if (book.crossed()) this.counters.crossed++;
    return book;
  }

  private change(message: ItchMessage): OrderBook | undefined {
    switch (message.code) {
      case ADD:
      case ADD_ATTRIBUTED:
        return this.add(message);
      case EXECUTED:
      case EXECUTED_WITH_PRICE:
      case CANCEL:
        return this.take(message);
      case DELETE:
        return this.delete(message);
      case REPLACE:
        return this.replace(message);
      default:
        return undefined;
    }
  }

  private add(message: ItchMessage): OrderBook | undefined {
    const { locate, referenceHigh, referenceLow } = message;
    if (!this.mayEnter(referenceHigh, referenceLow, message.shares)) return undefined;
    let book = this.books.get(locate);
    if (book === undefined) {
      book = new OrderBook(locate, message.stockHigh, message.stockLow);
      this.books.set(locate, book);
    }
    this.enter(book, message.buy, referenceHigh, referenceLow, message);
    return book;
  }

  private take(message: ItchMessage): OrderBook | undefined {
    const order = this.find(message);
    if (order === undefined) return undefined;
    if (message.shares > order.shares) this.counters.excess++;
    if (message.shares >= order.shares) return this.leave(order);
    order.book.side(order.buy).reduce(order, message.shares);
    return order.book;
  }

  private delete(message: ItchMessage): OrderBook | undefined {
    const order = this.find(message);
    return order === undefined ? undefined : this.leave(order);
  }

  /** The original is gone whatever the new order is; side and stock are the original's. */
  private replace(message: ItchMessage): OrderBook | undefined {
    const order = this.find(message);
    if (order === undefined) return undefined;
    const { buy } = order;
    const book = this.leave(order);
    const { newReferenceHigh, newReferenceLow } = message;
    if (this.mayEnter(newReferenceHigh, newReferenceLow, message.shares)) {
      this.enter(book, buy, newReferenceHigh, newReferenceLow, message);
    }
    return book;
  }

  private find(message: ItchMessage): BookOrder | undefined {
    const order = this.orders.get(message.referenceHigh, message.referenceLow);
    if (order === undefined) this.counters.unknown++;
    return order;
  }

  private mayEnter(referenceHigh: number, referenceLow: number, shares: number): boolean {
    const taken = this.orders.get(referenceHigh, referenceLow) !== undefined;
    if (taken) this.counters.duplicate++;
    else if (shares === 0) this.counters.empty++;
    return !taken && shares > 0;
  }

  private enter(
    book: OrderBook,
    buy: boolean,
    referenceHigh: number,
    referenceLow: number,
    message: ItchMessage,
  ): void {
    const order = this.free.pop() ?? new BookOrder(book);
    order.book = book;
    order.buy = buy;
    order.referenceHigh = referenceHigh;
    order.referenceLow = referenceLow;
    order.price = message.price;
    order.shares = message.shares;
    this.orders.set(referenceHigh, referenceLow, order);
    book.side(buy).add(order);
  }

  private leave(order: BookOrder): OrderBook {
    this.orders.delete(order.referenceHigh, order.referenceLow);
    order.book.side(order.buy).remove(order);
    this.free.push(order);
    return order.book;
  }
}

const letters = (word: number): string =>
  String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff);
