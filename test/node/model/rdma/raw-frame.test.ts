/** Where the headers of a frame that a program wrote end. */
import { describe, expect, it } from 'vitest';
import { headersOf } from '../../../../node/model/rdma/raw-frame.js';

/** A frame of these bytes at these places, zeros elsewhere. */
function headers(length: number, bytes: Record<number, number>): number {
  const view = new DataView(new ArrayBuffer(2048));
  for (const [at, byte] of Object.entries(bytes)) view.setUint8(100 + Number(at), byte);
  return headersOf(view, 100, length);
}

const IPV4 = { 12: 0x08, 13: 0x00, 14: 0x45 };
const VLAN = { 12: 0x81, 13: 0x00, 16: 0x08, 17: 0x00, 18: 0x45 };
const IPV6 = { 12: 0x86, 13: 0xdd };

describe('the headers of a raw frame', () => {
  it('are Ethernet, VLAN, IP and TCP or UDP, as far as they can be told', () => {
    expect(headers(100, {})).toBe(14);
    expect(headers(100, { ...IPV4, 23: 17 })).toBe(14 + 20 + 8);
    expect(headers(100, { ...IPV4, 14: 0x46, 23: 17 })).toBe(14 + 24 + 8);
    expect(headers(100, { ...IPV4, 23: 6, 46: 0x80 })).toBe(14 + 20 + 32);
    expect(headers(100, { ...VLAN, 27: 6, 50: 0x50 })).toBe(18 + 20 + 20);
    expect(headers(100, { ...IPV6, 20: 17 })).toBe(14 + 40 + 8);
    expect(headers(100, { ...IPV4, 23: 1 })).toBe(14 + 20);
  });

  it('end behind Ethernet where what follows says they are longer than the frame, or than a slot has room for', () => {
    expect(headers(60, { ...IPV4, 23: 6, 46: 0xf0 })).toBe(14);
    expect(headers(1500, { ...VLAN, 18: 0x4f, 27: 6, 90: 0xf0 })).toBe(18);
    expect(headers(14, IPV4)).toBe(14);
    expect(headers(15, IPV4)).toBe(14);
    expect(headers(16, { ...VLAN })).toBe(16);
  });
});
