/**
 * A whole packet as a tree of records: link, IP, UDP, BTH, extension headers, payload, pad, ICRC.
 *
 * For captures and tests: it allocates. Every field is kept as read and every byte has its place, so that
 * {@link emitFrame} gives the same bytes back, whatever the packet holds. What no header explains is `rest`: the
 * payload of other protocols, fragments, the padding of short Ethernet frames.
 */
import { BTH_LENGTH, emitBth, type Bth } from './bth.js';
import { emitEthernet, ETHERNET_LENGTH, type Ethernet } from './ethernet.js';
import { EXTENSION_CODEC, type Extensions } from './extension.js';
import { ICRC_LENGTH } from './icrc.js';
import { emitIpv4, IPV4_LENGTH, type Ipv4 } from './ipv4.js';
import { emitIpv6, IPV6_LENGTH, type Ipv6 } from './ipv6.js';
import { EXTENSION_HEADER_LENGTH, OPCODE_INFO, type Extension } from './opcode-table.js';
import { emitUdp, UDP_LENGTH, type Udp } from './udp.js';
import { emitVlan, VLAN_LENGTH, type Vlan } from './vlan.js';

/** What a datagram to the RoCE port holds. An opcode that we do not know has no extension headers, only payload. */
export interface Roce {
  readonly bth: Bth;
  readonly extensions: Extensions;
  /** As far as captured. */
  payload: Uint8Array;
  /** Of the payload on the wire. */
  payloadLength: number;
  pad: Uint8Array;
  /** As it stands in the packet; undefined if the packet is cut or faulty before it. */
  icrc: number | undefined;
  /** `unknown` where lengths do not say, or the capture does not hold, where it is. */
  icrcVerdict: 'right' | 'wrong' | 'unknown';
}

export interface Frame {
  /** Of captures that are not of Ethernet: their link's header as bytes. */
  linkHeader: Uint8Array;
  ethernet: Ethernet | undefined;
  readonly vlans: Vlan[];
  ipv4: Ipv4 | undefined;
  ipv4Options: Uint8Array;
  ipv6: Ipv6 | undefined;
  udp: Udp | undefined;
  /** Whether the datagram is for port 4791; `roce` is undefined all the same if it is too short for a BTH. */
  isRoce: boolean;
  roce: Roce | undefined;
  rest: Uint8Array;
  /** Whether the capture holds less of the packet than was on the wire. */
  cut: boolean;
  /** Why the packet is malformed: too short for its headers, or of impossible lengths. */
  fault: string | undefined;
}

const NOTHING = new Uint8Array(0);

export const newFrame = (): Frame => ({
  linkHeader: NOTHING,
  ethernet: undefined,
  vlans: [],
  ipv4: undefined,
  ipv4Options: NOTHING,
  ipv6: undefined,
  udp: undefined,
  isRoce: false,
  roce: undefined,
  rest: NOTHING,
  cut: false,
  fault: undefined,
});

export const newRoce = (bth: Bth): Roce => ({
  bth,
  extensions: {},
  payload: NOTHING,
  payloadLength: 0,
  pad: NOTHING,
  icrc: undefined,
  icrcVerdict: 'unknown',
});

/** The extension headers that the packet holds, in the order of the wire. */
const presentExtensions = (roce: Roce): Extension[] =>
  (OPCODE_INFO[roce.bth.opcode]?.extensions ?? []).filter((name) => name in roce.extensions);

/** Bytes that {@link emitFrame} will write: of the records that are there, not of what length fields say. */
function frameLength(frame: Frame): number {
  let length = frame.linkHeader.length + frame.vlans.length * VLAN_LENGTH + frame.rest.length;
  if (frame.ethernet !== undefined) length += ETHERNET_LENGTH;
  if (frame.ipv4 !== undefined) length += IPV4_LENGTH + frame.ipv4Options.length;
  if (frame.ipv6 !== undefined) length += IPV6_LENGTH;
  if (frame.udp !== undefined) length += UDP_LENGTH;
  if (frame.roce !== undefined) length += roceLength(frame.roce);
  return length;
}

function roceLength(roce: Roce): number {
  let length = BTH_LENGTH + roce.payload.length + roce.pad.length;
  for (const name of presentExtensions(roce)) length += EXTENSION_HEADER_LENGTH[name];
  return roce.icrc === undefined ? length : length + ICRC_LENGTH;
}

/** The packet's bytes. Lengths and checksums are written as the records hold them, right or wrong. */
export function emitFrame(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(frameLength(frame));
  const view = new DataView(bytes.buffer);
  let at = frame.linkHeader.length;
  bytes.set(frame.linkHeader);
  if (frame.ethernet !== undefined) {
    emitEthernet(view, at, frame.ethernet);
    at += ETHERNET_LENGTH;
  }
  for (const vlan of frame.vlans) {
    emitVlan(view, at, vlan);
    at += VLAN_LENGTH;
  }
  if (frame.ipv4 !== undefined) {
    emitIpv4(view, at, frame.ipv4);
    bytes.set(frame.ipv4Options, at + IPV4_LENGTH);
    at += IPV4_LENGTH + frame.ipv4Options.length;
  }
  if (frame.ipv6 !== undefined) {
    emitIpv6(view, at, frame.ipv6);
    at += IPV6_LENGTH;
  }
  if (frame.udp !== undefined) {
    emitUdp(view, at, frame.udp);
    at += UDP_LENGTH;
  }
  if (frame.roce !== undefined) at = emitRoce(bytes, view, at, frame.roce);
  bytes.set(frame.rest, at);
  return bytes;
}

function emitRoce(bytes: Uint8Array, view: DataView, at: number, roce: Roce): number {
  emitBth(view, at, roce.bth);
  at += BTH_LENGTH;
  for (const name of presentExtensions(roce)) {
    EXTENSION_CODEC[name].emit(view, at, roce.extensions);
    at += EXTENSION_HEADER_LENGTH[name];
  }
  bytes.set(roce.payload, at);
  at += roce.payload.length;
  bytes.set(roce.pad, at);
  at += roce.pad.length;
  if (roce.icrc === undefined) return at;
  view.setUint32(at, roce.icrc, true);
  return at + ICRC_LENGTH;
}
