/** What must hold of order books at any time, and what two hosts compare to know that theirs are the same. */
import type { OrderBook, OrderBooks } from './order-book.js';
import type { PriceLadder, PriceLevel, Queued } from './price-ladder.js';

/** The first thing wrong with a ladder, in words; undefined if all is well. */
export function auditLadder<Order extends Queued<Order>>(
  ladder: PriceLadder<Order>,
): string | undefined {
  for (let rank = 0; rank < ladder.depth; rank++) {
    const level = ladder.at(rank)!;
    const better = ladder.at(rank - 1);
    if (better !== undefined && !ladder.beats(better.price, level.price)) {
      return `level ${level.price} does not follow ${better.price}`;
    }
    const wrong = auditLevel(level);
    if (wrong !== undefined) return `level ${level.price}: ${wrong}`;
  }
  return undefined;
}

function auditLevel<Order extends Queued<Order>>(level: PriceLevel<Order>): string | undefined {
  let orders = 0;
  let volume = 0;
  let previous: Order | undefined;
  for (let order = level.head; order !== undefined; order = order.next) {
    if (order.level !== level || order.price !== level.price) return 'an order of another level';
    if (order.previous !== previous) return 'the queue is not the same in both directions';
    if (order.shares <= 0) return 'an order without shares';
    orders++;
    volume += order.shares;
    previous = order;
  }
  if (level.tail !== previous) return 'the last order is not the tail';
  if (orders === 0) return 'no orders';
  if (orders !== level.orders) return `${level.orders} orders said, ${orders} there`;
  if (volume !== level.volume) return `volume ${level.volume} said, ${volume} there`;
  return undefined;
}

/** The first thing wrong with any of the books; undefined if all is well. A crossed book is not wrong. */
export function auditBooks(books: OrderBooks): string | undefined {
  let resting = 0;
  for (const book of books.all()) {
    for (const ladder of [book.bids, book.asks]) {
      const wrong = auditLadder(ladder);
      if (wrong !== undefined) return `stock ${book.locate}: ${wrong}`;
      for (let rank = 0; rank < ladder.depth; rank++) {
        for (let order = ladder.at(rank)!.head; order !== undefined; order = order.next) {
          if (books.order(order.referenceHigh, order.referenceLow) !== order) {
            return `stock ${book.locate}: an order that its reference does not find`;
          }
          resting++;
        }
      }
    }
  }
  if (resting !== books.resting) return `${books.resting} references, ${resting} orders`;
  return undefined;
}

/**
 * 64 bits, as 16 hexadecimal digits, over every resting order in order of stock, side, price and time.
 * Books that were reached by different messages but hold the same have the same digest.
 */
export function digestBooks(books: OrderBooks): string {
  const digest = new Digest();
  for (const book of books.all()) digestBook(book, digest);
  return digest.text();
}

function digestBook(book: OrderBook, digest: Digest): void {
  for (const ladder of [book.bids, book.asks]) {
    for (let rank = 0; rank < ladder.depth; rank++) {
      for (let order = ladder.at(rank)!.head; order !== undefined; order = order.next) {
        digest.add(book.locate * 2 + (order.buy ? 1 : 0));
        digest.add(order.price);
        digest.add(order.shares);
        digest.add(order.referenceHigh);
        digest.add(order.referenceLow);
      }
    }
  }
}

/** Two FNV-1a hashes over 32-bit words, from different starts and with a rotation between words. */
class Digest {
  private a = 0x811c9dc5;
  private b = 0x2f0b4c47;

  add(word: number): void {
    this.a = Math.imul(this.a ^ word, 0x01000193);
    this.a ^= this.a >>> 15;
    this.b = Math.imul(((this.b << 7) | (this.b >>> 25)) ^ word, 0x85ebca6b);
    this.b ^= this.b >>> 13;
  }

  text(): string {
    const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');
    return hex(this.a) + hex(this.b);
  }
}
