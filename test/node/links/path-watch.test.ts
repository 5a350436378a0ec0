import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { PathWatch, type PathTimes } from '../../../node/links/path-watch.js';

const TIMES: PathTimes = { lookMs: 20, silenceMs: 100, answerMs: 400 };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Watches process 1, which listens at `port`; what is lost. */
function watch(port: number, bytes: () => number = () => 0): string[] {
  const lost: string[] = [];
  const paths = new PathWatch(
    {
      addresses: ['ws://127.0.0.1:1', `ws://127.0.0.1:${port}`],
      bytesFrom: (process) => (process === 1 ? bytes() : undefined),
      lost: (process, reason) => lost.push(`${process}: ${reason}`),
    },
    TIMES,
  );
  closing.push(() => paths.stop());
  return lost;
}

/** A process that listens and does nothing else for `ms`: its kernel takes two connections for it. */
async function busyProcess(ms: number): Promise<number> {
  const script = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});
    process.exit(0);
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push(() => child.kill('SIGKILL'));
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(port.toString());
}

test('a silent path is tried, and kept while its machine answers, less and less often', async () => {
  let tried = 0;
  const server = createServer((socket) => {
    tried++;
    socket.on('error', () => undefined).resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const lost = watch((server.address() as AddressInfo).port);
  await sleep(1_800);
  expect(lost).toEqual([]);
  expect(tried).toBeGreaterThanOrEqual(2);
  // At 100 ms, then after 100, 200, 400 and 800.
  expect(tried).toBeLessThanOrEqual(5);
});

test('a path is not tried while something comes from it', async () => {
  let bytes = 0;
  let tried = 0;
  const server = createServer(() => tried++).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const lost = watch((server.address() as AddressInfo).port, () => bytes++);
  await sleep(600);
  expect(lost).toEqual([]);
  expect(tried).toBe(0);
});

test('a process that does nothing but compute is not taken for lost; one whose machine does not answer is', async () => {
  const port = await busyProcess(20_000);
  const lost = watch(port);
  // The second try finds room as the first did; the third, 300 ms after that, does not.
  await sleep(350);
  expect(lost).toEqual([]);
  await expect
    .poll(() => lost, { timeout: 10_000 })
    .toEqual(['1: silent, and its machine cannot be reached (no answer within 0.4 s)']);
});

test('a machine on which nobody listens any more has answered', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const lost = watch(port);
  await sleep(500);
  expect(lost).toEqual([]);
});
