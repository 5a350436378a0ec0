/** Order books as plainly as they can be told: one list of orders in time, sorted when asked. */
import type { ItchRecord } from '../../../../workloads/trading/wire-formats/itch.js';

interface NaiveOrder {
  readonly reference: bigint;
  readonly locate: number;
  readonly buy: boolean;
  readonly price: number;
  shares: number;
}

export class NaiveBooks {
  private orders: NaiveOrder[] = [];

  apply(record: ItchRecord): void {
    switch (record.type) {
      case 'A':
      case 'F':
        this.enter(record.reference, record.stockLocate, record.side === 'B', record);
        break;
      case 'E':
      case 'C':
        this.take(record.reference, record.executedShares);
        break;
      case 'X':
        this.take(record.reference, record.cancelledShares);
        break;
      case 'D':
        this.take(record.reference, Infinity);
        break;
      case 'U': {
        const original = this.find(record.originalReference);
        if (original === undefined) break;
        this.take(record.originalReference, Infinity);
        this.enter(record.newReference, original.locate, original.buy, record);
        break;
      }
      default:
        break;
    }
  }

  queue(locate: number, buy: boolean): number[] {
    return this.side(locate, buy).map((order) => Number(order.reference));
  }

  levels(locate: number, buy: boolean): number[][] {
    const levels: number[][] = [];
    for (const { price, shares } of this.side(locate, buy)) {
      const last = levels.at(-1);
      if (last?.[0] === price) {
        last[1]!++;
        last[2]! += shares;
      } else {
        levels.push([price, 1, shares]);
      }
    }
    return levels;
  }

  /** Array.prototype.sort is stable, so orders of one price stay in order of time. */
  private side(locate: number, buy: boolean): NaiveOrder[] {
    return this.orders
      .filter((order) => order.locate === locate && order.buy === buy)
      .sort((a, b) => (buy ? b.price - a.price : a.price - b.price));
  }

  private find(reference: bigint): NaiveOrder | undefined {
    return this.orders.find((order) => order.reference === reference);
  }

  private enter(
    reference: bigint,
    locate: number,
    buy: boolean,
    { shares, price }: { shares: number; price: number },
  ): void {
    if (shares === 0 || this.find(reference) !== undefined) return;
    this.orders.push({ reference, locate, buy, price, shares });
  }

  private take(reference: bigint, shares: number): void {
    const order = this.find(reference);
    if (order === undefined) return;
    order.shares -= shares;
    this.orders = this.orders.filter((each) => each.shares > 0);
  }
}
