/**
 * A matching engine for one stock: best price first, at one price first come first served, and every trade at
 * the price of the order that was there.
 *
 * An order that does not trade at once rests, unless it is a market order, immediate or cancel, or fill or kill.
 * A reserve order shows a part of itself: when that is gone the next part is shown at the tail of its price.
 * Not modelled: all-or-none and stop orders, pegs, auctions, self-match prevention.
 */
import { PriceLadder, type PriceLevel } from './price-ladder.js';

export interface OrderEntry {
  /** Of this order alone, as long as it rests. */
  readonly id: number;
  readonly owner: number;
  readonly buy: boolean;
  readonly shares: number;
  /** The worst price it trades at, a whole number of ten-thousandths; undefined for a market order. */
  readonly price: number | undefined;
  /** `fok`: wholly at once or not at all. `ioc`: what it can at once. */
  readonly timeInForce: 'day' | 'ioc' | 'fok';
  /** Cancelled if it would trade on entry. */
  readonly postOnly?: boolean;
  /** A reserve order: how much it shows at a time. */
  readonly display?: number;
}

export type EntryOutcome = 'filled' | 'rests' | 'cancelled' | 'rejected';
export type CancelReason = 'user' | 'immediate' | 'post-only';

/** An order in the engine. `shares` is what it shows; all of it while it is on its way in. */
export class EngineOrder {
  readonly id: number;
  readonly owner: number;
  readonly buy: boolean;
  readonly price: number;
  readonly display: number;
  shares: number;
  /** A reserve order's part that is not shown. */
  hidden = 0;
  level: PriceLevel<EngineOrder> | undefined = undefined;
  previous: EngineOrder | undefined = undefined;
  next: EngineOrder | undefined = undefined;

  constructor(entry: OrderEntry) {
    this.id = entry.id;
    this.owner = entry.owner;
    this.buy = entry.buy;
    this.price = entry.price ?? (entry.buy ? Infinity : 0);
    this.display = entry.display ?? Infinity;
    this.shares = entry.shares;
  }

  get remaining(): number {
    return this.shares + this.hidden;
  }
}

/** What the engine tells, in the order in which it happens. */
export interface MatchListener {
  /** Shares changed hands at the resting order's price; both orders have them taken off already. */
  traded(resting: EngineOrder, incoming: EngineOrder, shares: number): void;
  /** The order has joined the book, showing its `shares`. */
  rested(order: EngineOrder): void;
  /** A reserve order shows its next part, behind all others of its price. */
  refreshed(order: EngineOrder): void;
  /** `shares` of its shares will not trade; if it rested and none remain, it has left the book. */
  cancelled(order: EngineOrder, shares: number, reason: CancelReason): void;
}

export class MatchingEngine {
  readonly bids = new PriceLadder<EngineOrder>(true);
  readonly asks = new PriceLadder<EngineOrder>(false);
  private readonly listener: MatchListener;
  private readonly orders = new Map<number, EngineOrder>();

  constructor(listener: MatchListener) {
    this.listener = listener;
  }

  /** Orders that rest. */
  get resting(): number {
    return this.orders.size;
  }

  order(id: number): EngineOrder | undefined {
    return this.orders.get(id);
  }

  side(buy: boolean): PriceLadder<EngineOrder> {
    return buy ? this.bids : this.asks;
  }

  /** Rejected: an id that rests already, or shares, price or display that are not positive whole numbers. */
  enter(entry: OrderEntry): EntryOutcome {
    if (!isValid(entry) || this.orders.has(entry.id)) return 'rejected';
    const order = new EngineOrder(entry);
    if (entry.postOnly === true && this.crosses(order)) return this.drop(order, 'post-only');
    if (entry.timeInForce === 'fok' && !this.canFill(order)) return this.drop(order, 'immediate');
    this.match(order);
    if (order.shares === 0) return 'filled';
    if (entry.price === undefined || entry.timeInForce !== 'day') {
      return this.drop(order, 'immediate');
    }
    this.rest(order);
    return 'rests';
  }

