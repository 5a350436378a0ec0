/** TCP options: Linux's bytes, and what becomes of anybody else's. */
import { expect, test } from 'vitest';
import {
  emitTcpOptions,
  newTcpOptions,
  parseTcpOptions,
  tcpOptionsLength,
  type TcpOptions,
} from '../../wire/tcp-options.js';
import { randomBytes, randomNumbers } from './sample-frames.js';

const parse = (text: string): TcpOptions => {
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
  const options = newTcpOptions();
  parseTcpOptions(new DataView(bytes.buffer), 0, bytes.length, options);
  return options;
};

function emit(options: TcpOptions): string {
  const bytes = new Uint8Array(tcpOptionsLength(options) + 4).fill(0xa5);
  emitTcpOptions(new DataView(bytes.buffer), 0, options);
  const text = Buffer.from(bytes).toString('hex');
  expect(text.slice(-8)).toBe('a5a5a5a5');
  return text.slice(0, -8);
}

/** What Linux sends on a SYN, on an ACK, on an ACK of what is beyond a gap. */
const LINUX = [
  '020405b40402080a00040f010000000001030307',
  '020405b401030307',
  '020405b40101040201030307',
  '0101080a11223344aabbccdd',
  '0101080a11223344aabbccdd0101050a0000100000001800',
  '0101051a0000100000001800000020000000280080000000ffffffff',
];

test.each(LINUX)('%s is read and written again', (text) => {
  expect(emit(parse(text))).toBe(text);
});

test('each option is read wherever it stands', () => {
  expect(parse('01 01 03 03 0e 01 08 0a 00 00 00 05 ff ff ff ff 04 02 02 04 02 18')).toMatchObject({
    mss: 536,
    scale: 14,
    sackPermitted: true,
    timestamp: true,
    timestampValue: 5,
    timestampEcho: -1,
    sackBlocks: 0,
  });
});

test('what is unknown is stepped over, what is malformed or past the end ends the list', () => {
  expect(parse('fe 04 00 00 02 04 05 b4').mss).toBe(1460);
  expect(parse('00 02 04 05 b4').mss).toBe(-1);
  expect(parse('02 04 05 b4 03 01 07')).toMatchObject({ mss: 1460, scale: -1 });
  expect(parse('08 0a 00 00')).toMatchObject({ timestamp: false });
  expect(parse('02')).toMatchObject({ mss: -1 });
  expect(parse('02 03 05 03 03 07')).toMatchObject({ mss: -1, scale: 7 });
  expect(parse('05 0b 00 00 00 00 00 00 00 00 00')).toMatchObject({ sackBlocks: 0 });
});

test('no bytes make the parser throw or read past the end', () => {
  const random = randomNumbers(17);
  const options = newTcpOptions();
  for (let round = 0; round < 20_000; round++) {
    const bytes = randomBytes(random, random() % 41);
    for (let i = 0; i < bytes.length; i++) bytes[i]! &= 0x0f;
    parseTcpOptions(new DataView(bytes.buffer), 0, bytes.length, options);
    expect(options.sackBlocks).toBeLessThanOrEqual(4);
  }
});
