/** `npm run digests`, as its users run it: it records, compares, bounds what it starts, and leaves nothing behind. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDigests } from '../../bench/digests/digest-file.js';
import { TreeRun } from '../../bench/digests/tree-run.js';
import { isAlive, Pinwire, pinwire, ROOT, scratch, until, type Ended } from './pinwire.js';

const MAIN = join(ROOT, 'dist', 'bench', 'digests', 'main.js');
const NODE = { file: process.execPath };
const digests = (...args: string[]): Promise<Ended> => pinwire([MAIN, ...args], NODE);
const DRAWN = ['--suites', 'none', '--draws'];

test('two recordings of one tree are the same, and a change in one of them is found', async () => {
  const [a, b] = [join(scratch(), 'a.jsonl'), join(scratch(), 'b.jsonl')];
  const first = await digests(...DRAWN, '2', '--out', a);
  expect(first.stderr).toBe('');
  expect(first.stdout).toMatch(/^2 runs of .*\n[^]*2 runs in .*: 2 with exit 0\n$/);
  await digests(...DRAWN, '2', '--out', b, '--jobs', '2');
  expect(await digests('compare', a, b)).toMatchObject({ code: 0 });
  const [digest] = readDigests(a);
  expect(digest).toMatchObject({ name: 'draw 1:1', exit: 0 });
  expect(Object.keys(digest!.captures!)).toEqual(['host0.pcapng', 'host1.pcapng']);

  writeFileSync(b, readFileSync(b, 'utf8').replace(digest!.results!, 'another'));
  const { code, stdout } = await digests('compare', a, b);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^draw 1:1: results\n {2}pinwire run .*\n2 runs, 1 different\n$/);
});

test('an interruption leaves neither processes nor files', async () => {
  const temporary = scratch();
  const out = join(scratch(), 'a.jsonl');
  const env = { TMPDIR: temporary };
  const command = new Pinwire([MAIN, ...DRAWN, '20', '--out', out], { ...NODE, env });
  const [host] = await command.hosts(1);
  command.child.kill('SIGINT');
  const { code, stdout } = await command.ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/interrupted: \d+ of 20 runs/);
  expect(isAlive(host!)).toBe(false);
  expect(readdirSync(temporary)).toEqual([]);
});

test('a run that does not end is killed with what it started, and recorded as such', async () => {
  const tree = scratch();
  const pidFile = join(tree, 'pid');
  mkdirSync(join(tree, 'bin'));
  writeFileSync(
    join(tree, 'bin', 'pinwire.js'),
    `const { spawn } = require('node:child_process');
     const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
     require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
     process.on('SIGTERM', () => {});
     setInterval(() => {}, 1000);`,
  );
  const planned = { name: 'endless', argv: ['run'], seconds: 1 };
  const directory = join(scratch(), 'run');
  const digest = await new TreeRun(tree, planned, directory).digest;
  expect(digest).toEqual({ name: 'endless', argv: ['run'], exit: 'timed out', error: '' });
  const child = Number(readFileSync(pidFile, 'utf8'));
  await until(() => !isAlive(child), 'the end of what it started');
});

test.each([
  [['--tree', '/nowhere'], '--tree: /nowhere/bin/pinwire.js is missing (npm run build)'],
  [['--suites', 'micro,macro'], '--suites: expected some of micro,host,hpc,trading, or none'],
  [['compare', 'a.jsonl'], 'compare: name two recordings'],
  [['compare', 'a.jsonl', 'b.jsonl'], 'a.jsonl: ENOENT'],
  [['record'], 'unknown command "record" (known: compare)'],
])('%j is refused in one line', async (args, complaint) => {
  const { code, stderr } = await digests(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(`digests: ${complaint}`);
  expect(stderr.trim()).not.toContain('\n');
});
