import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Results } from '../../../coordinator/report/results.js';
import { VERSION } from '../../../coordinator/terminal/version.js';
import { readCompose, type Service } from '../../deploy/compose-file.js';
import { DEPLOYMENTS } from './deployments.js';
import { Authority, hasOpenssl } from '../../node/door/certificates.js';
import { Namespaces, orSkipped, whyNoNamespaces } from '../network/namespaces.js';
import { pinwire, readResults, reproducible, scratch } from '../pinwire.js';
import { Image, whyNoImage, type Container, type ContainerOptions } from './image.js';

const WHY_NOT = whyNoImage();
const MACHINES = ['coordinator', 'host-1', 'host-2', 'client'];
const NO_CERTIFICATE = { cert: '', key: '', ca: '' };
const NO_NETWORK = WHY_NOT === '' ? whyNoNamespaces() : WHY_NOT;
const HOSTS = 2;
const { coordinator, host, client } = readCompose('docker-compose.yml', {
  PINWIRE_HOSTS: String(HOSTS),
}).services as Record<'coordinator' | 'host' | 'client', Service>;

describe.skipIf(WHY_NOT !== '')(orSkipped('an image built without an engine', WHY_NOT), () => {
  let image: Image;
  beforeAll(() => {
    image = new Image();
  }, 300_000);
  afterAll(() => {
    image.remove();
  });

  test('is the program, started as node and by nobody special', async () => {
    const version = await image.start(client, { args: ['--version'] }).ended;
    expect(version).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
    const list = await image.start(client, { args: ['list'] }).ended;
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toContain('hpc/allreduce');
  });

  test('holds what the program needs, and nothing it was built with', () => {
    const modules = image.inside('cd /pinwire/node_modules && ls -d */ @*/* 2>/dev/null');
    expect(modules).toContain('ws/');
    for (const absent of ['typescript', 'vitest', 'eslint', 'kubernetes-models']) {
      expect(modules).not.toContain(`${absent}/`);
    }
    expect(image.inside('cd /pinwire && ls').trim().split('\n')).toEqual([
      'LICENSE',
      'bin',
      'deploy',
      'dist',
      'node_modules',
      'package.json',
      'profiles',
    ]);
    expect(image.inside('find /pinwire ! -user 0')).toBe('');
  });

  test('runs a cluster of processes and leaves its report on the volume', async () => {
    const args = ['run', 'micro/write-lat', '--hosts', '2', '--set', 'iterations=10'];
    const { code, stderr, stdout } = await image.start(client, { args }).ended;
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('results/latest/report.html');
  });

  test('is confined as docker-compose.yml says, or these tests would prove nothing', async () => {
    const script =
      'touch /x /run/pinwire/x; id -u; echo $$; grep -E "CapBnd|NoNewPrivs" /proc/$$/status';
    const { stdout, stderr } = await image.start(client, { instead: ['sh', '-c', script] }).ended;
    expect(stdout).toBe('1000\n1\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n');
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
  });

  describe.skipIf(NO_NETWORK !== '')(
    orSkipped('as docker-compose.yml starts it', NO_NETWORK),
    () => {
      let machines: Namespaces;
      let led: Container;
      let joined: Container[];
      const networkOf = (machine: string): string[] => [
        ...['ip', 'netns', 'exec', machines.namespace(machine)],
      ];
      const ask = (args?: readonly string[]): Container =>
        image.start(client, { ...(args && { args }), network: networkOf('client') });

      beforeAll(async () => {
        machines = new Namespaces(MACHINES, {
          forwarding: true,
        });
        image.name(machines.machines.map((name) => `${machines.address(name)} ${name}`));
        led = image.start(coordinator, { network: networkOf('coordinator') });
        while (!(await image.isHealthy(coordinator, networkOf('coordinator')))) await sleep(200);
        joined = ['host-1', 'host-2'].map((name) =>
          image.start(host, { network: networkOf(name) }),
        );
      }, 60_000);
      afterAll(() => {
        machines.destroy();
      });

      test('the client runs the demo suite, verified, and leaves its results on the volume', async () => {
        const { code, stderr } = await ask().ended;
        expect({ code, stderr }).toMatchObject({ code: 0 });
        const { results } = JSON.parse(image.read('results', 'latest/results.json')) as Results;
        expect(results.length).toBeGreaterThan(3);
        expect(image.read('results', 'latest/report.html')).toContain('</html>');
        for (const name of ['host-1', 'host-2']) {
          expect(await image.isHealthy(host, networkOf(name))).toBe(true);
        }
      });

      test('any workload runs on the cluster that is up, with the results that it has anywhere', async () => {
        const run = ['run', 'hpc/allreduce', '--set', 'size=64KiB'];
        const attached = await ask([...run, '--attach', 'ws://coordinator:7600']).ended;
        expect(attached).toMatchObject({ code: 0 });
        const out = scratch();
        const embedded = ['--hosts', String(HOSTS), '--placement', 'embedded', '--out', out];
        expect(await pinwire([...run, ...embedded])).toMatchObject({ code: 0 });
        const there = JSON.parse(image.read('results', 'latest/results.json')) as Results;
        expect(reproducible(there)).toBe(reproducible(readResults(join(out, 'results.json'))));
      });

      test('a host that is asked to stop leaves, the others are dismissed with the coordinator: all exit with 0', async () => {
        joined[0]!.terminate();
        expect(await joined[0]!.ended).toMatchObject({ code: 0 });
        led.terminate();
        expect(await led.ended).toMatchObject({ code: 0 });
        expect(await joined[1]!.ended).toMatchObject({ code: 0 });
        for (const machine of machines.machines) expect(machines.pids(machine)).toEqual([]);
      });
    },
  );

  describe.each(DEPLOYMENTS)('as $title', ({ leader, member, client, names, ready, tls }) => {
    const why = NO_NETWORK === '' && tls && !hasOpenssl ? 'openssl is not installed' : NO_NETWORK;
    const token = randomBytes(32).toString('hex');
    let machines: Namespaces;
    let authority: Authority | undefined;
    const on = (name: string): Pick<ContainerOptions, 'network' | 'secrets'> => {
      const { cert, key, ca } =
        authority?.issue(`DNS:${name},IP:${machines.address(name)}`) ?? NO_CERTIFICATE;
      return {
        network: ['ip', 'netns', 'exec', machines.namespace(name)],
        secrets: { token, 'pinwire/token': token, tls_cert: cert, tls_key: key, tls_ca: ca },
      };
    };

    beforeAll(() => {
      if (why !== '') return;
      if (tls) authority = new Authority('lab');
      machines = new Namespaces(MACHINES, { forwarding: true });
      image.name(MACHINES.map((name) => `${machines.address(name)} ${name} ${names[name] ?? ''}`));
    });
    afterAll(() => {
      if (why !== '') return;
      machines.destroy();
      authority?.dispose();
    });

    test.skipIf(why !== '')(
      orSkipped('forms a cluster, runs, and ends with status 0 everywhere', why),
      async () => {
        const led = image.start(leader, on('coordinator'));
        const { network = [] } = on('coordinator');
        while (!(await image.isHealthy(leader, network))) await sleep(200);
        expect(await image.isHealthy(leader, network, ready)).toBe(false);
        const joined = [0, 1].map((i) => image.start(member(i), on(`host-${i + 1}`)));
        const { code, stdout, stderr } = await image.start(client, on('client')).ended;
        expect(code, [stderr, led.stderr, joined[0]!.stderr].join('\n')).toBe(0);
        expect(stdout).toContain('/tmp/results/report.html');
        expect(await image.isHealthy(leader, network, ready)).toBe(true);
        led.terminate();
        expect(await led.ended).toMatchObject({ code: 0 });
        for (const each of joined) expect(await each.ended).toMatchObject({ code: 0 });
      },
    );
  });
});
