/** Runs on a cluster that is up: equal to those of a fresh one, one after another, and none of them harms the next. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  PING_PONG,
  pinwire,
  Pinwire,
  readResults,
  reproducible,
  ROOT,
  scratch,
  until,
  type Ended,
} from './pinwire.js';

const MODULES = join(ROOT, 'test', 'process', 'modules');
const FAULTS = 'loss=2e-2,duplicate=1e-2,corrupt=1e-2,delayed=1e-2,delay=5us';
const OTHER_TOKEN = 'f'.repeat(64);
/** Long enough never to end by itself. */
const FOR_EVER = [PING_PONG, '--set', 'iterations=10000000'];

let cluster: Pinwire;
let url: string;

async function launch(...args: string[]): Promise<[Pinwire, string]> {
  const up = new Pinwire(['up', '--programs', MODULES, ...args]);
  await up.says('Ctrl-C stops it');
  return [up, /up at (ws:.*)/.exec(up.stdout)![1]!];
}

beforeAll(async () => {
  [cluster, url] = await launch('--hosts', '4');
});

afterAll(() => {
  cluster.child.kill('SIGKILL');
});

interface Outcome extends Ended {
  readonly results: string;
}

async function run(...args: string[]): Promise<Outcome> {
  const json = join(scratch(), 'results.json');
  const ended = await pinwire(['run', ...args, '--quiet', '--out', scratch(), '--json', json]);
  return { ...ended, results: ended.code === 2 ? '' : reproducible(readResults(json)) };
}

const attached = (...args: string[]): Promise<Outcome> => run(...args, '--attach', url);

async function succeeded(outcome: Promise<Outcome>): Promise<string> {
  const { code, stderr, results } = await outcome;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return results;
}

interface Status {
  readonly run: { readonly workload: string; readonly client: string } | null;
  readonly queue: readonly { readonly workload: string; readonly client: string }[];
  readonly runs: { readonly done: number; readonly failed: number; readonly cancelled: number };
}

async function status(at = url): Promise<Status> {
  const { code, stdout, stderr } = await pinwire(['status', at, '--json', '-']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Status;
}

/** Waits until the cluster's status is as `expected`. */
async function becomes(
  expected: (status: Status) => boolean,
  what: string,
  at = url,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!expected(await status(at))) {
    if (Date.now() > deadline) throw new Error(`waited 30 s for ${what}`);
  }
}

/** A client in the background: its process, and how it ends. */
function client(...args: string[]): Pinwire {
  return new Pinwire(['run', ...args, '--attach', url, '--quiet', '--out', scratch()]);
}

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
    const here = await pinwire(['explain', ...args, '--attach', url]);
    const fresh = await pinwire(['explain', ...args, '--hosts', '4']);
    const waterfall = (text: string): string => text.slice(text.indexOf('\n\n'));
    expect(here.code).toBe(0);
    expect(waterfall(here.stdout)).toContain('serialize');
    expect(waterfall(here.stdout)).toBe(waterfall(fresh.stdout));
  });
});

