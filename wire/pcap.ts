/**
 * Classic pcap files, of both byte orders, in micro- or nanoseconds (draft-ietf-opsawg-pcap).
 *
 *   file:   magic, version (2, 2), zone, figures, snap length, link type (low 28 bits)        24 bytes
 *   packet: seconds, fraction, captured length, original length                               16 bytes, data
 */
import { BrokenCapture, type CapturedPacket } from './captured-packet.js';

const FILE_HEADER_LENGTH = 24;
const VERSION_MAJOR = 4;
const LINK_TYPE_FIELD = 20;

const PACKET_HEADER_LENGTH = 16;
/** Longer ones are no packets: 256 KiB is what Wireshark takes at most (WTAP_MAX_PACKET_SIZE_STANDARD). */
const LONGEST_PACKET = 2 ** 18;
const SECONDS = 0;
const FRACTION = 4;
const CAPTURED_LENGTH = 8;
const ORIGINAL_LENGTH = 12;

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const PS_PER_SECOND = 1e12;

interface Format {
  readonly littleEndian: boolean;
  readonly psPerFraction: number;
}

function formatOf(view: DataView): Format | undefined {
  if (view.byteLength < 4) return undefined;
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, psPerFraction: 1e6 };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, psPerFraction: 1e3 };
  }
  return undefined;
}

const viewOf = (file: Uint8Array): DataView =>
  new DataView(file.buffer, file.byteOffset, file.byteLength);

export const isPcap = (file: Uint8Array): boolean => formatOf(viewOf(file)) !== undefined;

/** The packets in the file's order. Throws {@link BrokenCapture} when it comes to where the file is broken. */
export function* readPcap(file: Uint8Array): Generator<CapturedPacket, void, undefined> {
  const view = viewOf(file);
  const format = formatOf(view);
  if (format === undefined) throw new BrokenCapture(0, 'no pcap magic');
  if (file.length < FILE_HEADER_LENGTH) {
    throw new BrokenCapture(
      0,
      `the file header is cut: ${file.length} of ${FILE_HEADER_LENGTH} bytes`,
    );
  }
  const { littleEndian, psPerFraction } = format;
  const major = view.getUint16(VERSION_MAJOR, littleEndian);
  if (major !== 2) throw new BrokenCapture(VERSION_MAJOR, `pcap version ${major}, not 2`);
  const linkType = view.getUint32(LINK_TYPE_FIELD, littleEndian) & 0xffff;

  let at = FILE_HEADER_LENGTH;
  while (at < file.length) {
    if (at + PACKET_HEADER_LENGTH > file.length) {
      throw new BrokenCapture(at, `a packet header is cut: ${file.length - at} of 16 bytes`, true);
    }
    const length = view.getUint32(at + CAPTURED_LENGTH, littleEndian);
    const dataAt = at + PACKET_HEADER_LENGTH;
    if (length > file.length - dataAt) {
      const what = `a packet of ${length} bytes, ${file.length - dataAt} are left`;
      throw new BrokenCapture(at, what, length <= LONGEST_PACKET);
    }
    const fraction = view.getUint32(at + FRACTION, littleEndian) * psPerFraction;
    yield {
      seconds: view.getUint32(at + SECONDS, littleEndian) + Math.floor(fraction / PS_PER_SECOND),
      picoseconds: fraction % PS_PER_SECOND,
      linkType,
      interfaceName: undefined,
      wireLength: view.getUint32(at + ORIGINAL_LENGTH, littleEndian),
      bytes: file.subarray(dataAt, dataAt + length),
    };
    at = dataAt + length;
  }
}
