import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CapturedFiles } from '../../../coordinator/run/captured-files.js';
import { RunError } from '../../../coordinator/errors/run-error.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pinwire-test-'))));
afterEach(() => rmSync(directory, { recursive: true }));

test('a file per host holds what was appended for it', () => {
  const path = join(directory, 'new/captures');
  const files = new CapturedFiles(path, 3);
  files.append(2, Uint8Array.of(1, 2));
  files.append(0, Uint8Array.of(3));
  files.append(2, new Uint8Array(3 << 20).fill(4));
  files.append(2, Uint8Array.of(5));
  files.close();
  const read = (host: number): Buffer => readFileSync(join(path, `host${host}.pcapng`));
  expect(read(0)).toEqual(Buffer.of(3));
  expect(read(1)).toHaveLength(0);
  const whole = Buffer.concat([Buffer.of(1, 2), Buffer.alloc(3 << 20, 4), Buffer.of(5)]);
  expect(read(2).equals(whole)).toBe(true);
});

test('what comes after the end is dropped', () => {
  const files = new CapturedFiles(directory, 1);
  files.close();
  files.append(0, Uint8Array.of(1));
  files.close();
  expect(readFileSync(join(directory, 'host0.pcapng'))).toHaveLength(0);
});

test('a host that is not there writes nothing', () => {
  const files = new CapturedFiles(directory, 1);
  expect(() => files.append(1, Uint8Array.of(1))).toThrow(RunError);
  files.close();
});

test('a directory that cannot be made is reported with its path', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => new CapturedFiles(file, 1)).toThrow(
    /file\/host\*\.pcapng cannot be written: EEXIST/,
  );
  expect(() => new CapturedFiles(join(file, 'below'), 1)).toThrow(RunError);
});
