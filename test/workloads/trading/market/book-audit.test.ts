import { describe, expect, it } from 'vitest';
import { auditBooks } from '../../../../workloads/trading/market/book-audit.js';
import { OrderBooks, type OrderBook } from '../../../../workloads/trading/market/order-book.js';
import { add, framed, play } from '../wire-formats/messages.js';

/** What the audit says of sound books after `harm` was done to them. */
function auditAfter(harm: (book: OrderBook, books: OrderBooks) => void): string | undefined {
  const books = new OrderBooks();
  play(
    books,
    framed([add(1, 'B', 10, 100), add(2, 'B', 20, 100), add(3, 'B', 30, 90), add(4, 'S', 5, 110)]),
  );
  harm(books.book(7)!, books);
  return auditBooks(books);
}

/** Moves the best bid's level, orders and all, without moving it in the ladder. */
function reprice(book: OrderBook, price: number): void {
  const level = book.bids.best()!;
  Object.assign(level, { price });
  for (let order = level.head; order !== undefined; order = order.next) order.price = price;
}

describe('the audit of order books', () => {
  it('finds nothing wrong with sound ones, crossed or not', () => {
    expect(auditAfter(() => undefined)).toBeUndefined();
    expect(auditAfter((_, books) => play(books, framed([add(5, 'S', 1, 80)])))).toBeUndefined();
  });

  it.each<[string, (book: OrderBook, books: OrderBooks) => void]>([
    ['volume 31 said, 30 there', (book) => (book.bids.best()!.volume += 1)],
    ['3 orders said, 2 there', (book) => (book.bids.best()!.orders += 1)],
    ['an order of another level', (book) => (book.bids.best()!.head!.price = 90)],
    ['an order without shares', (book) => (book.bids.best()!.head!.shares = 0)],
    ['not the same in both directions', (book) => (book.bids.best()!.tail!.previous = undefined)],
    ['the last order is not the tail', (book) => (book.bids.best()!.head!.next = undefined)],
    ['4 references, 3 orders', (book) => book.asks.remove(book.asks.best()!.head!)],
    ['its reference does not find', (book) => (book.asks.best()!.head!.referenceLow = 9)],
    ['level 90 does not follow 80', (book) => reprice(book, 80)],
  ])('finds: %s', (words, harm) => {
    expect(auditAfter(harm)).toContain(words);
  });
});
