/**
 * The exchange's own books of a feed that is replayed: what it has published until now. An immediate-or-cancel order
 * trades against what they show, at the prices that are there.
 *
 * A replay cannot change: what an order takes is there again for the next one.
 */
import type { EnterOrder } from '../wire-formats/ouch.js';
import type { Portions } from '../../authoring/portions.js';
import { eachFramed, MESSAGES_PER_PORTION, type Feed } from './feed.js';
import { ItchMessage } from '../wire-formats/itch.js';
import { OrderBooks, type OrderBook } from '../market/order-book.js';

export interface Fill {
  readonly price: number;
  readonly shares: number;
}

export class PublishedBooks {
  private readonly books = new OrderBooks();
  private readonly feed: Feed;
  private readonly view: DataView;
  private readonly message = new ItchMessage();
  private readonly bySymbol = new Map<string, OrderBook>();
  private next = 0;

  /** The books before the first message. */
  static *of(feed: Feed): Portions<PublishedBooks> {
    const published = new PublishedBooks(feed);
    yield* primeBooks(published.books, feed);
    return published;
  }

  private constructor(feed: Feed) {
    this.feed = feed;
    const { bytes } = feed;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Takes everything that is meant to be published up to `time` of the feed. */
  *advance(time: number): Portions<void> {
    const { starts, times } = this.feed;
    while (this.next < starts.length && times[this.next]! <= time) {
      this.message.read(this.view, starts[this.next]!);
      this.books.apply(this.message);
      this.next++;
      if (this.next % MESSAGES_PER_PORTION === 0) yield;
    }
  }

  /** What the order gets at once, best price first, from `levels` prices at most. */
  fills({ symbol, side, price, quantity }: EnterOrder, levels: number): Fill[] {
    const other = this.book(symbol)?.side(side !== 'B');
    const fills: Fill[] = [];
    let wanted = quantity;
    for (let rank = 0; other !== undefined && rank < levels && wanted > 0; rank++) {
      const level = other.at(rank);
      if (level === undefined) break;
      if (side === 'B' ? level.price > price : level.price < price) break;
      const shares = Math.min(wanted, level.volume);
      fills.push({ price: level.price, shares });
      wanted -= shares;
    }
    return fills;
  }

  private book(symbol: string): OrderBook | undefined {
    let book = this.bySymbol.get(symbol);
    if (book === undefined) {
      book = this.books.all().find(({ stock }) => stock === symbol);
      if (book !== undefined) this.bySymbol.set(symbol, book);
    }
    return book;
  }
}

/** Brings empty books to where a feed begins. */
export function* primeBooks(books: OrderBooks, { primer }: Feed): Portions<void> {
  const message = new ItchMessage();
  const view = new DataView(primer.buffer, primer.byteOffset, primer.byteLength);
  let count = 0;
  for (const start of eachFramed(primer)) {
    message.read(view, start);
    books.apply(message);
    if (++count % MESSAGES_PER_PORTION === 0) yield;
  }
}
