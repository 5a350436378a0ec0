/** Runs on a cluster that is up are equal to those of a fresh one, one after another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, SharedCluster, succeeded } from './attached.js';
import { PING_PONG, pinwire, scratch } from './pinwire.js';

const FAULTS = 'loss=2e-2,duplicate=1e-2,corrupt=1e-2,icrc=1e-2,delayed=1e-2,delay=5us';

const cluster = new SharedCluster();
const attached = (...args: string[]) => cluster.attached(...args);

describe('a run on a cluster that is up equals one on a fresh cluster, byte for byte', () => {
  test('also the second and the third, of clients that come at once, under faults', async () => {
    const latency = ['micro/write-lat', '--set', 'iterations=50', '--set', 'size=8,4096'];
    const allreduce = ['hpc/allreduce', '--set', 'iterations=3', '--set', 'size=20KiB'];
    const faulty = [...allreduce, '--fault', FAULTS, '--trace', 'full', '--seed', '7'];
    const both = [attached(...latency, '--seed', '5'), attached(...faulty)];
    const [first, second] = await Promise.all(both.map(succeeded));
    const third = await succeeded(attached(...latency, '--seed', '6', '--noise', 'off'));
    const fresh = (...args: string[]): Promise<string> =>
      succeeded(run(...args, '--hosts', '4', '--cores', '4'));
    expect(first).toBe(await fresh(...latency, '--seed', '5'));
    expect(second).toBe(await fresh(...faulty));
    expect(third).toBe(await fresh(...latency, '--seed', '6', '--noise', 'off'));
  });

  test('where a workload sets its hosts up in its own way', async () => {
    const args = ['host/vm-queues', '--set', 'iterations=10'];
    const here = await succeeded(attached(...args));
    expect(here).toBe(await succeeded(run(...args, '--hosts', '4', '--placement', 'embedded')));
  });

  test('after a run that failed', async () => {
    const failing = await attached(PING_PONG, '--set', 'wrong=throw');
    expect(failing.code).toBe(1);
    expect(failing.stderr).toContain('host0 core 0: Error: thrown on purpose');
    expect(failing.stderr).toContain('--attach');
    const here = await succeeded(attached(PING_PONG, '--seed', '3'));
    const fresh = await run(PING_PONG, '--hosts', '4', '--seed', '3');
    expect(fresh.code).toBe(0);
    expect(here).toBe(fresh.results);
  });

  test('packet by packet: its captures are written where the client is', async () => {
    const [here, fresh] = [scratch(), scratch()];
    const args = ['micro/write-lat', '--set', 'iterations=20', '--fault', FAULTS];
    await succeeded(attached(...args, '--capture', here));
    await succeeded(run(...args, '--hosts', '4', '--capture', fresh));
    for (const host of [0, 1, 2, 3]) {
      const file = `host${host}.pcapng`;
      const bytes = readFileSync(join(here, file));
      expect(bytes.length).toBeGreaterThan(host < 2 ? 1000 : 0);
      expect(bytes.equals(readFileSync(join(fresh, file)))).toBe(true);
    }
  });

  test('explained stage by stage', async () => {
    const args = ['micro/write-lat', '--set', 'iterations=20', '--seed', '2'];
    const here = await pinwire(['explain', ...args, '--attach', cluster.url]);
    const fresh = await pinwire(['explain', ...args, '--hosts', '4']);
    const waterfall = (text: string): string => text.slice(text.indexOf('\n\n'));
    expect(here.code).toBe(0);
    expect(waterfall(here.stdout)).toContain('serialize');
    expect(waterfall(here.stdout)).toBe(waterfall(fresh.stdout));
  });
});
