/**
 * The messages of a made-up market, each consistent with all before it: what is executed, cancelled,
 * deleted or replaced is an order that rests, executions take the first in priority, and no book crosses.
 *
 * Prices: a new order goes inside the spread, or a geometrically distributed number of ticks behind the best
 * price of its side. Nobody has a view of what a stock is worth: a mid price wanders with its orders.
 */
import type { Portions } from '../../authoring/portions.js';
import { MESSAGES_PER_PORTION } from './feed.js';
import { drawWeighted, ORDER_SIZES } from './feed-statistics.js';
import type { ItchType } from '../wire-formats/itch-layouts.js';
import type { ItchWriter } from '../wire-formats/itch-writer.js';
import { ItchMessage, type ItchRecord } from '../wire-formats/itch.js';
import { OrderBooks, type BookOrder } from '../market/order-book.js';

/** One cent. */
const TICK = 100;
/** How often an order improves on its side's best price, where the spread leaves room. */
const IMPROVES = 0.15;
/** How often an order goes one tick further back. */
const FURTHER = 0.85;
/** How often what is changed or withdrawn is the last order of a best price, where real ones are moved most. */
const AT_BEST = 0.5;
/** Between the best prices of a stock nobody has traded yet. */
const FIRST_SPREAD = 10 * TICK;

export class OrderFlow {
  readonly books = new OrderBooks();
  private readonly random: () => number;
  private readonly writer: ItchWriter;
  private readonly message = new ItchMessage();
  /** By stock: the references of its resting orders, in no order, and where each is among them. */
  private readonly resting: number[][] = [];
  private readonly places = new Map<number, number>();
  private reference = 0;
  private match = 0;
  private now = 0;

  constructor(stocks: number, writer: ItchWriter, random: () => number) {
    this.random = random;
    this.writer = writer;
    for (let stock = 0; stock < stocks; stock++) this.resting.push([]);
  }

  /** Stamps what follows, in nanoseconds since midnight. */
  at(now: number): void {
    this.now = now;
  }

  /** The reference of the last order that entered. */
  get newest(): number {
    return this.reference;
  }

  isResting(reference: number): boolean {
    return this.places.has(reference);
  }

  /** A Stock Directory message for each stock, and `orders` orders on each side of it. */
  *open(orders: number): Portions<void> {
    for (let stock = 0; stock < this.resting.length; stock++) {
      this.write({
        ...this.header('R', stock),
        stock: symbol(stock),
        marketCategory: 'Q',
        financialStatusIndicator: 'N',
        roundLotSize: 100,
        roundLotsOnly: 'N',
        issueClassification: 'C',
        issueSubType: 'Z',
        authenticity: 'T',
        shortSaleThresholdIndicator: 'N',
        ipoFlag: 'N',
        luldReferencePriceTier: '1',
        etpFlag: 'N',
        etpLeverageFactor: 0,
        inverseIndicator: 'N',
      });
      for (let i = 0; i < 2 * orders; i++) {
        this.enter('A', stock, i % 2 === 0);
        if (i % MESSAGES_PER_PORTION === 0) yield;
      }
    }
  }

  /** System Event Q: the market opens. */
  openMarket(): number {
    return this.write({ ...this.header('S', -1), eventCode: 'Q' });
  }

  /** Writes a message of this type about this stock, or an Add if it has no order for it; answers its start. */
  next(type: ItchType, stock: number): number {
    switch (type) {
      case 'E':
      case 'C':
        return this.execute(type, stock) ?? this.enter('A', stock, this.either());
      case 'D': {
        const order = this.anyOrder(stock);
        return order === undefined ? this.enter('A', stock, this.either()) : this.delete(order);
      }
      case 'U':
        return this.replace(stock) ?? this.enter('A', stock, this.either());
      case 'X':
        return this.cancel(stock) ?? this.enter('A', stock, this.either());
      case 'F':
        return this.enter('F', stock, this.either());
      case 'P':
      case 'Q':
      case 'I':
        return this.report(type, stock);
      default:
        return this.enter('A', stock, this.either());
    }
  }

  /** Deletes the resting order of this reference. */
  delete(reference: number): number {
    const order = this.books.order(...words(reference))!;
    const { locate } = order.book;
    this.leave(reference, locate - 1);
    return this.write({ ...this.header('D', locate - 1), reference: BigInt(reference) });
  }

  private enter(type: 'A' | 'F', stock: number, buy: boolean): number {
    const common = {
      reference: BigInt(++this.reference),
      side: buy ? 'B' : 'S',
      shares: this.size(),
      stock: symbol(stock),
      price: this.price(stock, buy),
    };
    this.arrive(this.reference, stock);
    if (type === 'A') return this.write({ ...this.header('A', stock), ...common });
    return this.write({ ...this.header('F', stock), ...common, attribution: 'PINW' });
  }

  /** Against the first order of the best price of either side. */
  private execute(type: 'E' | 'C', stock: number): number | undefined {
    const order = this.books
      .book(stock + 1)
      ?.side(this.either())
      .best()?.head;
    if (order === undefined) return undefined;
    const reference = number(order);
    const executedShares = Math.min(order.shares, this.size());
    if (executedShares === order.shares) this.leave(reference, stock);
    const common = {
      reference: BigInt(reference),
      executedShares,
      matchNumber: BigInt(++this.match),
    };
    if (type === 'E') return this.write({ ...this.header('E', stock), ...common });
    const { price } = order;
    return this.write({
      ...this.header('C', stock),
      ...common,
      printable: 'Y',
      executionPrice: price,
    });
  }

