/**
 * The messages of Nasdaq OUCH 5.0, byte for byte: inbound from client to exchange, outbound back.
 *
 * Prices are 8 bytes with 4 decimals, time stamps 8 bytes of nanoseconds since midnight. A message's appendage length
 * is followed by that number of bytes of optional fields: `[1 + value's bytes][tag][value]` each.
 */
import type { Field, Layout } from './layout.js';

export const OUCH_INBOUND = {
  O: {
    title: 'Enter order',
    length: 47,
    fields: {
      type: [0, 1, 'text'],
      userRefNum: [1, 4, 'number'],
      side: [5, 1, 'text'],
      quantity: [6, 4, 'number'],
      symbol: [10, 8, 'text'],
      price: [18, 8, 'amount'],
      timeInForce: [26, 1, 'text'],
      display: [27, 1, 'text'],
      capacity: [28, 1, 'text'],
      interMarketSweepEligibility: [29, 1, 'text'],
      crossType: [30, 1, 'text'],
      clOrdId: [31, 14, 'text'],
      appendageLength: [45, 2, 'number'],
    },
  },
  U: {
    title: 'Replace order',
    length: 40,
    fields: {
      type: [0, 1, 'text'],
      originalUserRefNum: [1, 4, 'number'],
      userRefNum: [5, 4, 'number'],
      quantity: [9, 4, 'number'],
      price: [13, 8, 'amount'],
      timeInForce: [21, 1, 'text'],
      display: [22, 1, 'text'],
      interMarketSweepEligibility: [23, 1, 'text'],
      clOrdId: [24, 14, 'text'],
      appendageLength: [38, 2, 'number'],
    },
  },
  X: {
    title: 'Cancel order',
    length: 9,
    fields: {
      type: [0, 1, 'text'],
      userRefNum: [1, 4, 'number'],
      quantity: [5, 4, 'number'],
    },
  },
  M: {
    title: 'Modify order',
    length: 10,
    fields: {
      type: [0, 1, 'text'],
      userRefNum: [1, 4, 'number'],
      side: [5, 1, 'text'],
      quantity: [6, 4, 'number'],
    },
  },
} as const satisfies Readonly<Record<string, Layout>>;

