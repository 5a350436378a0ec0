/**
 * IPv4 without its options (RFC 791 3.1); the holder of the frame keeps them as bytes.
 *
 *   0   |version|  ihl  |      tos      |         total length          |
 *   4   |        identification         |r|D|M|    fragment offset      |
 *   8   |      ttl      |   protocol    |       header checksum         |
 *   12  |                       source address                          |
 *   16  |                     destination address                       |
 */
export const IPV4_LENGTH = 20;

const VERSION_IHL = 0;
const TOS = 1;
export const IPV4_TOTAL_LENGTH_OFFSET = 2;
const IDENTIFICATION = 4;
export const IPV4_FRAGMENT_OFFSET = 6;
const TTL = 8;
export const IPV4_PROTOCOL_OFFSET = 9;
export const IPV4_CHECKSUM_OFFSET = 10;
export const IPV4_SOURCE_OFFSET = 12;
export const IPV4_DESTINATION_OFFSET = 16;

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** Bits of `flags`, three wide. */
export const IPV4_DONT_FRAGMENT = 2;
export const IPV4_MORE_FRAGMENTS = 1;

/** `ihl` counts words of 4 bytes, `fragmentOffset` of 8; addresses are u32, first byte highest. */
export interface Ipv4 {
  version: number;
  ihl: number;
  tos: number;
  totalLength: number;
  identification: number;
  flags: number;
  fragmentOffset: number;
  ttl: number;
  protocol: number;
  checksum: number;
  source: number;
  destination: number;
}

export const newIpv4 = (): Ipv4 => ({
  version: 4,
  ihl: 5,
  tos: 0,
  totalLength: 0,
  identification: 0,
  flags: IPV4_DONT_FRAGMENT,
  fragmentOffset: 0,
  ttl: 64,
  protocol: PROTOCOL_UDP,
  checksum: 0,
  source: 0,
  destination: 0,
});

export function parseIpv4(view: DataView, at: number, into: Ipv4): void {
  const versionIhl = view.getUint8(at + VERSION_IHL);
  const fragment = view.getUint16(at + IPV4_FRAGMENT_OFFSET);
  into.version = versionIhl >>> 4;
  into.ihl = versionIhl & 0xf;
  into.tos = view.getUint8(at + TOS);
  into.totalLength = view.getUint16(at + IPV4_TOTAL_LENGTH_OFFSET);
  into.identification = view.getUint16(at + IDENTIFICATION);
  into.flags = fragment >>> 13;
  into.fragmentOffset = fragment & 0x1fff;
  into.ttl = view.getUint8(at + TTL);
  into.protocol = view.getUint8(at + IPV4_PROTOCOL_OFFSET);
  into.checksum = view.getUint16(at + IPV4_CHECKSUM_OFFSET);
  into.source = view.getUint32(at + IPV4_SOURCE_OFFSET);
  into.destination = view.getUint32(at + IPV4_DESTINATION_OFFSET);
}

/** Writes the checksum that the record holds; {@link ipv4Checksum} says which one is right. */
export function emitIpv4(view: DataView, at: number, ipv4: Readonly<Ipv4>): void {
  view.setUint8(at + VERSION_IHL, (ipv4.version << 4) | ipv4.ihl);
  view.setUint8(at + TOS, ipv4.tos);
  view.setUint16(at + IPV4_TOTAL_LENGTH_OFFSET, ipv4.totalLength);
  view.setUint16(at + IDENTIFICATION, ipv4.identification);
  view.setUint16(at + IPV4_FRAGMENT_OFFSET, (ipv4.flags << 13) | ipv4.fragmentOffset);
  view.setUint8(at + TTL, ipv4.ttl);
  view.setUint8(at + IPV4_PROTOCOL_OFFSET, ipv4.protocol);
  view.setUint16(at + IPV4_CHECKSUM_OFFSET, ipv4.checksum);
  view.setUint32(at + IPV4_SOURCE_OFFSET, ipv4.source);
  view.setUint32(at + IPV4_DESTINATION_OFFSET, ipv4.destination);
}

/** The right checksum of the header at `at`, options included, whatever its checksum field holds (RFC 1071). */
export function ipv4Checksum(view: DataView, at: number): number {
  const length = (view.getUint8(at + VERSION_IHL) & 0xf) * 4;
  let sum = 0;
  for (let i = 0; i < length; i += 2) if (i !== IPV4_CHECKSUM_OFFSET) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Four bytes as the number that {@link Ipv4} holds. */
export const ipv4Number = (bytes: ArrayLike<number>): number =>
  ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;

export const ipv4Bytes = (address: number): Uint8Array =>
  Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
