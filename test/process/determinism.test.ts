/** Results and captures are the same, byte for byte, where threads, processes, faults and odd hardware could make a difference. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinwire, readResults, reproducible, ROOT, scratch } from './pinwire.js';

const SHARED_MEMORY = join(ROOT, 'test', 'process', 'modules', 'shared-memory.js');
const SOCKETS = 'test/process/modules/sockets.js';
const FAULTS = 'loss=2e-2,duplicate=1e-2,corrupt=1e-2,delayed=1e-2,delay=5us';

async function run(...args: string[]): Promise<string> {
  const json = join(scratch(), 'results.json');
  const options = ['--quiet', '--out', scratch(), '--json', json];
  const { code, stderr } = await pinwire(['run', ...args, ...options]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return reproducible(readResults(json));
}

test('cores of one host see each other’s stores at the same times, in threads or in one', async () => {
  const inline = await run(SHARED_MEMORY, '--core-runtime', 'inline');
  for (let again = 0; again < 3; again++) {
    expect(await run(SHARED_MEMORY, '--core-runtime', 'worker')).toBe(inline);
  }
});

describe('under faults, results and captures do not depend on placement', () => {
  test.each([
    ['micro/send-lat', ['--set', 'iterations=40', '--set', 'size=3000']],
    ['micro/read-bw', ['--set', 'iterations=40', '--set', 'size=5000', '--set', 'qps=2']],
    [
      'hpc/allreduce',
      ['--hosts', '3', '--set', 'ranks-per-host=2', '--set', 'iterations=3', '--set', 'size=20KiB'],
    ],
    ['trading/tick-to-trade', ['--set', 'messages=80']],
    [SOCKETS, []],
    [SOCKETS, ['--set', 'path=busy-poll', '--override', 'kernel.rx_usecs=0us']],
  ])('%s', async (workload, args) => {
    const outcomes = [];
    for (const where of [
      ['--placement', 'embedded'],
      ['--placement', 'process'],
      ['--processes', '2'],
    ]) {
      const capture = scratch();
      const options = ['--fault', FAULTS, '--trace', 'full', '--capture', capture, ...where];
      const results = await run(workload, ...args, '--seed', '7', ...options);
      const captured = readFileSync(join(capture, 'host1.pcapng')).toString('base64');
      outcomes.push({ results, captured });
    }
    for (const { results, captured } of outcomes) {
      expect(results).toBe(outcomes[0]!.results);
      expect(captured === outcomes[0]!.captured).toBe(true);
    }
  });
});

test('virtual machines live the same lives over processes, with own queues and a shared one', async () => {
  const args = ['host/vm-queues', '--set', 'iterations=10', '--set', 'noise=both'];
  const embedded = await run(...args, '--placement', 'embedded');
  expect(await run(...args, '--placement', 'process')).toBe(embedded);
});

describe('virtual time holds between processes', () => {
  test.each([
    ['a NIC slower than a system call', ['nic.rx=10us']],
    ['programs that cost nothing', ['cpu.syscall=0ns', 'cpu.post=0ns', 'cpu.doorbell=0ns']],
    ['doorbells that take no time', ['nic.posted_write=0ns']],
    ['an out-of-band network faster than the fabric', ['management.latency=1ns']],
    ['a fabric of one nanosecond', ['nic.tx=0ns', 'switch.latency=0ns', 'link.propagation=1ns']],
  ])('with %s', async (_what, overrides) => {
    const args = ['micro/write-lat', '--set', 'iterations=5', '--set', 'warmup=1'];
    args.push(...overrides.flatMap((each) => ['--override', each]));
    const embedded = await run(...args, '--placement', 'embedded');
    expect(await run(...args, '--placement', 'process')).toBe(embedded);
  });
});

test('sockets work under the real clock', async () => {
  const json = await run(SOCKETS, '--clock', 'real');
  expect(json).not.toContain('"stages"');
});

test('under the real clock no time is put down to a modelled stage', async () => {
  const json = await run('hpc/allreduce', '--set', 'iterations=5', '--clock', 'real');
  expect(json).not.toContain('"stages"');
});
