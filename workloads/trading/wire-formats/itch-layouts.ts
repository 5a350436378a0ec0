/**
 * The messages of Nasdaq TotalView-ITCH 5.0 (specification of 28 April 2023), byte for byte.
 *
 * Every message starts with the same 11 bytes:
 *
 *    0      1              3                 5                     11
 *   | type | stock locate | tracking number | timestamp (6 bytes) | ...
 *
 * Timestamps are nanoseconds since midnight, US Eastern. Prices of 4 bytes have 4 decimals.
 */
import type { Fields, Layout } from './layout.js';

const HEADER = {
  type: [0, 1, 'text'],
  stockLocate: [1, 2, 'number'], // the stock, for this day; 0 in messages about no stock
  trackingNumber: [3, 2, 'number'], // Nasdaq's own
  timestamp: [5, 6, 'number'],
} as const satisfies Fields;

export const ITCH_LAYOUTS = {
  S: {
    title: 'System Event',
    length: 12,
    fields: {
      ...HEADER,
      // O start of messages (first message of day), S start of system hours, Q start of market
      // hours, M end of market hours, E end of system hours, C end of messages (last of day)
      eventCode: [11, 1, 'text'],
    },
  },
  R: {
    title: 'Stock Directory',
    length: 39,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      // Q Global Select, G Global Market, S Capital Market, N NYSE, A NYSE American, P NYSE Arca, Z
      // BATS Z, V IEX, space n/a
      marketCategory: [19, 1, 'text'],
      // D deficient, E delinquent, Q bankrupt, S suspended, G=D+Q, H=D+E, J=E+Q, K=D+E+Q, C ETP
      // creations/redemptions suspended, N normal, space n/a
      financialStatusIndicator: [20, 1, 'text'],
      roundLotSize: [21, 4, 'number'],
      roundLotsOnly: [25, 1, 'text'], // Y/N
      issueClassification: [26, 1, 'text'], // spec appendix D; C = common stock, Q = ETF etc.
      issueSubType: [27, 2, 'text'], // spec appendix E; 'Z ' = n/a, 'E ' = ETF etc.
      authenticity: [29, 1, 'text'], // P production, T test
      shortSaleThresholdIndicator: [30, 1, 'text'], // Y/N/space
      ipoFlag: [31, 1, 'text'], // Y/N/space
      luldReferencePriceTier: [32, 1, 'text'], // 1, 2, space
      etpFlag: [33, 1, 'text'], // Y/N/space
      etpLeverageFactor: [34, 4, 'number'],
      inverseIndicator: [38, 1, 'text'], // Y/N
    },
  },
  H: {
    title: 'Stock Trading Action',
    length: 25,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      tradingState: [19, 1, 'text'], // H halted, P paused, Q quotation only, T trading
      reserved: [20, 1, 'text'],
      reason: [21, 4, 'text'], // T1, T2, LUDP, MWC1..3, IPO1, space...
    },
  },
  Y: {
    title: 'Reg SHO Restriction',
    length: 20,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      regShoAction: [19, 1, 'text'], // 0 none, 1 in effect (intraday drop), 2 remains in effect
    },
  },
  L: {
    title: 'Market Participant Position',
    length: 26,
    fields: {
      ...HEADER,
      mpid: [11, 4, 'text'],
      stock: [15, 8, 'text'],
      primaryMarketMaker: [23, 1, 'text'], // Y/N
      // N normal, P passive, S syndicate, R pre-syndicate, L penalty
      marketMakerMode: [24, 1, 'text'],
      // A active, E excused, W withdrawn, S suspended, D deleted
      marketParticipantState: [25, 1, 'text'],
    },
  },
  V: {
    title: 'MWCB Decline Level',
    length: 35,
    fields: {
      ...HEADER,
      level1: [11, 8, 'wide'], // price, 8 decimals
      level2: [19, 8, 'wide'], // price, 8 decimals
      level3: [27, 8, 'wide'], // price, 8 decimals
    },
  },
  W: {
    title: 'MWCB Status',
    length: 12,
    fields: {
      ...HEADER,
      breachedLevel: [11, 1, 'text'], // 1, 2, 3
    },
  },
  K: {
    title: 'IPO Quoting Period Update',
    length: 28,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      ipoQuotationReleaseTime: [19, 4, 'number'], // seconds since midnight (0 = cancelled)
      ipoQuotationReleaseQualifier: [23, 1, 'text'], // A anticipated, C cancelled/postponed
      ipoPrice: [24, 4, 'number'], // price, 4 decimals
    },
  },
  J: {
    title: 'LULD Auction Collar',
    length: 35,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      auctionCollarReferencePrice: [19, 4, 'number'], // price, 4 decimals
      upperAuctionCollarPrice: [23, 4, 'number'], // price, 4 decimals
      lowerAuctionCollarPrice: [27, 4, 'number'], // price, 4 decimals
      auctionCollarExtension: [31, 4, 'number'],
    },
  },
  h: {
    title: 'Operational Halt',
    length: 21,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      marketCode: [19, 1, 'text'], // Q Nasdaq, B BX, X PSX
      operationalHaltAction: [20, 1, 'text'], // H halted, T resumed
    },
  },
  A: {
    title: 'Add Order - no MPID',
    length: 36,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
      side: [19, 1, 'text'], // B/S
      shares: [20, 4, 'number'],
      stock: [24, 8, 'text'],
      price: [32, 4, 'number'], // price, 4 decimals
    },
  },
  F: {
    title: 'Add Order - MPID attribution',
    length: 40,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
      side: [19, 1, 'text'], // B/S
      shares: [20, 4, 'number'],
      stock: [24, 8, 'text'],
      price: [32, 4, 'number'], // price, 4 decimals
      attribution: [36, 4, 'text'], // MPID
    },
  },
  E: {
    title: 'Order Executed',
    length: 31,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
      executedShares: [19, 4, 'number'],
      matchNumber: [23, 8, 'wide'],
    },
  },
  C: {
    title: 'Order Executed With Price',
    length: 36,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
      executedShares: [19, 4, 'number'],
      matchNumber: [23, 8, 'wide'],
      printable: [31, 1, 'text'], // N/Y
      executionPrice: [32, 4, 'number'], // price, 4 decimals
    },
  },
  X: {
    title: 'Order Cancel (partial)',
    length: 23,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
      cancelledShares: [19, 4, 'number'],
    },
  },
  D: {
    title: 'Order Delete',
    length: 19,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'],
    },
  },
  U: {
    title: 'Order Replace',
    length: 35,
    fields: {
      ...HEADER,
      originalReference: [11, 8, 'wide'],
      newReference: [19, 8, 'wide'],
      shares: [27, 4, 'number'],
      price: [31, 4, 'number'], // price, 4 decimals
    },
  },
  P: {
    title: 'Trade (non-cross)',
    length: 44,
    fields: {
      ...HEADER,
      reference: [11, 8, 'wide'], // 0 since 6 Dec 2010
      side: [19, 1, 'text'], // always B since 14 Jul 2014
      shares: [20, 4, 'number'],
      stock: [24, 8, 'text'],
      price: [32, 4, 'number'], // price, 4 decimals
      matchNumber: [36, 8, 'wide'],
    },
  },
  Q: {
    title: 'Cross Trade',
    length: 40,
    fields: {
      ...HEADER,
      shares: [11, 8, 'wide'],
      stock: [19, 8, 'text'],
      crossPrice: [27, 4, 'number'], // price, 4 decimals
      matchNumber: [31, 8, 'wide'],
      crossType: [39, 1, 'text'], // O opening, C closing, H IPO/halt
    },
  },
  B: {
    title: 'Broken Trade',
    length: 19,
    fields: {
      ...HEADER,
      matchNumber: [11, 8, 'wide'],
    },
  },
  I: {
    title: 'NOII (net order imbalance)',
    length: 50,
    fields: {
      ...HEADER,
      pairedShares: [11, 8, 'wide'],
      imbalanceShares: [19, 8, 'wide'],
      imbalanceDirection: [27, 1, 'text'], // B, S, N none, O insufficient, P paused
      stock: [28, 8, 'text'],
      farPrice: [36, 4, 'number'], // price, 4 decimals
      nearPrice: [40, 4, 'number'], // price, 4 decimals
      currentReferencePrice: [44, 4, 'number'], // price, 4 decimals
      crossType: [48, 1, 'text'], // O, C, H, A extended trading close
      // L <1 %, 1..9 = that %, A 10-19.99, B 20-29.99, C >=30, space n/a
      priceVariationIndicator: [49, 1, 'text'],
    },
  },
  N: {
    title: 'Retail Price Improvement Indicator',
    length: 20,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      interestFlag: [19, 1, 'text'], // B, S, A both, N none
    },
  },
  O: {
    title: 'Direct Listing with Capital Raise price discovery',
    length: 48,
    fields: {
      ...HEADER,
      stock: [11, 8, 'text'],
      openEligibilityStatus: [19, 1, 'text'], // N/Y
      minimumAllowablePrice: [20, 4, 'number'], // price, 4 decimals
      maximumAllowablePrice: [24, 4, 'number'], // price, 4 decimals
      nearExecutionPrice: [28, 4, 'number'], // price, 4 decimals
      nearExecutionTime: [32, 8, 'wide'],
      lowerPriceRangeCollar: [40, 4, 'number'], // price, 4 decimals
      upperPriceRangeCollar: [44, 4, 'number'], // price, 4 decimals
    },
  },
} as const satisfies Readonly<Record<string, Layout>>;

export type ItchType = keyof typeof ITCH_LAYOUTS;
export const ITCH_TYPES = Object.keys(ITCH_LAYOUTS) as readonly ItchType[];
/** The length of NOII, the longest: what a datagram must at least have room for. */
export const LONGEST_ITCH = 50;