  private replace(stock: number): number | undefined {
    const original = this.anyOrder(stock);
    if (original === undefined) return undefined;
    const { buy } = this.books.order(...words(original))!;
    this.leave(original, stock);
    this.arrive(++this.reference, stock);
    return this.write({
      ...this.header('U', stock),
      originalReference: BigInt(original),
      newReference: BigInt(this.reference),
      shares: this.size(),
      price: this.price(stock, buy),
    });
  }

  /** Part of an order that has more than one share. */
  private cancel(stock: number): number | undefined {
    const reference = this.anyOrder(stock);
    if (reference === undefined) return undefined;
    const { shares } = this.books.order(...words(reference))!;
    if (shares < 2) return undefined;
    return this.write({
      ...this.header('X', stock),
      reference: BigInt(reference),
      cancelledShares: 1 + this.below(shares - 1),
    });
  }

  /** What changes no book: a trade against a hidden order, a cross, an imbalance. */
  private report(type: 'P' | 'Q' | 'I', stock: number): number {
    const price = this.middle(stock);
    const shares = this.size();
    if (type === 'I') {
      return this.write({
        ...this.header('I', stock),
        pairedShares: BigInt(shares),
        imbalanceShares: BigInt(this.size()),
        imbalanceDirection: this.either() ? 'B' : 'S',
        stock: symbol(stock),
        farPrice: price,
        nearPrice: price,
        currentReferencePrice: price,
        crossType: 'O',
        priceVariationIndicator: 'L',
      });
    }
    const matchNumber = BigInt(++this.match);
    if (type === 'Q') {
      return this.write({
        ...this.header('Q', stock),
        shares: BigInt(shares),
        stock: symbol(stock),
        crossPrice: price,
        matchNumber,
        crossType: 'O',
      });
    }
    return this.write({
      ...this.header('P', stock),
      reference: 0n,
      side: 'B',
      shares,
      stock: symbol(stock),
      price,
      matchNumber,
    });
  }

  private write(record: ItchRecord): number {
    const start = this.writer.append(record);
    this.writer.read(start, this.message);
    this.books.apply(this.message);
    return start;
  }

  private header<Type extends ItchType>(type: Type, stock: number) {
    return { type, stockLocate: stock + 1, trackingNumber: 0, timestamp: this.now };
  }

  /** A price for a new order that neither trades nor locks the book. */
  private price(stock: number, buy: boolean): number {
    const book = this.books.book(stock + 1);
    const own = book?.side(buy).best()?.price;
    const other = book?.side(!buy).best()?.price;
    const away = buy ? -TICK : TICK;
    let best = own ?? firstPrice(stock);
    if (own === undefined && other !== undefined) best = other + (buy ? -1 : 1) * FIRST_SPREAD;
    if (own !== undefined && other !== undefined) {
      const room = Math.abs(other - own) / TICK - 1;
      if (room > 0 && this.random() < IMPROVES) best -= away * (1 + this.below(room));
    }
    while (this.random() < FURTHER) best += away;
    return Math.max(TICK, best);
  }

  private middle(stock: number): number {
    const book = this.books.book(stock + 1);
    const bid = book?.bids.best()?.price ?? firstPrice(stock);
    const ask = book?.asks.best()?.price ?? bid;
    return Math.floor((bid + ask) / 2);
  }

  private size(): number {
    return drawWeighted(ORDER_SIZES, this.random);
  }

  private below(count: number): number {
    return Math.floor(this.random() * count);
  }

  private either(): boolean {
    return this.random() < 0.5;
  }

  private anyOrder(stock: number): number | undefined {
    if (this.random() < AT_BEST) {
      const best = this.books
        .book(stock + 1)
        ?.side(this.either())
        .best();
      if (best?.tail !== undefined) return number(best.tail);
    }
    const orders = this.resting[stock]!;
    return orders[this.below(orders.length)];
  }

  private arrive(reference: number, stock: number): void {
    this.places.set(reference, this.resting[stock]!.push(reference) - 1);
  }

  private leave(reference: number, stock: number): void {
    const orders = this.resting[stock]!;
    const place = this.places.get(reference)!;
    const last = orders.pop()!;
    if (last !== reference) {
      orders[place] = last;
      this.places.set(last, place);
    }
    this.places.delete(reference);
  }
}

/** Four letters: AAAA, AAAB, ... */
function symbol(stock: number): string {
  let text = '';
  for (let rest = stock, i = 0; i < 4; i++, rest = Math.floor(rest / 26)) {
    text = String.fromCharCode(0x41 + (rest % 26)) + text;
  }
  return text;
}

/** Between 20 and 300 dollars. */
const firstPrice = (stock: number): number => (2_000 + ((stock * 3_700) % 28_000)) * TICK;

const WORD = 2 ** 32;
const words = (reference: number): [high: number, low: number] => [
  Math.floor(reference / WORD),
  reference >>> 0,
];
const number = (order: BookOrder): number => order.referenceHigh * WORD + order.referenceLow;
