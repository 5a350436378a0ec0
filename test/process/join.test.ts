import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, PING_PONG, Pinwire, pinwire, scratch, until } from './pinwire.js';

let started: Pinwire[] = [];
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  started = [];
});

function start(args: readonly string[]): Pinwire {
  const command = new Pinwire(args);
  started.push(command);
  return command;
}

/** A coordinator that waits for hosts; and its URL. */
async function coordinator(...args: string[]): Promise<{ up: Pinwire; url: string }> {
  const up = start(['up', '--placement', 'joined', '--listen', '0', '--cores', '1', ...args]);
  await up.says('Ctrl-C stops it');
  return { up, url: /up at (ws:\S+)/.exec(up.stdout)![1]! };
}

const ready = (up: Pinwire, times = 1): Promise<void> =>
  until(() => up.stderr.split(/ready\b/).length > times, 'the cluster to be ready');

describe('machines that join', () => {
  test('start their hosts when there are enough, and end with status 0 when the cluster does', async () => {
    const { up, url } = await coordinator('--hosts', '3');
    const a = start(['join', url, '--name', 'a', '--hosts', '2', '--processes', '1']);
    await until(() => up.stderr.includes('name=a'), 'the first machine');
    const b = start(['join', url, '--name', 'b']);
    await ready(up);
    const hosts = [...(await a.hosts(1)), ...(await b.hosts(1))];
    up.child.kill('SIGINT');
    expect((await up.ended).code).toBe(0);
    for (const machine of [a, b]) {
      const { code, stdout } = await machine.ended;
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'dismissed: the cluster is stopping\n' });
    }
    await until(() => !hosts.some(isAlive), 'the end of every host');
  });

  test('wait for a coordinator that is not there yet, and for a new one when it is gone', async () => {
    const tokenFile = join(scratch(), 'token');
    writeFileSync(tokenFile, 'a-token-for-these-two-coordinators\n', { mode: 0o600 });
    const first = await coordinator('--hosts', '1', '--token-file', tokenFile);
    const port = new URL(first.url).port;
    const machine = start(['join', first.url, '--name', 'a', '--token-file', tokenFile]);
    await ready(first.up);
    const [host] = await machine.hosts(1);
    first.up.child.kill('SIGKILL');
    await until(() => !isAlive(host!), 'the end of its host');
    await until(() => machine.stderr.includes('coordinator lost'), 'it to notice');
    expect(machine.child.exitCode).toBe(null);
    const second = start([
      ...['up', '--placement', 'joined', '--hosts', '1', '--cores', '1'],
      ...['--listen', `127.0.0.1:${port}`, '--token-file', tokenFile],
    ]);
    await ready(second);
    await machine.hosts(1);
  });

  test('leave at a signal, status 0, and the cluster waits for another', async () => {
    const { up, url } = await coordinator('--hosts', '2');
    const a = start(['join', url, '--name', 'a']);
    const b = start(['join', url, '--name', 'b']);
    await ready(up);
    a.child.kill('SIGTERM');
    expect((await a.ended).code).toBe(0);
    await until(() => up.stderr.includes('host left'), 'its leave');
    await b.hosts(0);
    start(['join', url, '--name', 'c']);
    await ready(up, 2);
    await b.hosts(1);
  });

  test('are lost by kill -9, their hosts with them, and another that stands by steps in', async () => {
    const { up, url } = await coordinator('--hosts', '2');
    const a = start(['join', url, '--name', 'a']);
    start(['join', url, '--name', 'b']);
    await ready(up);
    const spare = start(['join', url, '--name', 'c']);
    await until(() => up.stderr.includes('name=c'), 'the third machine');
    const [host] = await a.hosts(1);
    a.child.kill('SIGKILL');
    await until(() => !isAlive(host!), 'the end of its host');
    await ready(up, 2);
    await spare.hosts(1);
    expect(up.stderr).toMatch(/host lost.*name=a/);
  });

  test('replace a host process that was killed', async () => {
    const { up, url } = await coordinator('--hosts', '1');
    const a = start(['join', url, '--name', 'a']);
    await ready(up);
    const [host] = await a.hosts(1);
    process.kill(host!, 'SIGKILL');
    await ready(up, 2);
    expect(up.stderr).toContain('was killed by SIGKILL');
    await a.hosts(1);
  });
});

