/**
 * Bytes to {@link Frame}. No input throws: a packet that is too short for its headers, or whose lengths are
 * impossible, comes back with `fault` set and the fields that could be read.
 *
 * There are two ends: that of the packet on the wire, beyond which is a fault, and that of the captured bytes (the
 * snap length, or the first fragment of a datagram), beyond which the frame is merely `cut`.
 */
import { BTH_LENGTH, newBth, parseBth } from './bth.js';
import {
  ETHERNET_LENGTH,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  newEthernet,
  parseEthernet,
} from './ethernet.js';
import { EXTENSION_CODEC } from './extension.js';
import { newFrame, newRoce, type Frame, type Roce } from './frame.js';
import { computeIcrcFromIp, ICRC_LENGTH, readIcrc } from './icrc.js';
import { IPV4_LENGTH, IPV4_MORE_FRAGMENTS, newIpv4, parseIpv4, PROTOCOL_UDP } from './ipv4.js';
import { IPV6_LENGTH, newIpv6, parseIpv6 } from './ipv6.js';
import { COOKED_HEADER, isRawIp, LINK_TYPE } from './link-type.js';
import { EXTENSION_HEADER_LENGTH, OPCODE_INFO } from './opcode-table.js';
import { newUdp, parseUdp, ROCE_PORT, UDP_LENGTH } from './udp.js';
import { isVlan, newVlan, parseVlan, VLAN_LENGTH } from './vlan.js';

/** What 16 bits of UDP length can say. */
const LONGEST_DATAGRAM = 0xffff;

interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly frame: Frame;
  at: number;
  /** Where the layer being read ends on the wire. */
  end: number;
  /** Where what the capture holds of it ends. */
  held: number;
}

/**
 * `wireLength` is the packet's length before the capture cut it; frames of unknown link types are all `rest`.
 * The frame's byte fields are views of `bytes`.
 */
export function parseFrame(
  bytes: Uint8Array,
  linkType: number = LINK_TYPE.ETHERNET,
  wireLength: number = bytes.length,
): Frame {
  const frame = newFrame();
  const cursor: Cursor = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    frame,
    at: 0,
    end: Math.max(wireLength, bytes.length),
    held: bytes.length,
  };
  readLink(cursor, linkType);
  frame.rest = bytes.subarray(cursor.at);
  return frame;
}

/** Whether a header of that length is there to be read; says in the frame why it is not. */
function holds(cursor: Cursor, length: number, what: string): boolean {
  if (cursor.at + length > cursor.end) {
    const left = Math.max(0, cursor.end - cursor.at);
    cursor.frame.fault ??= `${what} takes ${length} bytes, ${left} are left`;
    return false;
  }
  if (cursor.at + length <= cursor.held) return true;
  cursor.frame.cut = true;
  return false;
}

/** Ends the layer at `at + length`, if that is possible; else the fault is noted and the layer around it counts. */
function endAfter(cursor: Cursor, length: number, least: number, what: string): void {
  const end = cursor.at + length;
  if (length >= least && end <= cursor.end) cursor.end = end;
  else cursor.frame.fault ??= `${what} of ${length}, ${cursor.end - cursor.at} bytes are there`;
}

function readLink(cursor: Cursor, linkType: number): void {
  if (linkType === LINK_TYPE.ETHERNET) {
    readEthernet(cursor);
    return;
  }
  if (isRawIp(linkType)) {
    if (!holds(cursor, 1, 'IP')) return;
    const version = cursor.view.getUint8(cursor.at) >>> 4;
    if (version === 4) readIpv4(cursor);
    if (version === 6) readIpv6(cursor);
    return;
  }
  const cooked = COOKED_HEADER[linkType];
  if (cooked === undefined || !holds(cursor, cooked.length, 'cooked header')) return;
  cursor.frame.linkHeader = cursor.bytes.subarray(0, cooked.length);
  cursor.at = cooked.length;
  readEtherType(cursor, cursor.view.getUint16(cooked.etherTypeAt));
}

function readEthernet(cursor: Cursor): void {
  if (!holds(cursor, ETHERNET_LENGTH, 'Ethernet')) return;
  const ethernet = newEthernet();
  parseEthernet(cursor.view, cursor.at, ethernet);
  cursor.frame.ethernet = ethernet;
  cursor.at += ETHERNET_LENGTH;
  readEtherType(cursor, ethernet.etherType);
}

function readEtherType(cursor: Cursor, outermost: number): void {
  let etherType = outermost;
  while (isVlan(etherType)) {
    if (!holds(cursor, VLAN_LENGTH, 'VLAN tag')) return;
    const vlan = newVlan();
    parseVlan(cursor.view, cursor.at, vlan);
    cursor.frame.vlans.push(vlan);
    cursor.at += VLAN_LENGTH;
    etherType = vlan.etherType;
  }
  if (etherType === ETHER_TYPE_IPV4) readIpv4(cursor);
  if (etherType === ETHER_TYPE_IPV6) readIpv6(cursor);
}

