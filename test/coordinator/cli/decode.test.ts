import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { decode, type DecodeOptions } from '../../../coordinator/cli/decode.js';
import { instant } from '../../../units/time.js';
import { OPCODE } from '../../../wire/opcode-table.js';
import { DIRECTION, pcapngHeader, pcapngPacket } from '../../../wire/pcapng-writer.js';
import { capturePath, sampleFrame } from '../../wire/sample-frames.js';

const directory = mkdtempSync(join(tmpdir(), 'pinwire-decode-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Outcome {
  readonly status: number;
  readonly lines: string[];
  readonly errors: string[];
  readonly summary: unknown;
}

const run = (...files: string[]): Promise<Outcome> => runWith({}, ...files);

async function runWith(options: Partial<DecodeOptions>, ...files: string[]): Promise<Outcome> {
  const json = join(directory, 'summary.json');
  const lines: string[] = [];
  const errors: string[] = [];
  const status = await decode(files, {
    json,
    ...options,
    write: (line) => lines.push(line),
    error: (line) => errors.push(line),
  });
  const summary: unknown = status === 0 ? JSON.parse(readFileSync(json, 'utf8')) : undefined;
  return { status, lines, errors, summary };
}

function written(name: string, ...frames: Uint8Array[]): string {
  const path = join(directory, name);
  const packets = frames.map((frame, i) =>
    pcapngPacket(0, instant(i * 1_000_000), frame, 0, frame.length, DIRECTION.OUTBOUND),
  );
  writeFileSync(path, Buffer.concat([pcapngHeader(['host0']), ...packets]));
  return path;
}

test('a capture: one line a packet, and the summary', async () => {
  const { status, lines, errors, summary } = await run(capturePath('tool_send_inv'));
  expect({ status, errors }).toEqual({ status: 0, errors: [] });
  expect(lines.length).toBe(6);
  expect(lines[2]).toContain('RC SEND_ONLY_INV qp 0x00001f psn 11256065');
  expect(summary).toEqual({
    packets: 6,
    roce: 6,
    icrc_bad: 0,
    malformed: 0,
    reemitted_equal: 6,
    opcodes: { 'RC WRITE_ONLY': 2, 'RC ACK': 3, 'RC SEND_ONLY_INV': 1 },
  });
});

test('several captures are summed and merged by time, and their lines say which file', async () => {
  const files = readdirSync(new URL('../../vectors/captures/', import.meta.url)).map((file) =>
    capturePath(file.replace('.pcap', '')),
  );
  const { status, lines, summary } = await run(...files);
  expect(status).toBe(0);
  expect(lines.length).toBe(441);
  expect(new Set(lines.map((line) => line.split(': ')[0]))).toEqual(new Set(files));
  const times = lines.map((line) => Number(/: (\d+\.\d{9}) /.exec(line)![1]));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(summary).toMatchObject({ packets: 441, roce: 441, icrc_bad: 0, reemitted_equal: 441 });
});

test('wrong, malformed, foreign and unknown packets are counted apart, and end in exit 0', async () => {
  const right = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64 });
  const wrong = Uint8Array.from(right);
  wrong[60]! ^= 1;
  const wrongChecksum = Uint8Array.from(right);
  wrongChecksum[24]! ^= 1;
  const short = right.slice(0, 50);
  const foreign = Uint8Array.from(right);
  foreign.set([0, 53], 36);
  const unknown = Uint8Array.from(right);
  unknown[42] = 0x1f;
  const file = written('mixed.pcapng', right, wrong, wrongChecksum, short, foreign, unknown);
  const { status, lines, summary } = await run(file);
  expect(status).toBe(0);
  expect(lines.length).toBe(6);
  expect(lines[3]).toContain(' malformed: ');
  expect(summary).toEqual({
    packets: 6,
    roce: 5,
    icrc_bad: 2,
    malformed: 1,
    reemitted_equal: 5,
    opcodes: { 'RC SEND_ONLY': 3, 'opcode 0x1f': 1 },
  });
});

test('a capture without packets is a capture', async () => {
  const { status, lines, summary } = await run(written('empty.pcapng'));
  expect({ status, lines }).toEqual({ status: 0, lines: [] });
  expect(summary).toMatchObject({ packets: 0, opcodes: {} });
});

