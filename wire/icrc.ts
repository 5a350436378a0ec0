/**
 * ICRC: the CRC-32 that guards a RoCEv2 packet from end to end (IBTA 9.2.8.1, annex A17.3.3).
 *
 * It runs over 8 bytes of ones in place of the LRH, the IP header, UDP, BTH, extension headers, payload and pad.
 * What routers may change counts as ones: IPv4 TOS, TTL and header checksum; IPv6 traffic class, flow label and hop
 * limit; the UDP checksum; BTH byte 4. It stands in the last 4 bytes, least significant first.
 *
 * Nothing here changes the frame, allocates (but one view for a long payload) or throws: the caller has found the
 * frame to be RoCEv2, and what is read beyond a wrong `length` counts as 0.
 */
import { crc32 } from 'node:zlib';
import { ETHERNET_LENGTH, ETHER_TYPE_IPV6 } from './ethernet.js';
import { IPV6_LENGTH } from './ipv6.js';
import { isVlan, VLAN_LENGTH } from './vlan.js';

export const ICRC_LENGTH = 4;

/** CRC-32 of Ethernet, reflected. */
const POLYNOMIAL = 0xedb88320;
/** The register after 8 bytes of ones. */
const AFTER_LRH = 0xdebb20e3 | 0;
/** From here on the native routine is faster than the tables, its view included (bench/wire.ts). */
const NATIVE_FROM = 384;

/** Eight tables of 256: `TABLE[256 * k + b]` moves byte `b` through the register and k more zero bytes behind it. */
const TABLE = crcTables();

function crcTables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) {
      register = (register & 1) !== 0 ? (register >>> 1) ^ POLYNOMIAL : register >>> 1;
    }
    table[byte] = register;
  }
  for (let i = 256; i < table.length; i++) {
    const register = table[i - 256]!;
    table[i] = (register >>> 8) ^ table[register & 0xff]!;
  }
  return table;
}

/** One byte through the register. */
const step = (register: number, byte: number): number =>
  (register >>> 8) ^ TABLE[(register ^ byte) & 0xff]!;

/** `bytes` from `at` to before `end` through the register, eight at a time. */
function run(register: number, bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  for (; i + 8 <= end; i += 8) {
    register ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    register =
      TABLE[1792 + (register & 0xff)]! ^
      TABLE[1536 + ((register >>> 8) & 0xff)]! ^
      TABLE[1280 + ((register >>> 16) & 0xff)]! ^
      TABLE[1024 + (register >>> 24)]! ^
      TABLE[768 + bytes[i + 4]!]! ^
      TABLE[512 + bytes[i + 5]!]! ^
      TABLE[256 + bytes[i + 6]!]! ^
      TABLE[bytes[i + 7]!]!;
  }
  for (; i < end; i++) register = step(register, bytes[i]!);
  return register;
}

function runIpv4(register: number, bytes: Uint8Array, at: number, end: number): number {
  register = step(register, bytes[at]!);
  register = step(register, 0xff); // TOS
  register = run(register, bytes, at + 2, at + 8);
  register = step(register, 0xff); // TTL
  register = step(register, bytes[at + 9]!);
  register = step(register, 0xff); // header checksum
  register = step(register, 0xff);
  return run(register, bytes, at + 12, end);
}

function runIpv6(register: number, bytes: Uint8Array, at: number, end: number): number {
  register = step(register, bytes[at]! | 0x0f); // traffic class
  register = step(register, 0xff);
  register = step(register, 0xff); // flow label
  register = step(register, 0xff);
  register = run(register, bytes, at + 4, at + 7);
  register = step(register, 0xff); // hop limit
  return run(register, bytes, at + 8, end);
}

/**
 * The right ICRC, a u32, of the RoCEv2 frame whose Ethernet header is at `start` and whose `length` bytes end with
 * the ICRC. VLAN tags and IPv4 options are found; padding behind the ICRC must not be counted.
 */
export function computeIcrc(bytes: Uint8Array, start: number, length: number): number {
  let ip = start + ETHERNET_LENGTH;
  let etherType = (bytes[ip - 2]! << 8) | bytes[ip - 1]!;
  while (isVlan(etherType)) {
    ip += VLAN_LENGTH;
    etherType = (bytes[ip - 2]! << 8) | bytes[ip - 1]!;
  }
  return computeIcrcFromIp(bytes, ip, etherType === ETHER_TYPE_IPV6, start + length);
}

/** The same for a packet whose IP header is at `ip` and whose ICRC ends before `end`: for captures without Ethernet. */
export function computeIcrcFromIp(
  bytes: Uint8Array,
  ip: number,
  isIpv6: boolean,
  end: number,
): number {
  const udp = ip + (isIpv6 ? IPV6_LENGTH : (bytes[ip]! & 0xf) * 4);
  let register = isIpv6
    ? runIpv6(AFTER_LRH, bytes, ip, udp + 6)
    : runIpv4(AFTER_LRH, bytes, ip, udp + 6);
  register = step(register, 0xff); // UDP checksum
  register = step(register, 0xff);
  register = run(register, bytes, udp + 8, udp + 12);
  register = step(register, 0xff); // BTH byte 4: FECN, BECN, reserved
  const from = udp + 13;
  const to = end - ICRC_LENGTH;
  if (to - from < NATIVE_FROM) return ~run(register, bytes, from, to) >>> 0;
  return crc32(bytes.subarray(from, to), ~register >>> 0);
}

/** Puts the right ICRC into the frame's last 4 bytes. */
export function writeIcrc(bytes: Uint8Array, start: number, length: number): void {
  const icrc = computeIcrc(bytes, start, length);
  const at = start + length - ICRC_LENGTH;
  bytes[at] = icrc & 0xff;
  bytes[at + 1] = (icrc >>> 8) & 0xff;
  bytes[at + 2] = (icrc >>> 16) & 0xff;
  bytes[at + 3] = icrc >>> 24;
}

/** The ICRC that stands in the packet that ends before `end`. */
export const readIcrc = (bytes: Uint8Array, end: number): number =>
  (bytes[end - 4]! | (bytes[end - 3]! << 8) | (bytes[end - 2]! << 16) | (bytes[end - 1]! << 24)) >>>
  0;

export const icrcIsRight = (bytes: Uint8Array, start: number, length: number): boolean =>
  computeIcrc(bytes, start, length) === readIcrc(bytes, start + length);
