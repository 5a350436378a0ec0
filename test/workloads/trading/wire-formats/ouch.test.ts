import { describe, expect, it } from 'vitest';
import type { Layout } from '../../../../workloads/trading/wire-formats/layout.js';
import {
  OUCH_APPENDAGES,
  OUCH_INBOUND,
  OUCH_OUTBOUND,
} from '../../../../workloads/trading/wire-formats/ouch-layouts.js';
import {
  emitReply,
  emitRequest,
  LONGEST_OPTIONS,
  LONGEST_OUCH,
  parseReply,
  parseRequest,
  type EnterOrder,
  type OuchReply,
} from '../../../../workloads/trading/wire-formats/ouch.js';
import { seeded } from './messages.js';

const ENTER: EnterOrder = {
  type: 'O',
  userRefNum: 7,
  side: 'B',
  quantity: 300,
  symbol: 'PINW',
  price: 1_234_500,
  timeInForce: '3',
  display: 'Y',
  capacity: 'P',
  interMarketSweepEligibility: 'N',
  crossType: 'N',
  clOrdId: 'tick 42',
};
const ENTER_HEX = [
  '4f' + '00000007' + '42' + '0000012c' + '50494e5720202020' + '000000000012d644',
  '33' + '59' + '50' + '4e' + '4e' + '7469636b20343220202020202020' + '0000',
].join('');

const tables: [string, Readonly<Record<string, Layout>>, string][] = [
  ['inbound', OUCH_INBOUND, 'O47 U40 X9 M10'],
  ['outbound', OUCH_OUTBOUND, 'S10 A64 U68 R16 C18 D31 E36 B36 F49 J29 P13 I13 T30 M18 Q13'],
];

describe('OUCH 5.0', () => {
  it.each(tables)(
    'has every %s message at its length, every byte in one field',
    (_, table, lengths) => {
      const all = Object.entries(table);
      expect(all.map(([type, { length }]) => `${type}${length}`).join(' ')).toBe(lengths);
      for (const [type, { fields, length }] of all) {
        let next = 0;
        for (const [offset, bytes] of Object.values(fields)) {
          expect([type, offset]).toEqual([type, next]);
          next += bytes;
        }
        expect(next).toBe(length);
        expect(length).toBeLessThanOrEqual(LONGEST_OUCH);
      }
    },
  );

  it('writes an Enter Order byte by byte, over a buffer of other bytes', () => {
    const into = new Uint8Array(60).fill(0xa5);
    expect(emitRequest(ENTER, into, 3)).toBe(47);
    expect(Buffer.from(into.subarray(3, 50)).toString('hex')).toBe(ENTER_HEX);
    expect([into[2], into[50]]).toEqual([0xa5, 0xa5]);
    expect(parseRequest(into, 3, 50)).toEqual(ENTER);
  });

  it('carries optional fields by tag, each with its length', () => {
    const order = { ...ENTER, options: { maxFloor: 100, postOnly: 'P', displayPrice: 5 } };
    const into = new Uint8Array(80);
    const length = emitRequest(order, into, 0);
    expect(length).toBe(47 + 6 + 3 + 10);
    expect(Buffer.from(into.subarray(45, length)).toString('hex')).toBe(
      '0013' + '050500000064' + '020c50' + '09170000000000000005',
    );
    expect(parseRequest(into, 0, length)).toEqual(order);
  });

  it('passes over optional fields it does not know, and refuses those that are cut', () => {
    const into = new Uint8Array(80);
    const fixed = emitRequest(ENTER, into, 0);
    const withOptions = (...bytes: number[]): unknown => {
      into.set(bytes, fixed);
      into[46] = bytes.length;
      return parseRequest(into, 0, fixed + bytes.length);
    };
    expect(withOptions(3, 99, 1, 2, 2, 12, 0x50)).toEqual({ ...ENTER, options: { postOnly: 'P' } });
    expect(withOptions(5, 5, 0, 0, 0, 1)).toEqual({ ...ENTER, options: { maxFloor: 1 } });
    expect(withOptions(5, 5, 0, 0)).toBeUndefined();
    expect(withOptions(4, 5, 0, 0, 1)).toBeUndefined();
    expect(withOptions(0)).toBeUndefined();
    expect(withOptions(9, 23, 255, 0, 0, 0, 0, 0, 0, 0)).toBeUndefined();
  });

  it('has room for all optional fields at once', () => {
    const options = Object.fromEntries(
      Object.entries(OUCH_APPENDAGES).map(([name, [, bytes, kind]]) => [
        name,
        kind === 'text' ? 'x'.repeat(bytes) : 9,
      ]),
    );
    const into = new Uint8Array(47 + LONGEST_OPTIONS);
    expect(emitRequest({ ...ENTER, options }, into, 0)).toBe(into.length);
    expect(parseRequest(into, 0, into.length)).toEqual({ ...ENTER, options });
  });

  const replies: OuchReply[] = [
    {
      type: 'A',
      timestamp: 34_200_000_000_001,
      userRefNum: 7,
      side: 'B',
      quantity: 300,
      symbol: 'PINW',
      price: 1_234_500,
      timeInForce: '0',
      display: 'Y',
      reference: 2 ** 40 + 3,
      capacity: 'P',
      interMarketSweepEligibility: 'N',
      crossType: 'N',
      orderState: 'L',
      clOrdId: 'x',
      options: { minimumQuantity: 10 },
    },
    { type: 'E', timestamp: 1, userRefNum: 7, quantity: 100, price: 5, liquidityFlag: 'R', matchNumber: 9 }, // prettier-ignore
    { type: 'C', timestamp: 2, userRefNum: 7, quantity: 200, cancelOrderReason: 'I' },
    { type: 'J', timestamp: 3, userRefNum: 8, rejectedOrderReason: 0x13, clOrdId: 'y' },
  ];
  it.each(replies)('reads the reply $type that it wrote', (reply) => {
    const into = new Uint8Array(100).fill(0xa5);
    const length = emitReply(reply, into, 5);
    expect(parseReply(into, 5, 5 + length)).toEqual(reply);
    for (let end = 5; end < 5 + length; end++) expect(parseReply(into, 5, end)).toBeUndefined();
    expect(parseReply(into, 5, 6 + length)).toBeUndefined();
  });

  it('answers nothing to noise, and never fails', () => {
    const random = seeded(9);
    const types = 'OUXMSARCDEBFJPITQ';
    let parsed = 0;
    for (let round = 0; round < 20_000; round++) {
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 80) }, () =>
        Math.floor(random() * 256),
      );
      noise[0] = types.charCodeAt(Math.floor(random() * types.length));
      if (parseRequest(noise, 0, noise.length) !== undefined) parsed++;
      if (parseReply(noise, 0, noise.length) !== undefined) parsed++;
    }
    expect(parsed).toBeGreaterThan(0);
    expect(parsed).toBeLessThan(1_000);
  });
});