  /** Takes the order out and answers how many shares it had left; undefined if it does not rest. */
  cancel(id: number): number | undefined {
    const order = this.orders.get(id);
    if (order === undefined) return undefined;
    const shares = order.remaining;
    this.leave(order);
    this.listener.cancelled(order, shares, 'user');
    return shares;
  }

  /**
   * Makes the order smaller in its place, the hidden part first, and answers by how much: by all it has if
   * that is not more. Undefined if it does not rest or `by` is not a positive whole number.
   */
  reduce(id: number, by: number): number | undefined {
    const order = this.orders.get(id);
    if (order === undefined || !isCount(by)) return undefined;
    if (by >= order.remaining) return this.cancel(id);
    const hidden = Math.min(by, order.hidden);
    order.hidden -= hidden;
    this.side(order.buy).reduce(order, by - hidden);
    this.listener.cancelled(order, by, 'user');
    return by;
  }

  /**
   * Cancels the order and enters one of the same owner and side, behind all others of its price; it may
   * trade. Undefined if the order does not rest; if the new one is not valid, the old one stays.
   */
  replace(id: number, newId: number, price: number, shares: number): EntryOutcome | undefined {
    const order = this.orders.get(id);
    if (order === undefined) return undefined;
    const { owner, buy, display } = order;
    const entry: OrderEntry = {
      id: newId,
      owner,
      buy,
      price,
      shares,
      timeInForce: 'day',
      ...(display !== Infinity && { display }),
    };
    if (!isValid(entry) || (newId !== id && this.orders.has(newId))) return 'rejected';
    this.cancel(id);
    return this.enter(entry);
  }

  private crosses(order: EngineOrder): boolean {
    const best = this.side(!order.buy).best();
    return best !== undefined && this.reaches(order, best.price);
  }

  /** Whether the order's limit allows a trade at this price of the other side. */
  private reaches(order: EngineOrder, price: number): boolean {
    return !this.side(!order.buy).beats(order.price, price);
  }

  /** Whether what rests within the order's limit, shown or not, is enough for all of it. */
  private canFill(order: EngineOrder): boolean {
    const other = this.side(!order.buy);
    let wanted = order.shares;
    for (let rank = 0; rank < other.depth; rank++) {
      const level = other.at(rank)!;
      if (!this.reaches(order, level.price)) return false;
      for (let resting = level.head; resting !== undefined; resting = resting.next) {
        wanted -= resting.remaining;
        if (wanted <= 0) return true;
      }
    }
    return false;
  }

  private match(order: EngineOrder): void {
    const other = this.side(!order.buy);
    while (order.shares > 0) {
      const level = other.best();
      if (level === undefined || !this.reaches(order, level.price)) return;
      const resting = level.head!;
      const shares = Math.min(order.shares, resting.shares);
      other.reduce(resting, shares);
      order.shares -= shares;
      if (resting.remaining === 0) this.leave(resting);
      this.listener.traded(resting, order, shares);
      if (resting.shares === 0 && resting.hidden > 0) this.refresh(resting);
    }
  }

  private refresh(order: EngineOrder): void {
    const side = this.side(order.buy);
    side.remove(order);
    show(order);
    side.add(order);
    this.listener.refreshed(order);
  }

  private rest(order: EngineOrder): void {
    order.hidden = order.shares;
    show(order);
    this.orders.set(order.id, order);
    this.side(order.buy).add(order);
    this.listener.rested(order);
  }

  private leave(order: EngineOrder): void {
    this.orders.delete(order.id);
    this.side(order.buy).remove(order);
  }

  private drop(order: EngineOrder, reason: CancelReason): EntryOutcome {
    this.listener.cancelled(order, order.shares, reason);
    return 'cancelled';
  }
}

/** Shows the next part of what is hidden. */
function show(order: EngineOrder): void {
  order.shares = Math.min(order.display, order.hidden);
  order.hidden -= order.shares;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

const isValid = ({ shares, price, display }: OrderEntry): boolean =>
  isCount(shares) &&
  (price === undefined || isCount(price)) &&
  (display === undefined || isCount(display));
