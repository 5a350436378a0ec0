import { expect, test } from 'vitest';
import {
  EXTENSION,
  EXTENSION_BITS,
  EXTENSION_HEADER_LENGTH,
  EXTENSION_LENGTH,
  IS_END,
  IS_KNOWN,
  IS_RESPONSE,
  IS_START,
  OPCODE,
  OPCODE_INFO,
  opcodeName,
} from '../../wire/opcode-table.js';

const known = OPCODE_INFO.filter((info) => info !== undefined);

test('the transport is the upper three bits of the opcode', () => {
  const prefixes = { RC: 0, UC: 1, UD: 3, CNP: 4 } as const;
  for (const { opcode, transport } of known) expect(opcode >>> 5).toBe(prefixes[transport]);
});

test('RC has all of 0x00 to 0x17 but the reserved 0x15, UC all of 0x20 to 0x2b', () => {
  const of = (transport: string): number[] =>
    known.filter((info) => info.transport === transport).map((info) => info.opcode);
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  expect(of('RC')).toEqual(range(0x00, 0x17).filter((opcode) => opcode !== 0x15));
  expect(of('UC')).toEqual(range(0x20, 0x2b));
  expect(of('UD')).toEqual([0x64, 0x65]);
  expect(of('CNP')).toEqual([0x81]);
});

test('sends and writes of UC are those of RC, 0x20 higher', () => {
  for (const info of known.filter(({ transport }) => transport === 'UC')) {
    const same = OPCODE_INFO[info.opcode - 0x20]!;
    expect({ ...info, opcode: 0, name: '', transport: '' }).toEqual({
      ...same,
      opcode: 0,
      name: '',
      transport: '',
    });
    expect(info.name.replace('UC', 'RC')).toBe(same.name);
  }
});

test('headers behind the BTH take the bytes that the specification says', () => {
  const lengths: Record<string, number> = {
    'RC SEND_FIRST': 0,
    'RC SEND_ONLY_IMM': 4,
    'RC WRITE_ONLY': 16,
    'RC WRITE_ONLY_IMM': 20,
    'RC WRITE_LAST_IMM': 4,
    'RC READ_REQ': 16,
    'RC READ_RESP_MIDDLE': 0,
    'RC READ_RESP_LAST': 4,
    'RC ACK': 4,
    'RC ATOMIC_ACK': 12,
    'RC CMP_SWAP': 28,
    'RC SEND_ONLY_INV': 4,
    'UD SEND_ONLY': 8,
    'UD SEND_ONLY_IMM': 12,
    CNP: 0,
  };
  const byName = new Map(known.map(({ name, opcode }) => [name, EXTENSION_LENGTH[opcode]]));
  for (const [name, length] of Object.entries(lengths))
    expect([name, byName.get(name)]).toEqual([name, length]);
});

test('the arrays of the hot path say what the table says', () => {
  for (let opcode = 0; opcode < 256; opcode++) {
    const info = OPCODE_INFO[opcode];
    const names = Object.entries(EXTENSION)
      .filter(([, bit]) => (EXTENSION_BITS[opcode]! & bit) !== 0)
      .map(([name]) => name);
    const lengths = info?.extensions.map((name) => EXTENSION_HEADER_LENGTH[name]) ?? [];
    expect(names.sort()).toEqual([...(info?.extensions ?? [])].sort());
    expect(EXTENSION_LENGTH[opcode]).toBe(lengths.reduce((sum, length) => sum + length, 0));
    expect(IS_KNOWN[opcode] === 1).toBe(info !== undefined);
    expect(IS_RESPONSE[opcode] === 1).toBe(info?.kind === 'response');
    expect(IS_START[opcode] === 1).toBe(info !== undefined && /first|only/.test(info.position));
    expect(IS_END[opcode] === 1).toBe(info !== undefined && /last|only/.test(info.position));
  }
});

test('opcodes have names, and those that are none say so', () => {
  expect(OPCODE.RC_WRITE_ONLY).toBe(0x0a);
  expect(opcodeName(OPCODE.RC_READ_RESP_FIRST)).toBe('RC READ_RESP_FIRST');
  expect(opcodeName(OPCODE.CNP)).toBe('CNP');
  expect(opcodeName(0x15)).toBe('opcode 0x15');
  expect(new Set(known.map(({ name }) => name)).size).toBe(known.length);
});
