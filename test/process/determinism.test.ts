/**
 * Results and captures are the same, byte for byte, where threads, processes, faults and odd hardware could make a
 * difference.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { StandingHosts, type Outcome, type Wanted } from './measured.js';
import { ROOT } from './pinwire.js';

const SHARED_MEMORY = join(ROOT, 'test', 'process', 'modules', 'shared-memory.js');
const SOCKETS = join(ROOT, 'test', 'process', 'modules', 'sockets.js');
const FAULTS = 'loss=2e-2,duplicate=1e-2,corrupt=1e-2,icrc=1e-2,delayed=1e-2,delay=5us';
const EMBEDDED = { placement: 'embedded' };
const PROCESS = { placement: 'process' };

const hosts = new StandingHosts();
afterAll(async () => {
  await hosts.stop();
  expect(hosts.printed).toEqual([]);
});

async function run(wanted: Wanted, options: Wanted['options']): Promise<Outcome> {
  const outcome = await hosts.run({ ...wanted, options: { ...wanted.options, ...options } });
  expect(outcome.results.map(({ verified }) => verified)).not.toContain(false);
  return outcome;
}

test('cores of one host see each other’s stores at the same times, in threads or in one', async () => {
  const shared = { workload: SHARED_MEMORY };
  const inline = await run(shared, { 'core-runtime': 'inline' });
  for (let again = 0; again < 3; again++) {
    const threads = await run(shared, { 'core-runtime': 'worker' });
    expect(threads.reproducible).toBe(inline.reproducible);
  }
});

describe('programs on hosts of their own, whose threads run at the same time', () => {
  test.each([
    ['trading/tick-to-trade', ['path=busy-poll', 'messages=300']],
    ['trading/tick-to-trade', ['path=kernel', 'messages=100']],
    ['hpc/allreduce', ['path=busy-poll', 'iterations=5', 'size=4KiB']],
    ['hpc/allreduce', ['path=bypass', 'iterations=5', 'size=4KiB']],
  ])('%s %j takes what it takes where they run one after the other', async (workload, set) => {
    const serial = await run({ workload, set }, EMBEDDED);
    const threads = await run({ workload, set }, { processes: '1', 'core-runtime': 'worker' });
    expect(threads.reproducible).toBe(serial.reproducible);
  });
});

describe('under faults, results and captures do not depend on placement', () => {
  test.each<[string, readonly string[], Wanted['options']]>([
    ['micro/send-lat', ['iterations=40', 'size=3000'], {}],
    ['micro/read-bw', ['iterations=40', 'size=5000', 'qps=2'], {}],
    ['hpc/allreduce', ['ranks-per-host=2', 'iterations=3', 'size=20KiB'], { hosts: '3' }],
    ['trading/tick-to-trade', ['messages=80'], {}],
    [SOCKETS, [], {}],
    [SOCKETS, ['path=busy-poll'], { override: ['kernel.rx_usecs=0us'] }],
  ])('%s %j', async (workload, set, own) => {
    const options = { ...own, seed: '7', fault: [FAULTS], trace: 'full' };
    const wanted = { workload, set, options, capture: true };
    const embedded = await run(wanted, EMBEDDED);
    expect(embedded.captures[1]!.length).toBeGreaterThan(1000);
    for (const where of [PROCESS, { processes: '2' }]) {
      const { reproducible, captures } = await run(wanted, where);
      expect(reproducible).toBe(embedded.reproducible);
      expect(Buffer.compare(captures[1]!, embedded.captures[1]!)).toBe(0);
    }
  });
});

test('virtual machines live the same lives over processes, with own queues and a shared one', async () => {
  const wanted = { workload: 'host/vm-queues', set: ['iterations=10', 'noise=both'] };
  const embedded = await run(wanted, EMBEDDED);
  expect((await run(wanted, PROCESS)).reproducible).toBe(embedded.reproducible);
});

describe('virtual time holds between processes', () => {
  test.each([
    ['a NIC slower than a system call', ['nic.rx=10us']],
    ['programs that cost nothing', ['cpu.syscall=0ns', 'cpu.post=0ns', 'cpu.doorbell=0ns']],
    ['doorbells that take no time', ['nic.posted_write=0ns']],
    ['an out-of-band network faster than the fabric', ['management.latency=1ns']],
    ['a fabric of one nanosecond', ['nic.tx=0ns', 'switch.latency=0ns', 'link.propagation=1ns']],
  ])('with %s', async (_what, override) => {
    const set = ['iterations=5', 'warmup=1'];
    const wanted = { workload: 'micro/write-lat', set, options: { override } };
    const embedded = await run(wanted, EMBEDDED);
    expect((await run(wanted, PROCESS)).reproducible).toBe(embedded.reproducible);
  });
});

test('sockets work under the real clock', async () => {
  const { reproducible } = await run({ workload: SOCKETS }, { clock: 'real' });
  expect(reproducible).not.toContain('"stages"');
});

test('under the real clock no time is put down to a modelled stage', async () => {
  const wanted = { workload: 'hpc/allreduce', set: ['iterations=5'] };
  const { reproducible } = await run(wanted, { clock: 'real' });
  expect(reproducible).not.toContain('"stages"');
});
