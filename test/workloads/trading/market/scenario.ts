/** Plays a scenario of `test/vectors/trading/matching-scenarios.json` and checks each of its steps. */
import { expect } from 'vitest';
import { auditLadder } from '../../../../workloads/trading/market/book-audit.js';
import {
  MatchingEngine,
  type EngineOrder,
  type EntryOutcome,
} from '../../../../workloads/trading/market/matching-engine.js';

type Id = string | number;
type Rows = number[][];
interface Trade {
  readonly restingId: Id;
  readonly price: number;
  readonly qty: number;
}

export interface Step {
  readonly op: string;
  readonly id?: Id;
  readonly newId?: Id;
  readonly side?: 'buy' | 'sell' | 'bids' | 'asks';
  readonly newSide?: 'buy' | 'sell';
  readonly type?: 'limit' | 'market';
  readonly tif?: 'GTC' | 'IOC' | 'FOK';
  readonly user?: number;
  readonly price?: number;
  readonly qty?: number;
  readonly by?: number;
  readonly postOnly?: boolean;
  readonly maxVisible?: number;
  readonly newPrice?: number;
  readonly newQty?: number;
  readonly sizeDelta?: number;
  readonly state?: string;
  readonly open_qty?: number;
  readonly order_qty?: number;
  readonly openQty?: number;
  readonly bids?: Rows;
  readonly asks?: Rows;
  readonly fills?: { id: Id; qty: number; cost: number }[];
  readonly orders?: number | { price: number; id: Id }[] | { bid: number; ask: number };
  readonly volume?: { bid: number; ask: number };
  readonly expect?: {
    readonly anyFill?: boolean;
    readonly state?: string;
    readonly trades?: Trade[];
    readonly rejectedQty?: number;
    readonly matchQty?: number;
    readonly reduced?: number;
    readonly result?: string;
  };
}

/** What the scenario knows of an order, whether it still rests or not. */
interface Known {
  readonly number: number;
  readonly buy: boolean;
  state: string;
  /** All that it is for, traded or not. */
  ordered: number;
  filled: number;
  cost: number;
  /** Filled and cost when fills were last checked. */
  checkedFilled: number;
  checkedCost: number;
}

const STATES: Readonly<Record<EntryOutcome, string>> = {
  rests: 'accepted',
  filled: 'filled',
  cancelled: 'cancelled',
  rejected: 'rejected',
};

export class Scenario {
  private readonly known = new Map<Id, Known>();
  private readonly names = new Map<number, Id>();
  private readonly engine: MatchingEngine;
  private trades: Trade[] = [];
  private dropped = 0;

  constructor() {
    this.engine = new MatchingEngine({
      traded: (resting, incoming, qty) => this.traded(resting, incoming, qty),
      rested: () => undefined,
      refreshed: () => undefined,
      cancelled: (_, shares) => (this.dropped += shares),
    });
  }

  play(step: Step): void {
    this.trades = [];
    this.dropped = 0;
    this.act(step);
    for (const buy of [true, false]) {
      expect(auditLadder(this.engine.side(buy))).toBeUndefined();
    }
    const bid = this.engine.bids.best()?.price ?? 0;
    expect(this.engine.asks.best()?.price ?? Infinity).toBeGreaterThan(bid);
  }

  private act(step: Step): void {
    switch (step.op) {
      case 'new':
        this.enter(step.id!, step.side === 'buy', step.qty!, step);
        break;
      case 'cancel': {
        const answer = this.engine.cancel(this.numberOf(step.id!));
        const known = this.known.get(step.id!);
        if (answer !== undefined && known !== undefined) known.state = 'cancelled';
        this.checkAnswer(step, answer);
        break;
      }
      case 'reduce':
        this.checkAnswer(step, this.engine.reduce(this.numberOf(step.id!), step.by!));
        break;
      case 'replace':
        this.resize(step);
        break;
      case 'move':
      case 'modify':
        this.replace(step.id!, step.id!, step.newPrice!, step.newQty, step);
        break;
      case 'mitigate': {
        const known = this.known.get(step.id!)!;
        const left = step.newQty! - known.filled;
        if (left <= 0) this.engine.cancel(known.number);
        else this.replace(step.id!, step.id!, step.newPrice!, left, step);
        break;
      }
      case 'cancelReplace':
        if (step.newSide === undefined) {
          this.replace(step.id!, step.newId!, step.newPrice!, step.newQty, step);
        } else {
          this.engine.cancel(this.numberOf(step.id!));
          // A limit of 0 is there what a limit of 1 is here: any price.
          const price = Math.max(1, step.newPrice!);
          this.enter(step.newId!, step.newSide === 'buy', step.newQty!, { ...step, price });
        }
        break;
      default:
        this.check(step);
    }
  }