export const OUCH_OUTBOUND = {
  S: {
    title: 'System event',
    length: 10,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      eventCode: [9, 1, 'text'],
    },
  },
  A: {
    title: 'Order accepted',
    length: 64,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      side: [13, 1, 'text'],
      quantity: [14, 4, 'number'],
      symbol: [18, 8, 'text'],
      price: [26, 8, 'amount'],
      timeInForce: [34, 1, 'text'],
      display: [35, 1, 'text'],
      reference: [36, 8, 'amount'],
      capacity: [44, 1, 'text'],
      interMarketSweepEligibility: [45, 1, 'text'],
      crossType: [46, 1, 'text'],
      orderState: [47, 1, 'text'],
      clOrdId: [48, 14, 'text'],
      appendageLength: [62, 2, 'number'],
    },
  },
  U: {
    title: 'Replaced',
    length: 68,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      originalUserRefNum: [9, 4, 'number'],
      userRefNum: [13, 4, 'number'],
      side: [17, 1, 'text'],
      quantity: [18, 4, 'number'],
      symbol: [22, 8, 'text'],
      price: [30, 8, 'amount'],
      timeInForce: [38, 1, 'text'],
      display: [39, 1, 'text'],
      reference: [40, 8, 'amount'],
      capacity: [48, 1, 'text'],
      interMarketSweepEligibility: [49, 1, 'text'],
      crossType: [50, 1, 'text'],
      orderState: [51, 1, 'text'],
      clOrdId: [52, 14, 'text'],
      appendageLength: [66, 2, 'number'],
    },
  },
  R: {
    title: 'Order restated',
    length: 16,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      orderRestatedReason: [13, 1, 'text'],
      appendageLength: [14, 2, 'number'],
    },
  },
  C: {
    title: 'Canceled',
    length: 18,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      quantity: [13, 4, 'number'],
      cancelOrderReason: [17, 1, 'text'],
    },
  },
  D: {
    title: 'Aiq canceled',
    length: 31,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      decrementShares: [13, 4, 'number'],
      orderCancelReason: [17, 1, 'text'],
      quantityPreventedFromTrading: [18, 4, 'number'],
      executionPrice: [22, 8, 'amount'],
      liquidityFlag: [30, 1, 'text'],
    },
  },
  E: {
    title: 'Order executed',
    length: 36,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      quantity: [13, 4, 'number'],
      price: [17, 8, 'amount'],
      liquidityFlag: [25, 1, 'text'],
      matchNumber: [26, 8, 'amount'],
      appendageLength: [34, 2, 'number'],
    },
  },
  B: {
    title: 'Broken trade',
    length: 36,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      matchNumber: [13, 8, 'amount'],
      brokenTradeReason: [21, 1, 'text'],
      clOrdId: [22, 14, 'text'],
    },
  },
  F: {
    title: 'Trade correction',
    length: 49,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      quantity: [13, 4, 'number'],
      price: [17, 8, 'amount'],
      liquidityFlag: [25, 1, 'text'],
      matchNumber: [26, 8, 'amount'],
      tradeCorrectionReason: [34, 1, 'text'],
      clOrdId: [35, 14, 'text'],
    },
  },
  J: {
    title: 'Rejected order',
    length: 29,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      rejectedOrderReason: [13, 2, 'number'],
      clOrdId: [15, 14, 'text'],
    },
  },
  P: {
    title: 'Cancel pending',
    length: 13,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
    },
  },
  I: {
    title: 'Cancel reject',
    length: 13,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
    },
  },
  T: {
    title: 'Order priority update',
    length: 30,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      price: [13, 8, 'amount'],
      display: [21, 1, 'text'],
      reference: [22, 8, 'amount'],
    },
  },
  M: {
    title: 'Order modified',
    length: 18,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      userRefNum: [9, 4, 'number'],
      side: [13, 1, 'text'],
      quantity: [14, 4, 'number'],
    },
  },
  Q: {
    title: 'Account query response',
    length: 13,
    fields: {
      type: [0, 1, 'text'],
      timestamp: [1, 8, 'amount'],
      nextUserRefNum: [9, 4, 'number'],
    },
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** Optional fields; the number in the place of an offset is the tag. */
export const OUCH_APPENDAGES = {
  secondaryReference: [1, 8, 'amount'],
  firm: [2, 4, 'text'],
  minimumQuantity: [3, 4, 'number'],
  customerType: [4, 1, 'text'], // R retail, N not
  maxFloor: [5, 4, 'number'], // displayed size of a reserve order
  priceType: [6, 1, 'text'], // L limit, P market peg, R primary peg, M midpoint, Q market maker peg
  pegOffset: [7, 4, 'number'], // two's complement
  discretionPrice: [9, 8, 'amount'],
  discretionPriceType: [10, 1, 'text'],
  discretionPegOffset: [11, 4, 'number'],
  postOnly: [12, 1, 'text'], // P post only, N not
  randomReserves: [13, 4, 'number'],
  route: [14, 4, 'text'],
  expireTime: [15, 4, 'number'], // seconds since midnight
  tradeNow: [16, 1, 'text'], // Y, N, space for the port's default
  handleInst: [17, 1, 'text'],
  bboWeightIndicator: [18, 1, 'text'],
  referencePrice: [19, 8, 'amount'],
  referencePriceType: [20, 1, 'text'],
  displayQuantity: [22, 4, 'number'],
  displayPrice: [23, 8, 'amount'],
} as const satisfies Readonly<Record<string, Field>>;

/** Time in force. */
export const DAY = '0';
export const IMMEDIATE_OR_CANCEL = '3';
/** Display. */
export const VISIBLE = 'Y';
export const POST_ONLY = 'P';
/** Cancel reasons. */
export const CANCELLED_BY_USER = 'U';
export const CANCELLED_AS_IOC = 'I';
export const CANCELLED_AS_POST_ONLY = 'F';
/** Liquidity flags. */
export const ADDED_LIQUIDITY = 'A';
export const REMOVED_LIQUIDITY = 'R';
/** Reasons for a rejection. */
export const REJECTED_SIDE = 0x0009;
export const REJECTED_QUANTITY = 0x0013;
export const REJECTED_SYMBOL = 0x0017;
export const REJECTED_PRICE = 0x001d;
/** The highest price there is: 199,999.9900. */
export const HIGHEST_PRICE = 1_999_999_900;
