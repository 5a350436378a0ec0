import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCompose, ROOT } from './compose-file.js';

/** What Swarm takes over from a service; whatever else one may say, it drops in silence or with a warning. */
const SWARM_TAKES = [
  ...['image', 'entrypoint', 'command', 'hostname', 'environment', 'labels', 'working_dir'],
  ...['user', 'volumes', 'stop_grace_period', 'stop_signal', 'tty', 'stdin_open', 'secrets'],
  ...['configs', 'read_only', 'isolation', 'init', 'sysctls', 'cap_add', 'cap_drop', 'ulimits'],
  ...['logging', 'deploy', 'ports', 'networks', 'dns', 'dns_search', 'extra_hosts'],
  ...['healthcheck', 'credential_spec'],
];

describe('deploy/stack.yml', () => {
  const { services } = readCompose('deploy/stack.yml', {});

  it('says nothing that Swarm ignores', () => {
    for (const [name, service] of Object.entries(services)) {
      const ignored = Object.keys(service).filter((key) => !SWARM_TAKES.includes(key));
      expect({ name, ignored }).toEqual({ name, ignored: [] });
    }
  });

  it('has /tmp as a mount, since Swarm drops the short form', () => {
    for (const service of Object.values(services)) {
      expect(service.volumes).toContainEqual({ type: 'tmpfs', target: '/tmp' });
    }
  });

  it('restarts what failed and nothing else', () => {
    const conditions = Object.fromEntries(
      Object.entries(services).map(([name, { deploy }]) => [
        name,
        (deploy!['restart_policy'] as { condition: string }).condition,
      ]),
    );
    expect(conditions).toEqual({ coordinator: 'on-failure', host: 'any', client: 'none' });
  });

  const docker = spawnSync('docker', ['stack', 'config', '--help']);

  it('is read by docker’s own check of stacks, which refuses a mistake', (context) => {
    if (docker.status !== 0) context.skip('docker is not installed, or too old for `stack config`');
    const config = (text: string): ReturnType<typeof spawnSync> =>
      spawnSync('docker', ['stack', 'config', '-c', '-'], {
        input: text,
        cwd: join(ROOT, 'deploy'),
        encoding: 'utf8',
      });
    const text = readFileSync(join(ROOT, 'deploy/stack.yml'), 'utf8');
    expect(config(text)).toMatchObject({ status: 0, stderr: '' });
    expect(config(text.replace('read_only:', 'read_olny:')).status).not.toBe(0);
  });
});
