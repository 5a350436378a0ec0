import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Pinwire, ROOT, scratch, type Ended } from './pinwire.js';

const BENCH = join(ROOT, 'dist', 'bench', 'main.js');

const bench = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  new Pinwire([BENCH, ...args], { file: process.execPath, env }).ended;

describe('npm run bench', () => {
  test('refuses what is no option in one line', async () => {
    const { code, stdout, stderr } = await bench(['--peerz']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe("bench: unknown option '--peerz'; did you mean --peers?\n");
  });

  test('refuses a JSON file that could not be written, before it measures', async () => {
    const { code, stderr } = await bench(['--peers', '--json', scratch()]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^bench: --json .*: is a directory\n$/);
  });

  test('skips peers that are not installed, says why, and is content', async () => {
    const json = join(scratch(), 'peers.json');
    const { code, stdout } = await bench(['--peers', '--json', json], { PATH: '/nonexistent' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^skipped: write-64KiB against ns-3: g\+\+, .*apt-get install/m);
    const { rows, skipped } = JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown[]>;
    expect(rows).toEqual([]);
    expect(skipped).toHaveLength(7);
  });
});