function readIpv4(cursor: Cursor): void {
  if (!holds(cursor, IPV4_LENGTH, 'IPv4')) return;
  const ipAt = cursor.at;
  const ipv4 = newIpv4();
  parseIpv4(cursor.view, ipAt, ipv4);
  const headerLength = ipv4.ihl * 4;
  if (headerLength < IPV4_LENGTH) {
    cursor.frame.fault = `IPv4 header length of ${headerLength}`;
    return;
  }
  if (!holds(cursor, headerLength, 'IPv4 with options')) return;
  cursor.frame.ipv4 = ipv4;
  cursor.frame.ipv4Options = cursor.bytes.subarray(ipAt + IPV4_LENGTH, ipAt + headerLength);
  endAfter(cursor, ipv4.totalLength, headerLength, 'IPv4 total length');
  cursor.at += headerLength;
  cursor.held = Math.min(cursor.held, cursor.end);
  if (ipv4.protocol !== PROTOCOL_UDP || ipv4.fragmentOffset !== 0) return;
  // The rest of a first fragment's datagram is in other packets.
  if ((ipv4.flags & IPV4_MORE_FRAGMENTS) !== 0) cursor.end = cursor.at + LONGEST_DATAGRAM;
  readUdp(cursor, ipAt, false);
}

function readIpv6(cursor: Cursor): void {
  if (!holds(cursor, IPV6_LENGTH, 'IPv6')) return;
  const ipAt = cursor.at;
  const ipv6 = newIpv6();
  parseIpv6(cursor.view, ipAt, ipv6);
  cursor.frame.ipv6 = ipv6;
  cursor.at += IPV6_LENGTH;
  endAfter(cursor, ipv6.payloadLength, 0, 'IPv6 payload length');
  cursor.held = Math.min(cursor.held, cursor.end);
  if (ipv6.nextHeader === PROTOCOL_UDP) readUdp(cursor, ipAt, true);
}

function readUdp(cursor: Cursor, ipAt: number, isIpv6: boolean): void {
  if (!holds(cursor, UDP_LENGTH, 'UDP')) return;
  const udp = newUdp();
  parseUdp(cursor.view, cursor.at, udp);
  cursor.frame.udp = udp;
  endAfter(cursor, udp.length, UDP_LENGTH, 'UDP length');
  cursor.at += UDP_LENGTH;
  if (udp.destinationPort !== ROCE_PORT) return;
  cursor.frame.isRoce = true;
  readRoce(cursor, ipAt, isIpv6);
}

function readRoce(cursor: Cursor, ipAt: number, isIpv6: boolean): void {
  const { bytes, view, frame } = cursor;
  const datagramEnd = cursor.end;
  cursor.end -= ICRC_LENGTH;
  if (!holds(cursor, BTH_LENGTH, 'BTH with ICRC')) return;
  const bth = newBth();
  parseBth(view, cursor.at, bth);
  cursor.at += BTH_LENGTH;
  const roce = newRoce(bth);
  frame.roce = roce;
  if (frame.fault === undefined && datagramEnd <= cursor.held) {
    const right = computeIcrcFromIp(bytes, ipAt, isIpv6, datagramEnd);
    roce.icrcVerdict = readIcrc(bytes, datagramEnd) === right ? 'right' : 'wrong';
  }
  for (const name of OPCODE_INFO[bth.opcode]?.extensions ?? []) {
    const length = EXTENSION_HEADER_LENGTH[name];
    if (!holds(cursor, length, name)) return;
    EXTENSION_CODEC[name].parse(view, cursor.at, roce.extensions);
    cursor.at += length;
  }
  readPayload(cursor, roce);
}

function readPayload(cursor: Cursor, roce: Roce): void {
  const { bytes, frame } = cursor;
  const pad = roce.bth.padCount;
  const left = cursor.end - cursor.at;
  if (pad > left) frame.fault ??= `${pad} pad bytes, ${left} bytes are there`;
  // A faulty packet's payload, wherever it ends, stays in `rest`.
  if (frame.fault !== undefined) return;
  roce.payloadLength = left - pad;
  const padAt = cursor.end - pad;
  const datagramEnd = cursor.end + ICRC_LENGTH;
  if (datagramEnd > cursor.held) {
    frame.cut = true;
    roce.payload = bytes.subarray(cursor.at, Math.min(padAt, cursor.held));
    cursor.at += roce.payload.length;
    return;
  }
  roce.payload = bytes.subarray(cursor.at, padAt);
  roce.pad = bytes.subarray(padAt, cursor.end);
  roce.icrc = readIcrc(bytes, datagramEnd);
  cursor.at = datagramEnd;
}
