/**
 * A frame that a program wrote: how long it may be, and where its headers end, so that it lies in its slot as every other
 * frame does (link/frame-pool.ts).
 */
import { ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import { IPV4_LENGTH, PROTOCOL_UDP } from '../../../wire/ipv4.js';
import { UDP_LENGTH } from '../../../wire/udp.js';
import { HEADROOM } from '../fabric/frame-pool.js';

/** Without the frame check sequence: what the MAC pads a frame to. */
export const LEAST_FRAME_LENGTH = 60;
/** Ethernet header and one VLAN tag: what a frame may have beyond the interface's MTU. */
export const MOST_OVERHEAD = 18;

const ETHER_TYPE_AT = 12;
const ETHER_TYPE_VLAN = 0x8100;
const VLAN_LENGTH = 4;
const IPV6_LENGTH = 40;
const IPV4_PROTOCOL = 9;
const IPV6_NEXT_HEADER = 6;
const PROTOCOL_TCP = 6;
const TCP_LENGTH = 20;
const TCP_OFFSET = 12;

/** Bytes of Ethernet, VLAN, IP and TCP or UDP headers of the `length` bytes at `start`, as far as they can be told. */
export function headersOf(view: DataView, start: number, length: number): number {
  const ethernet =
    view.getUint16(start + ETHER_TYPE_AT) === ETHER_TYPE_VLAN
      ? ETHERNET_LENGTH + VLAN_LENGTH
      : ETHERNET_LENGTH;
  if (length < ethernet + IPV4_LENGTH) return Math.min(ethernet, length);
  const etherType = view.getUint16(start + ethernet - 2);
  let end = ethernet;
  let protocol = -1;
  if (etherType === ETHER_TYPE_IPV4) {
    end += (view.getUint8(start + ethernet) & 15) * 4;
    protocol = view.getUint8(start + ethernet + IPV4_PROTOCOL);
  } else if (etherType === ETHER_TYPE_IPV6) {
    end += IPV6_LENGTH;
    protocol = view.getUint8(start + ethernet + IPV6_NEXT_HEADER);
  }
  if (protocol === PROTOCOL_UDP) end += UDP_LENGTH;
  else if (protocol === PROTOCOL_TCP && length >= end + TCP_LENGTH && end < HEADROOM) {
    end += (view.getUint8(start + end + TCP_OFFSET) >>> 4) * 4;
  }
  return end > length || end > HEADROOM ? ethernet : end;
}
