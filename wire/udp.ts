/**
 * UDP (RFC 768), as RoCEv2 travels in it (IBTA annex A17).
 *
 *   0  |          source port          |       destination port        |
 *   4  |            length             |           checksum            |
 *
 * The length counts this header, all InfiniBand headers, payload, pad and ICRC. The checksum is 0: the ICRC does its
 * work.
 */
export const UDP_LENGTH = 8;

const SOURCE_PORT = 0;
export const UDP_DESTINATION_OFFSET = 2;
export const UDP_LENGTH_OFFSET = 4;
export const UDP_CHECKSUM_OFFSET = 6;

/** The destination port that makes a datagram RoCEv2. */
export const ROCE_PORT = 4791;

export interface Udp {
  sourcePort: number;
  destinationPort: number;
  length: number;
  checksum: number;
}

export const newUdp = (): Udp => ({ sourcePort: 0, destinationPort: 0, length: 0, checksum: 0 });

export function parseUdp(view: DataView, at: number, into: Udp): void {
  into.sourcePort = view.getUint16(at + SOURCE_PORT);
  into.destinationPort = view.getUint16(at + UDP_DESTINATION_OFFSET);
  into.length = view.getUint16(at + UDP_LENGTH_OFFSET);
  into.checksum = view.getUint16(at + UDP_CHECKSUM_OFFSET);
}

export function emitUdp(view: DataView, at: number, udp: Readonly<Udp>): void {
  view.setUint16(at + SOURCE_PORT, udp.sourcePort);
  view.setUint16(at + UDP_DESTINATION_OFFSET, udp.destinationPort);
  view.setUint16(at + UDP_LENGTH_OFFSET, udp.length);
  view.setUint16(at + UDP_CHECKSUM_OFFSET, udp.checksum);
}