  private enter(id: Id, buy: boolean, qty: number, step: Step): void {
    const known = this.know(id, buy, qty);
    const outcome = this.engine.enter({
      id: known.number,
      owner: step.user ?? 0,
      buy,
      shares: qty,
      price: step.type === 'market' ? undefined : step.price!,
      timeInForce: step.tif === 'IOC' ? 'ioc' : step.tif === 'FOK' ? 'fok' : 'day',
      ...(step.postOnly === true && { postOnly: true }),
      ...(step.maxVisible !== undefined && { display: step.maxVisible }),
    });
    known.state = STATES[outcome];
    this.checkExpected(step, known);
  }

  private replace(id: Id, newId: Id, price: number, qty: number | undefined, step: Step): void {
    const known = this.known.get(id);
    const left = known === undefined ? 1 : known.ordered - known.filled;
    if (known === undefined) {
      expect(this.engine.replace(this.numberOf(id), this.numberOf(newId), price, left)).toBe(
        undefined,
      );
      expect(step.expect?.result).toBe('UNKNOWN_ORDER_ID');
      return;
    }
    const replacing = newId === id ? known : this.know(newId, known.buy, qty ?? left);
    replacing.ordered = replacing.filled + (qty ?? left);
    const outcome = this.engine.replace(known.number, replacing.number, price, qty ?? left);
    expect(outcome).toBeDefined();
    if (replacing !== known) known.state = 'cancelled';
    replacing.state = STATES[outcome!];
    this.checkExpected(step, replacing);
  }

  /** By a difference: down keeps its place, up or to another price does not. */
  private resize(step: Step): void {
    const known = this.known.get(step.id!)!;
    const delta = step.sizeDelta!;
    const left = known.ordered - known.filled;
    if (delta < 0 && step.newPrice === undefined) {
      const taken = this.engine.reduce(known.number, -delta);
      expect(taken).toBe(Math.min(-delta, left));
      known.ordered -= taken!;
      if (taken === left) known.state = 'cancelled';
      if (step.expect?.state !== undefined) expect(known.state).toBe(step.expect.state);
      return;
    }
    const { price } = this.engine.order(known.number)!;
    this.replace(step.id!, step.id!, step.newPrice ?? price, left + delta, step);
  }

  private checkAnswer(step: Step, answer: number | undefined): void {
    if (step.expect === undefined) return;
    const { reduced, result, state } = step.expect;
    if (reduced !== undefined) expect(answer).toBe(reduced);
    if (result !== undefined) expect(answer !== undefined).toBe(result === 'SUCCESS');
    if (state !== undefined) expect(this.known.get(step.id!)!.state).toBe(state);
  }

  private checkExpected(step: Step, known: Known): void {
    if (step.expect === undefined) return;
    const { anyFill, state, trades, rejectedQty, matchQty } = step.expect;
    if (anyFill !== undefined) expect(this.trades.length > 0).toBe(anyFill);
    if (state !== undefined) expect(known.state).toBe(state);
    if (trades !== undefined) expect(this.trades).toEqual(trades);
    if (rejectedQty !== undefined) expect(this.dropped).toBe(rejectedQty);
    if (matchQty !== undefined) {
      expect(this.trades.reduce((sum, { qty }) => sum + qty, 0)).toBe(matchQty);
    }
  }

