/**
 * IGMPv3 membership reports with one group record (RFC 3376 4.2): what a host says when it joins or leaves a group.
 *
 *   0   |  type: 0x22   |   reserved    |           checksum            |
 *   4   |           reserved            |   number of records: 1        |
 *   8   |  record type  | aux length: 0 |   number of sources: 0        |
 *   12  |                       multicast address                       |
 */
import { sumOfBytes } from './checksums.js';

export const IGMP_REPORT_LENGTH = 16;
export const PROTOCOL_IGMP = 2;
/** 224.0.0.22, to which reports go (RFC 3376 4.2.14). */
export const IGMP_ROUTERS = 0xe0000016;

const REPORT = 0x22;
const CHECKSUM = 2;

/** Record types: with no sources, these say "leave" and "join". */
const CHANGE_TO_INCLUDE = 3;
const CHANGE_TO_EXCLUDE = 4;

/** Writes the whole report, checksum included. */
export function emitIgmpReport(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  group: number,
  joins: boolean,
): void {
  view.setUint32(at, REPORT << 24);
  view.setUint32(at + 4, 1);
  view.setUint32(at + 8, (joins ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE) << 24);
  view.setUint32(at + 12, group);
  view.setUint16(at + CHECKSUM, ~sumOfBytes(bytes, at, IGMP_REPORT_LENGTH, 0) & 0xffff);
}
