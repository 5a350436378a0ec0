/** `run --watch`: again after each change, whatever became of the run before, until Ctrl-C. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Pinwire, pinwire, scratch, until } from './pinwire.js';

const workload = (says: string): string => `
import { defineWorkload } from 'pinwire/workload';
import { word } from './word.js';
export default defineWorkload({
  name: 'own/greeting', summary: '', parameters: {}, hosts: 1,
  place: () => [{ host: 0, core: 0, role: '' }],
  program: async () => ${says},
  summarise: ([value]) => ({ verified: true, note: value, metrics: [] }),
});
`;

test('--watch runs again when the module or one that it imports has changed, until Ctrl-C', async () => {
  const directory = scratch();
  const module = join(directory, 'greeting.js');
  writeFileSync(join(directory, 'word.js'), "export const word = 'good morning';");
  writeFileSync(module, workload('word'));
  const out = scratch();
  const watching = new Pinwire(['run', '--watch', module, '--placement', 'embedded', '--out', out]);
  const waits = (times: number): Promise<void> =>
    until(
      () => watching.stderr.split('waiting for a change of ').length - 1 === times,
      `run ${times} to end`,
    );
  await waits(1);
  expect(watching.stdout).toContain('note: good morning');
  writeFileSync(join(directory, 'word.js'), "export const word = 'good night';");
  await waits(2);
  expect(watching.stdout).toContain('note: good night');
  writeFileSync(module, 'export default {');
  await waits(3);
  expect(watching.stderr).toContain(`pinwire: ${module}: `);
  writeFileSync(module, workload("'well again'"));
  await waits(4);
  expect(watching.stdout).toContain('note: well again');
  expect(readFileSync(join(out, 'results.json'), 'utf8')).toContain('well again');
  watching.child.kill('SIGINT');
  expect(await watching.ended).toMatchObject({ code: 130, signal: null });
});

test('--watch of a workload of the catalogue is bad usage', async () => {
  const { code, stderr } = await pinwire(['run', '--watch', 'micro/write-lat']);
  expect(code).toBe(2);
  expect(stderr).toContain('--watch: micro/write-lat is no file');
});