test('a file that is missing, broken or no capture ends in exit 2 and one line, before anything is printed', async () => {
  const good = capturePath('tool_rnr');
  const broken = join(directory, 'broken.pcap');
  const bytes = readFileSync(good);
  // The second packet's length: far more than any packet has.
  bytes.writeUInt32LE(2 ** 30, 240 + 8);
  writeFileSync(broken, bytes);
  const text = join(directory, 'text');
  writeFileSync(text, 'no capture at all');
  const missing = join(directory, 'missing.pcap');
  const expected: [string, unknown][] = [
    [missing, 'ENOENT: no such file or directory'],
    [directory, 'EISDIR: illegal operation on a directory'],
    [text, 'not a whole pcap or pcapng capture: byte 0: neither pcap nor pcapng'],
    [broken, expect.stringContaining('byte 240: a packet of 1073741824 bytes, ') as string],
  ];
  for (const [file, message] of expected) {
    const { status, lines, errors } = await run(good, file);
    expect({ status, lines, errors }).toEqual({
      status: 2,
      lines: [],
      errors: [typeof message === 'string' ? `decode: ${file}: ${message}` : message],
    });
  }
});

describe('a capture that was cut inside its last record', () => {
  const whole = readFileSync(capturePath('tool_send_inv'));

  test.each([
    ['in a packet', whole.length - 1],
    ['in a packet header', whole.length - 70],
  ])('%s has the packets before it, a warning, and exit 0', async (_where, length) => {
    const file = join(directory, 'cut.pcap');
    writeFileSync(file, whole.subarray(0, length));
    const { status, lines, errors, summary } = await run(file);
    expect(status).toBe(0);
    expect(lines.length).toBe(5);
    expect(errors).toEqual([
      expect.stringMatching(
        /^decode: .*cut\.pcap: cut inside its last record, which is left out: byte \d+: /,
      ),
    ]);
    expect(summary).toMatchObject({ packets: 5 });
  });

  test('is no capture if not even its file header is whole', async () => {
    const file = join(directory, 'stub.pcap');
    writeFileSync(file, whole.subarray(0, 20));
    expect(await run(file)).toMatchObject({ status: 2, lines: [] });
  });

  test('of pcapng likewise, at every length of its last block', async () => {
    const path = written(
      'whole.pcapng',
      ...[1, 2].map((n) => sampleFrame({ opcode: n, payload: 64 })),
    );
    const bytes = readFileSync(path);
    const last = bytes.lastIndexOf(Buffer.from([6, 0, 0, 0]));
    const file = join(directory, 'cut.pcapng');
    for (let length = last + 1; length < bytes.length; length++) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(await run(file)).toMatchObject({ status: 0, summary: { packets: 1 } });
    }
  });
});

describe('the packets come by time', () => {
  const frame = sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 64 });
  const captured = (name: string, microseconds: readonly number[]): string => {
    const path = join(directory, name);
    const packets = microseconds.map((us) =>
      pcapngPacket(0, instant(us * 1_000_000), frame, 0, frame.length, DIRECTION.OUTBOUND),
    );
    writeFileSync(path, Buffer.concat([pcapngHeader(['host0']), ...packets]));
    return path;
  };
  const times = ({ lines }: Outcome): number[] =>
    lines.map((line) => Math.round(Number(/(\d+\.\d{9}) /.exec(line)![1]) * 1e6));

  test('of one file that is not in order', async () => {
    expect(times(await run(captured('mixed.pcapng', [5, 1, 9, 1, 3])))).toEqual([1, 1, 3, 5, 9]);
  });

  test('of several files, in the order of the files at one time', async () => {
    const first = captured('first.pcapng', [2, 4, 6]);
    const second = captured('second.pcapng', [7, 1, 4]);
    const outcome = await run(first, second);
    expect(times(outcome)).toEqual([1, 2, 4, 4, 6, 7]);
    expect(outcome.lines.map((line) => line.startsWith(first))).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
    ]);
  });
});

