/** A packet on one line, for people: time, addresses, opcode, QP, PSN, lengths, what its headers say, ICRC. */
import { formatIpv4, formatIpv6, formatMac } from '../units/address.js';
import { formatDuration, PS_PER_US } from '../units/time.js';
import { AETH_KIND, aethKind, aethValue, ACK_NO_CREDIT, NAK, RNR_TIMER_US } from './aeth.js';
import type { CapturedPacket } from './captured-packet.js';
import { ETHER_TYPE_ARP, ETHER_TYPE_ROCE_V1, macBytes } from './ethernet.js';
import type { Extensions } from './extension.js';
import type { Frame, Roce } from './frame.js';
import { ipv4Bytes, PROTOCOL_TCP } from './ipv4.js';
import { opcodeName } from './opcode-table.js';
import { formatU64 } from './u64.js';

const NAK_MEANING: Readonly<Record<number, string>> = {
  [NAK.PSN_SEQUENCE]: 'PSN sequence error',
  [NAK.INVALID_REQUEST]: 'invalid request',
  [NAK.REMOTE_ACCESS]: 'remote access error',
  [NAK.REMOTE_OPERATIONAL]: 'remote operational error',
  [NAK.INVALID_RD]: 'invalid RD request',
};

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [ETHER_TYPE_ARP]: 'ARP',
  [ETHER_TYPE_ROCE_V1]: 'RoCEv1',
};

const hex = (value: number, digits: number): string =>
  `0x${value.toString(16).padStart(digits, '0')}`;

/** `ACK`, `ACK credit 5`, `RNR NAK timer 14 (1.28 ms)`, `NAK PSN sequence error`, and what is reserved as such. */
export function describeSyndrome(syndrome: number): string {
  const value = aethValue(syndrome);
  switch (aethKind(syndrome)) {
    case AETH_KIND.ACK:
      return value === ACK_NO_CREDIT ? 'ACK' : `ACK credit ${value}`;
    case AETH_KIND.RNR_NAK:
      return `RNR NAK timer ${value} (${formatDuration(RNR_TIMER_US[value]! * PS_PER_US)})`;
    case AETH_KIND.NAK:
      return `NAK ${NAK_MEANING[syndrome] ?? `reserved code ${value}`}`;
    default:
      return `reserved syndrome ${hex(syndrome, 2)}`;
  }
}

/** Seconds with nine decimals, as the capture has them. */
const describeTime = (packet: CapturedPacket): string =>
  `${packet.seconds}.${String(Math.floor(packet.picoseconds / 1000)).padStart(9, '0')}`;

function describeAddresses(frame: Frame): string {
  const { ethernet, ipv4, ipv6 } = frame;
  if (ipv4 !== undefined) {
    return `${formatIpv4(ipv4Bytes(ipv4.source))} > ${formatIpv4(ipv4Bytes(ipv4.destination))}`;
  }
  if (ipv6 !== undefined) return `${formatIpv6(ipv6.source)} > ${formatIpv6(ipv6.destination)}`;
  if (ethernet === undefined) return '- > -';
  return `${formatMac(macBytes(ethernet.source))} > ${formatMac(macBytes(ethernet.destination))}`;
}

const ECN_NAMES = ['', 'ECT(1)', 'ECT(0)', 'CE'] as const;

/** The ECN bits of the IP header (RFC 3168 5), where they are not 0. */
function describeEcn({ ipv4, ipv6 }: Frame): string[] {
  const ecn = (ipv4?.tos ?? ipv6?.trafficClass ?? 0) & 3;
  return ecn === 0 ? [] : [ECN_NAMES[ecn]!];
}

function describeExtensions({ deth, reth, atomic, aeth, atomicAck, immediate, ieth }: Extensions) {
  const parts: string[] = [];
  if (deth !== undefined) {
    parts.push(`qkey ${hex(deth.qkey, 8)} src-qp ${hex(deth.sourceQp, 6)}`);
  }
  if (reth !== undefined) {
    const va = formatU64(reth.vaHigh, reth.vaLow);
    parts.push(`va ${va} rkey ${hex(reth.rkey, 8)} dma ${reth.dmaLength}`);
  }
  if (atomic !== undefined) {
    const va = formatU64(atomic.vaHigh, atomic.vaLow);
    const swap = formatU64(atomic.swapHigh, atomic.swapLow);
    const compare = formatU64(atomic.compareHigh, atomic.compareLow);
    parts.push(`va ${va} rkey ${hex(atomic.rkey, 8)} swap-or-add ${swap} compare ${compare}`);
  }
  if (aeth !== undefined) parts.push(`${describeSyndrome(aeth.syndrome)} msn ${aeth.msn}`);
  if (atomicAck !== undefined) {
    parts.push(`original ${formatU64(atomicAck.originalHigh, atomicAck.originalLow)}`);
  }
  if (immediate !== undefined) parts.push(`imm ${hex(immediate.immediate, 8)}`);
  if (ieth !== undefined) parts.push(`invalidate ${hex(ieth.rkey, 8)}`);
  return parts;
}

function describeRoce(roce: Roce): string[] {
  const { bth } = roce;
  const parts = [opcodeName(bth.opcode), `qp ${hex(bth.destQp, 6)} psn ${bth.psn}`];
  if (bth.ackReq !== 0) parts.push('ack-req');
  if (bth.solicited !== 0) parts.push('solicited');
  if (bth.fecn !== 0) parts.push('fecn');
  if (bth.becn !== 0) parts.push('becn');
  if (bth.tver !== 0) parts.push(`tver ${bth.tver}`);
  parts.push(`payload ${roce.payloadLength} pad ${bth.padCount}`);
  parts.push(...describeExtensions(roce.extensions));
  parts.push(`icrc ${roce.icrcVerdict}`);
  return parts;
}

/** What is not RoCEv2, as far as we know it. */
function describeOther(frame: Frame): string {
  if (frame.isRoce) return 'RoCEv2';
  const { udp, ipv4, ipv6 } = frame;
  if (udp !== undefined) return `UDP ${udp.sourcePort} > ${udp.destinationPort}`;
  const protocol = ipv4?.protocol ?? ipv6?.nextHeader;
  if (protocol === PROTOCOL_TCP) return 'TCP';
  if (protocol !== undefined) return `IP protocol ${protocol}`;
  const etherType = frame.vlans.at(-1)?.etherType ?? frame.ethernet?.etherType;
  if (etherType === undefined) return 'unknown link';
  return PROTOCOL_NAMES[etherType] ?? `EtherType ${hex(etherType, 4)}`;
}

/** The packet's line, without a line end. */
export function describe(packet: CapturedPacket, frame: Frame): string {
  const parts = [describeTime(packet), describeAddresses(frame)];
  for (const vlan of frame.vlans) parts.push(`vlan ${vlan.id}`);
  parts.push(...describeEcn(frame));
  parts.push(...(frame.roce === undefined ? [describeOther(frame)] : describeRoce(frame.roce)));
  parts.push(`length ${packet.wireLength}`);
  if (frame.cut) parts.push(`captured ${packet.bytes.length}`);
  if (frame.fault !== undefined) parts.push(`malformed: ${frame.fault}`);
  return parts.join(' ');
}
