/** `npm run placements`, as its users run it: it compares, says what is wrong with its options, and leaves nothing. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type * as Comparison from '../../bench/placements/comparison.js';
import type * as Draws from '../../bench/placements/placed-draw.js';
import type * as PlacesModule from '../../bench/placements/places.js';
import { isAlive, Pinwire, pinwire, ROOT, scratch, until, type Ended } from './pinwire.js';

const built = (file: string): Promise<unknown> =>
  import(pathToFileURL(join(ROOT, 'dist', 'bench', 'placements', `${file}.js`)).href);
const { Places } = (await built('places')) as typeof PlacesModule;
const { placedDraw } = (await built('placed-draw')) as typeof Draws;
const { deviations } = (await built('comparison')) as typeof Comparison;
const MAIN = join(ROOT, 'dist', 'bench', 'placements', 'main.js');
const NODE = { file: process.execPath };
const placements = (...args: string[]): Promise<Ended> => pinwire([MAIN, ...args], NODE);

/** Beside other tests the machine is busy enough: here without the command's load, which would slow them down. */
test('some draws have the same results in every placement', async () => {
  const printed: string[] = [];
  const places = new Places((line) => printed.push(line));
  try {
    for (let index = 0; index < 4; index++) {
      expect(await deviations(placedDraw(11, index), places)).toEqual([]);
    }
  } finally {
    await places.stop();
  }
  expect(printed).toEqual([]);
});

test('the command says how many draws it compared while the machine was busy', async () => {
  const { code, stdout, stderr } = await placements('--only', '2', '--seed', '11');
  expect(stderr).toMatch(/^ +1\/1 {2}draw 11:2 {2}host\/paths .* the same\n$/);
  expect(stdout).toBe('1 draw, 0 different\n');
  expect(code).toBe(0);
});

test('an interruption leaves neither processes nor files', async () => {
  const temporary = scratch();
  const command = new Pinwire([MAIN, '--draws', '200'], { ...NODE, env: { TMPDIR: temporary } });
  const [host] = await command.hosts(1);
  command.child.kill('SIGINT');
  const { code, stdout } = await command.ended;
  expect(code).toBe(130);
  expect(stdout).not.toContain('200 draws');
  await until(() => !isAlive(host!), 'the end of its hosts');
  expect(readdirSync(temporary)).toEqual([]);
});

test.each([
  [['--draws', '0'], '--draws: must be between 1 and 1000000, not 0'],
  [['--draws', 'many'], '--draws: expected a whole number, not "many"'],
  [['--seed', '-1'], '--seed'],
  [['--draws', '3', '--only', '2'], '--only: does not go with --draws'],
  [['--sets', '3'], "unknown option '--sets'"],
  [['30'], "unexpected argument '30'"],
])('%j is refused in one line', async (args, complaint) => {
  const { code, stderr, stdout } = await placements(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(`placements: `);
  expect(stderr).toContain(complaint);
  expect(stderr.trim()).not.toContain('\n');
  expect(stdout).toBe('');
});
