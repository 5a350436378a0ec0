/**
 * Writes pcapng that Wireshark and tcpdump read: one section, an interface per host, times in nanoseconds
 * (draft-ietf-opsawg-pcapng). Nothing of the wall clock or the machine goes in: equal runs give equal files.
 * Virtual time is picoseconds; a block's time is the nanosecond it falls in.
 */
import { PS_PER_NS, type Instant } from '../units/time.js';
import { LINK_TYPE } from './link-type.js';
import {
  BLOCK,
  BYTE_ORDER_MAGIC,
  ENHANCED,
  INTERFACE,
  OPTION,
  OPTION_HEADER_LENGTH,
  padTo4,
  SECTION,
} from './pcapng-block.js';

const APPLICATION = 'pinwire';
/** if_tsresol: 10^-9 s. */
const NANOSECONDS = 9;
/** A section of unknown length: -1 in 64 bits. */
const UNKNOWN = 0xffffffff;
const TWO_32 = 2 ** 32;

/** epb_flags, bits 0 and 1. */
export const DIRECTION = { INBOUND: 1, OUTBOUND: 2 } as const;
export type Direction = (typeof DIRECTION)[keyof typeof DIRECTION];

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

const text = (code: number, value: string): Option => ({
  code,
  value: new TextEncoder().encode(value),
});

const optionsLength = (options: readonly Option[]): number =>
  options.reduce((sum, option) => sum + OPTION_HEADER_LENGTH + padTo4(option.value.length), 4);

/** A block with its two lengths and its options in place; its own fields are the caller's to fill. */
function newBlock(type: number, optionsAt: number, options: readonly Option[]): Uint8Array {
  const length = optionsAt + optionsLength(options) + 4;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  view.setUint32(length - 4, length, true);
  let at = optionsAt;
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + OPTION_HEADER_LENGTH);
    at += OPTION_HEADER_LENGTH + padTo4(value.length);
  }
  return bytes;
}

function sectionHeader(): Uint8Array {
  const bytes = newBlock(BLOCK.SECTION_HEADER, SECTION.options, [
    text(OPTION.USER_APPLICATION, APPLICATION),
  ]);
  const view = new DataView(bytes.buffer);
  view.setUint32(SECTION.magic, BYTE_ORDER_MAGIC, true);
  view.setUint16(SECTION.major, 1, true);
  view.setUint16(SECTION.minor, 0, true);
  view.setUint32(SECTION.sectionLength, UNKNOWN, true);
  view.setUint32(SECTION.sectionLength + 4, UNKNOWN, true);
  return bytes;
}

function interfaceDescription(name: string): Uint8Array {
  const bytes = newBlock(BLOCK.INTERFACE, INTERFACE.options, [
    text(OPTION.INTERFACE_NAME, name),
    { code: OPTION.TIME_RESOLUTION, value: Uint8Array.of(NANOSECONDS) },
  ]);
  new DataView(bytes.buffer).setUint16(INTERFACE.linkType, LINK_TYPE.ETHERNET, true);
  return bytes;
}

/** The file's first bytes: the section, and an Ethernet interface for each name; packets name them by index. */
export const pcapngHeader = (interfaceNames: readonly string[]): Uint8Array =>
  Buffer.concat([sectionHeader(), ...interfaceNames.map(interfaceDescription)]);

/** The block of one whole frame: `length` bytes of `bytes` from `start`, at that virtual time. */
export function pcapngPacket(
  interfaceId: number,
  time: Instant,
  bytes: Uint8Array,
  start: number,
  length: number,
  direction: Direction,
): Uint8Array {
  const optionsAt = ENHANCED.data + padTo4(length);
  const flags = Uint8Array.of(direction, 0, 0, 0);
  const block = newBlock(BLOCK.ENHANCED_PACKET, optionsAt, [
    { code: OPTION.EPB_FLAGS, value: flags },
  ]);
  const view = new DataView(block.buffer);
  const ns = Math.floor(time / PS_PER_NS);
  view.setUint32(ENHANCED.interfaceId, interfaceId, true);
  view.setUint32(ENHANCED.timeHigh, Math.floor(ns / TWO_32), true);
  view.setUint32(ENHANCED.timeLow, ns, true);
  view.setUint32(ENHANCED.captured, length, true);
  view.setUint32(ENHANCED.original, length, true);
  block.set(bytes.subarray(start, start + length), ENHANCED.data);
  return block;
}
