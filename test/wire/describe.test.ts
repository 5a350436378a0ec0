import { expect, test } from 'vitest';
import { describe as describePacket, describeSyndrome } from '../../wire/describe.js';
import { parseFrame } from '../../wire/frame-parser.js';
import { OPCODE } from '../../wire/opcode-table.js';
import { readCaptured, sampleFrame } from './sample-frames.js';

const linesOf = (capture: string): string[] =>
  readCaptured(capture).map((packet) =>
    describePacket(packet, parseFrame(packet.bytes, packet.linkType, packet.wireLength)),
  );

const lineOf = (bytes: Uint8Array, wireLength = bytes.length): string =>
  describePacket(
    {
      seconds: 7,
      picoseconds: 1_234_567,
      linkType: 1,
      interfaceName: undefined,
      wireLength,
      bytes,
    },
    parseFrame(bytes, 1, wireLength),
  );

test('a WRITE and its NAK', () => {
  expect(linesOf('tool_bad_rkey')).toEqual([
    '1795344499.423840000 10.7.0.1 > 10.7.0.2 RC WRITE_ONLY qp 0x000019 psn 11256064 ack-req payload 64 pad 0 va 0x000055a8bf5aa000 rkey 0x00005fbf dma 64 icrc right length 138',
    '1795344499.424318000 10.7.0.2 > 10.7.0.1 RC ACK qp 0x000019 psn 11256064 payload 0 pad 0 NAK remote access error msn 0 icrc right length 62',
  ]);
});

test('an RNR NAK with its timer, immediate data, an invalidated key, atomics, a datagram over multicast', () => {
  expect(linesOf('tool_rnr')[1]).toContain(' RNR NAK timer 14 (1.28 ms) msn 0 ');
  expect(linesOf('tool_write_imm')[0]).toContain(' imm 0x20000000 ');
  expect(linesOf('tool_send_inv')[2]).toContain(' invalidate 0x08000132 ');
  expect(linesOf('tool_atomic')[0]).toContain(' swap-or-add 0x0000000000000010 compare 0x0');
  expect(linesOf('tool_atomic')[1]).toContain(' ACK msn 1 original 0x0102030405060708 ');
  expect(linesOf('two_mckey')[0]).toContain(' > 224.1.1.7 UD SEND_ONLY_IMM qp 0xffffff ');
  expect(linesOf('two_mckey')[0]).toContain(' qkey 0x01234567 src-qp 0x00001a ');
  expect(linesOf('tool_lossy').join('\n')).toContain(' NAK PSN sequence error ');
  expect(linesOf('two_rc_ipv6')[0]).toContain(' fe80::5054:ff:fe09:2 > fe80::5054:ff:fe09:1 ');
});

test('every syndrome has its meaning', () => {
  expect(describeSyndrome(0x1f)).toBe('ACK');
  expect(describeSyndrome(0x05)).toBe('ACK credit 5');
  expect(describeSyndrome(0x20)).toBe('RNR NAK timer 0 (655.36 ms)');
  expect(describeSyndrome(0x21)).toBe('RNR NAK timer 1 (10 us)');
  expect(describeSyndrome(0x3f)).toBe('RNR NAK timer 31 (491.52 ms)');
  expect([0x60, 0x61, 0x62, 0x63, 0x64, 0x65].map(describeSyndrome)).toEqual([
    'NAK PSN sequence error',
    'NAK invalid request',
    'NAK remote access error',
    'NAK remote operational error',
    'NAK invalid RD request',
    'NAK reserved code 5',
  ]);
  expect(describeSyndrome(0x40)).toBe('reserved syndrome 0x40');
  expect(describeSyndrome(0x9f)).toBe('reserved syndrome 0x9f');
});

test('what is wrong is said: ICRC, cut, malformed', () => {
  const bytes = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64 });
  expect(lineOf(bytes)).toMatch(
    /^7\.000001234 10\.0\.0\.1 > 10\.0\.0\.2 RC SEND_ONLY .* icrc right/,
  );
  expect(lineOf(bytes.slice(0, 60), bytes.length)).toMatch(/ icrc unknown length 122 captured 60$/);
  expect(lineOf(bytes.slice(0, 60))).toMatch(
    / length 60 malformed: IPv4 total length of 108, 46 bytes are there$/,
  );
  bytes[70]! ^= 1;
  expect(lineOf(bytes)).toContain(' icrc wrong ');
});

test('what is not RoCEv2 is named as far as we know it', () => {
  const bytes = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, vlan: 9 });
  const changed = (at: number, ...values: number[]): string => {
    const copy = Uint8Array.from(bytes);
    copy.set(values, at);
    return lineOf(copy);
  };
  expect(changed(40, 0, 53)).toContain(' vlan 9 UDP 49443 > 53 ');
  expect(changed(18 + 9, 6)).toContain(' TCP ');
  expect(changed(18 + 9, 1)).toContain(' IP protocol 1 ');
  expect(changed(16, 0x08, 0x06)).toContain('02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 9 ARP ');
  expect(changed(16, 0x89, 0x15)).toContain(' RoCEv1 ');
  expect(changed(16, 0x12, 0x34)).toContain(' EtherType 0x1234 ');
  expect(lineOf(new Uint8Array(3))).toContain(
    ' - > - unknown link length 3 malformed: Ethernet takes 14 bytes, 3 are left',
  );
});