  private check(step: Step): void {
    switch (step.op) {
      case 'checkDepth':
        this.checkLevels(step, false);
        break;
      case 'checkL2':
        this.checkLevels(step, true);
        break;
      case 'checkCount':
        expect(this.queue(step.side === 'bids')).toHaveLength(step.orders as number);
        break;
      case 'checkBook': {
        const total = (buy: boolean): number =>
          this.queue(buy).reduce((sum, order) => sum + order.remaining, 0);
        expect({ bid: this.queue(true).length, ask: this.queue(false).length }).toEqual(
          step.orders,
        );
        expect({ bid: total(true), ask: total(false) }).toEqual(step.volume);
        break;
      }
      case 'checkFills':
        for (const { id, qty, cost } of step.fills!) {
          const known = this.known.get(id)!;
          expect([id, known.filled - known.checkedFilled]).toEqual([id, qty]);
          expect([id, known.cost - known.checkedCost]).toEqual([id, cost]);
        }
        for (const known of this.known.values()) {
          known.checkedFilled = known.filled;
          known.checkedCost = known.cost;
        }
        break;
      case 'checkOrder': {
        const known = this.known.get(step.id!)!;
        if (step.order_qty !== undefined) expect(known.ordered).toBe(step.order_qty);
        if (step.open_qty !== undefined) {
          expect(this.engine.order(known.number)?.remaining ?? 0).toBe(step.open_qty);
        }
        break;
      }
      case 'checkState':
        expect(this.known.get(step.id!)!.state).toBe(step.state);
        break;
      case 'checkFront': {
        const [front] = this.queue(step.side === 'bids');
        if (step.id !== undefined) expect(this.names.get(front!.id)).toBe(step.id);
        if (step.openQty !== undefined) expect(front!.remaining).toBe(step.openQty);
        break;
      }
      case 'checkQueue': {
        const wanted = step.orders as { price: number; id: Id }[];
        const first = this.queue(step.side === 'bids').slice(0, wanted.length);
        expect(first.map(({ id, price }) => ({ price, id: this.names.get(id) }))).toEqual(wanted);
        break;
      }
      default:
        throw new Error(`a step that nobody plays: ${step.op}`);
    }
  }

  /** Price, orders and volume of the levels; `[0, 0, 0]` where there is none. */
  private checkLevels(step: Step, exact: boolean): void {
    for (const [buy, rows] of [
      [true, step.bids!],
      [false, step.asks!],
    ] as const) {
      const ladder = this.engine.side(buy);
      const levels = rows.map((_, rank) => {
        const level = ladder.at(rank);
        return level === undefined ? [0, 0, 0] : [level.price, level.orders, level.volume];
      });
      expect(levels).toEqual(rows);
      if (exact) expect(ladder.depth).toBe(rows.length);
    }
  }

  private queue(buy: boolean): EngineOrder[] {
    const ladder = this.engine.side(buy);
    const orders: EngineOrder[] = [];
    for (let rank = 0; rank < ladder.depth; rank++) {
      for (let order = ladder.at(rank)!.head; order !== undefined; order = order.next) {
        orders.push(order);
      }
    }
    return orders;
  }

  private traded(resting: EngineOrder, incoming: EngineOrder, qty: number): void {
    const { price } = resting;
    this.trades.push({ restingId: this.names.get(resting.id)!, price, qty });
    for (const { id } of [resting, incoming]) {
      const known = this.known.get(this.names.get(id)!)!;
      known.filled += qty;
      known.cost += qty * price;
      if (known.filled === known.ordered) known.state = 'filled';
    }
  }

  private know(id: Id, buy: boolean, qty: number): Known {
    const known = {
      number: this.numberOf(id),
      buy,
      state: 'new',
      ordered: qty,
      filled: 0,
      cost: 0,
      checkedFilled: 0,
      checkedCost: 0,
    };
    this.known.set(id, known);
    return known;
  }

  private numberOf(id: Id): number {
    for (const [number, name] of this.names) if (name === id) return number;
    const number = this.names.size + 1;
    this.names.set(number, id);
    return number;
  }
}
