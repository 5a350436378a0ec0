/** Frames made of their headers, for what steers by headers alone. */
import { emitEthernet, ETHERNET_LENGTH } from '../../../../wire/ethernet.js';
import { emitIpv4, IPV4_LENGTH, newIpv4, PROTOCOL_UDP } from '../../../../wire/ipv4.js';
import { emitIpv6, IPV6_LENGTH, newIpv6 } from '../../../../wire/ipv6.js';
import { emitVlan, VLAN_LENGTH } from '../../../../wire/vlan.js';

export interface Headers {
  readonly destinationMac?: number;
  readonly vlan?: number;
  readonly version?: 4 | 6;
  readonly protocol?: number;
  readonly source?: number;
  readonly destination?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** 32-bit words of IPv4 options. */
  readonly options?: number;
  /** Bits of `flags` and the offset, as they stand in the header. */
  readonly fragment?: number;
}

export const MAC = 0x0200_0000_0001;

/** A frame's bytes; `before` bytes of something else stand in front of it, and four behind. */
export function frameOf(headers: Headers, before = 0): { view: DataView; length: number } {
  const bytes = new Uint8Array(before + 128).fill(0xa5);
  const view = new DataView(bytes.buffer);
  const { destinationMac = MAC, vlan, version = 4, protocol = PROTOCOL_UDP } = headers;
  const etherType = version === 4 ? 0x0800 : 0x86dd;
  let at = before;
  emitEthernet(view, at, {
    destination: destinationMac,
    source: 0x0200_0000_0002,
    etherType: vlan === undefined ? etherType : 0x8100,
  });
  at += ETHERNET_LENGTH;
  if (vlan !== undefined) {
    emitVlan(view, at, { priority: 3, dropEligible: 0, id: vlan, etherType });
    at += VLAN_LENGTH;
  }
  const { source = 0x0a000001, destination = 0x0a000002, options = 0, fragment = 0x4000 } = headers;
  if (version === 4) {
    const ihl = 5 + options;
    emitIpv4(view, at, {
      ...newIpv4(),
      ihl,
      protocol,
      source,
      destination,
      flags: fragment >>> 13,
      fragmentOffset: fragment & 0x1fff,
    });
    at += IPV4_LENGTH + 4 * options;
  } else {
    const ipv6 = { ...newIpv6(), nextHeader: protocol };
    new DataView(ipv6.source.buffer).setUint32(12, source);
    new DataView(ipv6.destination.buffer).setUint32(12, destination);
    emitIpv6(view, at, ipv6);
    at += IPV6_LENGTH;
  }
  view.setUint16(at, headers.sourcePort ?? 1000);
  view.setUint16(at + 2, headers.destinationPort ?? 2000);
  return { view, length: at + 8 - before };
}