test('a capture that is gzipped, or comes through standard input, is a capture', async () => {
  const bytes = gzipSync(readFileSync(capturePath('tool_rnr')));
  const file = join(directory, 'rnr.pcap.gz');
  writeFileSync(file, bytes);
  expect((await run(file)).lines.length).toBe(4);
  const { status, lines } = await runWith({ input: Readable.from([bytes]) }, '-');
  expect({ status, count: lines.length }).toEqual({ status: 0, count: 4 });
  writeFileSync(file, bytes.subarray(0, 40));
  expect(await run(file)).toMatchObject({ status: 2, lines: [] });
});

test('--json - writes the summary instead of the packets', async () => {
  const lines: string[] = [];
  const file = capturePath('tool_rnr');
  await decode([file], { json: '-', write: (line) => lines.push(line), error: () => undefined });
  expect(JSON.parse(lines.join('\n'))).toMatchObject({ packets: 4 });
});

describe('a filter', () => {
  const file = capturePath('tool_send_inv');
  const shown = async (options: Partial<DecodeOptions>): Promise<string[]> => {
    const { lines, summary } = await runWith(options, file);
    expect(summary).toMatchObject({ packets: lines.length });
    return lines;
  };

  test('by queue pair, decimal or hexadecimal', async () => {
    const lines = await shown({ qp: ['31'] });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.includes(' qp 0x00001f '))).toBe(true);
    expect(await shown({ qp: ['0x1f'] })).toEqual(lines);
    const all = await shown({});
    const numbers = new Set(all.map((line) => / qp (0x[\da-f]+) /.exec(line)![1]!));
    expect(await shown({ qp: [...numbers] })).toEqual(all);
    expect(await shown({ qp: ['1'] })).toEqual([]);
  });

  test('by opcode: of one transport, of all, by number, in any case', async () => {
    const acks = await shown({ opcode: ['ack'] });
    expect(acks.length).toBe(3);
    expect(await shown({ opcode: ['RC_ACK'] })).toEqual(acks);
    expect(await shown({ opcode: ['0x11'] })).toEqual(acks);
    expect((await shown({ opcode: ['ack', 'SEND_ONLY_INV'] })).length).toBe(4);
  });

  test('by host, as its number or any of its addresses; and by several things at once', async () => {
    const all = await shown({});
    const address = / (\S+) > /.exec(all[0]!)![1]!;
    expect(await shown({ host: [address] })).toEqual(all);
    expect(await shown({ host: ['host77'] })).toEqual([]);
    expect((await shown({ host: [address], opcode: ['ack'] })).length).toBe(3);
    const ours = written('ours.pcapng', sampleFrame({ opcode: OPCODE.RC_SEND_ONLY, payload: 8 }));
    const { lines } = await runWith({ host: ['02:00:00:00:00:01'] }, ours);
    expect(lines.length).toBe(1);
  });

  test.each([
    [{ qp: ['x'] }, '--qp: expected a queue pair number such as 17 or 0x000011, not "x"'],
    [
      { qp: ['16777216'] },
      '--qp: expected a queue pair number such as 17 or 0x000011, not "16777216"',
    ],
    [
      { opcode: ['SEND_ONLI'] },
      '--opcode: no opcode is called "SEND_ONLI"; did you mean SEND_ONLY?',
    ],
    [
      { host: ['nowhere'] },
      '--host: expected host0 or an IPv4, IPv6 or MAC address, not "nowhere"',
    ],
  ])('that cannot be read is refused: %j', async (options, message) => {
    await expect(runWith(options, file)).rejects.toThrow(message);
  });
});

test('no file, or a summary that cannot be written, is bad usage', async () => {
  expect(await run()).toMatchObject({
    status: 2,
    errors: ['decode: name at least one capture file'],
  });
  const errors: string[] = [];
  const lines: string[] = [];
  const json = join(directory, 'no', 'such', 'place.json');
  const status = await decode([capturePath('tool_rnr')], {
    json,
    write: (line) => lines.push(line),
    error: (line) => errors.push(line),
  });
  expect({ status, lines }).toEqual({ status: 2, lines: [] });
  expect(errors).toEqual([`decode: ${json}: ENOENT: no such file or directory`]);
});

test('without --json only the lines are written', async () => {
  const lines: string[] = [];
  const ignore = (): void => undefined;
  const files = [capturePath('tool_rnr')];
  expect(await decode(files, { write: (line) => lines.push(line), error: ignore })).toBe(0);
  expect(lines.length).toBe(4);
});
