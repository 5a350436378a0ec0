/**
 * Reads pcapng: sections of either byte order, several interfaces each with its own clock, and every kind of packet
 * block; other blocks are passed over (draft-ietf-opsawg-pcapng). Each length is checked before it is used.
 */
import { BrokenCapture, type CapturedPacket } from './captured-packet.js';
import {
  BLOCK,
  BLOCK_OVERHEAD,
  BYTE_ORDER_MAGIC,
  ENHANCED,
  INTERFACE,
  OBSOLETE,
  OPTION,
  OPTION_HEADER_LENGTH,
  padTo4,
  SECTION,
  SIMPLE,
} from './pcapng-block.js';

/** An interface of the section. Its clock ticks `perSecond` times, and starts `offset` seconds late. */
interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
  name: string | undefined;
  perSecond: bigint;
  offset: bigint;
}

interface Section {
  readonly littleEndian: boolean;
  readonly interfaces: CaptureInterface[];
}

interface Block {
  readonly file: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  /** Before the second length: where the body ends. */
  readonly bodyEnd: number;
  readonly littleEndian: boolean;
}

const MICROSECONDS = 1_000_000n;
const PS_PER_SECOND = 1_000_000_000_000n;

export const isPcapng = (file: Uint8Array): boolean =>
  file.length >= 4 && file[0] === 0x0a && file[1] === 0x0d && file[2] === 0x0d && file[3] === 0x0a;

