/** The labs' exercises: a workload of the package's own sources, edited where it stands, runs by its path. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinwire, readResults, ROOT, scratch } from './pinwire.js';

const run = async (name: string): Promise<string> => {
  const json = join(scratch(), 'results.json');
  const quick = ['--set', 'accesses=20', '--placement', 'embedded', '--out', scratch()];
  const { code, stderr } = await pinwire(['run', name, ...quick, '--json', json]);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinwire:')]);
  return JSON.stringify(readResults(json).results);
};

describe('a workload of the sources', () => {
  test('gives by its path what it gives by its name', async () => {
    const [byPath, byName] = await Promise.all([
      run(join(ROOT, 'workloads', 'host', 'memlock.ts')),
      run('host/memlock'),
    ]);
    expect(byPath).toBe(byName);
  });
});
