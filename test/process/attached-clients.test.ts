/** Clients of a cluster that is up: they wait for one another, and what ends one of them harms no other. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Results } from '../../coordinator/report/results.js';
import {
  becomes,
  FOR_EVER,
  launch,
  SharedCluster,
  statusAt,
  succeeded,
  type Status,
} from './attached.js';
import { PING_PONG, pinwire, Pinwire, readResults, scratch, until } from './pinwire.js';

const cluster = new SharedCluster();
const attached = (...args: string[]) => cluster.attached(...args);

/** A client in the background: its process, and how it ends. */
function client(...args: string[]): Pinwire {
  return new Pinwire(['run', ...args, '--attach', cluster.url, '--quiet', '--out', scratch()]);
}

describe('clients wait for one another', () => {
  test('in the order in which they came; Ctrl-C in one of them ends its run and nothing else', async () => {
    const before = await statusAt(cluster.url);
    const first = client(...FOR_EVER, '--seed', '1');
    await becomes(cluster.url, ({ run }) => run !== null, 'the first run');
    const second = client(...FOR_EVER, '--seed', '2');
    await becomes(cluster.url, ({ queue }) => queue.length === 1, 'the second in the queue');
    const third = client(PING_PONG, '--seed', '3');
    await becomes(cluster.url, ({ queue }) => queue.length === 2, 'the third in the queue');
    const crowded = await statusAt(cluster.url);
    const isOf = (pid: number | undefined) => (each: { readonly client: string }) =>
      each.client.includes(`(pid ${pid!})`);
    expect(isOf(first.child.pid)(crowded.run!)).toBe(true);
    expect(crowded.queue.map(isOf(second.child.pid))).toEqual([true, false]);
    expect(crowded.queue.map(isOf(third.child.pid))).toEqual([false, true]);
    const { stdout: told } = await pinwire(['status', cluster.url]);
    expect(told).toMatch(
      /^run \d+: test\/ping-pong, at .*, \d+ packets, .* s so far; client .*run /m,
    );
    expect(told).toMatch(/^queued \(2\): test\/ping-pong; client /m);
    expect(told).toMatch(/^host2 +ws:\/\/127\.0\.0\.1:\d+ +host0, host1$/m);

    second.child.kill('SIGINT');
    expect((await second.ended).code).toBe(130);
    await becomes(
      cluster.url,
      ({ queue }) => queue.length === 1,
      'the end of the second, which had not begun',
    );
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr.trim()).toBe('interrupted');
    expect((await third.ended).code).toBe(0);
    const { runs, run, queue } = await statusAt(cluster.url);
    expect({ run, queue }).toEqual({ run: null, queue: [] });
    expect(runs.cancelled - before.runs.cancelled).toBe(2);
    expect(runs.done - before.runs.done).toBe(1);
  });

  test('but not for one that was killed in the middle of its run', async () => {
    const doomed = client(...FOR_EVER);
    await becomes(cluster.url, ({ run }) => run !== null, 'its run');
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    await succeeded(attached(PING_PONG));
  });
});

describe('results of a run that ends early', () => {
  /** What they have of it. */
  async function unfinishedOf(
    args: readonly string[],
    during?: (command: Pinwire) => Promise<void>,
  ): Promise<NonNullable<Results['run']['unfinished']>> {
    const out = scratch();
    const command = new Pinwire(['run', ...args, '--attach', cluster.url, '--out', out]);
    await during?.(command);
    expect((await command.ended).code).not.toBe(0);
    const { unfinished } = readResults(join(out, 'results.json')).run;
    expect(unfinished).toBeDefined();
    return unfinished!;
  }

  test('have its counters, queue pairs, time and waits when it failed', async () => {
    const run = await unfinishedOf([PING_PONG, '--set', 'wrong=throw']);
    expect(run.virtual_ns).toBeGreaterThan(0);
    expect(run.events).toBeGreaterThan(0);
    expect(run.counters['host0']!['tx_packets']).toBeGreaterThan(0);
    expect(run.queue_pairs.map(({ state }) => state)).toContain('RTS');
    expect(run.waiting.join()).toMatch(/host1 core 0 has waited in/);
  });

  test('have its counters and time when it was interrupted', async () => {
    const run = await unfinishedOf(FOR_EVER, async (command) => {
      const moved = (status: Status): boolean => status.run !== null && status.run.packets > 0;
      await becomes(cluster.url, moved, 'packets of the run');
      command.child.kill('SIGINT');
    });
    expect(run.virtual_ns).toBeGreaterThan(0);
    expect(run.counters['host1']!['rx_packets']).toBeGreaterThan(0);
  });
});

describe('Ctrl-C on the cluster', () => {
  test('lets the current run end, refuses those that wait, and leaves nothing', async () => {
    const [up, at] = await launch('--hosts', '2', '--listen', '127.0.0.1:0');
    const args = ['--attach', at, '--out', scratch(), '--quiet'];
    const blocker = new Pinwire(['run', ...FOR_EVER, ...args]);
    await becomes(at, ({ run }) => run !== null, 'a run');
    const running = pinwire(['run', PING_PONG, '--set', 'iterations=1000', ...args]);
    await becomes(at, ({ queue }) => queue.length === 1, 'one that waits');
    const waiting = new Pinwire(['run', PING_PONG, ...args]);
    await becomes(at, ({ queue }) => queue.length === 2, 'two that wait');
    blocker.child.kill('SIGINT');
    await until(() => up.stderr.includes('starts on 1000 iterations'), 'the next run');
    up.child.kill('SIGINT');
    const refused = await waiting.ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('the cluster is stopping');
    expect((await running).code).toBe(0);
    const { code, stdout } = await up.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('every process has stopped');
  });
});

test('a client whose coordinator vanishes says so, and writes what it has', async () => {
  const [up, at] = await launch('--hosts', '2', '--listen', '127.0.0.1:0');
  const out = scratch();
  const args = ['run', ...FOR_EVER, '--set', 'first=5', '--attach', at, '--out', out, '--quiet'];
  const command = new Pinwire(args);
  await until(() => up.stderr.includes('starts on 10000000'), 'the second configuration');
  up.child.kill('SIGKILL');
  const { code, stderr } = await command.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`lost the coordinator at ${at}`);
  const { results } = readResults(join(out, 'results.json'));
  expect(results.map(({ params }) => params['iterations'])).toEqual([5]);
});
