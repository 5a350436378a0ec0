/** Messages for the tests: short ways to write ITCH, and a seeded random function. */
import { ItchWriter } from '../../../../workloads/trading/wire-formats/itch-writer.js';
import {
  ITCH_LAYOUTS,
  ITCH_TYPES,
  type ItchType,
} from '../../../../workloads/trading/wire-formats/itch-layouts.js';
import { ItchMessage, type ItchRecord } from '../../../../workloads/trading/wire-formats/itch.js';
import { eachFramed } from '../../../../workloads/trading/feed/feed.js';
import type { OrderBooks } from '../../../../workloads/trading/market/order-book.js';

/** mulberry32: numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const NINE_THIRTY = 34_200_000_000_000;

interface Common {
  readonly locate?: number;
  readonly at?: number;
}
const header = ({ locate = 7, at = NINE_THIRTY }: Common) => ({
  stockLocate: locate,
  trackingNumber: 0,
  timestamp: at,
});

export const add = (
  reference: number | bigint,
  side: 'B' | 'S',
  shares: number,
  price: number,
  common: Common = {},
): ItchRecord => ({
  ...header(common),
  type: 'A',
  reference: BigInt(reference),
  side,
  shares,
  stock: `STOCK${common.locate ?? 7}`,
  price,
});

export const executed = (
  reference: number | bigint,
  executedShares: number,
  common: Common = {},
): ItchRecord => ({
  ...header(common),
  type: 'E',
  reference: BigInt(reference),
  executedShares,
  matchNumber: 1n,
});

export const cancel = (
  reference: number | bigint,
  cancelledShares: number,
  common: Common = {},
): ItchRecord => ({ ...header(common), type: 'X', reference: BigInt(reference), cancelledShares });

export const remove = (reference: number | bigint, common: Common = {}): ItchRecord => ({
  ...header(common),
  type: 'D',
  reference: BigInt(reference),
});

export const replace = (
  originalReference: number | bigint,
  newReference: number | bigint,
  shares: number,
  price: number,
  common: Common = {},
): ItchRecord => ({
  ...header(common),
  type: 'U',
  originalReference: BigInt(originalReference),
  newReference: BigInt(newReference),
  shares,
  price,
});

export function framed(records: readonly ItchRecord[]): Uint8Array {
  const writer = new ItchWriter();
  for (const record of records) writer.append(record);
  return writer.bytes();
}

/** Applies framed messages to the books. */
export function play(books: OrderBooks, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = new ItchMessage();
  for (const start of eachFramed(bytes)) {
    message.read(view, start);
    books.apply(message);
  }
}

/** One message of each type, every field different and within what the type's header may say. */
export function oneOfEach(at = NINE_THIRTY): Uint8Array {
  const parts: number[] = [];
  for (const type of ITCH_TYPES) {
    const message = bytesOf(type, at);
    parts.push(message.length >>> 8, message.length & 0xff, ...message);
  }
  return Uint8Array.from(parts);
}

function bytesOf(type: ItchType, at: number): Uint8Array {
  const bytes = Uint8Array.from(
    { length: ITCH_LAYOUTS[type].length },
    (_, index) => 0x30 + (index % 64),
  );
  bytes[0] = type.charCodeAt(0);
  for (let i = 10, rest = at; i >= 5; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  if (type === 'A' || type === 'F') bytes[19] = 0x42;
  return bytes;
}
