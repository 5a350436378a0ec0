import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describe as describePacket } from '../../wire/describe.js';
import { emitFrame, type Frame } from '../../wire/frame.js';
import { parseFrame } from '../../wire/frame-parser.js';
import { LINK_TYPE } from '../../wire/link-type.js';
import { OPCODE, OPCODE_INFO, opcodeName } from '../../wire/opcode-table.js';
import {
  randomBytes,
  randomNumbers,
  readCaptured,
  sampleFrame,
  sampleRecord,
} from './sample-frames.js';

/** What tshark counts in each capture. */
const OPCODE_COUNTS: Readonly<Record<string, string>> = {
  ibv_rc_pingpong: 'RC SEND_FIRST=8, RC SEND_MIDDLE=8, RC SEND_LAST=8, RC ACK=8',
  ibv_uc_pingpong: 'UC SEND_FIRST=8, UC SEND_MIDDLE=8, UC SEND_LAST=8',
  ibv_ud_pingpong: 'UD SEND_ONLY=8',
  rping:
    'RC SEND_ONLY=8, RC WRITE_FIRST=2, RC WRITE_LAST=2, RC READ_REQ=2, RC READ_RESP_FIRST=2, RC READ_RESP_LAST=2, RC ACK=10, UD SEND_ONLY=5',
  tool_atomic: 'RC ATOMIC_ACK=3, RC CMP_SWAP=2, RC FETCH_ADD=1',
  tool_bad_rkey: 'RC WRITE_ONLY=1, RC ACK=1',
  tool_lossy:
    'RC SEND_FIRST=5, RC SEND_MIDDLE=6, RC SEND_LAST=5, RC WRITE_FIRST=6, RC WRITE_MIDDLE=21, RC WRITE_LAST=10, RC READ_REQ=10, RC READ_RESP_FIRST=6, RC READ_RESP_MIDDLE=22, RC READ_RESP_LAST=10, RC ACK=17',
  tool_read:
    'RC READ_REQ=10, RC READ_RESP_FIRST=4, RC READ_RESP_MIDDLE=4, RC READ_RESP_LAST=4, RC READ_RESP_ONLY=6',
  tool_rnr: 'RC SEND_ONLY=2, RC ACK=2',
  tool_rnr_fail: 'RC SEND_ONLY=3, RC ACK=3',
  tool_send: 'RC SEND_FIRST=4, RC SEND_MIDDLE=4, RC SEND_LAST=4, RC SEND_ONLY=6, RC ACK=10',
  tool_send_inv: 'RC WRITE_ONLY=2, RC ACK=3, RC SEND_ONLY_INV=1',
  tool_write: 'RC WRITE_FIRST=4, RC WRITE_MIDDLE=4, RC WRITE_LAST=4, RC WRITE_ONLY=6, RC ACK=10',
  tool_write_imm:
    'RC WRITE_FIRST=4, RC WRITE_MIDDLE=4, RC WRITE_LAST_IMM=4, RC WRITE_ONLY_IMM=6, RC ACK=10',
  tool_write_mtu256:
    'RC WRITE_FIRST=5, RC WRITE_MIDDLE=39, RC WRITE_LAST=5, RC WRITE_ONLY=5, RC ACK=10',
  two_mckey: 'UD SEND_ONLY_IMM=2',
  two_rc_ipv6: 'RC SEND_FIRST=6, RC SEND_MIDDLE=6, RC SEND_LAST=6, RC ACK=6',
};

test('the table above names every capture there is', () => {
  const files = readdirSync(new URL('../vectors/captures/', import.meta.url));
  const captures = files.filter((file) => file.endsWith('.pcap'));
  expect(captures.map((file) => file.replace('.pcap', '')).sort()).toEqual(
    Object.keys(OPCODE_COUNTS).sort(),
  );
});

test.each(Object.entries(OPCODE_COUNTS))(
  '%s: every packet is RoCEv2 with a right ICRC, and emits to its own bytes',
  (name, counts) => {
    const found = new Map<string, number>();
    for (const packet of readCaptured(name)) {
      const frame = parseFrame(packet.bytes, packet.linkType, packet.wireLength);
      expect(frame).toMatchObject({ isRoce: true, cut: false, fault: undefined });
      expect(frame.roce!.icrcVerdict).toBe('right');
      expect(frame.rest.length).toBe(0);
      expect(Buffer.compare(emitFrame(frame), packet.bytes)).toBe(0);
      const opcode = opcodeName(frame.roce!.bth.opcode);
      expect(describePacket(packet, frame)).toContain(` ${opcode} `);
      found.set(opcode, (found.get(opcode) ?? 0) + 1);
    }
    const listed = [...found].map(([opcode, count]) => `${opcode}=${count}`);
    expect(listed.sort()).toEqual(counts.split(', ').sort());
  },
);

