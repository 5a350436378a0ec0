/**
 * Ethernet II (IEEE 802.3 3.1.1), without preamble and frame check sequence, which no capture holds.
 *
 *   0   |                 destination MAC, 6 bytes                     |
 *   6   |                    source MAC, 6 bytes                       |
 *   12  |           EtherType           |
 */
export const ETHERNET_LENGTH = 14;

const DESTINATION_HIGH = 0;
const DESTINATION_LOW = 2;
const SOURCE_HIGH = 6;
const SOURCE_LOW = 8;
export const ETHER_TYPE_OFFSET = 12;

export const ETHER_TYPE_IPV4 = 0x0800;
export const ETHER_TYPE_IPV6 = 0x86dd;
export const ETHER_TYPE_ARP = 0x0806;
/** RoCEv1: a GRH directly on Ethernet. Not modelled; its frames are kept as bytes. */
export const ETHER_TYPE_ROCE_V1 = 0x8915;

const TWO_32 = 2 ** 32;

/** MACs are 48-bit numbers, first byte highest. */
export interface Ethernet {
  destination: number;
  source: number;
  etherType: number;
}

export const newEthernet = (): Ethernet => ({
  destination: 0,
  source: 0,
  etherType: ETHER_TYPE_IPV4,
});

export function parseEthernet(view: DataView, at: number, into: Ethernet): void {
  into.destination =
    view.getUint16(at + DESTINATION_HIGH) * TWO_32 + view.getUint32(at + DESTINATION_LOW);
  into.source = view.getUint16(at + SOURCE_HIGH) * TWO_32 + view.getUint32(at + SOURCE_LOW);
  into.etherType = view.getUint16(at + ETHER_TYPE_OFFSET);
}

export function emitEthernet(view: DataView, at: number, ethernet: Readonly<Ethernet>): void {
  view.setUint16(at + DESTINATION_HIGH, Math.floor(ethernet.destination / TWO_32));
  view.setUint32(at + DESTINATION_LOW, ethernet.destination);
  view.setUint16(at + SOURCE_HIGH, Math.floor(ethernet.source / TWO_32));
  view.setUint32(at + SOURCE_LOW, ethernet.source);
  view.setUint16(at + ETHER_TYPE_OFFSET, ethernet.etherType);
}

/** Six bytes as the number that {@link Ethernet} holds. */
export function macNumber(bytes: ArrayLike<number>): number {
  let value = 0;
  for (let i = 0; i < 6; i++) value = value * 256 + bytes[i]!;
  return value;
}

export function macBytes(mac: number): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let i = 5, rest = mac; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

/** The first bit on the wire, which is the lowest of the first byte. */
export const isGroupMac = (mac: number): boolean => Math.floor(mac / 2 ** 40) % 2 === 1;
