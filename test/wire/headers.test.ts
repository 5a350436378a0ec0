import { describe, expect, test } from 'vitest';
import * as aeth from '../../wire/aeth.js';
import * as atomicAckEth from '../../wire/atomic-ack-eth.js';
import * as atomicEth from '../../wire/atomic-eth.js';
import * as bth from '../../wire/bth.js';
import * as deth from '../../wire/deth.js';
import * as ethernet from '../../wire/ethernet.js';
import * as ieth from '../../wire/ieth.js';
import * as immDt from '../../wire/imm-dt.js';
import * as ipv4 from '../../wire/ipv4.js';
import * as ipv6 from '../../wire/ipv6.js';
import * as reth from '../../wire/reth.js';
import * as u64 from '../../wire/u64.js';
import * as tcp from '../../wire/tcp.js';
import * as udp from '../../wire/udp.js';
import * as vlan from '../../wire/vlan.js';
import { randomBytes, randomNumbers } from './sample-frames.js';

interface Header {
  readonly name: string;
  readonly length: number;
  /** Parses at one place and emits the record, made anew, at another. */
  readonly copy: (from: DataView, fromAt: number, to: DataView, toAt: number) => void;
  /** Emits a fresh record. */
  readonly emitNew: (to: DataView, at: number) => void;
}

function header<T>(
  name: string,
  length: number,
  make: () => T,
  parse: (view: DataView, at: number, into: T) => void,
  emit: (view: DataView, at: number, from: T) => void,
): Header {
  return {
    name,
    length,
    copy(from, fromAt, to, toAt) {
      const record = make();
      parse(from, fromAt, record);
      emit(to, toAt, record);
    },
    emitNew: (to, at) => emit(to, at, make()),
  };
}

const HEADERS: readonly Header[] = [
  header('ethernet', 14, ethernet.newEthernet, ethernet.parseEthernet, ethernet.emitEthernet),
  header('vlan', 4, vlan.newVlan, vlan.parseVlan, vlan.emitVlan),
  header('ipv4', 20, ipv4.newIpv4, ipv4.parseIpv4, ipv4.emitIpv4),
  header('ipv6', 40, ipv6.newIpv6, ipv6.parseIpv6, ipv6.emitIpv6),
  header('udp', 8, udp.newUdp, udp.parseUdp, udp.emitUdp),
  header('tcp', 20, tcp.newTcp, tcp.parseTcp, tcp.emitTcp),
  header('bth', 12, bth.newBth, bth.parseBth, bth.emitBth),
  header('deth', 8, deth.newDeth, deth.parseDeth, deth.emitDeth),
  header('reth', 16, reth.newReth, reth.parseReth, reth.emitReth),
  header(
    'atomic-eth',
    28,
    atomicEth.newAtomicEth,
    atomicEth.parseAtomicEth,
    atomicEth.emitAtomicEth,
  ),
  header('aeth', 4, aeth.newAeth, aeth.parseAeth, aeth.emitAeth),
  header(
    'atomic-ack-eth',
    8,
    atomicAckEth.newAtomicAckEth,
    atomicAckEth.parseAtomicAckEth,
    atomicAckEth.emitAtomicAckEth,
  ),
  header('imm-dt', 4, immDt.newImmDt, immDt.parseImmDt, immDt.emitImmDt),
  header('ieth', 4, ieth.newIeth, ieth.parseIeth, ieth.emitIeth),
];

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);

describe.each(HEADERS)('$name', ({ length, copy, emitNew }) => {
  test('any bytes parse and emit to the same bytes', () => {
    const random = randomNumbers(length);
    for (let round = 0; round < 300; round++) {
      const from = randomBytes(random, length + 5);
      const to = new Uint8Array(length + 9);
      copy(viewOf(from), 5, viewOf(to), 3);
      expect(to.subarray(3, 3 + length)).toEqual(from.subarray(5));
    }
  });

  test('emit writes every byte, and none beside', () => {
    const over = (fill: number): Uint8Array => {
      const bytes = new Uint8Array(length + 8).fill(fill);
      emitNew(viewOf(bytes), 4);
      return bytes;
    };
    const [a5, b6] = [over(0xa5), over(0x5a)];
    expect(a5.subarray(4, 4 + length)).toEqual(b6.subarray(4, 4 + length));
    expect([...a5.subarray(0, 4), ...a5.subarray(4 + length)]).toEqual(new Array(8).fill(0xa5));
  });

  test('a record that is used again keeps nothing of the packet before', () => {
    const to = new Uint8Array(length);
    const ones = new Uint8Array(length).fill(0xff);
    copy(viewOf(ones), 0, viewOf(to), 0);
    copy(viewOf(new Uint8Array(length)), 0, viewOf(to), 0);
    expect(to).toEqual(new Uint8Array(length));
  });
});