test('every opcode, with and without payload, over both IPs: the record that went in comes out', () => {
  const random = randomNumbers(11);
  for (const info of OPCODE_INFO) {
    if (info === undefined) continue;
    for (const payload of info.payload ? [0, 1, 2, 3, 64, 1024] : [0]) {
      for (const ipv6 of [false, true]) {
        const record = sampleRecord({ opcode: info.opcode, payload, ipv6 }, random);
        const frame = parseFrame(emitFrame(record));
        const { bth, extensions, payload: data, pad } = frame.roce!;
        expect({ bth, extensions, data: [...data], pad: pad.length }).toEqual({
          bth: record.roce!.bth,
          extensions: record.roce!.extensions,
          data: [...record.roce!.payload],
          pad: -payload & 3,
        });
        expect(Object.keys(extensions)).toEqual(info.extensions);
        expect(frame.fault).toBeUndefined();
      }
    }
  }
});

const frameBytes = (): Uint8Array => sampleFrame({ opcode: OPCODE.RC_WRITE_ONLY, payload: 61 });

test('VLAN tags, IPv4 options and the padding behind a short frame have their places', () => {
  const tagged = sampleFrame({ opcode: OPCODE.RC_ACK, vlan: 100 });
  expect(parseFrame(tagged).vlans).toEqual([
    { priority: 3, dropEligible: 1, id: 100, etherType: 0x0800 },
  ]);
  const options = sampleFrame({ opcode: OPCODE.RC_ACK, ipv4Options: Uint8Array.of(1, 1, 1, 0) });
  expect([...parseFrame(options).ipv4Options]).toEqual([1, 1, 1, 0]);
  const padded = new Uint8Array(80);
  padded.set(sampleFrame({ opcode: OPCODE.RC_ACK }));
  expect(parseFrame(padded).rest.length).toBe(80 - 62);
  for (const bytes of [tagged, options, padded]) {
    const frame = parseFrame(bytes);
    expect(frame.roce!.icrcVerdict).toBe('right');
    expect(frame.fault).toBeUndefined();
    expect(emitFrame(frame)).toEqual(bytes);
  }
});

test.each([
  { link: 'raw IP', linkType: LINK_TYPE.RAW_IP, header: [] as number[] },
  {
    link: 'Linux cooked',
    linkType: LINK_TYPE.LINUX_SLL,
    header: [...new Array<number>(14).fill(7), 8, 0],
  },
  {
    link: 'Linux cooked v2',
    linkType: LINK_TYPE.LINUX_SLL2,
    header: [8, 0, ...new Array<number>(18).fill(7)],
  },
])('a capture of $link is RoCEv2 all the same', ({ linkType, header }) => {
  const bytes = Uint8Array.from([...header, ...frameBytes().subarray(14)]);
  const frame = parseFrame(bytes, linkType);
  expect(frame.roce!.icrcVerdict).toBe('right');
  expect(emitFrame(frame)).toEqual(bytes);
});

test('a link type that is not known is bytes, and no fault', () => {
  const frame = parseFrame(frameBytes(), 147);
  expect(frame).toMatchObject({ isRoce: false, fault: undefined });
  expect(emitFrame(frame)).toEqual(frameBytes());
});

test('other protocols and opcodes of nobody are no fault', () => {
  const change = (at: number, ...values: number[]): Frame => {
    const bytes = frameBytes();
    bytes.set(values, at);
    const frame = parseFrame(bytes);
    expect(frame.fault).toBeUndefined();
    expect(emitFrame(frame)).toEqual(bytes);
    return frame;
  };
  expect(change(12, 0x08, 0x06).ipv4).toBeUndefined();
  expect(change(14 + 9, 6).udp).toBeUndefined();
  expect(change(14 + 6, 0, 1).udp).toBeUndefined();
  expect(change(36, 0, 53)).toMatchObject({ isRoce: false, roce: undefined });
  expect(change(42, 0x1f).roce!.payloadLength).toBe(61 + 16);
});

/** Of the fields whose values make or break a frame, from its start. */
const OFFSET = { ip: 14, ipTotalLength: 16, ipFlags: 20, udpLength: 38, bthFlags: 43 };

test.each([
  { what: 'an IPv4 header of 16 bytes', at: OFFSET.ip, value: [0x44] },
  { what: 'an IPv4 length beyond the frame', at: OFFSET.ipTotalLength, value: [1, 0] },
  { what: 'an IPv4 length of less than its header', at: OFFSET.ipTotalLength, value: [0, 19] },
  { what: 'a UDP length beyond its packet', at: OFFSET.udpLength, value: [1, 0] },
  { what: 'a UDP length of less than its header', at: OFFSET.udpLength, value: [0, 7] },
  { what: 'no room for a BTH', at: OFFSET.udpLength, value: [0, 8 + 15] },
  { what: 'no room for the RETH', at: OFFSET.udpLength, value: [0, 8 + 12 + 15 + 4] },
  {
    what: 'more pad than payload',
    at: OFFSET.udpLength,
    value: [0, 8 + 12 + 16 + 4 + 2],
  },
])('malformed: $what', ({ at, value }) => {
  const bytes = frameBytes();
  bytes.set(value, at);
  const frame = parseFrame(bytes);
  expect(frame.fault).toBeTypeOf('string');
  expect(emitFrame(frame)).toEqual(bytes);
});

