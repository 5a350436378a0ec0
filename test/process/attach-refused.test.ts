/** What a client cannot have of a cluster that is up, and what the command prints then. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SharedCluster, succeeded } from './attached.js';
import { PING_PONG, pinwire, scratch } from './pinwire.js';

const OTHER_TOKEN = 'f'.repeat(64);

const cluster = new SharedCluster();
const attached = (...args: string[]) => cluster.attached(...args);

describe('what a client cannot have', () => {
  test('another cluster than the one that is there', async () => {
    const { code, stderr } = await attached(PING_PONG, '--hosts', '8');
    expect(stderr).toBe(`pinwire: --hosts 8: conflicts with the cluster at ${cluster.url} (4)\n`);
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
    const args = [
      'run',
      PING_PONG,
      '--attach',
      cluster.url,
      '--out',
      scratch(),
      '--wait',
      'forever',
    ];
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
