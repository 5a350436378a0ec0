/** Checksums of whole frames: vectors, and that every single damaged bit is found. */
import { describe, expect, test } from 'vitest';
import { checksumsAreRight, completeChecksums, sumOfBytes } from '../../wire/checksums.js';
import { emitIgmpReport, IGMP_REPORT_LENGTH } from '../../wire/igmp.js';
import { randomBytes, randomNumbers } from './sample-frames.js';

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);
const isRight = (bytes: Uint8Array): boolean =>
  checksumsAreRight(bytes, viewOf(bytes), 0, bytes.length);

/** Zeroes the checksums and has them written. */
function complete(bytes: Uint8Array, places: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const place of places) copy.fill(0, place, place + 2);
  completeChecksums(copy, viewOf(copy), 0, copy.length);
  return copy;
}

/** A SYN with Linux's options, without checksums but for the header's, whose sum textbooks work out. */
const TCP_FRAME = fromHex(`
  001122334455 66778899aabb 0800
  4500 003c 1c46 4000 40 06 b1e6 ac100a63 ac100a0c
  b5c0 0050 0a1b2c3d 00000000 a002 faf0 0000 0000
  0204 05b4 0402 080a 0004 0f01 0000 0000 0103 0307`);

describe('checksums', () => {
  test('the sum of RFC 1071 section 3', () => {
    expect(sumOfBytes(fromHex('0001f203f4f5f6f7'), 0, 8, 0)).toBe(0xddf2);
    expect(sumOfBytes(fromHex('ff0001f203f4f5f6f7'), 1, 8, 0)).toBe(0xddf2);
    expect(sumOfBytes(fromHex('0001f2'), 0, 3, 0)).toBe(0xf201);
  });

  test('the IPv4 header that textbooks work out: b1e6', () => {
    const done = complete(TCP_FRAME, [24, 50]);
    expect(viewOf(done).getUint16(24)).toBe(0xb1e6);
    expect(isRight(done)).toBe(true);
  });

  test('a TCP segment summed word by word over its pseudo header', () => {
    const words = `ac10 0a63 ac10 0a0c 0006 0028
      b5c0 0050 0a1b 2c3d 0000 0000 a002 faf0 0000 0000 0204 05b4 0402 080a 0004 0f01 0000 0000 0103 0307`;
    let sum = 0;
    for (const word of words.trim().split(/\s+/)) sum += parseInt(word, 16);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    expect(viewOf(complete(TCP_FRAME, [24, 50])).getUint16(50)).toBe(~sum & 0xffff);
  });

  test('UDP with an odd length, and the sum 0 written as ffff', () => {
    const head = `001122334455 66778899aabb 0800 4500 0020 0000 4000 40 11 0000 0a000001 0a000002 c000 c001 000c 0000`;
    const random = randomNumbers(3);
    for (let length = 0; length < 40; length++) {
      const frame = Uint8Array.from([...fromHex(head), ...randomBytes(random, length)]);
      viewOf(frame).setUint16(16, 28 + length);
      viewOf(frame).setUint16(38, 8 + length);
      expect(isRight(complete(frame, [24, 40]))).toBe(true);
    }
    const frame = Uint8Array.from([...fromHex(head), 0, 0, 0, 0]);
    const sum = viewOf(complete(frame, [24, 40])).getUint16(40);
    viewOf(frame).setUint16(42, sum);
    expect(viewOf(complete(frame, [24, 40])).getUint16(40)).toBe(0xffff);
  });

  test('VLAN tags are stepped over', () => {
    const tagged = Uint8Array.from([
      ...TCP_FRAME.subarray(0, 12),
      ...fromHex('8100 002a'),
      ...TCP_FRAME.subarray(12),
    ]);
    const done = complete(tagged, [28, 54]);
    expect(done.subarray(16)).toEqual(complete(TCP_FRAME, [24, 50]).subarray(12));
    expect(isRight(done)).toBe(true);
  });

  test('every flipped bit behind the Ethernet header is found', () => {
    const done = complete(TCP_FRAME, [24, 50]);
    for (let bit = 14 * 8; bit < done.length * 8; bit++) {
      const damaged = done.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      // TOS to TTL are the header's; protocol, lengths and the rest are found by one sum or the other.
      expect(isRight(damaged), `bit ${bit}`).toBe(false);
    }
  });

  test('an IGMP report carries its own', () => {
    const head =
      '01005e000016 020000000000 0800 4600 0028 0000 4000 01 02 0000 0a000001 e0000016 94040000';
    const frame = Uint8Array.from([...fromHex(head), ...new Uint8Array(IGMP_REPORT_LENGTH)]);
    emitIgmpReport(frame, viewOf(frame), 38, 0xe8000001, true);
    expect(Buffer.from(frame.subarray(38)).toString('hex')).toBe(
      '2200f1fc0000000104000000e8000001',
    );
    expect(isRight(complete(frame, [24]))).toBe(true);
  });

  test('RoCEv2 keeps its UDP checksum of 0, fragments and other protocols theirs', () => {
    const roce = fromHex(
      '001122334455 66778899aabb 0800 4500 0020 0000 4000 40 11 0000 0a000001 0a000002 c000 12b7 000c 0000 01020304',
    );
    expect(viewOf(complete(roce, [24])).getUint16(40)).toBe(0);
    expect(isRight(complete(roce, [24]))).toBe(true);
    const fragment = TCP_FRAME.slice();
    fragment[20] = 0x20;
    viewOf(fragment).setUint16(50, 0x1234);
    expect(viewOf(complete(fragment, [24])).getUint16(50)).toBe(0x1234);
    const arp = fromHex('ffffffffffff 020000000000 0806 0001 0800 0604 0001');
    expect(complete(arp, [])).toEqual(arp);
    expect(isRight(arp)).toBe(true);
  });

  test('no bytes make them throw or write beyond the frame', () => {
    const random = randomNumbers(9);
    for (let round = 0; round < 5000; round++) {
      const length = random() % 80;
      const bytes = randomBytes(random, length + 8);
      if (length >= 24) bytes.set([8, 0, 0x40 | (random() & 15), 0, 0, random() & 63], 12);
      const behind = bytes.slice(length);
      checksumsAreRight(bytes, viewOf(bytes), 0, length);
      completeChecksums(bytes, viewOf(bytes), 0, length);
      expect(bytes.subarray(length)).toEqual(behind);
    }
  });
});
