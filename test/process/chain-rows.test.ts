/** Operations have their stages however many completion queue entries a host has; a note says where they have none. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinwire, readResults, ROOT, scratch } from './pinwire.js';

const MODULE = join(ROOT, 'test', 'process', 'modules', 'many-entries.js');
const PLACES = [
  ['--placement', 'embedded'],
  ['--core-runtime', 'worker'],
  ['--core-runtime', 'inline'],
];

async function stagesAndNotes(
  args: readonly string[],
): Promise<{ stages: number[]; notes: readonly string[] | undefined }> {
  const out = scratch();
  const { code, stderr } = await pinwire(['run', MODULE, '--out', out, '--noise', 'off', ...args]);
  expect(code, stderr).toBe(0);
  const { results, run } = readResults(join(out, 'results.json'));
  const stages = results[0]!.metrics.map((metric) => (metric as { value: number }).value);
  return { stages, notes: run.notes };
}

/** What they are with few entries. */
const few = stagesAndNotes(['--placement', 'embedded', '--set', 'entries=16']);

describe.concurrent.each(PLACES)('%s %s', (...place) => {
  test('an operation that completes in a late completion queue has its stages', async () => {
    const { stages, notes } = await stagesAndNotes([...place, '--set', 'entries=40000']);
    expect(stages.filter((ps) => ps > 0).length).toBeGreaterThan(5);
    expect(stages).toEqual((await few).stages);
    expect(notes).toBeUndefined();
  });

  test('one beyond what can be recorded has only post and poll, and a note says so', async () => {
    const args = [...place, '--set', 'entries=2000000', '--memory', '1GiB'];
    const { stages, notes } = await stagesAndNotes(args);
    expect(stages.filter((ps) => ps > 0).length).toBeLessThan(4);
    expect(notes).toEqual(
      [0, 1].map(
        (host) =>
          `host${host}: its completion queues have more than 4194304 entries together; the newest have no stages: ` +
          'the time of operations that complete there counts as poll',
      ),
    );
  });
});
