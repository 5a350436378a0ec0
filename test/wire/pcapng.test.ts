import { expect, test } from 'vitest';
import { instant } from '../../units/time.js';
import { readCapture } from '../../wire/capture.js';
import { BrokenCapture, type CapturedPacket } from '../../wire/captured-packet.js';
import { DIRECTION, pcapngHeader, pcapngPacket } from '../../wire/pcapng-writer.js';
import { OPCODE } from '../../wire/opcode-table.js';
import { randomNumbers, sampleFrame } from './sample-frames.js';

/** Builds files of either byte order from their fields, apart from the writer that is tested. */
class PcapngFile {
  readonly #bytes: number[] = [];
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  #number(value: number, size: number): number[] {
    const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    return this.#littleEndian ? bytes : bytes.reverse();
  }

  u16 = (...values: number[]): number[] => values.flatMap((value) => this.#number(value, 2));
  u32 = (...values: number[]): number[] => values.flatMap((value) => this.#number(value, 4));

  option(code: number, value: readonly number[]): number[] {
    return [
      ...this.u16(code, value.length),
      ...value,
      ...new Array<number>(-value.length & 3).fill(0),
    ];
  }

  block(type: number, body: readonly number[]): this {
    const padded = [...body, ...new Array<number>(-body.length & 3).fill(0)];
    const length = this.u32(padded.length + 12);
    this.#bytes.push(...this.u32(type), ...length, ...padded, ...length);
    return this;
  }

  section(): this {
    const body = [...this.u32(0x1a2b3c4d), ...this.u16(1, 0), ...this.u32(0xffffffff, 0xffffffff)];
    return this.block(0x0a0d0d0a, body);
  }

  describeInterface(options: readonly number[] = [], snapLength = 0, linkType = 1): this {
    return this.block(1, [...this.u16(linkType, 0), ...this.u32(snapLength), ...options]);
  }

  packet(interfaceId: number, ticks: readonly [number, number], data: readonly number[]): this {
    const fields = this.u32(interfaceId, ...ticks, data.length, data.length + 10);
    return this.block(6, [...fields, ...data]);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

const timesOf = (file: PcapngFile): (readonly [number, number])[] =>
  Array.from(readCapture(file.bytes), ({ seconds, picoseconds }) => [seconds, picoseconds]);

test('what is written is read: frames, interfaces, and times to the nanosecond', () => {
  const frames = [
    sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 61 }),
    sampleFrame({ opcode: OPCODE.RC_ACK, ipv6: true }),
  ];
  const buffer = new Uint8Array(300).fill(0xa5);
  buffer.set(frames[1]!, 100);
  const file = Buffer.concat([
    pcapngHeader(['host0', 'host1']),
    pcapngPacket(0, instant(0), frames[0]!, 0, frames[0]!.length, DIRECTION.OUTBOUND),
    pcapngPacket(
      1,
      instant(8_999_123_456_789_999),
      buffer,
      100,
      frames[1]!.length,
      DIRECTION.INBOUND,
    ),
  ]);
  expect(file.length % 4).toBe(0);
  const found: CapturedPacket[] = [...readCapture(file)];
  expect(found.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }))).toEqual([
    {
      seconds: 0,
      picoseconds: 0,
      linkType: 1,
      interfaceName: 'host0',
      wireLength: frames[0]!.length,
      bytes: [...frames[0]!],
    },
    {
      seconds: 8999,
      picoseconds: 123_456_789_000,
      linkType: 1,
      interfaceName: 'host1',
      wireLength: frames[1]!.length,
      bytes: [...frames[1]!],
    },
  ]);
});

test.each([true, false])(
  'every packet block, unknown blocks between, little-endian %s',
  (littleEndian) => {
    const file = new PcapngFile(littleEndian).section();
    file.describeInterface(file.option(2, [...Buffer.from('eth7')]), 3, 101);
    file.block(0x0bad, [1, 2, 3]);
    file.packet(0, [0, 1_500_000], [1, 2, 3, 4, 5]);
    file.block(3, [...file.u32(90), 7, 8, 9]);
    file.block(2, [...file.u16(0, 4), ...file.u32(0, 2_000_000, 2, 2), 5, 6]);
    const packet = (
      seconds: number,
      picoseconds: number,
      wireLength: number,
      bytes: number[],
    ): CapturedPacket => ({
      seconds,
      picoseconds,
      linkType: 101,
      interfaceName: 'eth7',
      wireLength,
      bytes: Uint8Array.from(bytes),
    });
    expect([...readCapture(file.bytes)]).toEqual([
      packet(1, 5e11, 15, [1, 2, 3, 4, 5]),
      packet(0, 0, 90, [7, 8, 9]),
      packet(2, 0, 2, [5, 6]),
    ]);
  },
);

