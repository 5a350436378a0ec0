/**
 * One side of an order book: price levels in order, and in each level a queue of orders, first come
 * first. A feed's book and the matching engine both rest their orders here.
 */

/** An order as a ladder queues it; the links are the ladder's. */
export interface Queued<Self> {
  price: number;
  /** What it shows and can trade now. */
  shares: number;
  level: PriceLevel<Self> | undefined;
  previous: Self | undefined;
  next: Self | undefined;
}

export interface PriceLevel<Order> {
  readonly price: number;
  /** Orders, and the sum of their shares. */
  orders: number;
  volume: number;
  /** First in time, and last. */
  head: Order | undefined;
  tail: Order | undefined;
}

export class PriceLadder<Order extends Queued<Order>> {
  readonly buy: boolean;
  /** Worst price first: orders come and go near the best one, at the cheap end of the array. */
  private readonly levels: PriceLevel<Order>[] = [];

  constructor(buy: boolean) {
    this.buy = buy;
  }

  get depth(): number {
    return this.levels.length;
  }

  best(): PriceLevel<Order> | undefined {
    return this.levels[this.levels.length - 1];
  }

  /** The level that is `rank` behind the best. */
  at(rank: number): PriceLevel<Order> | undefined {
    return this.levels[this.levels.length - 1 - rank];
  }

  /** Whether an order at price `a` goes before one at price `b`. */
  beats(a: number, b: number): boolean {
    return this.buy ? a > b : a < b;
  }

  /** Queues the order behind all others of its price. */
  add(order: Order): void {
    const level = this.levelOf(order.price);
    order.level = level;
    order.previous = level.tail;
    order.next = undefined;
    if (level.tail === undefined) level.head = order;
    else level.tail.next = order;
    level.tail = order;
    level.orders++;
    level.volume += order.shares;
  }

  /** Takes shares from a queued order; it keeps its place. */
  reduce(order: Order, shares: number): void {
    order.shares -= shares;
    order.level!.volume -= shares;
  }

  /** Takes the order out, and its level with it if it was the last there. */
  remove(order: Order): void {
    const level = order.level!;
    if (order.previous === undefined) level.head = order.next;
    else order.previous.next = order.next;
    if (order.next === undefined) level.tail = order.previous;
    else order.next.previous = order.previous;
    order.level = undefined;
    order.previous = undefined;
    order.next = undefined;
    level.volume -= order.shares;
    level.orders--;
    if (level.orders === 0) this.levels.splice(this.indexOf(level.price), 1);
  }

  private levelOf(price: number): PriceLevel<Order> {
    const index = this.indexOf(price);
    const found = this.levels[index];
    if (found?.price === price) return found;
    const level = { price, orders: 0, volume: 0, head: undefined, tail: undefined };
    this.levels.splice(index, 0, level);
    return level;
  }

  /** Where the level of this price is, or would be. */
  private indexOf(price: number): number {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.beats(price, this.levels[middle]!.price)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
