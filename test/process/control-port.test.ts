import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dial } from '../../node/door/admission.js';
import { packControl } from '../../wire/control/codec.js';
import { knock, Stranger } from '../node/door/stranger.js';
import { Pinwire } from './pinwire.js';

let cluster: Pinwire;
let url: string;
let token: string;
let tokenFile: string;
let strikes = 0;

beforeAll(async () => {
  cluster = new Pinwire(['up', '--hosts', '2']);
  await cluster.says('Ctrl-C stops it');
  url = /up at (ws:.*)/.exec(cluster.stdout)![1]!;
  tokenFile = /token in (.*)/.exec(cluster.stdout)![1]!;
  token = readFileSync(tokenFile, 'utf8').trim();
});

afterAll(() => {
  cluster.child.kill('SIGKILL');
});

/** Sends a first message with the token; the code with which the socket was closed. */
async function outcome(first: Uint8Array): Promise<string> {
  strikes++;
  const socket = await dial(`${url}/control`, { token }, 1024);
  socket.resume();
  socket.send(first);
  return new Promise((resolve) => socket.on('close', (code) => resolve(`closed ${code}`)));
}

const knocked = (secret: string, headers: Record<string, string> = {}): Promise<number> => {
  strikes++;
  return knock(Number(new URL(url).port), '/control', secret, headers);
};

test('the token is in a file that only the user can read, named by the port', () => {
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(tokenFile)).mode & 0o777).toBe(0o700);
  expect(tokenFile).toContain(new URL(url).port);
  expect(url).not.toContain(token);
});

test('without the token, or with a wrong one, nobody is admitted', async () => {
  strikes++;
  const port = Number(new URL(url).port);
  expect(await new Stranger(port).enter('/control', '')).toBe(401);
  expect(await knocked('0'.repeat(64))).toBe(401);
});

test('a web page is refused, with the token too', async () => {
  expect(await knocked(token, { origin: 'http://127.0.0.1' })).toBe(403);
});

test.each([
  ['bytes that are no message', () => randomBytes(64)],
  ['an empty message', () => new Uint8Array(0)],
  ['a message that is no hello', () => packControl({ type: 'linked' })],
  ['an unknown message', () => packControl({ type: 'surrender' })],
  [
    'a hello of a process that is there already',
    () =>
      packControl({
        type: 'hello',
        cluster: 'c',
        process: 0,
        ticket: 't',
        pid: 1,
        fabric: 'ws://127.0.0.1:1',
      }),
  ],
])('with the token, %s ends the connection and nothing else', async (_what, first) => {
  expect(await outcome(first())).toMatch(/^closed/);
});

test('garbage on the port is harmless', async () => {
  for (const bytes of [randomBytes(100_000), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    strikes++;
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    await new Promise((resolve) => socket.on('close', resolve).resume());
  }
});

test('after all that the cluster is up, and says how many connections it refused', async () => {
  expect(await cluster.hosts(2)).toHaveLength(2);
  cluster.child.kill('SIGINT');
  const { code, stdout, stderr } = await cluster.ended;
  expect(code).toBe(0);
  expect(stdout).toContain(`${strikes} connections were refused`);
  const refusal = /^\S+ warn connections refused reason=\w+ count=(\d+)$/;
  const told = stderr
    .trimEnd()
    .split('\n')
    .map((line) => refusal.exec(line)?.[1] ?? `unexpected: ${line}`);
  expect(told.reduce((sum, count) => sum + Number(count), 0)).toBe(strikes);
  // Four kinds, and two chances each: at once, and at the end.
  expect(told.length).toBeLessThanOrEqual(8);
  expect(stderr).not.toContain(token);
});
