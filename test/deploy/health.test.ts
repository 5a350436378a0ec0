import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './compose-file.js';

/** The exit status of the image's health check, asked about a server that answers with `status`, or about none. */
async function checked(status: number | undefined): Promise<number | null> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? status! : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<unknown> => new Promise((resolve) => server.close(resolve));
  if (status === undefined) await close();
  const child = spawn(process.execPath, [join(ROOT, 'deploy/health.js')], {
    env: { ...process.env, PINWIRE_HEALTH_URL: `http://127.0.0.1:${port}/healthz` },
    stdio: 'ignore',
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (status !== undefined) await close();
  return code;
}

test('the health check passes on 200, and on nothing else', async () => {
  expect(await checked(200)).toBe(0);
  expect(await checked(503)).toBe(1);
  expect(await checked(undefined)).toBe(1);
});
