/**
 * The frames that a packet generator sends: UDP datagrams of one size, told apart by their ports.
 *
 *     Ethernet 14 | IPv4 20 | UDP 8 | flow 4, sequence 4, number 4, phase 1, padding
 *
 * Everything but ports, payload and UDP's checksum is the same in all of them, so a frame's place is filled once and
 * then only changed where it differs.
 */
import { hostIpv4, hostMac } from '../../units/address.js';

export const PAYLOAD_AT = 42;
export const LEAST_PAYLOAD = 13;
/** What fits into one packet of an interface with an MTU of 1500. */
export const MOST_PAYLOAD = 1472;

const IPV4_AT = 14;
const UDP_AT = 34;
const UDP = 17;
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const CHECKSUM_AT = 40;

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
  bytes.set(hostMac(to), 0);
  bytes.set(hostMac(from), 6);
  view.setUint16(at + 12, 0x0800);
  const ip = at + IPV4_AT;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, IPV4_HEADER + UDP_HEADER + payload);
  // Don't fragment; the identification may then be anything (RFC 6864).
  view.setUint16(ip + 6, 0x4000);
  view.setUint8(ip + 8, 64);
  view.setUint8(ip + 9, UDP);
  bytes.set(hostIpv4(from), IPV4_AT + 12);
  bytes.set(hostIpv4(to), IPV4_AT + 16);
  view.setUint16(ip + 10, inverted(wordSum(view, ip, IPV4_HEADER)));
  view.setUint16(at + UDP_AT + 4, UDP_HEADER + payload);
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
  view.setUint16(at + UDP_AT, ports.source);
  view.setUint16(at + UDP_AT + 2, ports.destination);
  const data = at + PAYLOAD_AT;
  view.setUint32(data + FIELD.flow, flow);
  view.setUint32(data + FIELD.sequence, sequence);
  view.setUint32(data + FIELD.number, number);
  view.setUint8(data + FIELD.phase, phase);
  view.setUint16(at + CHECKSUM_AT, 0);
  const length = UDP_HEADER + payload;
  const pseudo = wordSum(view, at + IPV4_AT + 12, 8) + UDP + length;
  const sum = inverted(pseudo + wordSum(view, at + UDP_AT, UDP_HEADER + LEAST_PAYLOAD));
  // 0 would say that there is none (RFC 768).
  view.setUint16(at + CHECKSUM_AT, sum === 0 ? 0xffff : sum);
}
