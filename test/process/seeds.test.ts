import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Results } from '../../coordinator/report/results.js';
import { pinwire, ROOT, scratch } from './pinwire.js';

const directory = scratch();
const ODD_SEEDS = join(ROOT, 'test', 'process', 'modules', 'odd-seeds.js');
/** Writes down every node process that a command starts, itself among them. */
const recorder = join(directory, 'recorder.cjs');
writeFileSync(
  recorder,
  "require('node:fs').appendFileSync(process.env.PINWIRE_TEST_LOG, process.argv[1] + '\\n');\n",
);

function sweep(seeds: string, out: string): ReturnType<typeof pinwire> {
  const env = { NODE_OPTIONS: `--require=${recorder}`, PINWIRE_TEST_LOG: join(out, 'processes') };
  return pinwire(['run', ODD_SEEDS, '--seeds', seeds, '--out', out, '--placement', 'embedded'], {
    env,
  });
}
const resultsIn = (out: string): Results =>
  JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;

test('--seeds: a line a seed on one cluster, and the worst in full', async () => {
  const out = scratch();
  const { code, stdout } = await sweep('1..2', out);
  expect(code).toBe(0);
  expect(stdout.match(/^seed \d .*$/gm)).toEqual([
    expect.stringMatching(/^seed 1 {2}ok {6}figure 10\.0 ns {2}\d+\.\d\d s$/),
    expect.stringMatching(/^seed 2 {2}ok {6}figure 20\.0 ns {2}\d+\.\d\d s$/),
  ]);
  expect(stdout).toContain('worst seed: 2\n\ntest/odd-seeds  (pause 1.5 us)\n');
  expect(resultsIn(out).cluster.seed).toBe(2);
  expect(resultsIn(out).results[0]).not.toHaveProperty('kinds');
  const started = readFileSync(join(out, 'processes'), 'utf8').trim().split('\n');
  expect(started.filter((path) => path.endsWith(join('node', 'main.js')))).toHaveLength(1);
});

test('--seeds: a seed that did not verify is the worst, and exit 1', async () => {
  const out = scratch();
  const { code, stdout } = await sweep('1..4', out);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^seed 3 {2}FAILED {2}figure 30\.0 ns/m);
  expect(resultsIn(out).cluster.seed).toBe(3);
});

test('--seeds: the others run on after a seed that failed, which is repeated by the command it prints', async () => {
  const out = scratch();
  const { code, stdout, stderr } = await sweep('4..7', out);
  expect(code).toBe(1);
  expect(stdout.match(/^seed \d {2}\w+/gm)).toEqual([
    'seed 4  ok',
    'seed 5  FAILED',
    'seed 6  FAILED',
    'seed 7  ok',
  ]);
  expect(stderr).toMatch(
    /^repeat it: npx pinwire run \S+ --out \S+ --placement embedded --seed 5$/m,
  );
  expect(resultsIn(out).run.error).toContain('seed 5 has no sum');
});

test.each([
  [['--seeds', '3'], /--seeds: expected a range/],
  [['--seeds', '1..3', '--seed', '1'], /--seeds: conflicts with --seed/],
  [['--seeds', '1..3', '--capture', join(directory, 'c')], /--seeds: conflicts with --capture/],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await pinwire(['run', ODD_SEEDS, ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