/** The packets in the file's order. Throws {@link BrokenCapture} when it comes to where the file is broken. */
export function* readPcapng(file: Uint8Array): Generator<CapturedPacket, void, undefined> {
  if (!isPcapng(file)) throw new BrokenCapture(0, 'no pcapng section header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let section: Section = { littleEndian: true, interfaces: [] };
  let at = 0;
  while (at < file.length) {
    if (file.length - at < BLOCK_OVERHEAD) {
      throw new BrokenCapture(at, `a block is cut: ${file.length - at} bytes are left`, at > 0);
    }
    const type = view.getUint32(at, section.littleEndian);
    if (type === BLOCK.SECTION_HEADER) section = newSection(view, at);
    const block = blockAt(file, view, at, section.littleEndian);
    if (type === BLOCK.SECTION_HEADER) checkSection(block);
    else if (type === BLOCK.INTERFACE) section.interfaces.push(readInterface(block));
    else {
      const packet = readPacket(type, block, section.interfaces);
      if (packet !== undefined) yield packet;
    }
    at = block.bodyEnd + 4;
  }
}

function newSection(view: DataView, at: number): Section {
  const magicAt = at + SECTION.magic;
  for (const littleEndian of [true, false]) {
    if (view.getUint32(magicAt, littleEndian) === BYTE_ORDER_MAGIC) {
      return { littleEndian, interfaces: [] };
    }
  }
  throw new BrokenCapture(magicAt, 'no pcapng byte-order magic');
}

/** Longer ones are no blocks: 16 MiB is what Wireshark takes at most. */
const LONGEST_BLOCK = 2 ** 24;

function blockAt(file: Uint8Array, view: DataView, at: number, littleEndian: boolean): Block {
  const length = view.getUint32(at + 4, littleEndian);
  if (length < BLOCK_OVERHEAD || length % 4 !== 0) {
    throw new BrokenCapture(at + 4, `a block length of ${length}`);
  }
  if (length > file.length - at) {
    const what = `a block of ${length} bytes, ${file.length - at} are left`;
    throw new BrokenCapture(at, what, at > 0 && length <= LONGEST_BLOCK);
  }
  const bodyEnd = at + length - 4;
  const again = view.getUint32(bodyEnd, littleEndian);
  if (again !== length) {
    throw new BrokenCapture(bodyEnd, `a block of ${length} bytes ends with a length of ${again}`);
  }
  return { file, view, at, bodyEnd, littleEndian };
}

/** Refuses a block that is too short for its fixed fields, which end at the offset given. */
function needs(block: Block, fixedLength: number, what: string): void {
  if (block.at + fixedLength > block.bodyEnd) {
    throw new BrokenCapture(block.at, `${what} is too short for its fields`);
  }
}

const u16 = (block: Block, offset: number): number =>
  block.view.getUint16(block.at + offset, block.littleEndian);
const u32 = (block: Block, offset: number): number =>
  block.view.getUint32(block.at + offset, block.littleEndian);

function checkSection(block: Block): void {
  needs(block, SECTION.options, 'a section header');
  const major = u16(block, SECTION.major);
  if (major !== 1) throw new BrokenCapture(block.at + SECTION.major, `pcapng version ${major}`);
}

function readInterface(block: Block): CaptureInterface {
  needs(block, INTERFACE.options, 'an interface description');
  const found: CaptureInterface = {
    linkType: u16(block, INTERFACE.linkType),
    snapLength: u32(block, INTERFACE.snapLength),
    name: undefined,
    perSecond: MICROSECONDS,
    offset: 0n,
  };
  let at = block.at + INTERFACE.options;
  while (at + OPTION_HEADER_LENGTH <= block.bodyEnd) {
    const code = block.view.getUint16(at, block.littleEndian);
    const length = block.view.getUint16(at + 2, block.littleEndian);
    const valueAt = at + OPTION_HEADER_LENGTH;
    if (code === OPTION.END) break;
    if (valueAt + length > block.bodyEnd) {
      throw new BrokenCapture(at, `an option of ${length} bytes passes the end of its block`);
    }
    readInterfaceOption(block, code, valueAt, length, found);
    at = valueAt + padTo4(length);
  }
  return found;
}

function readInterfaceOption(
  block: Block,
  code: number,
  valueAt: number,
  length: number,
  into: CaptureInterface,
): void {
  if (code === OPTION.INTERFACE_NAME) {
    into.name = new TextDecoder().decode(block.file.subarray(valueAt, valueAt + length));
  } else if (code === OPTION.TIME_RESOLUTION && length >= 1) {
    const resolution = block.file[valueAt]!;
    const exponent = BigInt(resolution & 0x7f);
    into.perSecond = (resolution & 0x80) !== 0 ? 2n ** exponent : 10n ** exponent;
  } else if (code === OPTION.TIME_OFFSET && length >= 8) {
    into.offset = block.view.getBigInt64(valueAt, block.littleEndian);
  }
}

function readPacket(
  type: number,
  block: Block,
  interfaces: readonly CaptureInterface[],
): CapturedPacket | undefined {
  if (type === BLOCK.ENHANCED_PACKET) {
    needs(block, ENHANCED.data, 'a packet block');
    return timedPacket(block, interfaces, u32(block, ENHANCED.interfaceId));
  }
  if (type === BLOCK.PACKET) {
    needs(block, OBSOLETE.data, 'a packet block');
    return timedPacket(block, interfaces, u16(block, OBSOLETE.interfaceId));
  }
  if (type !== BLOCK.SIMPLE_PACKET) return undefined;
  needs(block, SIMPLE.data, 'a simple packet block');
  const wireLength = u32(block, SIMPLE.original);
  const source = interfaceOf(block, interfaces, 0);
  const snapLength = source.snapLength === 0 ? Infinity : source.snapLength;
  return {
    seconds: 0,
    picoseconds: 0,
    linkType: source.linkType,
    interfaceName: source.name,
    wireLength,
    bytes: dataOf(block, SIMPLE.data, Math.min(wireLength, snapLength)),
  };
}

function timedPacket(
  block: Block,
  interfaces: readonly CaptureInterface[],
  interfaceId: number,
): CapturedPacket {
  const source = interfaceOf(block, interfaces, interfaceId);
  const high = BigInt(u32(block, ENHANCED.timeHigh));
  const ticks = (high << 32n) | BigInt(u32(block, ENHANCED.timeLow));
  return {
    seconds: Number(ticks / source.perSecond + source.offset),
    picoseconds: Number(((ticks % source.perSecond) * PS_PER_SECOND) / source.perSecond),
    linkType: source.linkType,
    interfaceName: source.name,
    wireLength: u32(block, ENHANCED.original),
    bytes: dataOf(block, ENHANCED.data, u32(block, ENHANCED.captured)),
  };
}

function interfaceOf(
  block: Block,
  interfaces: readonly CaptureInterface[],
  id: number,
): CaptureInterface {
  const found = interfaces[id];
  if (found === undefined) {
    throw new BrokenCapture(
      block.at,
      `a packet of interface ${id}, ${interfaces.length} are described`,
    );
  }
  return found;
}

function dataOf(block: Block, offset: number, length: number): Uint8Array {
  const dataAt = block.at + offset;
  if (length > block.bodyEnd - dataAt) {
    throw new BrokenCapture(
      block.at,
      `a packet of ${length} bytes in a block that has ${block.bodyEnd - dataAt}`,
    );
  }
  return block.file.subarray(dataAt, dataAt + length);
}
