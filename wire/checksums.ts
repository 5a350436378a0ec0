/**
 * The Internet checksum (RFC 1071) of what travels in an Ethernet frame: IPv4's header, and UDP, TCP, ICMP and IGMP
 * behind it, with the pseudo header where one belongs to it (RFC 768, RFC 9293 3.1). VLAN tags are stepped over.
 *
 * A NIC computes the checksums of UDP and TCP; here they are computed only where somebody can look.
 */
import { ETHERNET_LENGTH, ETHER_TYPE_IPV4, ETHER_TYPE_OFFSET } from './ethernet.js';
import {
  IPV4_LENGTH,
  ipv4Checksum,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  IPV4_TOTAL_LENGTH_OFFSET,
  IPV4_FRAGMENT_OFFSET,
  IPV4_PROTOCOL_OFFSET,
  IPV4_CHECKSUM_OFFSET,
  IPV4_SOURCE_OFFSET,
} from './ipv4.js';
import { TCP_LENGTH, TCP_CHECKSUM_OFFSET } from './tcp.js';
import {
  ROCE_PORT,
  UDP_LENGTH,
  UDP_DESTINATION_OFFSET,
  UDP_LENGTH_OFFSET,
  UDP_CHECKSUM_OFFSET,
} from './udp.js';
import { isVlan, VLAN_LENGTH } from './vlan.js';

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
  let etherType = view.getUint16(at + ETHER_TYPE_OFFSET);
  let ip = at + ETHERNET_LENGTH;
  while (isVlan(etherType) && ip + VLAN_LENGTH + IPV4_LENGTH <= end) {
    etherType = view.getUint16(ip + 2);
    ip += VLAN_LENGTH;
  }
  if (etherType !== ETHER_TYPE_IPV4 || view.getUint8(ip) >>> 4 !== 4) return -1;
  const header = headerLength(view, ip);
  const total = view.getUint16(ip + IPV4_TOTAL_LENGTH_OFFSET);
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
  const pseudo = view.getUint8(ip + IPV4_PROTOCOL_OFFSET) + length;
  return sumOfBytes(bytes, at, length, sumOfBytes(bytes, ip + IPV4_SOURCE_OFFSET, 8, pseudo));
}

/**
 * What a NIC's checksum offload does: writes the IPv4 header's checksum, and UDP's or TCP's. RoCEv2 keeps its UDP
 * checksum of 0.
 */
export function completeChecksums(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
): void {
  const ip = findIpv4(view, at, length);
  if (ip < 0) return;
  view.setUint16(ip + IPV4_CHECKSUM_OFFSET, ipv4Checksum(view, ip));
  if ((view.getUint16(ip + IPV4_FRAGMENT_OFFSET) & FRAGMENT_OR_MORE) !== 0) return;
  const header = headerLength(view, ip);
  const transport = ip + header;
  const held = view.getUint16(ip + IPV4_TOTAL_LENGTH_OFFSET) - header;
  const protocol = view.getUint8(ip + IPV4_PROTOCOL_OFFSET);
  if (protocol === PROTOCOL_TCP && held >= TCP_LENGTH) {
    view.setUint16(transport + TCP_CHECKSUM_OFFSET, 0);
    const sum = transportSum(bytes, view, ip, transport, held);
    view.setUint16(transport + TCP_CHECKSUM_OFFSET, ~sum & 0xffff);
  } else if (protocol === PROTOCOL_UDP && held >= UDP_LENGTH) {
    const datagram = view.getUint16(transport + UDP_LENGTH_OFFSET);
    if (view.getUint16(transport + UDP_DESTINATION_OFFSET) === ROCE_PORT || datagram > held) return;
    view.setUint16(transport + UDP_CHECKSUM_OFFSET, 0);
    const sum = ~transportSum(bytes, view, ip, transport, datagram) & 0xffff;
    // 0 would say that there is none.
    view.setUint16(transport + UDP_CHECKSUM_OFFSET, sum === 0 ? 0xffff : sum);
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
    view.getUint16(ip + IPV4_CHECKSUM_OFFSET) === ipv4Checksum(view, ip) &&
    transportIsRight(bytes, view, ip)
  );
}

/** An IPv4 packet whose lengths cannot be: a receiver finds its header damaged. */
function claimsIpv4(view: DataView, at: number, length: number): boolean {
  let etherType = view.getUint16(at + ETHER_TYPE_OFFSET);
  let tag = at + ETHERNET_LENGTH;
  while (isVlan(etherType) && tag + VLAN_LENGTH <= at + length) {
    etherType = view.getUint16(tag + 2);
    tag += VLAN_LENGTH;
  }
  return etherType === ETHER_TYPE_IPV4;
}

function transportIsRight(bytes: Uint8Array, view: DataView, ip: number): boolean {
  if ((view.getUint16(ip + IPV4_FRAGMENT_OFFSET) & FRAGMENT_OR_MORE) !== 0) return true;
  const header = headerLength(view, ip);
  const transport = ip + header;
  const held = view.getUint16(ip + IPV4_TOTAL_LENGTH_OFFSET) - header;
  switch (view.getUint8(ip + IPV4_PROTOCOL_OFFSET)) {
    case PROTOCOL_TCP:
      return held >= TCP_LENGTH && transportSum(bytes, view, ip, transport, held) === 0xffff;
    case PROTOCOL_UDP: {
      if (held < UDP_LENGTH) return false;
      if (view.getUint16(transport + UDP_CHECKSUM_OFFSET) === 0) return true;
      const datagram = view.getUint16(transport + UDP_LENGTH_OFFSET);
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
