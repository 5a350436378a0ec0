/** What must come out of a run: the feed taken by one strategy, message by message, without a network. */
import { doAtOnce } from '../authoring/portions.js';
import { digestBooks } from './market/book-audit.js';
import type { Feed } from './feed/feed.js';
import { ItchMessage } from './wire-formats/itch.js';
import { OrderBooks } from './market/order-book.js';
import { primeBooks } from './feed/published-books.js';
import { Strategy, type StrategyParameters } from './market/strategy.js';

export interface Replay {
  /** The orders, one behind the other, and the number of the message that each answers. */
  readonly orders: Uint8Array;
  readonly answers: readonly number[];
  readonly digest: string;
  readonly books: Readonly<Record<string, number>>;
}

export function replayFeed(
  feed: Feed,
  params: Pick<StrategyParameters, 'every' | 'quantity' | 'tick'>,
): Replay {
  const books = new OrderBooks();
  doAtOnce(primeBooks(books, feed));
  const strategy = new Strategy({ ...params, books });
  const message = new ItchMessage();
  const { bytes } = feed;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const orders: number[] = [];
  const answers: number[] = [];
  for (const [index, start] of feed.starts.entries()) {
    message.read(view, start);
    if (!strategy.take(message, index + 1)) continue;
    answers.push(index + 1);
    for (const byte of strategy.order) orders.push(byte);
  }
  return {
    orders: Uint8Array.from(orders),
    answers,
    digest: digestBooks(books),
    books: { ...books.counters },
  };
}
