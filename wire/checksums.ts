/**
 * The Internet checksum (RFC 1071) of what travels in an Ethernet frame: IPv4's header, and UDP, TCP, ICMP and IGMP
 * behind it, with the pseudo header where one belongs to it (RFC 768, RFC 9293 3.1). VLAN tags are stepped over.
 *
 * A NIC computes the checksums of UDP and TCP; here they are computed only where somebody can look.
 */
import { ETHERNET_LENGTH, ETHER_TYPE_IPV4 } from './ethernet.js';
import { IPV4_LENGTH, ipv4Checksum, PROTOCOL_TCP, PROTOCOL_UDP } from './ipv4.js';
import { TCP_LENGTH } from './tcp.js';
import { ROCE_PORT, UDP_LENGTH } from './udp.js';
import { isVlan, VLAN_LENGTH } from './vlan.js';

const ETHER_TYPE = 12;
const IP_TOTAL_LENGTH = 2;
const IP_FRAGMENT = 6;
const IP_PROTOCOL = 9;
const IP_CHECKSUM = 10;
const IP_SOURCE = 12;
const UDP_DESTINATION = 2;
const UDP_DATAGRAM_LENGTH = 4;
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;
const FRAGMENT_OR_MORE = 0x3fff;

const PROTOCOL_ICMP = 1;
const PROTOCOL_IGMP = 2;

/** Adds `length` bytes as 16-bit words to `sum`, carries folded in; an odd last byte counts as if a zero followed. */
export function sumOfBytes(bytes: Uint8Array, at: number, length: number, sum: number): number {
  const end = at + length;
  const even = end - (length & 1);
  for (; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) sum += bytes[at]! << 8;
  // Frames are shorter than 2^16 bytes, so the sum of their words has not left 32 bits.
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Where the IPv4 header stands, VLAN tags stepped over; -1 if the frame is no whole IPv4 packet. */
function findIpv4(view: DataView, at: number, length: number): number {
  const end = at + length;
  if (length < ETHERNET_LENGTH + IPV4_LENGTH) return -1;
  let etherType = view.getUint16(at + ETHER_TYPE);
  let ip = at + ETHERNET_LENGTH;
  while (isVlan(etherType) && ip + VLAN_LENGTH + IPV4_LENGTH <= end) {
    etherType = view.getUint16(ip + 2);
    ip += VLAN_LENGTH;
  }
  if (etherType !== ETHER_TYPE_IPV4 || view.getUint8(ip) >>> 4 !== 4) return -1;
  const header = headerLength(view, ip);
  const total = view.getUint16(ip + IP_TOTAL_LENGTH);
  if (header < IPV4_LENGTH || total < header || ip + total > end) return -1;
  return ip;
}

const headerLength = (view: DataView, ip: number): number => (view.getUint8(ip) & 0xf) * 4;

/** The sum over a segment and its pseudo header. */
function transportSum(
  bytes: Uint8Array,
  view: DataView,
  ip: number,
  at: number,
  length: number,
): number {
  const pseudo = view.getUint8(ip + IP_PROTOCOL) + length;
  return sumOfBytes(bytes, at, length, sumOfBytes(bytes, ip + IP_SOURCE, 8, pseudo));
}

/** What a NIC's checksum offload does: writes the IPv4 header's checksum, and UDP's or TCP's. RoCEv2 keeps its UDP checksum of 0. */
export function completeChecksums(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
): void {
  const ip = findIpv4(view, at, length);
  if (ip < 0) return;
  view.setUint16(ip + IP_CHECKSUM, ipv4Checksum(view, ip));
  if ((view.getUint16(ip + IP_FRAGMENT) & FRAGMENT_OR_MORE) !== 0) return;
  const header = headerLength(view, ip);
  const transport = ip + header;
  const held = view.getUint16(ip + IP_TOTAL_LENGTH) - header;
  const protocol = view.getUint8(ip + IP_PROTOCOL);
  if (protocol === PROTOCOL_TCP && held >= TCP_LENGTH) {
    view.setUint16(transport + TCP_CHECKSUM, 0);
    const sum = transportSum(bytes, view, ip, transport, held);
    view.setUint16(transport + TCP_CHECKSUM, ~sum & 0xffff);
  } else if (protocol === PROTOCOL_UDP && held >= UDP_LENGTH) {
    const datagram = view.getUint16(transport + UDP_DATAGRAM_LENGTH);
    if (view.getUint16(transport + UDP_DESTINATION) === ROCE_PORT || datagram > held) return;
    view.setUint16(transport + UDP_CHECKSUM, 0);
    const sum = ~transportSum(bytes, view, ip, transport, datagram) & 0xffff;
    // 0 would say that there is none.
    view.setUint16(transport + UDP_CHECKSUM, sum === 0 ? 0xffff : sum);
  }
}

/** Whether every checksum of the frame that its lengths let one find is right. Frames without any are. */
export function checksumsAreRight(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
): boolean {
  if (length < ETHERNET_LENGTH) return true;
  const ip = findIpv4(view, at, length);
  if (ip < 0) return !claimsIpv4(view, at, length);
  return (
    view.getUint16(ip + IP_CHECKSUM) === ipv4Checksum(view, ip) && transportIsRight(bytes, view, ip)
  );
}

/** An IPv4 packet whose lengths cannot be: a receiver finds its header damaged. */
function claimsIpv4(view: DataView, at: number, length: number): boolean {
  let etherType = view.getUint16(at + ETHER_TYPE);
  let tag = at + ETHERNET_LENGTH;
  while (isVlan(etherType) && tag + VLAN_LENGTH <= at + length) {
    etherType = view.getUint16(tag + 2);
    tag += VLAN_LENGTH;
  }
  return etherType === ETHER_TYPE_IPV4;
}

function transportIsRight(bytes: Uint8Array, view: DataView, ip: number): boolean {
  if ((view.getUint16(ip + IP_FRAGMENT) & FRAGMENT_OR_MORE) !== 0) return true;
  const header = headerLength(view, ip);
  const transport = ip + header;
  const held = view.getUint16(ip + IP_TOTAL_LENGTH) - header;
  switch (view.getUint8(ip + IP_PROTOCOL)) {
    case PROTOCOL_TCP:
      return held >= TCP_LENGTH && transportSum(bytes, view, ip, transport, held) === 0xffff;
    case PROTOCOL_UDP: {
      if (held < UDP_LENGTH) return false;
      if (view.getUint16(transport + UDP_CHECKSUM) === 0) return true;
      const datagram = view.getUint16(transport + UDP_DATAGRAM_LENGTH);
      if (datagram < UDP_LENGTH || datagram > held) return false;
      return transportSum(bytes, view, ip, transport, datagram) === 0xffff;
    }
    case PROTOCOL_ICMP:
    case PROTOCOL_IGMP:
      return sumOfBytes(bytes, transport, held, 0) === 0xffff;
    default:
      return true;
  }
}
