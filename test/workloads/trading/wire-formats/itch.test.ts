import { describe, expect, it } from 'vitest';
import {
  ITCH_LAYOUTS,
  ITCH_TYPES,
  LONGEST_ITCH,
} from '../../../../workloads/trading/wire-formats/itch-layouts.js';
import {
  emitItch,
  ItchMessage,
  itchLength,
  parseItch,
} from '../../../../workloads/trading/wire-formats/itch.js';
import { parseFields, type Field } from '../../../../workloads/trading/wire-formats/layout.js';
import { add, oneOfEach, replace } from './messages.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('ITCH 5.0 messages', () => {
  it('has the 23 types at the lengths of the specification', () => {
    const lengths = ITCH_TYPES.map((type) => `${type}${ITCH_LAYOUTS[type].length}`).join(' ');
    expect(lengths).toBe(
      'S12 R39 H25 Y20 L26 V35 W12 K28 J35 h21 A36 F40 E31 C36 X23 D19 U35 P44 Q40 B19 I50 N20 O48',
    );
    expect(Math.max(...ITCH_TYPES.map((type) => ITCH_LAYOUTS[type].length))).toBe(LONGEST_ITCH);
  });

  it.each(ITCH_TYPES)('%s: the fields cover every byte once, in order', (type) => {
    let next = 0;
    for (const [offset, bytes] of Object.values<Field>(ITCH_LAYOUTS[type].fields)) {
      expect(offset).toBe(next);
      next = offset + bytes;
    }
    expect(next).toBe(ITCH_LAYOUTS[type].length);
  });

  it('reads an Add Order byte by byte', () => {
    const bytes = hex(
      '410011000b1f1aced9f0e6' +
        '0000000000012345' +
        '42' +
        '000000c8' +
        '50494e2020202020' +
        '0001e208',
    );
    expect(parseItch(bytes, 0)).toEqual({
      type: 'A',
      stockLocate: 17,
      trackingNumber: 11,
      timestamp: 0x1f1aced9f0e6,
      reference: 0x12345n,
      side: 'B',
      shares: 200,
      stock: 'PIN',
      price: 123_400,
    });
  });

  it('writes what it read, over a buffer of other bytes', () => {
    const bytes = oneOfEach();
    let at = 2;
    for (const type of ITCH_TYPES) {
      const { length } = ITCH_LAYOUTS[type];
      const record = parseItch(bytes, at);
      expect(record?.type).toBe(type);
      const into = new Uint8Array(length + 8).fill(0xa5);
      expect(emitItch(record!, into, 4)).toBe(length);
      expect(into.subarray(4, 4 + length)).toEqual(bytes.subarray(at, at + length));
      expect([...into.subarray(0, 4), ...into.subarray(4 + length)]).toEqual(Array(8).fill(0xa5));
      at += length + 2;
    }
  });

  it('keeps references of all 64 bits', () => {
    const into = new Uint8Array(64);
    const reference = 0xfedcba9876543210n;
    emitItch(add(reference, 'S', 1, 2), into, 0);
    expect(parseItch(into, 0)).toMatchObject({ reference });
    const message = new ItchMessage();
    message.read(new DataView(into.buffer), 0);
    expect([message.referenceHigh, message.referenceLow]).toEqual([0xfedcba98, 0x76543210]);
  });

  it('reads what books need as the whole record has it', () => {
    const into = new Uint8Array(64);
    const message = new ItchMessage();
    emitItch(replace(5, 2n ** 40n + 9n, 300, 1_234_500, { locate: 99, at: 7 }), into, 3);
    message.read(new DataView(into.buffer), 3);
    expect(message).toMatchObject({
      code: 0x55,
      locate: 99,
      timestamp: 7,
      referenceLow: 5,
      newReferenceHigh: 256,
      newReferenceLow: 9,
      shares: 300,
      price: 1_234_500,
    });
  });

  it('answers nothing for a type it does not know or a message that is cut', () => {
    const into = new Uint8Array(36);
    emitItch(add(1, 'B', 1, 1), into, 0);
    expect(parseItch(into, 0)).toBeDefined();
    expect(parseItch(into.subarray(0, 35), 0)).toBeUndefined();
    expect(parseItch(into, 36)).toBeUndefined();
    into[0] = 0x7a;
    expect(parseItch(into, 0)).toBeUndefined();
    expect(itchLength(0x7a)).toBe(0);
  });

  it('refuses to write what does not fit in its field', () => {
    const into = new Uint8Array(64);
    expect(() => emitItch(add(1, 'B', 2 ** 32, 1), into, 0)).toThrow(RangeError);
    expect(() => emitItch(add(1, 'B', -1, 1), into, 0)).toThrow(RangeError);
    expect(() => emitItch(add(1, 'B', 1.5, 1), into, 0)).toThrow(RangeError);
    expect(() => emitItch(add(2n ** 64n, 'B', 1, 1), into, 0)).toThrow(RangeError);
    const long = { ...add(1, 'B', 1, 1), stock: 'NINECHARS' };
    expect(() => emitItch(long as ReturnType<typeof add>, into, 0)).toThrow(RangeError);
  });

  it('reads an amount exactly or not at all', () => {
    const fields = { total: [0, 8, 'amount'] } as const;
    expect(parseFields(fields, hex('001fffffffffffff'), 0)).toEqual({ total: 2 ** 53 - 1 });
    expect(parseFields(fields, hex('0020000000000000'), 0)).toBeUndefined();
  });
});