describe('clients wait for one another', () => {
  test('in the order in which they came; Ctrl-C in one of them ends its run and nothing else', async () => {
    const before = await status();
    const first = client(...FOR_EVER, '--seed', '1');
    await becomes(({ run }) => run !== null, 'the first run');
    const second = client(...FOR_EVER, '--seed', '2');
    await becomes(({ queue }) => queue.length === 1, 'the second in the queue');
    const third = client(PING_PONG, '--seed', '3');
    await becomes(({ queue }) => queue.length === 2, 'the third in the queue');
    const crowded = await status();
    const isOf = (pid: number | undefined) => (each: { readonly client: string }) =>
      each.client.includes(`(pid ${pid!})`);
    expect(isOf(first.child.pid)(crowded.run!)).toBe(true);
    expect(crowded.queue.map(isOf(second.child.pid))).toEqual([true, false]);
    expect(crowded.queue.map(isOf(third.child.pid))).toEqual([false, true]);
    const { stdout: told } = await pinwire(['status', url]);
    expect(told).toMatch(
      /^run \d+: test\/ping-pong, at .*, \d+ packets, .* s so far; client .*run /m,
    );
    expect(told).toMatch(/^waits \(2\): test\/ping-pong; of /m);
    expect(told).toMatch(/^host2 +ws:\/\/127\.0\.0\.1:\d+ +host0, host1$/m);

    second.child.kill('SIGINT');
    expect((await second.ended).code).toBe(130);
    await becomes(({ queue }) => queue.length === 1, 'the end of the second, which had not begun');
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr.trim()).toBe('interrupted');
    expect((await third.ended).code).toBe(0);
    const { runs, run, queue } = await status();
    expect({ run, queue }).toEqual({ run: null, queue: [] });
    expect(runs.cancelled - before.runs.cancelled).toBe(2);
    expect(runs.done - before.runs.done).toBe(1);
  });

  test('but not for one that was killed in the middle of its run', async () => {
    const doomed = client(...FOR_EVER);
    await becomes(({ run }) => run !== null, 'its run');
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    await succeeded(attached(PING_PONG));
  });
});

describe('what a client cannot have', () => {
  test('another cluster than the one that is there', async () => {
    const { code, stderr } = await attached(PING_PONG, '--hosts', '8');
    expect(stderr).toBe(`pinwire: --hosts 8: conflicts with the cluster at ${url} (4)\n`);
    expect(code).toBe(2);
  });

  test('options that say what the cluster is already are no contradiction', async () => {
    const same = ['--hosts', '4', '--cores', '4', '--profile', 'roce-100g', '--mtu', '1024'];
    await succeeded(attached(PING_PONG, ...same, '--topology', 'switch', '--memory', '64MiB'));
  });

  test('more cores than the cluster has', async () => {
    const { code, stderr } = await attached('hpc/allreduce', '--set', 'ranks-per-host=5');
    expect(stderr).toMatch(/hpc\/allreduce: ranks-per-host=5: a host has 4 cores/);
    expect(code).toBe(2);
  });

  test('a program that its hosts were not given', async () => {
    const foreign = join(scratch(), 'foreign.js');
    copyFileSync(PING_PONG, foreign);
    const { code, stderr } = await attached(foreign);
    expect(stderr).toContain("this cluster's hosts have no program foreign.js");
    expect(code).toBe(1);
  });

  test('a cluster with another token, at once', async () => {
    const env = { PINWIRE_TOKEN: OTHER_TOKEN };
    const args = ['run', PING_PONG, '--attach', url, '--out', scratch(), '--wait', 'forever'];
    const { code, stderr } = await pinwire(args, { env });
    expect(code).toBe(1);
    expect(stderr).toContain('the token is wrong');
  });

  test('a coordinator that is not there: told after the time it was given', async () => {
    const args = ['run', PING_PONG, '--attach', 'ws://127.0.0.1:9', '--out', scratch()];
    const { code, stderr } = await pinwire([...args, '--wait', '1s'], {
      env: { PINWIRE_TOKEN: OTHER_TOKEN },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('pinwire: ws://127.0.0.1:9/client: ');
    expect(stderr).toContain('ECONNREFUSED');
  });
});

describe('Ctrl-C on the cluster', () => {
  test('lets the run that is on end, refuses those that wait, and leaves nothing', async () => {
    const [up, at] = await launch('--hosts', '2', '--listen', '127.0.0.1:0');
    const args = ['--attach', at, '--out', scratch(), '--quiet'];
    const blocker = new Pinwire(['run', ...FOR_EVER, ...args]);
    await becomes(({ run }) => run !== null, 'a run', at);
    const running = pinwire(['run', PING_PONG, '--set', 'iterations=1000', ...args]);
    await becomes(({ queue }) => queue.length === 1, 'one that waits', at);
    const waiting = new Pinwire(['run', PING_PONG, ...args]);
    await becomes(({ queue }) => queue.length === 2, 'two that wait', at);
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