test('lengths are those of the specification', () => {
  expect([bth.BTH_LENGTH, reth.RETH_LENGTH, aeth.AETH_LENGTH, deth.DETH_LENGTH]).toEqual([
    12, 16, 4, 8,
  ]);
  expect([atomicEth.ATOMIC_ETH_LENGTH, atomicAckEth.ATOMIC_ACK_ETH_LENGTH]).toEqual([28, 8]);
  expect([immDt.IMM_DT_LENGTH, ieth.IETH_LENGTH, vlan.VLAN_LENGTH]).toEqual([4, 4, 4]);
  expect([ethernet.ETHERNET_LENGTH, ipv4.IPV4_LENGTH, ipv6.IPV6_LENGTH, udp.UDP_LENGTH]).toEqual([
    14, 20, 40, 8,
  ]);
});

test('each field of a BTH is in its bits', () => {
  const bytes = Uint8Array.of(0x0a, 0xf5, 0x7f, 0xff, 0xaa, 1, 2, 3, 0x83, 4, 5, 6);
  const record = bth.newBth();
  bth.parseBth(viewOf(bytes), 0, record);
  expect(record).toEqual({
    opcode: 0x0a,
    solicited: 1,
    migReq: 1,
    padCount: 3,
    tver: 5,
    pkey: 0x7fff,
    fecn: 1,
    becn: 0,
    reserved6: 0x2a,
    destQp: 0x010203,
    ackReq: 1,
    reserved7: 3,
    psn: 0x040506,
  });
});

test('addresses go to numbers and back', () => {
  const mac = Uint8Array.of(0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54);
  expect(ethernet.macNumber(mac)).toBe(0xfedcba987654);
  expect(ethernet.macBytes(0xfedcba987654)).toEqual(mac);
  expect(ipv4.ipv4Number([192, 168, 1, 2])).toBe(0xc0a80102);
  expect(ipv4.ipv4Bytes(0xc0a80102)).toEqual(Uint8Array.of(192, 168, 1, 2));
});

test('64-bit fields go to numbers and bigints and back', () => {
  const address = 0x1f_dead_beef_f00d;
  expect(u64.u64Number(u64.u64High(address), u64.u64Low(address))).toBe(address);
  const word = 0xfedcba9876543210n;
  expect(u64.u64BigInt(u64.bigIntHigh(word), u64.bigIntLow(word))).toBe(word);
  expect(u64.formatU64(0xfedcba98, 0x10)).toBe('0xfedcba9800000010');
});

test('syndromes are made of their parts, and name them', () => {
  expect(aeth.ackSyndrome(5)).toBe(0x05);
  expect(aeth.rnrNakSyndrome(14)).toBe(0x2e);
  expect(aeth.aethKind(0x2e)).toBe(aeth.AETH_KIND.RNR_NAK);
  expect(aeth.aethValue(0x2e)).toBe(14);
  expect(aeth.aethKind(aeth.NAK.REMOTE_ACCESS)).toBe(aeth.AETH_KIND.NAK);
  expect(aeth.aethKind(aeth.ACK_NO_CREDIT)).toBe(aeth.AETH_KIND.ACK);
  expect(Object.values(aeth.AETH_KIND)).not.toContain(aeth.aethKind(0x9f));
});

test('the IPv4 checksum is that of RFC 1071, whatever the field holds', () => {
  const bytes = Uint8Array.from(Buffer.from('450000730000400040110000c0a80001c0a800c7', 'hex'));
  expect(ipv4.ipv4Checksum(viewOf(bytes), 0)).toBe(0xb861);
  bytes.set([0xb8, 0x61], 10);
  expect(ipv4.ipv4Checksum(viewOf(bytes), 0)).toBe(0xb861);
});