describe('a machine learns why it cannot join', () => {
  test.each([
    ['ws://127.0.0.1:1', ['--wait', '1s'], 1, /no token: .*1\.token does not exist/],
    ['ws://127.0.0.1:1', ['--token-file', '/no/such/file', '--wait', '0s'], 1, /\/no\/such\/file/],
    ['http://127.0.0.1:1', [], 2, /is not ws or wss/],
    ['ws://127.0.0.1:1/?token=secret', [], 2, /never holds the token/],
    ['ws://127.0.0.1:1', ['--hosts', '0'], 2, /--hosts: must be between 1 and/],
    ['ws://127.0.0.1:1', ['--hosts', '2', '--processes', '3'], 2, /--processes: must be between/],
    ['ws://127.0.0.1:1', ['--advertise', 'a b'], 2, /--advertise: "a b"/],
    ['ws://127.0.0.1:1', ['--listen', '0.0.0.0:70000'], 2, /--listen: expected/],
    [
      'ws://127.0.0.1:1',
      ['--listen', '65535', '--hosts', '2'],
      2,
      /--listen: 2 processes need 2 consecutive ports from 65535/,
    ],
    ['ws://127.0.0.1:1', ['--name', 'a/b'], 2, /--name: expected/],
    ['ws://127.0.0.1:1', ['--wait', 'long'], 2, /--wait: expected a time such as 30s/],
    ['ws://127.0.0.1:1', ['--programs', '/no/such'], 2, /--programs \/no\/such: no such directory/],
  ])('%s %j', async (url, args, status, reason) => {
    const { code, stderr } = await pinwire(['join', url, ...args]);
    expect(stderr).not.toContain('secret');
    expect(stderr.trim().split('\n').at(-1)).toMatch(reason);
    expect(code).toBe(status);
  });

  test('by a coordinator that does not know its token, at once', async () => {
    const { url } = await coordinator('--hosts', '1');
    const tokenFile = join(scratch(), 'token');
    writeFileSync(tokenFile, 'another-token-than-the-cluster-has\n', { mode: 0o600 });
    const { code, stderr } = await pinwire(['join', url, '--token-file', tokenFile]);
    expect(code).toBe(1);
    expect(stderr).toContain('the token is wrong');
  });

  test('by what is no coordinator, at once', async () => {
    const web = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    const tokenFile = join(scratch(), 'token');
    writeFileSync(tokenFile, 'a-token-that-nobody-asks-for\n', { mode: 0o600 });
    const url = `ws://127.0.0.1:${port}`;
    const { code, stderr } = await pinwire(['join', url, '--token-file', tokenFile]);
    web.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`pinwire: ${url}/join: is not pinwire\n`);
  });
});

describe('a cluster that launched its own hosts', () => {
  test('says so to a machine that wants to join', async () => {
    const up = start(['up', '--hosts', '1', '--cores', '1', '--listen', '0']);
    await up.says('Ctrl-C stops it');
    const url = /up at (ws:\S+)/.exec(up.stdout)![1]!;
    const { code, stderr } = await pinwire(['join', url]);
    expect(code).toBe(1);
    expect(stderr).toContain('refused: this cluster launches its own hosts');
  });

  test('lets the current run end when a supervisor signals all its processes', async () => {
    const up = new Pinwire(
      ['up', '--hosts', '2', '--cores', '1', '--listen', '0', '--programs', dirname(PING_PONG)],
      { group: true },
    );
    started.push(up);
    await up.says('Ctrl-C stops it');
    const url = /up at (ws:\S+)/.exec(up.stdout)![1]!;
    const client = start([
      ...['run', PING_PONG, '--attach', url, '--set', 'iterations=1000', '--set', 'first=20'],
      ...['--out', scratch(), '--quiet'],
    ]);
    await until(() => up.stderr.includes('starts on 1000'), 'the second run');
    process.kill(-up.child.pid!, 'SIGTERM');
    expect((await client.ended).code).toBe(0);
    expect((await up.ended).code).toBe(0);
    expect(up.stderr).toContain('draining');
  });
});

test('status asks every cluster of the user, past a token that is none', async () => {
  const env = { XDG_RUNTIME_DIR: scratch() };
  const directory = join(env.XDG_RUNTIME_DIR, 'pinwire');
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, '1.token'), 'short\n', { mode: 0o600 });
  const up = new Pinwire(['up', '--hosts', '1', '--placement', 'embedded', '--listen', '0'], {
    env,
  });
  started.push(up);
  await up.says('Ctrl-C stops it');
  const { code, stdout, stderr } = await pinwire(['status'], { env });
  expect(stderr).toContain('1.token');
  expect(stdout).toContain(/up at (ws:\S+)/.exec(up.stdout)![1]!);
  expect(code).toBe(0);
});

test('a port that is taken is said before anything starts', async () => {
  const { url } = await coordinator('--hosts', '1');
  const { code, stderr } = await pinwire(['up', '--listen', new URL(url).port, '--hosts', '1']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pinwire: --listen \d+: .*EADDRINUSE/);
});