test('wrong checksums, versions, keys and reserved bits are no fault, and stay', () => {
  const bytes = frameBytes();
  for (const at of [14 + 1, 14 + 8, 14 + 10, 14 + 11, 40, 41, 44, 45, 46, 50]) bytes[at]! ^= 0xff;
  bytes[OFFSET.bthFlags]! ^= 0xcf;
  const frame = parseFrame(bytes);
  expect(frame).toMatchObject({ isRoce: true, fault: undefined });
  expect(frame.roce!.icrcVerdict).toBe('wrong');
  expect(emitFrame(frame)).toEqual(bytes);
});

test('a frame cut at any byte is malformed, unless the capture says that it was longer on the wire', () => {
  const whole = frameBytes();
  for (let length = 0; length < whole.length; length++) {
    const bytes = whole.slice(0, length);
    const truncated = parseFrame(bytes);
    expect(truncated.fault).toBeTypeOf('string');
    const snapped = parseFrame(bytes, LINK_TYPE.ETHERNET, whole.length);
    expect(snapped).toMatchObject({ cut: true, fault: undefined });
    expect(snapped.roce?.icrcVerdict ?? 'unknown').toBe('unknown');
    expect(emitFrame(snapped)).toEqual(bytes);
    expect(emitFrame(truncated)).toEqual(bytes);
  }
});

test('the first fragment of a datagram is cut, not malformed, and ends where its IP packet ends', () => {
  const bytes = new Uint8Array(frameBytes().length + 10);
  bytes.set(frameBytes());
  bytes[OFFSET.ipFlags] = 0x20;
  bytes.set([0x07, 0xd0], OFFSET.udpLength);
  const frame = parseFrame(bytes);
  expect(frame).toMatchObject({ isRoce: true, cut: true, fault: undefined });
  expect(frame.roce!.payloadLength).toBe(2000 - 8 - 12 - 16 - 4 - 3);
  expect(frame.roce!.payload.length).toBe(61 + 3 + 4);
  expect(frame.rest.length).toBe(10);
  expect(emitFrame(frame)).toEqual(bytes);
});

test('any bytes whatever parse without an error, emit to themselves, and have a line', () => {
  const random = randomNumbers(23);
  const bases = [
    frameBytes(),
    sampleFrame({ opcode: OPCODE.RC_ATOMIC_ACK, ipv6: true }),
    sampleFrame({ opcode: OPCODE.UD_SEND_ONLY_IMM, payload: 33, vlan: 5 }),
  ];
  const linkTypes = Object.values(LINK_TYPE);
  for (let round = 0; round < 6_000; round++) {
    const base = bases[random() % bases.length]!;
    // In a buffer with others around it, whose bytes must not be read.
    const buffer = new Uint8Array(base.length + 32).fill(0xee);
    const length = random() % 4 === 0 ? random() % base.length : base.length;
    buffer.set(base.subarray(0, length), 16);
    for (let changes = random() % 6; changes > 0; changes--) {
      buffer[16 + (random() % (length + 1))] = random();
    }
    const bytes = buffer.subarray(16, 16 + length);
    const linkType = random() % 8 === 0 ? linkTypes[random() % linkTypes.length]! : 1;
    const wireLength = random() % 3 === 0 ? length + (random() % 100) : length;
    const frame = parseFrame(bytes, linkType, wireLength);
    expect(Buffer.compare(emitFrame(frame), bytes)).toBe(0);
    const alone = parseFrame(Uint8Array.from(bytes), linkType, wireLength);
    expect(alone.roce?.icrcVerdict).toBe(frame.roce?.icrcVerdict);
    const packet = {
      seconds: 0,
      picoseconds: 0,
      linkType,
      interfaceName: undefined,
      wireLength,
      bytes,
    };
    expect(describePacket(packet, frame)).not.toMatch(/undefined|NaN|Infinity|-\d+ bytes|\n/);
  }
});

test('noise of any length parses without an error and emits to itself', () => {
  const random = randomNumbers(29);
  for (let round = 0; round < 2_000; round++) {
    const bytes = randomBytes(random, random() % 120);
    if (bytes.length > 14) bytes.set(random() % 2 === 0 ? [8, 0] : [0x86, 0xdd], 12);
    expect(emitFrame(parseFrame(bytes))).toEqual(bytes);
  }
});
