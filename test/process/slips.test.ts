/**
 * Programs' mistakes on one cluster of host processes with cores in threads: each ends its own run and nothing else.
 */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Workload } from '../../workloads/authoring/workload.js';
import { ROOT } from './pinwire.js';
import { ServedCluster } from './served-cluster.js';

const MODULE = join(ROOT, 'test', 'process', 'modules', 'slips.js');
const HERE = /, at .*slips\.js:\d+:\d+\)?$/;

let cluster: ServedCluster;
let workload: Workload;

beforeAll(async () => {
  workload = ((await import(MODULE)) as { default: Workload }).default;
  const policy = { files: true, directories: [] };
  cluster = await ServedCluster.start([policy, policy]);
});

afterAll(() => cluster.stop());

const run = (slip: string) =>
  cluster.run({
    module: { kind: 'file', url: pathToFileURL(MODULE).href },
    workload,
    set: [`slip=${slip}`],
  });

test.each<[slip: string, told: string, hasLine: boolean]>([
  ['two awaits', 'SegmentError: a second await is pending on this core while work has', true],
  ['a race', 'SegmentError: a second await is pending on this core while work has', true],
  ['a post without an await', 'SegmentError: a request was posted while sleep has', true],
  ['no await at the end', 'SegmentError: the program returned while tell had not answered', true],
  ['a foreign await', 'SegmentError: the program awaits something outside the emulator', false],
  [
    'a foreign await after a call',
    'SegmentError: the program awaits something outside the emulator (a timer, a socket, a promise that never ' +
      'settles): await only calls of its core; it last awaited allocate, at ',
    true,
  ],
  ['process.exit', 'SegmentError: process.exit would end the emulator', true],
  ['a function told', 'VerbsError: EINVAL: core.tell: value is a function', true],
  ['a Map returned', 'SegmentError: the program returned a value that cannot be sent', false],
  ['an error of megabytes', 'Error: much much', true],
  ['an error without a stack', 'Error: unreadable', false],
  ['no such rank', 'VerbsError: EINVAL: core.hear: no rank 7 in this run', true],
  ['no time', 'VerbsError: EINVAL: core.work: NaN', true],
])('%s is reported in one line', async (slip, told, hasLine) => {
  const { message } = (await run(slip).catch((error: unknown) => error as Error)) as Error;
  const [line, ...frames] = message.split('\n');
  expect(line).toContain(`host0 core 0: ${told}`);
  if (hasLine) expect(line).toMatch(HERE);
  for (const frame of frames) expect(frame).toContain('slips.js');
});

test.each([
  ['a lost rejection', 'Error: lost on the way'],
  ['a lost rejection and a deadlock', 'Error: lost before the wait'],
])('%s is reported in one line, though not whose it is', async (slip, told) => {
  const { message } = (await run(slip).catch((error: unknown) => error as Error)) as Error;
  const line = message.split('\n', 1)[0]!;
  expect(line).toContain(`a rejected promise that nothing handles: ${told}, at `);
  expect(line).toMatch(HERE);
});

test('after all of them the cluster still does what it is asked', async () => {
  const { values } = await run('nothing');
  expect(values).toEqual([undefined, 'well']);
});
