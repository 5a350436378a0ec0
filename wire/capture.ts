/** A capture file of either format, told by its first bytes. */
import { BrokenCapture, type CapturedPacket } from './captured-packet.js';
import { isPcap, readPcap } from './pcap.js';
import { isPcapng, readPcapng } from './pcapng.js';

/** The packets in the file's order. Throws {@link BrokenCapture} when it comes to where the file is broken. */
export function readCapture(file: Uint8Array): Generator<CapturedPacket, void, undefined> {
  if (isPcapng(file)) return readPcapng(file);
  if (isPcap(file)) return readPcap(file);
  throw new BrokenCapture(0, 'neither pcap nor pcapng');
}
