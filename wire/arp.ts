/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *   0   |     hardware type: 1          |   protocol type: 0x0800       |
 *   4   | hw length: 6  | pr length: 4  |          operation            |
 *   8   |  sender MAC, 6 bytes          |  14  sender IPv4              |
 *   18  |  target MAC, 6 bytes          |  24  target IPv4              |
 */
import { ETHER_TYPE_IPV4 } from './ethernet.js';

export const ARP_LENGTH = 28;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const HARDWARE = 0;
const PROTOCOL = 2;
const LENGTHS = 4;
const OPERATION = 6;
const SENDER_MAC = 8;
const SENDER_IPV4 = 14;
const TARGET_MAC = 18;
const TARGET_IPV4 = 24;

const HARDWARE_ETHERNET = 1;
const MAC_AND_IPV4 = 0x0604;
const TWO_32 = 2 ** 32;

/** MACs are 48-bit numbers, addresses u32, as in the records of Ethernet and IPv4. */
export interface Arp {
  operation: number;
  senderMac: number;
  senderIpv4: number;
  targetMac: number;
  targetIpv4: number;
}

export const newArp = (): Arp => ({
  operation: ARP_REQUEST,
  senderMac: 0,
  senderIpv4: 0,
  targetMac: 0,
  targetIpv4: 0,
});

const readMac = (view: DataView, at: number): number =>
  view.getUint16(at) * TWO_32 + view.getUint32(at + 2);

function writeMac(view: DataView, at: number, mac: number): void {
  view.setUint16(at, Math.floor(mac / TWO_32));
  view.setUint32(at + 2, mac);
}

/** False if it resolves something else than IPv4 over Ethernet. */
export function parseArp(view: DataView, at: number, into: Arp): boolean {
  into.operation = view.getUint16(at + OPERATION);
  into.senderMac = readMac(view, at + SENDER_MAC);
  into.senderIpv4 = view.getUint32(at + SENDER_IPV4);
  into.targetMac = readMac(view, at + TARGET_MAC);
  into.targetIpv4 = view.getUint32(at + TARGET_IPV4);
  return (
    view.getUint16(at + HARDWARE) === HARDWARE_ETHERNET &&
    view.getUint16(at + PROTOCOL) === ETHER_TYPE_IPV4 &&
    view.getUint16(at + LENGTHS) === MAC_AND_IPV4
  );
}

export function emitArp(view: DataView, at: number, arp: Readonly<Arp>): void {
  view.setUint16(at + HARDWARE, HARDWARE_ETHERNET);
  view.setUint16(at + PROTOCOL, ETHER_TYPE_IPV4);
  view.setUint16(at + LENGTHS, MAC_AND_IPV4);
  view.setUint16(at + OPERATION, arp.operation);
  writeMac(view, at + SENDER_MAC, arp.senderMac);
  view.setUint32(at + SENDER_IPV4, arp.senderIpv4);
  writeMac(view, at + TARGET_MAC, arp.targetMac);
  view.setUint32(at + TARGET_IPV4, arp.targetIpv4);
}