test('each interface has its clock: decimal and binary resolutions, and an offset', () => {
  const file = new PcapngFile(false).section();
  file.describeInterface(file.option(9, [12]));
  file.describeInterface(file.option(9, [0x80 | 10]));
  file.describeInterface([...file.option(9, [0]), ...file.option(14, file.u32(0, 1_000))]);
  file.describeInterface(file.option(14, file.u32(0xffffffff, 0xffffffff)));
  file.describeInterface(file.option(9, [0x7f]));
  file.packet(0, [0x0000_00e8, 0xd4a5_1001], []);
  file.packet(1, [0, 1024 + 512], []);
  file.packet(2, [0, 5], []);
  file.packet(3, [0, 3_000_001], []);
  file.packet(4, [0xffffffff, 0xffffffff], []);
  expect(timesOf(file)).toEqual([
    [1, 1],
    [1, 5e11],
    [1_005, 0],
    [2, 1e6],
    [0, 0],
  ]);
});

test('options behind the end of options are not read', () => {
  const file = new PcapngFile(true).section();
  file.describeInterface([...file.option(0, []), ...file.option(9, [9])]);
  file.packet(0, [0, 1], []);
  expect(timesOf(file)).toEqual([[0, 1e6]]);
});

test('a new section forgets the interfaces of the last, and may have another byte order', () => {
  const first = new PcapngFile(true).section().describeInterface().packet(0, [0, 1], []);
  const second = new PcapngFile(false)
    .section()
    .describeInterface([], 0, 113)
    .packet(0, [0, 2], []);
  const both = Buffer.concat([first.bytes, second.bytes]);
  expect(Array.from(readCapture(both), ({ linkType }) => linkType)).toEqual([1, 113]);
  const missing = new PcapngFile(false).section().packet(0, [0, 2], []);
  expect(faultOf(Buffer.concat([first.bytes, missing.bytes]))?.message).toBe(
    `byte ${first.bytes.length + 28}: a packet of interface 0, 0 are described`,
  );
});

function faultOf(file: Uint8Array): BrokenCapture | undefined {
  try {
    Array.from(readCapture(file));
    return undefined;
  } catch (error) {
    if (error instanceof BrokenCapture) return error;
    throw error;
  }
}

const smallFile = (): Uint8Array =>
  new PcapngFile(true).section().describeInterface().packet(0, [0, 1], [1, 2, 3, 4]).bytes;

test.each([
  { what: 'no byte-order magic', at: 8, value: 1, message: 'byte 8: no pcapng byte-order magic' },
  { what: 'a later version', at: 12, value: 2, message: 'byte 12: pcapng version 2' },
  { what: 'a block of 8 bytes', at: 32, value: 8, message: 'byte 32: a block length of 8' },
  { what: 'a block of 21 bytes', at: 32, value: 21, message: 'byte 32: a block length of 21' },
  {
    what: 'a block beyond the file',
    at: 32,
    value: 0xfffffffc,
    message: 'byte 28: a block of 4294967292 bytes, 56 are left',
  },
  {
    what: 'two lengths that differ',
    at: 44,
    value: 24,
    message: 'byte 44: a block of 20 bytes ends with a length of 24',
  },
  {
    what: 'a packet beyond its block',
    at: 48 + 20,
    value: 5,
    message: 'byte 48: a packet of 5 bytes in a block that has 4',
  },
  {
    what: 'a packet block that is too short for its fields',
    at: 28,
    value: 6,
    message: 'byte 28: a packet block is too short for its fields',
  },
])('a broken file is refused, with the place: $what', ({ at, value, message }) => {
  const file = smallFile();
  new DataView(file.buffer).setUint32(at, value, true);
  expect(faultOf(file)?.message).toBe(message);
});

test('an option that passes the end of its block is not believed', () => {
  const file = new PcapngFile(true).section();
  file.describeInterface(file.u16(2, 5));
  expect(faultOf(file.bytes)?.message).toBe(
    'byte 44: an option of 5 bytes passes the end of its block',
  );
});

test('a capture that breaks off inside a block is refused, at that block', () => {
  const file = smallFile();
  const starts = [0, 28, 48, file.length];
  for (let length = 4; length <= file.length; length++) {
    const fault = faultOf(file.subarray(0, length));
    if (starts.includes(length)) expect(fault).toBeUndefined();
    else expect(fault?.offset).toBe(starts.filter((at) => at < length).at(-1));
  }
});

test('no change of bytes makes the reader throw anything but its own error, or read outside of the file', () => {
  const options = new PcapngFile(true);
  const original = options
    .section()
    .describeInterface([...options.option(2, [65, 66, 67]), ...options.option(9, [9])])
    .packet(0, [1, 2], [1, 2, 3, 4, 5])
    .block(3, [...options.u32(3), 1, 2, 3])
    .block(2, [...options.u16(0, 0), ...options.u32(0, 1, 2, 2), 1, 2]).bytes;
  const random = randomNumbers(37);
  let broken = 0;
  for (let round = 0; round < 5_000; round++) {
    const file = original.slice(0, 4 + (random() % (original.length - 3)));
    for (let changes = random() % 4; changes > 0; changes--)
      file[random() % file.length] = random();
    try {
      for (const packet of readCapture(file)) {
        expect(packet.bytes.byteOffset + packet.bytes.length).toBeLessThanOrEqual(file.length);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(BrokenCapture);
      broken++;
    }
  }
  expect(broken).toBeGreaterThan(1_000);
});
