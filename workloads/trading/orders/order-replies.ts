/** What a client knows of its orders from the exchange's replies, and whether these make sense. */
import type { Instant } from '../../../node/program/verbs.js';
import { parseReply } from '../wire-formats/ouch.js';

interface OpenOrder {
  readonly quantity: number;
  accepted: boolean;
  /** Shares neither traded nor cancelled yet. */
  left: number;
}

export class OrderReplies {
  /** When each order was accepted, by reference number from 1. */
  readonly acknowledged: number[] = [];
  /** Replies that are none, or do not fit the orders sent. */
  wrong = 0;
  private readonly orders = new Map<number, OpenOrder>();
  private sent = 0;

  /** Orders that are not wholly traded or cancelled. */
  get open(): number {
    return this.orders.size;
  }

  /** An order with the next reference number went out. */
  entered(quantity: number): void {
    this.sent++;
    this.orders.set(this.sent, { quantity, accepted: false, left: quantity });
  }

  take(payload: Uint8Array, now: Instant): void {
    if (!this.apply(payload, now)) this.wrong++;
  }

  private apply(payload: Uint8Array, now: Instant): boolean {
    const reply = parseReply(payload, 0, payload.length);
    if (reply === undefined || !('userRefNum' in reply)) return false;
    const order = this.orders.get(reply.userRefNum);
    if (order === undefined) return false;
    switch (reply.type) {
      case 'A':
        // The exchange answers in the order in which it was asked.
        if (order.accepted || reply.userRefNum !== this.acknowledged.length + 1) return false;
        order.accepted = true;
        this.acknowledged.push(now);
        return reply.quantity === order.quantity;
      case 'E':
      case 'C':
        order.left -= reply.quantity;
        if (order.left === 0) this.orders.delete(reply.userRefNum);
        return order.accepted && order.left >= 0;
      default:
        return false;
    }
  }
}
