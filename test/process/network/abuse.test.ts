/** On loopback, where everybody can run it; `cluster.test.ts` has the like between machines. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pinwire, Pinwire, readResults, reproducible, scratch } from '../pinwire.js';
import { insider, peakMemory, startHere, strangers } from './abuse.js';

const WORK = ['run', 'hpc/allreduce', '--set', 'iterations=50', '--seed', '9'];
const SIZE = ['--hosts', '2', '--cores', '1'];
/** What an attack may cost a process in memory, in MiB, garbage that is not yet collected among it. */
const MORE_MEMORY = 200;
/** For commands to start on a computer that has other work. */
const START_MS = 60_000;

let cluster: Pinwire;
let url: string;
let port: number;
let token: string;
let expected: string;
let fabric: string[];
/** Before the abuse, by process. */
let memory: number[];

beforeAll(async () => {
  const out = scratch();
  cluster = new Pinwire(['up', ...SIZE], { env: { XDG_RUNTIME_DIR: scratch() } });
  await cluster.says('Ctrl-C stops it');
  url = /up at (ws:.*)/.exec(cluster.stdout)![1]!;
  port = Number(new URL(url).port);
  token = readFileSync(/token in (.*)/.exec(cluster.stdout)![1]!, 'utf8').trim();
  expect((await pinwire([...WORK, ...SIZE, '--placement', 'embedded', '--out', out])).code).toBe(0);
  expected = reproducible(readResults(join(out, 'results.json')));
  const status = join(out, 'status.json');
  await pinwire(['status', url, '--json', status], { env: { PINWIRE_TOKEN: token } });
  const { processes } = JSON.parse(readFileSync(status, 'utf8')) as {
    readonly processes: readonly { readonly fabric: string }[];
  };
  fabric = processes.map((each) => each.fabric);
  await runsUndisturbed();
  const pids = [cluster.child.pid!, ...(await cluster.hosts(2))];
  if (existsSync(`/proc/${process.pid}/status`)) memory = pids.map(peakMemory);
}, START_MS);

afterAll(() => {
  cluster.child.kill('SIGKILL');
});

/** A client's run has the results that it always has. */
async function runsUndisturbed(): Promise<void> {
  const out = scratch();
  const { code, stderr } = await pinwire([...WORK, '--attach', url, '--out', out], {
    env: { PINWIRE_TOKEN: token },
  });
  expect(`exit ${String(code)}\n${code === 0 ? '' : stderr}`).toBe('exit 0\n');
  expect(reproducible(readResults(join(out, 'results.json')))).toBe(expected);
}

/** Runs, one after the other, beside the attack until that is over. */
async function undisturbedBy<T>(attack: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const watched = attack.finally(() => (state.isOver = true));
  // It is waited for below; a run that fails before must not leave it to nobody.
  watched.catch(() => undefined);
  do await runsUndisturbed();
  while (!state.isOver);
  return watched;
}

test('strangers by the thousand, who say nothing, nonsense, or little at a time, are turned away at every door', async () => {
  const ports = [port, Number(new URL(fabric[0]!).port)];
  const attack = Promise.all(
    ports.flatMap((at) => [
      strangers(startHere, 'silence', '127.0.0.1', at, at === port ? 10_000 : 2_000),
      strangers(startHere, 'garbage', '127.0.0.1', at, 400),
      strangers(startHere, 'drip', '127.0.0.1', at, 100),
    ]),
  );
  for (const { opened, failed, closed, left, seconds } of await undisturbedBy(attack)) {
    expect(opened).toBeGreaterThan(0);
    expect(opened + failed).toBeGreaterThanOrEqual(100);
    expect(closed).toBe(opened);
    expect(left).toBe(0);
    // A caller that was not pushed out before has ten seconds.
    expect(seconds).toBeLessThan(13);
  }
});

test('a client with a wrong token learns it at once', async () => {
  const began = performance.now();
  const { code, stderr } = await pinwire([...WORK, '--attach', url], {
    env: { PINWIRE_TOKEN: 'f'.repeat(64) },
  });
  expect(code).toBe(1);
  expect(stderr).toContain('the token is wrong');
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('insiders who break the protocol are dropped', async () => {
  const doors = [`${url}/control`, `${url}/client`];
  const modes = ['declared', 'fragments', 'bombs', 'unread', 'outdated'] as const;
  const attack = Promise.all(
    doors.flatMap((door) =>
      modes.map(async (mode) => ({ door, mode, ...(await insider(startHere, mode, door, token)) })),
    ),
  );
  for (const { door, mode, closed, code, sent, heard, seconds } of await undisturbedBy(attack)) {
    expect(`${mode} at ${door}: ${closed ? 'dropped' : 'let be'}`).toMatch(/dropped$/);
    if (mode === 'declared') expect(code).toBe(1009);
    // What it sends after it was told is thrown away; and what lies in the network's buffers was sent too.
    expect(seconds).toBeLessThan(15);
    if (mode === 'unread') expect(sent).toBeLessThan(64 << 20);
    if (mode === 'outdated' && door.endsWith('client')) expect(heard).toContain('pinwire-client/2');
  }
});

test('a client that asks and asks and never reads is dropped, and so is one that never speaks', async () => {
  const attack = Promise.all([
    insider(startHere, 'curious', `${url}/client`, token),
    insider(startHere, 'mute', `${url}/client`, token),
    insider(startHere, 'mute', `${url}/control`, token),
  ]);
  for (const { closed, seconds } of await undisturbedBy(attack)) {
    expect(closed).toBe(true);
    expect(seconds).toBeLessThan(15);
  }
});

test('after all that every process is there and no fatter, and the refused are counted', async () => {
  const pids = [cluster.child.pid!, ...(await cluster.hosts(2))];
  if (existsSync(`/proc/${process.pid}/status`)) {
    for (const [index, pid] of pids.entries()) {
      expect(peakMemory(pid)).toBeLessThan(memory[index]! + MORE_MEMORY);
    }
  }
  await runsUndisturbed();
  cluster.child.kill('SIGINT');
  const { code, stdout } = await cluster.ended;
  expect(code).toBe(0);
  const refused = Number(/(\d+) connections were refused/.exec(stdout)![1]);
  expect(refused).toBeGreaterThan(10_000);
});
