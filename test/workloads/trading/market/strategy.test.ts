import { describe, expect, it } from 'vitest';
import { eachFramed } from '../../../../workloads/trading/feed/feed.js';
import { ItchMessage, type ItchRecord } from '../../../../workloads/trading/wire-formats/itch.js';
import { OrderBooks } from '../../../../workloads/trading/market/order-book.js';
import { parseRequest } from '../../../../workloads/trading/wire-formats/ouch.js';
import { Strategy } from '../../../../workloads/trading/market/strategy.js';
import { doAtOnce } from '../../../../workloads/authoring/portions.js';
import { syntheticFeed } from '../../../../workloads/trading/feed/synthetic-feed.js';
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

/** What the strategy answers to framed messages: the number of each that it answers, side, price. */
function answers(strategy: Strategy, bytes: Uint8Array): unknown[] {
  const message = new ItchMessage();
  const view = new DataView(bytes.buffer);
  const sent: unknown[] = [];
  let sequence = 0;
  for (const start of eachFramed(bytes)) {
    message.read(view, start);
    sequence++;
    if (!strategy.take(message, sequence)) continue;
    const order = parseRequest(strategy.order, 0, strategy.order.length);
    if (order?.type !== 'O') throw new Error('no Enter Order');
    expect(order).toMatchObject({ userRefNum: sent.length + 1, timeInForce: '3', quantity: 10 });
    expect(order.clOrdId).toBe(String(sequence));
    sent.push([sequence, order.symbol, order.side, order.price]);
  }
  return sent;
}

const book: ItchRecord[] = [
  add(1, 'B', 100, 9_900),
  add(2, 'B', 100, 9_800),
  add(3, 'S', 100, 10_000),
  add(4, 'S', 100, 10_100),
  add(5, 'S', 100, 10_300),
];

describe('the strategy', () => {
  it('follows a best price that gives way, however it went', () => {
    const strategy = new Strategy({ every: 1, quantity: 10 });
    const ticks = [
      executed(3, 40),
      executed(3, 60),
      replace(4, 6, 100, 10_200),
      cancel(1, 100),
      remove(6),
      remove(5),
      add(7, 'S', 5, 12_000),
    ];
    expect(answers(strategy, framed([...book, ...ticks]))).toEqual([
      [7, 'STOCK7', 'B', 10_100],
      [8, 'STOCK7', 'B', 10_200],
      [9, 'STOCK7', 'S', 9_800],
      [10, 'STOCK7', 'B', 10_300],
    ]);
    expect(strategy).toMatchObject({ ticks: 4, orders: 4 });
  });

  it('takes any move of a best price for a tick if told so', () => {
    const strategy = new Strategy({ every: 1, quantity: 10, tick: 'touch' });
    const ticks = [
      add(6, 'S', 5, 10_000),
      add(7, 'B', 5, 9_950),
      executed(3, 100),
      remove(6),
      remove(7),
    ];
    expect(answers(strategy, framed([...book, ...ticks]))).toEqual([
      [3, 'STOCK7', 'B', 10_000],
      [7, 'STOCK7', 'S', 9_950],
      [9, 'STOCK7', 'B', 10_100],
      [10, 'STOCK7', 'S', 9_900],
    ]);
  });

  it('has nothing to trade at once both sides are gone', () => {
    const strategy = new Strategy({ every: 1, quantity: 10, tick: 'touch' });
    const messages = [add(1, 'B', 1, 5), add(2, 'S', 1, 6), remove(1), remove(2)];
    expect(answers(strategy, framed(messages))).toEqual([
      [2, 'STOCK7', 'B', 6],
      [3, 'STOCK7', 'B', 6],
    ]);
  });

  it('answers one tick of n, of the stocks it watches', () => {
    const other = { locate: 9 };
    const ticks = [
      add(11, 'S', 10, 500, other),
      add(12, 'S', 10, 600, other),
      remove(11, other),
      remove(3),
      remove(4),
    ];
    const feed = framed([...book, ...ticks]);
    const strategy = (every: number, watched?: number[]): Strategy =>
      new Strategy({ every, quantity: 10, ...(watched && { watched }) });
    expect(answers(strategy(1, [9]), feed)).toEqual([[8, 'STOCK9', 'B', 600]]);
    expect(answers(strategy(2), feed)).toEqual([[9, 'STOCK7', 'B', 10_100]]);
    expect(answers(strategy(1, []), feed)).toEqual([]);
  });

  it('starts from books that were primed', () => {
    const books = new OrderBooks();
    play(books, framed(book));
    const strategy = new Strategy({ every: 1, quantity: 10, books });
    expect(answers(strategy, framed([remove(3)]))).toEqual([[1, 'STOCK7', 'B', 10_100]]);
  });

  it('answers some of a burst, and the same ones every time', () => {
    const feed = doAtOnce(
      syntheticFeed({ shape: 'open', stocks: 5, messages: 5_000, random: seeded(1) }),
    );
    const run = (): unknown[] => {
      const books = new OrderBooks();
      play(books, feed.primer);
      return answers(new Strategy({ every: 3, quantity: 10, books }), feed.bytes);
    };
    const sent = run();
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.length).toBeLessThan(1_000);
    expect(run()).toEqual(sent);
  });
});
