/**
 * The way from a queue pair to its peer: the Ethernet, IPv4 and UDP headers of all its packets, made once. Only lengths
 * and the IP checksum change from packet to packet. Values as Linux's RoCE driver sends them: DF 1, TTL 64, UDP
 * checksum 0.
 */
import { hostIpv4, hostMac } from '../units/address.js';
import {
  emitEthernet,
  ETHER_TYPE_IPV4,
  ETHERNET_LENGTH,
  macNumber,
  newEthernet,
} from './ethernet.js';
import {
  emitIpv4,
  IPV4_DONT_FRAGMENT,
  IPV4_LENGTH,
  ipv4Checksum,
  ipv4Number,
  newIpv4,
  PROTOCOL_UDP,
  IPV4_TOTAL_LENGTH_OFFSET,
  IPV4_CHECKSUM_OFFSET,
} from './ipv4.js';
import { emitUdp, newUdp, ROCE_PORT, UDP_LENGTH, UDP_LENGTH_OFFSET } from './udp.js';

export const PATH_LENGTH = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH;

const IP_AT = ETHERNET_LENGTH;
const UDP_AT = ETHERNET_LENGTH + IPV4_LENGTH;
const IP_TOTAL_LENGTH = IP_AT + IPV4_TOTAL_LENGTH_OFFSET;
const IP_CHECKSUM = IP_AT + IPV4_CHECKSUM_OFFSET;
const UDP_TOTAL_LENGTH = UDP_AT + UDP_LENGTH_OFFSET;
/** Whole words of these headers; half a word, UDP's checksum, is left. */
export const PATH_WORDS = PATH_LENGTH >> 2;

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
  /** The template's whole words; lengths and IP checksum are 0. */
  private readonly whole = new Int32Array(PATH_WORDS);

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
    view.setUint16(IP_TOTAL_LENGTH, 0);
    this.sum = ~ipv4Checksum(view, IP_AT) & 0xffff;
    view.setUint16(IP_CHECKSUM, 0);
    view.setUint16(UDP_TOTAL_LENGTH, 0);
    for (let i = 0; i < PATH_WORDS; i++) this.whole[i] = view.getInt32(4 * i);
  }

  /**
   * Writes the whole words of these headers in a frame of `length` bytes, as {@link emit} has them, from `at` on; where
   * they end.
   */
  words(into: Int32Array, at: number, length: number): number {
    const { whole } = this;
    for (let i = 0; i < PATH_WORDS; i++) into[at + i] = whole[i]!;
    const total = length - ETHERNET_LENGTH;
    into[at + (IP_TOTAL_LENGTH >> 2)]! |= total << 16;
    into[at + (IP_CHECKSUM >> 2)]! |= this.checksum(total) << 16;
    into[at + (UDP_TOTAL_LENGTH >> 2)]! |= total - IPV4_LENGTH;
    return at + PATH_WORDS;
  }

  /** Writes the headers of a frame of `length` bytes (Ethernet to ICRC) at `at`. */
  emit(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    bytes.set(this.template, at);
    const total = length - ETHERNET_LENGTH;
    view.setUint16(at + IP_TOTAL_LENGTH, total);
    view.setUint16(at + IP_CHECKSUM, this.checksum(total));
    view.setUint16(at + UDP_TOTAL_LENGTH, total - IPV4_LENGTH);
  }

  /** The checksum of an IPv4 header with this total length. */
  private checksum(total: number): number {
    const sum = this.sum + total;
    return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  }
}
