/**
 * TCP's header (RFC 9293 3.1); its options are in tcp-options.ts.
 *
 *   0   |          source port          |       destination port        |
 *   4   |                        sequence number                        |
 *   8   |                     acknowledgment number                     |
 *   12  | offset| rsrvd |C|E|U|A|P|R|S|F|            window             |
 *   16  |           checksum            |        urgent pointer         |
 */
export const TCP_LENGTH = 20;
/** What four bits of data offset can say, in bytes. */
export const TCP_LONGEST_HEADER = 60;

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
export const TCP_SEQUENCE_OFFSET = 4;
const ACKNOWLEDGMENT = 8;
export const TCP_DATA_OFFSET = 12;
const WINDOW = 14;
export const TCP_CHECKSUM_OFFSET = 16;
const URGENT = 18;

export const TCP_FLAG = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

/**
 * `headerLength` counts bytes, options included; `flags` has the reserved bits above them; sequence numbers are signed
 * 32-bit, which compare modulo 2^32.
 */
export interface Tcp {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgment: number;
  headerLength: number;
  flags: number;
  window: number;
  checksum: number;
  urgent: number;
}

export const newTcp = (): Tcp => ({
  sourcePort: 0,
  destinationPort: 0,
  sequence: 0,
  acknowledgment: 0,
  headerLength: TCP_LENGTH,
  flags: 0,
  window: 0,
  checksum: 0,
  urgent: 0,
});

export function parseTcp(view: DataView, at: number, into: Tcp): void {
  const offsetFlags = view.getUint16(at + TCP_DATA_OFFSET);
  into.sourcePort = view.getUint16(at + SOURCE_PORT);
  into.destinationPort = view.getUint16(at + DESTINATION_PORT);
  into.sequence = view.getInt32(at + TCP_SEQUENCE_OFFSET);
  into.acknowledgment = view.getInt32(at + ACKNOWLEDGMENT);
  into.headerLength = (offsetFlags >>> 12) * 4;
  into.flags = offsetFlags & 0xfff;
  into.window = view.getUint16(at + WINDOW);
  into.checksum = view.getUint16(at + TCP_CHECKSUM_OFFSET);
  into.urgent = view.getUint16(at + URGENT);
}

/** Writes the checksum that the record holds; `completeChecksums` of checksums.ts writes the right one. */
export function emitTcp(view: DataView, at: number, tcp: Readonly<Tcp>): void {
  view.setUint16(at + SOURCE_PORT, tcp.sourcePort);
  view.setUint16(at + DESTINATION_PORT, tcp.destinationPort);
  view.setInt32(at + TCP_SEQUENCE_OFFSET, tcp.sequence);
  view.setInt32(at + ACKNOWLEDGMENT, tcp.acknowledgment);
  view.setUint16(at + TCP_DATA_OFFSET, ((tcp.headerLength >>> 2) << 12) | tcp.flags);
  view.setUint16(at + WINDOW, tcp.window);
  view.setUint16(at + TCP_CHECKSUM_OFFSET, tcp.checksum);
  view.setUint16(at + URGENT, tcp.urgent);
}
