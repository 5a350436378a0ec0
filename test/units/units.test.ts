/** What a person writes, as numbers with a meaning. */
import { describe, expect, it } from 'vitest';
import {
  formatIpv6,
  formatMac,
  hostIpv4,
  hostIpv4Number,
  hostMac,
  ipv4Gid,
} from '../../units/address.js';
import { incrementRkey, rkey } from '../../units/keys.js';
import { addPsn, psn, psnDistance } from '../../units/psn.js';
import { parseRate, perByte, transferTime } from '../../units/rate.js';
import { formatSize, parseSize } from '../../units/size.js';
import { formatDuration, nanoseconds, parseDuration } from '../../units/time.js';

describe('durations', () => {
  it.each([
    ['600ns', 600_000],
    ['1.5us', 1_500_000],
    ['2 ms', 2_000_000_000],
    ['0.1ns', 100],
    ['0.0001ns', 1],
    ['250ps', 250],
    ['1s', 1e12],
  ])('%s is %d ps', (text, ps) => expect(parseDuration(text)).toBe(ps));

  it.each(['', '5', 'ns', '-3ns', '1e400s', '5 parsecs', '1..5us'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('are whole picoseconds, rounded up, without the dust of binary fractions', () => {
    expect(nanoseconds(0.3)).toBe(300);
    expect(nanoseconds(547)).toBe(547_000);
    expect(nanoseconds(0.0001)).toBe(1);
  });

  it('print in the unit a person would choose', () => {
    expect([40_000, 1_580_000, 12_300_000_000].map(formatDuration)).toEqual([
      '40 ns',
      '1.58 us',
      '12.3 ms',
    ]);
  });
});

describe('sizes and rates', () => {
  it.each([
    ['64KiB', 65536],
    ['1MB', 1e6],
    ['4K', 4096],
    ['17', 17],
    ['0.5KiB', 512],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['1.3', '-4', '5 apples', ''])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it('print so that they can be read back', () => {
    for (const bytes of [0, 17, 4096, 65536, 3 * 2 ** 20, 2 ** 30]) {
      expect(parseSize(formatSize(bytes))).toBe(bytes);
    }
  });

  it('are not bytes per second: 7GB/s is not 7 Gb/s', () => {
    expect(parseRate('100Gbps')).toBe(100);
    expect(parseRate('57.9 Gb/s')).toBe(57.9);
    expect(parseRate('400Mb/s')).toBeCloseTo(0.4);
    expect(parseRate('7GB/s')).toBeUndefined();
  });

  it('give times in whole picoseconds, rounded up', () => {
    expect(transferTime(4096, perByte(100))).toBe(327_680);
    expect(transferTime(1, perByte(57.9))).toBe(139);
  });
});

describe('packet sequence numbers', () => {
  it('wrap at 2^24 and compare modularly', () => {
    expect(addPsn(psn(0xffffff), 1)).toBe(0);
    expect(addPsn(psn(0), -1)).toBe(0xffffff);
    expect(psnDistance(psn(2), psn(0xfffffe))).toBe(4);
    expect(psnDistance(psn(0xfffffe), psn(2))).toBe(-4);
    expect(psnDistance(psn(0x800000), psn(0))).toBe(-0x800000);
  });
});

describe('keys and addresses', () => {
  it('ibv_inc_rkey changes the low byte only, modulo 256', () => {
    expect(incrementRkey(rkey(0x12345678))).toBe(0x12345679);
    expect(incrementRkey(rkey(0xffffffff))).toBe(0xffffff00);
  });

  it('differ between hosts, and follow from the configuration alone', () => {
    const macs = new Set(
      [0, 1, 255, 256, 511, 512, 65_534].map((host) => formatMac(hostMac(host))),
    );
    const ips = new Set(
      [0, 1, 254, 255, 256, 511, 512, 65_534].map((host) => hostIpv4(host).join('.')),
    );
    expect([macs.size, ips.size]).toEqual([7, 8]);
    expect(hostIpv4(0).join('.')).toBe('10.0.0.1');
    for (const host of [0, 1, 254, 255, 256, 511, 512, 65_534]) {
      expect(hostIpv4Number(host)).toBe(new DataView(hostIpv4(host).buffer).getUint32(0));
    }
  });

  it('print IPv6 as RFC 5952 has it', () => {
    expect(formatIpv6(ipv4Gid([10, 0, 0, 1]))).toBe('::ffff:a00:1');
    expect(formatIpv6(new Uint8Array(16))).toBe('::');
    const bytes = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
    expect(formatIpv6(bytes)).toBe('2001:db8:0:1::1');
  });
});
