/** The orders of all books as ITCH Add messages: applied to empty books, they give the same books. */
import type { OrderBooks } from './order-book.js';
import { ItchWriter } from '../wire-formats/itch-writer.js';

/**
 * Framed messages, all stamped `timestamp` (nanoseconds since midnight), each level's in order of time. Yields after
 * each level.
 */
export function* snapshotBooks(
  books: OrderBooks,
  timestamp: number,
): Generator<undefined, Uint8Array> {
  const writer = new ItchWriter();
  for (const book of books.all()) {
    for (const ladder of [book.bids, book.asks]) {
      for (let rank = 0; rank < ladder.depth; rank++) {
        for (let order = ladder.at(rank)!.head; order !== undefined; order = order.next) {
          writer.append({
            type: 'A',
            stockLocate: book.locate,
            trackingNumber: 0,
            timestamp,
            reference: (BigInt(order.referenceHigh) << 32n) | BigInt(order.referenceLow),
            side: order.buy ? 'B' : 'S',
            shares: order.shares,
            stock: book.stock,
            price: order.price,
          });
        }
        yield;
      }
    }
  }
  return writer.bytes();
}
