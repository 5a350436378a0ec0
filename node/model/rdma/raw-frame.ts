/**
 * A frame that a program wrote: how long it may be, and where its headers end, so that it lies in its slot as every
 * other frame does (fabric/frame-pool.ts).
 */
import { ETHER_TYPE_VLAN, VLAN_LENGTH } from '../../../wire/vlan.js';
import { TCP_LENGTH, TCP_DATA_OFFSET } from '../../../wire/tcp.js';
import { IPV6_LENGTH, IPV6_NEXT_HEADER_OFFSET } from '../../../wire/ipv6.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_LENGTH,
  ETHER_TYPE_OFFSET,
} from '../../../wire/ethernet.js';
import {
  IPV4_LENGTH,
  PROTOCOL_UDP,
  IPV4_PROTOCOL_OFFSET,
  PROTOCOL_TCP,
} from '../../../wire/ipv4.js';
import { UDP_LENGTH } from '../../../wire/udp.js';
import { HEADROOM } from '../fabric/frame-pool.js';

/** Without the frame check sequence: what the MAC pads a frame to. */
export const LEAST_FRAME_LENGTH = 60;
/** Ethernet header and one VLAN tag: what a frame may have beyond the interface's MTU. */
export const MOST_OVERHEAD = 18;

/** Bytes of Ethernet, VLAN, IP and TCP or UDP headers of the `length` bytes at `start`, as far as they can be told. */
export function headersOf(view: DataView, start: number, length: number): number {
  const ethernet =
    view.getUint16(start + ETHER_TYPE_OFFSET) === ETHER_TYPE_VLAN
      ? ETHERNET_LENGTH + VLAN_LENGTH
      : ETHERNET_LENGTH;
  if (length < ethernet + IPV4_LENGTH) return Math.min(ethernet, length);
  const etherType = view.getUint16(start + ethernet - 2);
  let end = ethernet;
  let protocol = -1;
  if (etherType === ETHER_TYPE_IPV4) {
    end += (view.getUint8(start + ethernet) & 15) * 4;
    protocol = view.getUint8(start + ethernet + IPV4_PROTOCOL_OFFSET);
  } else if (etherType === ETHER_TYPE_IPV6) {
    end += IPV6_LENGTH;
    protocol = view.getUint8(start + ethernet + IPV6_NEXT_HEADER_OFFSET);
  }
  if (protocol === PROTOCOL_UDP) end += UDP_LENGTH;
  else if (protocol === PROTOCOL_TCP && length >= end + TCP_LENGTH && end < HEADROOM) {
    end += (view.getUint8(start + end + TCP_DATA_OFFSET) >>> 4) * 4;
  }
  return end > length || end > HEADROOM ? ethernet : end;
}
