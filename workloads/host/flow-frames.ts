/**
 * The frames that a packet generator sends: UDP datagrams of one size, told apart by their ports.
 *
 *     Ethernet 14 | IPv4 20 | UDP 8 | flow 4, sequence 4, number 4, phase 1, padding
 *
 * Everything but ports, payload and UDP's checksum is the same in all of them, so a frame's place is filled once and
 * then only changed where it differs.
 */
import { hostIpv4, hostMac } from '../../units/address.js';
import { emitEthernet, ETHERNET_LENGTH, macNumber, newEthernet } from '../../wire/ethernet.js';
import {
  emitIpv4,
  IPV4_CHECKSUM_OFFSET,
  IPV4_LENGTH,
  IPV4_SOURCE_OFFSET,
  IPV4_TOTAL_LENGTH_OFFSET,
  ipv4Checksum,
  ipv4Number,
  newIpv4,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import {
  UDP_CHECKSUM_OFFSET,
  UDP_DESTINATION_OFFSET,
  UDP_LENGTH,
  UDP_LENGTH_OFFSET,
} from '../../wire/udp.js';

const IPV4_AT = ETHERNET_LENGTH;
const UDP_AT = IPV4_AT + IPV4_LENGTH;
const CHECKSUM_AT = UDP_AT + UDP_CHECKSUM_OFFSET;
export const PAYLOAD_AT = UDP_AT + UDP_LENGTH;
export const LEAST_PAYLOAD = 13;
/** What fits into one packet of an interface with an MTU of 1500. */
export const MOST_PAYLOAD = 1472;

/** What a datagram says of itself; offsets in its payload. */
export const FIELD = { flow: 0, sequence: 4, number: 8, phase: 12 } as const;

/** One's complement sum of `length` bytes (RFC 1071), not yet inverted. */
function wordSum(view: DataView, at: number, length: number): number {
  let sum = 0;
  const even = length - (length & 1);
  for (let i = 0; i < even; i += 2) sum += view.getUint16(at + i);
  if (even < length) sum += view.getUint8(at + even) << 8;
  return sum;
}

function inverted(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Ethernet and IPv4 headers of UDP datagrams from host `from` to host `to`, without lengths and checksum. */
export function emitHeaders(view: DataView, at: number, from: number, to: number): void {
  const source = macNumber(hostMac(from));
  const destination = macNumber(hostMac(to));
  emitEthernet(view, at, { ...newEthernet(), source, destination });
  // Do not fragment; the identification may then be anything (RFC 6864).
  emitIpv4(view, at + IPV4_AT, {
    ...newIpv4(),
    source: ipv4Number(hostIpv4(from)),
    destination: ipv4Number(hostIpv4(to)),
  });
}

/** Lengths, and IPv4's checksum, of a datagram of `payload` bytes. */
export function writeLengths(view: DataView, at: number, payload: number): void {
  const ip = at + IPV4_AT;
  view.setUint16(ip + IPV4_TOTAL_LENGTH_OFFSET, IPV4_LENGTH + UDP_LENGTH + payload);
  view.setUint16(ip + IPV4_CHECKSUM_OFFSET, ipv4Checksum(view, ip));
  view.setUint16(at + UDP_AT + UDP_LENGTH_OFFSET, UDP_LENGTH + payload);
}

/** The payload's length that the UDP header of the frame at `at` says. */
export const payloadLength = (view: DataView, at: number): number =>
  view.getUint16(at + UDP_AT + UDP_LENGTH_OFFSET) - UDP_LENGTH;

/** Ports, of frames whose headers are there. */
export function writePorts(
  view: DataView,
  at: number,
  ports: { readonly source: number; readonly destination: number },
): void {
  view.setUint16(at + UDP_AT, ports.source);
  view.setUint16(at + UDP_AT + UDP_DESTINATION_OFFSET, ports.destination);
}

/** Writes what is the same in every frame from host `from` to host `to` with `payload` bytes behind its headers. */
export function emitTemplate(
  view: DataView,
  at: number,
  from: number,
  to: number,
  payload: number,
): void {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, PAYLOAD_AT + payload);
  bytes.fill(0);
  emitHeaders(view, at, from, to);
  writeLengths(view, at, payload);
}

/** Makes the frame at `at` the one of that flow, sequence number and number. */
export function emitVariable(
  view: DataView,
  at: number,
  payload: number,
  ports: { readonly source: number; readonly destination: number },
  flow: number,
  sequence: number,
  number: number,
  phase: number,
): void {
  writePorts(view, at, ports);
  const data = at + PAYLOAD_AT;
  view.setUint32(data + FIELD.flow, flow);
  view.setUint32(data + FIELD.sequence, sequence);
  view.setUint32(data + FIELD.number, number);
  view.setUint8(data + FIELD.phase, phase);
  view.setUint16(at + CHECKSUM_AT, 0);
  const length = UDP_LENGTH + payload;
  const pseudo = wordSum(view, at + IPV4_AT + IPV4_SOURCE_OFFSET, 8) + PROTOCOL_UDP + length;
  const sum = inverted(pseudo + wordSum(view, at + UDP_AT, UDP_LENGTH + LEAST_PAYLOAD));
  // 0 would say that there is none (RFC 768).
  view.setUint16(at + CHECKSUM_AT, sum === 0 ? 0xffff : sum);
}
