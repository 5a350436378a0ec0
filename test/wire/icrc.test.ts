import { expect, test } from 'vitest';
import { computeIcrc, icrcIsRight, readIcrc, writeIcrc } from '../../wire/icrc.js';
import { OPCODE } from '../../wire/opcode-table.js';
import { randomNumbers, readCaptured, sampleFrame } from './sample-frames.js';

/** CRC-32 of Ethernet, one bit after the other. */
function plainCrc32(bytes: Iterable<number>): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      register = (register & 1) !== 0 ? (register >>> 1) ^ 0xedb88320 : register >>> 1;
    }
  }
  return ~register >>> 0;
}

/** What may change on the way, by offset from the IP header: byte, and the bits of it. */
const MASKED_IPV4 = new Map([1, 8, 10, 11, 26, 27, 32].map((at) => [at, 0xff]));
const MASKED_IPV6 = new Map([
  [0, 0x0f],
  ...[1, 2, 3, 7, 46, 47, 52].map((at) => [at, 0xff] as const),
]);

function plainIcrc(frame: Uint8Array, ip: number, masked: ReadonlyMap<number, number>): number {
  const covered = frame.subarray(ip, frame.length - 4);
  return plainCrc32([
    ...new Array<number>(8).fill(0xff),
    ...covered.map((byte, at) => byte | (masked.get(at) ?? 0)),
  ]);
}

test.each([
  { ip: 'IPv4', ipv6: false, masked: MASKED_IPV4 },
  { ip: 'IPv6', ipv6: true, masked: MASKED_IPV6 },
])('is that of a plain model, $ip, every payload length up to 600', ({ ipv6, masked }) => {
  const random = randomNumbers(7);
  for (let payload = 0; payload <= 600; payload++) {
    const frame = sampleFrame({ opcode: OPCODE.RC_WRITE_ONLY, payload, ipv6 }, random);
    expect(computeIcrc(frame, 0, frame.length)).toBe(plainIcrc(frame, 14, masked));
  }
});

/** Flips each bit of a frame in turn; the bits that the ICRC does not find. */
function unseenBits(frame: Uint8Array): string[] {
  const unseen: string[] = [];
  for (let at = 14; at < frame.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      frame[at]! ^= 1 << bit;
      if (icrcIsRight(frame, 0, frame.length)) unseen.push(`${at - 14}.${bit}`);
      frame[at]! ^= 1 << bit;
    }
  }
  return unseen;
}

const bitsOf = (masked: ReadonlyMap<number, number>): string[] =>
  [...masked].flatMap(([at, bits]) =>
    [0, 1, 2, 3, 4, 5, 6, 7]
      .filter((bit) => (bits & (1 << bit)) !== 0)
      .map((bit) => `${at}.${bit}`),
  );

test.each([
  { name: 'tool_send', which: 0, masked: MASKED_IPV4 },
  { name: 'tool_write', which: 12, masked: MASKED_IPV4 },
  { name: 'tool_atomic', which: 2, masked: MASKED_IPV4 },
  { name: 'two_mckey', which: 0, masked: MASKED_IPV4 },
  { name: 'two_rc_ipv6', which: 3, masked: MASKED_IPV6 },
])(
  'packet $which of $name: each flipped bit is found, but those of fields that routers change',
  ({ name, which, masked }) => {
    const frame = Uint8Array.from(readCaptured(name)[which]!.bytes);
    // The length of an IPv4 header says where all else is: flipping it moves the rest, and is found as well.
    expect(unseenBits(frame).sort()).toEqual(bitsOf(masked).sort());
  },
);

test('is found at any place in a buffer, which stays as it is', () => {
  const frame = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 700 });
  const buffer = new Uint8Array(frame.length + 64).fill(0xa5);
  buffer.set(frame, 31);
  const before = Uint8Array.from(buffer);
  expect(icrcIsRight(buffer, 31, frame.length)).toBe(true);
  expect(buffer).toEqual(before);
});

test('is written least significant byte first, and nowhere else', () => {
  const frame = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 5 });
  const buffer = new Uint8Array(frame.length + 20).fill(0xa5);
  buffer.set(frame.subarray(0, -4), 10);
  writeIcrc(buffer, 10, frame.length);
  expect(buffer.subarray(10, 10 + frame.length)).toEqual(frame);
  expect([...buffer.subarray(0, 10), ...buffer.subarray(10 + frame.length)]).toEqual(
    new Array(20).fill(0xa5),
  );
  const icrc = computeIcrc(frame, 0, frame.length);
  expect([...frame.subarray(-4)]).toEqual([0, 8, 16, 24].map((shift) => (icrc >>> shift) & 0xff));
  expect(readIcrc(frame, frame.length)).toBe(icrc);
});

test('VLAN tags are passed over: a switch that tags a frame leaves it right', () => {
  const plain = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64 });
  const tagged = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64, vlan: 100 });
  expect(tagged.length).toBe(plain.length + 4);
  expect(tagged.subarray(-4)).toEqual(plain.subarray(-4));
});

test('IPv4 options are covered', () => {
  const ipv4Options = Uint8Array.of(1, 1, 1, 0);
  const frame = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64, ipv4Options });
  expect(icrcIsRight(frame, 0, frame.length)).toBe(true);
  frame[14 + 20] = 0x94;
  expect(icrcIsRight(frame, 0, frame.length)).toBe(false);
});
