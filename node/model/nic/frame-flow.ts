/**
 * What the receive side reads of a frame to decide where it goes: the fields that rules match, and where the bytes lie
 * that the hash covers. Ethernet, one 802.1Q tag or two, IPv4, IPv6, TCP, UDP; IPv6 extension headers are not walked,
 * so behind one there are addresses alone. Nothing outside the frame is ever read.
 */
import {
  ETHERNET_LENGTH,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHER_TYPE_OFFSET,
} from '../../../wire/ethernet.js';
import {
  IPV4_LENGTH,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  IPV4_FRAGMENT_OFFSET,
  IPV4_PROTOCOL_OFFSET,
  IPV4_SOURCE_OFFSET,
} from '../../../wire/ipv4.js';
import { IPV6_LENGTH, IPV6_NEXT_HEADER_OFFSET, IPV6_SOURCE_OFFSET } from '../../../wire/ipv6.js';
import { VLAN_LENGTH, isVlan } from '../../../wire/vlan.js';

/** A field that the frame does not have. */
const ABSENT = -1;

const TWO_32 = 2 ** 32;
/** More fragments, or an offset: behind it there may be no ports, or those of nobody. */
const IPV4_FRAGMENT_BITS = 0x3fff;
const PORTS_LENGTH = 4;

export class FrameFlow {
  destinationMac = 0;
  /** VLAN id of the outer tag. */
  vlan = ABSENT;
  etherType = 0;
  protocol = ABSENT;
  /** IPv4 alone. */
  source = ABSENT;
  destination = ABSENT;
  sourcePort = ABSENT;
  destinationPort = ABSENT;
  /** Where the two addresses lie and how long they are together (0 for a frame that is not IP), and the two ports. */
  addressesAt = 0;
  addressesLength = 0;
  portsAt = ABSENT;

  parse(view: DataView, at: number, length: number): void {
    this.vlan = ABSENT;
    this.etherType = 0;
    this.protocol = ABSENT;
    this.source = ABSENT;
    this.destination = ABSENT;
    this.sourcePort = ABSENT;
    this.destinationPort = ABSENT;
    this.addressesLength = 0;
    this.portsAt = ABSENT;
    this.destinationMac = 0;
    if (length < ETHERNET_LENGTH) return;
    this.destinationMac = view.getUint16(at) * TWO_32 + view.getUint32(at + 2);
    const end = at + length;
    let type = view.getUint16(at + ETHER_TYPE_OFFSET);
    let next = at + ETHERNET_LENGTH;
    while (isVlan(type) && next + VLAN_LENGTH <= end) {
      if (this.vlan === ABSENT) this.vlan = view.getUint16(next) & 0xfff;
      type = view.getUint16(next + 2);
      next += VLAN_LENGTH;
    }
    this.etherType = type;
    if (type === ETHER_TYPE_IPV4) this.parseIpv4(view, next, end);
    else if (type === ETHER_TYPE_IPV6) this.parseIpv6(view, next, end);
  }

  private parseIpv4(view: DataView, at: number, end: number): void {
    if (at + IPV4_LENGTH > end) return;
    const versionIhl = view.getUint8(at);
    const header = (versionIhl & 0xf) * 4;
    if (versionIhl >>> 4 !== 4 || header < IPV4_LENGTH || at + header > end) return;
    this.protocol = view.getUint8(at + IPV4_PROTOCOL_OFFSET);
    this.addressesAt = at + IPV4_SOURCE_OFFSET;
    this.addressesLength = 8;
    this.source = view.getUint32(this.addressesAt);
    this.destination = view.getUint32(this.addressesAt + 4);
    if ((view.getUint16(at + IPV4_FRAGMENT_OFFSET) & IPV4_FRAGMENT_BITS) !== 0) return;
    this.parsePorts(view, at + header, end);
  }

  private parseIpv6(view: DataView, at: number, end: number): void {
    if (at + IPV6_LENGTH > end || view.getUint8(at) >>> 4 !== 6) return;
    this.protocol = view.getUint8(at + IPV6_NEXT_HEADER_OFFSET);
    this.addressesAt = at + IPV6_SOURCE_OFFSET;
    this.addressesLength = 32;
    this.parsePorts(view, at + IPV6_LENGTH, end);
  }

  private parsePorts(view: DataView, at: number, end: number): void {
    if (this.protocol !== PROTOCOL_TCP && this.protocol !== PROTOCOL_UDP) return;
    if (at + PORTS_LENGTH > end) return;
    this.portsAt = at;
    this.sourcePort = view.getUint16(at);
    this.destinationPort = view.getUint16(at + 2);
  }
}
