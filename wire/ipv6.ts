/**
 * IPv6 (RFC 8200 3). Extension headers are not modelled: RoCEv2 has none, and other packets are kept as bytes.
 *
 *   0   |version| traffic class |             flow label                |
 *   4   |        payload length         |  next header  |   hop limit   |
 *   8   |                  source address, 16 bytes                     |
 *   24  |                destination address, 16 bytes                  |
 */
export const IPV6_LENGTH = 40;

const VERSION_CLASS_FLOW = 0;
const PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER_OFFSET = 6;
const HOP_LIMIT = 7;
export const IPV6_SOURCE_OFFSET = 8;
const DESTINATION = 24;
const ADDRESS_LENGTH = 16;

/** The two addresses are the record's own 16 bytes each, filled in place. */
export interface Ipv6 {
  version: number;
  trafficClass: number;
  flowLabel: number;
  payloadLength: number;
  nextHeader: number;
  hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

export const newIpv6 = (): Ipv6 => ({
  version: 6,
  trafficClass: 0,
  flowLabel: 0,
  payloadLength: 0,
  nextHeader: 17,
  hopLimit: 64,
  source: new Uint8Array(ADDRESS_LENGTH),
  destination: new Uint8Array(ADDRESS_LENGTH),
});

export function parseIpv6(view: DataView, at: number, into: Ipv6): void {
  const first = view.getUint32(at + VERSION_CLASS_FLOW);
  into.version = first >>> 28;
  into.trafficClass = (first >>> 20) & 0xff;
  into.flowLabel = first & 0xfffff;
  into.payloadLength = view.getUint16(at + PAYLOAD_LENGTH);
  into.nextHeader = view.getUint8(at + IPV6_NEXT_HEADER_OFFSET);
  into.hopLimit = view.getUint8(at + HOP_LIMIT);
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    into.source[i] = view.getUint8(at + IPV6_SOURCE_OFFSET + i);
    into.destination[i] = view.getUint8(at + DESTINATION + i);
  }
}

export function emitIpv6(view: DataView, at: number, ipv6: Readonly<Ipv6>): void {
  view.setUint32(
    at + VERSION_CLASS_FLOW,
    (ipv6.version << 28) | (ipv6.trafficClass << 20) | ipv6.flowLabel,
  );
  view.setUint16(at + PAYLOAD_LENGTH, ipv6.payloadLength);
  view.setUint8(at + IPV6_NEXT_HEADER_OFFSET, ipv6.nextHeader);
  view.setUint8(at + HOP_LIMIT, ipv6.hopLimit);
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    view.setUint8(at + IPV6_SOURCE_OFFSET + i, ipv6.source[i]!);
    view.setUint8(at + DESTINATION + i, ipv6.destination[i]!);
  }
}
