/**
 * The way from a queue pair to its peer: the Ethernet, IPv4 and UDP headers of all its packets, made once. Only lengths
 * and the IP checksum change from packet to packet. Values as Linux's RoCE driver sends them: DF 1, TTL 64, UDP checksum 0.
 */
import { hostIpv4, hostMac } from '../../units/address.js';
import {
  emitEthernet,
  ETHER_TYPE_IPV4,
  ETHERNET_LENGTH,
  macNumber,
  newEthernet,
} from '../../wire/ethernet.js';
import {
  emitIpv4,
  IPV4_DONT_FRAGMENT,
  IPV4_LENGTH,
  ipv4Checksum,
  ipv4Number,
  newIpv4,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import { emitUdp, newUdp, ROCE_PORT, UDP_LENGTH } from '../../wire/udp.js';

export const PATH_LENGTH = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH;

const IP_AT = ETHERNET_LENGTH;
const UDP_AT = ETHERNET_LENGTH + IPV4_LENGTH;
const IP_TOTAL_LENGTH = IP_AT + 2;
const IP_CHECKSUM = IP_AT + 10;
const UDP_TOTAL_LENGTH = UDP_AT + 4;

/** The flow's entropy, kept in the dynamic range: as rxe computes it from both QP numbers. */
export function udpSourcePort(localQpn: number, remoteQpn: number): number {
  let v = localQpn * remoteQpn;
  v = xor(v, Math.floor(v / 2 ** 20));
  v = xor(v, Math.floor(v / 2 ** 40));
  const f = v % 2 ** 20;
  return 0xc000 | ((f & 0x3fff) ^ (f >>> 14));
}

/** Exclusive or of two whole numbers below 2^53. */
function xor(a: number, b: number): number {
  const high = Math.floor(a / 2 ** 32) ^ Math.floor(b / 2 ** 32);
  return (high >>> 0) * 2 ** 32 + (((a % 2 ** 32) ^ (b % 2 ** 32)) >>> 0);
}

export class Path {
  readonly destination: number;
  /** The peer's IPv4 address as a number: what its packets must come from. */
  readonly peer: number;
  /** This side's, which they must be for. */
  readonly own: number;
  private readonly template = new Uint8Array(PATH_LENGTH);
  /** One's-complement sum of the IPv4 header with total length 0. */
  private readonly sum: number;

  constructor(source: number, destination: number, localQpn: number, remoteQpn: number) {
    this.destination = destination;
    this.peer = ipv4Number(hostIpv4(destination));
    this.own = ipv4Number(hostIpv4(source));
    const view = new DataView(this.template.buffer);
    const ethernet = newEthernet();
    ethernet.destination = macNumber(hostMac(destination));
    ethernet.source = macNumber(hostMac(source));
    ethernet.etherType = ETHER_TYPE_IPV4;
    emitEthernet(view, 0, ethernet);
    const ip = newIpv4();
    ip.flags = IPV4_DONT_FRAGMENT;
    ip.ttl = 64;
    ip.protocol = PROTOCOL_UDP;
    ip.source = this.own;
    ip.destination = this.peer;
    emitIpv4(view, IP_AT, ip);
    const udp = newUdp();
    udp.sourcePort = udpSourcePort(localQpn, remoteQpn);
    udp.destinationPort = ROCE_PORT;
    emitUdp(view, UDP_AT, udp);
    this.sum = ~ipv4Checksum(view, IP_AT) & 0xffff;
  }

  /** Writes the headers of a frame of `length` bytes (Ethernet to ICRC) at `at`. */
  emit(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    bytes.set(this.template, at);
    const total = length - ETHERNET_LENGTH;
    view.setUint16(at + IP_TOTAL_LENGTH, total);
    let sum = this.sum + total;
    sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(at + IP_CHECKSUM, ~sum & 0xffff);
    view.setUint16(at + UDP_TOTAL_LENGTH, total - IPV4_LENGTH);
  }
}
