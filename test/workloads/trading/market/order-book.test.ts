import { describe, expect, it } from 'vitest';
import { doAtOnce } from '../../../../workloads/authoring/portions.js';
import { auditBooks, digestBooks } from '../../../../workloads/trading/market/book-audit.js';
import { snapshotBooks } from '../../../../workloads/trading/market/book-snapshot.js';
import type { ItchRecord } from '../../../../workloads/trading/wire-formats/itch.js';
import { OrderBooks } from '../../../../workloads/trading/market/order-book.js';
import { NaiveBooks } from '../wire-formats/naive-books.js';
import {
  add,
  cancel,
  executed,
  framed,
  play,
  remove,
  replace,
  seeded,
} from '../wire-formats/messages.js';

function booksOf(...records: ItchRecord[]): OrderBooks {
  const books = new OrderBooks();
  play(books, framed(records));
  expect(auditBooks(books)).toBeUndefined();
  return books;
}

/** Price, orders and volume of each level, best first. */
function levels(books: OrderBooks, buy: boolean, locate = 7): number[][] {
  const side = books.book(locate)!.side(buy);
  return Array.from({ length: side.depth }, (_, rank) => {
    const level = side.at(rank)!;
    return [level.price, level.orders, level.volume];
  });
}

/** The references of a side, in priority. */
function queue(books: OrderBooks, buy: boolean, locate = 7): number[] {
  const side = books.book(locate)!.side(buy);
  const references: number[] = [];
  for (let rank = 0; rank < side.depth; rank++) {
    for (let order = side.at(rank)!.head; order !== undefined; order = order.next) {
      references.push(order.referenceLow);
    }
  }
  return references;
}

describe('an order book', () => {
  it('orders by price, then by time', () => {
    const books = booksOf(
      add(1, 'B', 100, 10_000),
      add(2, 'B', 200, 10_100),
      add(3, 'B', 300, 10_000),
      add(4, 'S', 400, 10_300),
      add(5, 'S', 500, 10_200),
    );
    expect(levels(books, true)).toEqual([[10_100, 1, 200], [10_000, 2, 400]]); // prettier-ignore
    expect(levels(books, false)).toEqual([[10_200, 1, 500], [10_300, 1, 400]]); // prettier-ignore
    expect(queue(books, true)).toEqual([2, 1, 3]);
    expect(books.book(7)!.bestBid()).toBe(10_100);
    expect(books.book(7)!.bestAsk()).toBe(10_200);
  });

  it('takes executions and cancels from an order in place, and removes it at nothing', () => {
    const books = booksOf(
      add(1, 'B', 100, 10_000),
      add(2, 'B', 100, 10_000),
      executed(1, 30),
      cancel(1, 20),
    );
    expect(levels(books, true)).toEqual([[10_000, 2, 150]]);
    expect(queue(books, true)).toEqual([1, 2]);
    play(books, framed([executed(1, 50), remove(2)]));
    expect(levels(books, true)).toEqual([]);
    expect(books.resting).toBe(0);
    expect(books.book(7)!.bestBid()).toBe(0);
  });

  it('replaces at the tail, on the side and stock of the original', () => {
    const books = booksOf(
      add(1, 'S', 100, 10_000, { locate: 3 }),
      add(2, 'S', 100, 10_000, { locate: 3 }),
      replace(1, 9, 70, 10_000, { locate: 3 }),
    );
    expect(queue(books, false, 3)).toEqual([2, 9]);
    expect(books.order(0, 1)).toBeUndefined();
  });

  it('counts what does not add up, and stays whole', () => {
    const books = booksOf(
      add(1, 'B', 100, 10_000),
      executed(77, 1),
      remove(78),
      replace(79, 80, 1, 1),
      add(1, 'B', 5, 9_000),
      add(2, 'B', 0, 9_000),
      add(3, 'S', 10, 9_900),
      executed(3, 11),
    );
    expect(books.counters).toEqual({
      applied: 3,
      unknown: 3,
      duplicate: 1,
      excess: 1,
      empty: 1,
      crossed: 1,
    });
    expect(levels(books, true)).toEqual([[10_000, 1, 100]]);
    expect(levels(books, false)).toEqual([]);
  });

  it('tells references apart that differ only in their high words', () => {
    const books = booksOf(add(5, 'B', 1, 100), add(2n ** 63n + 5n, 'B', 2, 100), remove(5));
    expect(books.order(2 ** 31, 5)?.shares).toBe(2);
    expect(books.resting).toBe(1);
  });

  it('has a digest of what it holds, not of how that came about', () => {
    const one = booksOf(add(1, 'B', 100, 100), add(2, 'B', 100, 100), remove(1));
    const other = booksOf(add(2, 'B', 150, 100), cancel(2, 50));
    expect(digestBooks(one)).toBe(digestBooks(other));
    const base = [add(1, 'B', 100, 100), add(2, 'B', 100, 100)] as const;
    const different = [
      base,
      [base[1], base[0]],
      [base[0]],
      [add(1, 'S', 100, 100), base[1]],
      [add(1, 'B', 101, 100), base[1]],
      [add(1, 'B', 100, 101), base[1]],
      [add(1, 'B', 100, 100, { locate: 8 }), base[1]],
      [add(2n ** 32n + 1n, 'B', 100, 100), base[1]],
      [],
    ].map((records) => digestBooks(booksOf(...records)));
    expect(new Set(different).size).toBe(different.length);
  });

  it.each([1, 2, 3, 4, 5])('agrees with a plain model after every message (seed %i)', (seed) => {
    const random = seeded(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const books = new OrderBooks();
    const naive = new NaiveBooks();
    let next = 1;
    for (let step = 0; step < 1_200; step++) {
      const locate = 1 + pick(3);
      const known = 1 + pick(next + 2);
      const shares = pick(8) * 10;
      const price = 1_000 + pick(12) * 100;
      const record = [
        () => add(next++, pick(2) === 0 ? 'B' : 'S', shares, price, { locate }),
        () => add(next++, pick(2) === 0 ? 'B' : 'S', shares, price, { locate }),
        () => executed(known, shares, { locate }),
        () => cancel(known, shares, { locate }),
        () => remove(known, { locate }),
        () => replace(known, pick(20) === 0 ? known + 1 : next++, shares, price, { locate }),
      ][pick(6)]!();
      play(books, framed([record]));
      naive.apply(record);
      if (step % 10 === 0) expect(auditBooks(books)).toBeUndefined();
      for (const buy of [true, false]) {
        const book = books.book(locate);
        if (book === undefined) continue;
        expect(queue(books, buy, locate)).toEqual(naive.queue(locate, buy));
        expect(levels(books, buy, locate)).toEqual(naive.levels(locate, buy));
      }
    }
    expect(books.counters.unknown).toBeGreaterThan(100);
    expect(books.resting).toBeGreaterThan(20);
    const copy = new OrderBooks();
    play(copy, doAtOnce(snapshotBooks(books, 0)));
    expect(digestBooks(copy)).toBe(digestBooks(books));
  });
});
