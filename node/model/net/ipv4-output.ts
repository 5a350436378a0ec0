/** Writes Ethernet, VLAN and IPv4 headers in front of what a protocol sends, straight into the device's frame. */
import {
  emitEthernet,
  ETHERNET_LENGTH,
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  newEthernet,
} from '../../../wire/ethernet.js';
import {
  emitIpv4,
  IPV4_LENGTH,
  ipv4Checksum,
  newIpv4,
  IPV4_CHECKSUM_OFFSET,
} from '../../../wire/ipv4.js';
import { emitVlan, ETHER_TYPE_VLAN, newVlan, VLAN_LENGTH } from '../../../wire/vlan.js';
import { isMulticast } from './ipv4-address.js';
import type { StackHost } from './stack-host.js';

/** Ethernet's least frame without its check sequence. */
const LEAST_FRAME = 60;
/** Linux's ip_default_ttl and IP_MULTICAST_TTL. */
const TTL = 64;
const MULTICAST_TTL = 1;

/** The router-alert option, which IGMP carries (RFC 2113). */
const ROUTER_ALERT = 0x94040000;

export class Ipv4Output {
  /** Where the protocol writes its part of the frame that {@link begin} opened. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  private readonly host: StackHost;
  private readonly ethernet = newEthernet();
  private readonly vlan = newVlan();
  private readonly ipv4 = newIpv4();
  private readonly linkLength: number;
  private frameAt = 0;
  private frameLength = 0;

  constructor(host: StackHost, mac: number, ipv4: number, vlan: number | undefined) {
    this.host = host;
    this.ethernet.source = mac;
    this.ipv4.source = ipv4;
    this.vlan.id = vlan ?? 0;
    this.linkLength = vlan === undefined ? ETHERNET_LENGTH : ETHERNET_LENGTH + VLAN_LENGTH;
  }

  /** Opens a frame for a packet with `length` bytes behind its IP header; false if the device has no room. */
  begin(
    mac: number,
    destination: number,
    protocol: number,
    length: number,
    identification: number,
    routerAlert = false,
  ): boolean {
    const header = routerAlert ? IPV4_LENGTH + 4 : IPV4_LENGTH;
    if (!this.beginLink(mac, ETHER_TYPE_IPV4, header + length)) return false;
    const { ipv4, view, at } = this;
    ipv4.ihl = header >>> 2;
    ipv4.totalLength = header + length;
    ipv4.identification = identification;
    ipv4.ttl = isMulticast(destination) ? MULTICAST_TTL : TTL;
    ipv4.protocol = protocol;
    ipv4.destination = destination;
    emitIpv4(view, at, ipv4);
    if (routerAlert) view.setUint32(at + IPV4_LENGTH, ROUTER_ALERT);
    view.setUint16(at + IPV4_CHECKSUM_OFFSET, ipv4Checksum(view, at));
    this.at = at + header;
    return true;
  }

  beginArp(mac: number, length: number): boolean {
    return this.beginLink(mac, ETHER_TYPE_ARP, length);
  }

  /** The frame is complete; `transportHeader` bytes behind the last header written here are header too. */
  end(transportHeader: number, socket: number): void {
    this.host.send(this.frameLength, this.at + transportHeader - this.frameAt, socket);
  }

  private beginLink(mac: number, etherType: number, length: number): boolean {
    const whole = this.linkLength + length;
    const padded = Math.max(whole, LEAST_FRAME);
    const buffer = this.host.begin(padded);
    if (buffer === undefined) return false;
    const { bytes, view, at } = buffer;
    const { ethernet, vlan } = this;
    this.bytes = bytes;
    this.view = view;
    this.frameAt = at;
    this.frameLength = padded;
    ethernet.destination = mac;
    const isTagged = this.linkLength > ETHERNET_LENGTH;
    ethernet.etherType = isTagged ? ETHER_TYPE_VLAN : etherType;
    emitEthernet(view, at, ethernet);
    if (isTagged) {
      vlan.etherType = etherType;
      emitVlan(view, at + ETHERNET_LENGTH, vlan);
    }
    this.at = at + this.linkLength;
    if (padded > whole) bytes.fill(0, at + whole, at + padded);
    return true;
  }
}
