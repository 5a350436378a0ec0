import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readCapture } from '../../wire/capture.js';
import { BrokenCapture } from '../../wire/captured-packet.js';
import { readPcap } from '../../wire/pcap.js';
import { capturePath, randomNumbers } from './sample-frames.js';

interface Written {
  readonly magic: number;
  readonly littleEndian: boolean;
  readonly packets: readonly {
    seconds: number;
    fraction: number;
    bytes: number[];
    wire?: number;
  }[];
}

function pcapFile({ magic, littleEndian, packets }: Written): Uint8Array {
  const file = new Uint8Array(24 + packets.reduce((sum, { bytes }) => sum + 16 + bytes.length, 0));
  const view = new DataView(file.buffer);
  view.setUint32(0, magic, littleEndian);
  view.setUint16(4, 2, littleEndian);
  view.setUint16(6, 4, littleEndian);
  view.setUint32(16, 65535, littleEndian);
  view.setUint32(20, 1, littleEndian);
  let at = 24;
  for (const { seconds, fraction, bytes, wire } of packets) {
    view.setUint32(at, seconds, littleEndian);
    view.setUint32(at + 4, fraction, littleEndian);
    view.setUint32(at + 8, bytes.length, littleEndian);
    view.setUint32(at + 12, wire ?? bytes.length, littleEndian);
    file.set(bytes, at + 16);
    at += 16 + bytes.length;
  }
  return file;
}

const PACKETS = [
  { seconds: 3_000_000_000, fraction: 999_999, bytes: [1, 2, 3] },
  { seconds: 0, fraction: 0, bytes: [], wire: 1500 },
];

test.each([
  { kind: 'little-endian, microseconds', magic: 0xa1b2c3d4, littleEndian: true, ps: 999_999e6 },
  { kind: 'big-endian, microseconds', magic: 0xa1b2c3d4, littleEndian: false, ps: 999_999e6 },
  { kind: 'little-endian, nanoseconds', magic: 0xa1b23c4d, littleEndian: true, ps: 999_999e3 },
  { kind: 'big-endian, nanoseconds', magic: 0xa1b23c4d, littleEndian: false, ps: 999_999e3 },
])('reads a file that is $kind', ({ magic, littleEndian, ps }) => {
  const packets = [...readCapture(pcapFile({ magic, littleEndian, packets: PACKETS }))];
  expect(packets).toEqual([
    {
      seconds: 3_000_000_000,
      picoseconds: ps,
      linkType: 1,
      interfaceName: undefined,
      wireLength: 3,
      bytes: Uint8Array.of(1, 2, 3),
    },
    expect.objectContaining({ seconds: 0, picoseconds: 0, wireLength: 1500 }),
  ]);
});

test('a fraction of more than a second is carried', () => {
  const packets = [{ seconds: 1, fraction: 2_500_000, bytes: [] }];
  const [packet] = readPcap(pcapFile({ magic: 0xa1b2c3d4, littleEndian: true, packets }));
  expect(packet).toMatchObject({ seconds: 3, picoseconds: 5e11 });
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

test('a capture that breaks off anywhere says where; between packets it is whole', () => {
  const file = pcapFile({ magic: 0xa1b2c3d4, littleEndian: true, packets: PACKETS });
  const starts = [24, 24 + 19, 24 + 19 + 16];
  for (let length = 0; length <= file.length; length++) {
    const fault = faultOf(file.subarray(0, length));
    const start = starts.filter((at) => at <= length).at(-1) ?? 0;
    if (starts.includes(length)) expect(fault).toBeUndefined();
    else expect(fault?.offset).toBe(start);
  }
});

test('a packet length that passes the end of the file is not believed', () => {
  const file = pcapFile({ magic: 0xa1b2c3d4, littleEndian: true, packets: PACKETS });
  new DataView(file.buffer).setUint32(24 + 8, 0xffffffff, true);
  expect(faultOf(file)?.message).toBe('byte 24: a packet of 4294967295 bytes, 19 are left');
});

test('what is no capture, or of another version, is refused', () => {
  expect(faultOf(new Uint8Array(0))?.message).toBe('byte 0: neither pcap nor pcapng');
  expect(faultOf(new TextEncoder().encode('#!/bin/sh'))?.offset).toBe(0);
  const file = pcapFile({ magic: 0xa1b2c3d4, littleEndian: true, packets: [] });
  file[4] = 3;
  expect(faultOf(file)?.message).toBe('byte 4: pcap version 3, not 2');
});

test('no change of bytes makes the reader throw anything but its own error, or read outside of the file', () => {
  const original = readFileSync(capturePath('tool_atomic'));
  const random = randomNumbers(31);
  for (let round = 0; round < 3_000; round++) {
    const file = Uint8Array.from(original.subarray(0, random() % (original.length + 1)));
    for (let changes = random() % 8; changes > 0; changes--)
      file[random() % file.length] = random();
    try {
      for (const packet of readCapture(file)) {
        expect(packet.bytes.byteOffset + packet.bytes.length).toBeLessThanOrEqual(file.length);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(BrokenCapture);
    }
  }
});
