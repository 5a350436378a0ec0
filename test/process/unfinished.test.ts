/** A run that fails, or is interrupted, leaves what is known of it in its results. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { Results } from '../../coordinator/report/results.js';
import { PING_PONG, Pinwire, readResults, ROOT, scratch, until } from './pinwire.js';

const schema = JSON.parse(
  readFileSync(join(ROOT, 'docs', 'results.schema.json'), 'utf8'),
) as object;

async function unfinishedOf(
  args: readonly string[],
  during?: (command: Pinwire) => Promise<void>,
): Promise<Results['run']> {
  const directory = scratch();
  const command = new Pinwire(['run', PING_PONG, ...args, '--out', directory]);
  await during?.(command);
  expect((await command.ended).code).not.toBe(0);
  const results = readResults(join(directory, 'results.json'));
  const validate = new Ajv2020({ strict: false }).compile(schema);
  expect(validate(results), JSON.stringify(validate.errors)).toBe(true);
  return results.run;
}

describe('results of a run', () => {
  test.concurrent.each([
    ['throw', 'embedded', /Error/],
    ['throw', 'process', /Error/],
    ['hang', 'process', /deadlock: every program is waiting/],
  ])(
    'that fails (%s, %s) have counters, queue pairs, time and waits',
    async (wrong, where, why) => {
      const run = await unfinishedOf(['--set', `wrong=${wrong}`, '--placement', where]);
      const { unfinished, error } = run;
      expect(error).toMatch(why);
      expect(unfinished).toBeDefined();
      expect(unfinished!.virtual_ns).toBeGreaterThan(0);
      expect(unfinished!.events).toBeGreaterThan(0);
      expect(unfinished!.counters['host0']!['tx_packets']).toBeGreaterThan(0);
      expect(unfinished!.queue_pairs.map(({ state }) => state)).toContain('RTS');
      expect(unfinished!.waiting.join()).toMatch(/host[01] core 0 has waited in/);
    },
  );

  test.concurrent('that is interrupted have them too', async () => {
    const capture = scratch();
    const args = ['--set', 'iterations=10000000', '--placement', 'embedded', '--capture', capture];
    const { unfinished, error } = await unfinishedOf(args, async (command) => {
      const file = join(capture, 'host1.pcapng');
      // By then it is under way.
      await until(() => existsSync(file) && statSync(file).size > 10_000, 'captured frames');
      command.child.kill('SIGINT');
    });
    expect(error).toBe('interrupted');
    expect(unfinished!.virtual_ns).toBeGreaterThan(0);
    expect(unfinished!.counters['host1']!['rx_packets']).toBeGreaterThan(0);
  });
});
