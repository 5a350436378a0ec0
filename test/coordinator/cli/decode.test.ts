import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decode } from '../../../coordinator/cli/decode.js';
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

async function run(...files: string[]): Promise<Outcome> {
  const json = join(directory, 'summary.json');
  const lines: string[] = [];
  const errors: string[] = [];
  const status = await decode(files, {
    json,
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

test('several captures are summed, and their lines say which file', async () => {
  const files = readdirSync(new URL('../../vectors/captures/', import.meta.url)).map((file) =>
    capturePath(file.replace('.pcap', '')),
  );
  const { status, lines, summary } = await run(...files);
  expect(status).toBe(0);
  expect(lines.length).toBe(441);
  expect(lines[0]).toMatch(new RegExp(`^${files[0]!}: \\d+\\.\\d{9} `));
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
  writeFileSync(broken, readFileSync(good).subarray(0, 300));
  const text = join(directory, 'text');
  writeFileSync(text, 'no capture at all');
  const missing = join(directory, 'missing.pcap');
  const expected: [string, string][] = [
    [missing, 'ENOENT: no such file or directory'],
    [directory, 'EISDIR: illegal operation on a directory'],
    [text, 'not a whole pcap or pcapng capture: byte 0: neither pcap nor pcapng'],
    [broken, 'not a whole pcap or pcapng capture: byte 240: a packet of 122 bytes, 44 are left'],
  ];
  for (const [file, message] of expected) {
    const { status, lines, errors } = await run(good, file);
    expect({ status, lines, errors }).toEqual({
      status: 2,
      lines: [],
      errors: [`decode: ${file}: ${message}`],
    });
  }
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
