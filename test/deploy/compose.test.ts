import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import {
  COMPOSE_FILES,
  interpolate,
  parseCompose,
  readCompose,
  REQUIRED,
  ROOT,
  type Service,
  wordsOf,
} from './compose-file.js';
import { composeErrors } from './compose-schema.js';

const MACHINES = ['docker-compose.yml', 'deploy/coordinator.yml', 'deploy/join.yml'] as const;
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe.each(COMPOSE_FILES)('%s', (file) => {
  it('is what the Compose specification’s schema describes', () => {
    expect(composeErrors(readCompose(file))).toEqual([]);
  });

  it('runs as nobody special: root file system read-only, no capabilities, /tmp in memory', () => {
    for (const service of Object.values(readCompose(file).services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect(service.user ?? '1000').toBe('1000');
    }
  });

  it('names only volumes, networks and secrets that it declares', () => {
    const { services, volumes = {}, networks = {}, secrets = {} } = readCompose(file);
    const text = JSON.stringify(services);
    for (const name of [...text.matchAll(/"([a-z]+):\/[a-z]/g)].map((match) => match[1]!)) {
      expect(volumes).toHaveProperty(name);
    }
    for (const { secrets: used = [], ...service } of Object.values(services)) {
      for (const name of used) expect(secrets).toHaveProperty(name);
      const joined = (service as { networks?: string[] }).networks ?? [];
      for (const name of joined) expect(networks).toHaveProperty(name);
    }
  });
});

describe('the schema refuses', () => {
  test.each([
    ['an unknown key of a service', 'read_only:', 'read_olny:'],
    ['a condition that there is not', 'service_healthy', 'healthy'],
    ['a command that is a number', 'command: [suite, demo', 'command: 7 #'],
    ['a health check switched off by a key that there is not', '{ disable:', '{ off:'],
    ['an unknown key at the top', 'volumes:\n  token:', 'volume:\n  token:'],
    ['replicas in a list', 'replicas: ${PINWIRE_HOSTS:-4}', 'replicas: [4]'],
  ])('%s', (_what, right, wrong) => {
    const text = textOf('docker-compose.yml');
    expect(text).toContain(right);
    expect(composeErrors(parseCompose(text.replace(right, wrong), REQUIRED))).not.toEqual([]);
  });
});

describe('variables', () => {
  it('are filled in as the specification says, nested too', () => {
    const variables = { SET: 'x', EMPTY: '' };
    expect(interpolate('${SET}:${NONE}:$$5', variables)).toBe('x::$5');
    expect(interpolate('${SET:-a}${EMPTY:-b}${NONE:-c:d}', variables)).toBe('xbc:d');
    expect(interpolate('[${SET:+--set ${SET}}][${EMPTY:+--empty}]', variables)).toBe('[--set x][]');
    expect(() => interpolate('${NONE:?say which}', variables)).toThrow('say which');
  });

  it('that must be given are asked for', () => {
    expect(() => readCompose('deploy/join.yml', {})).toThrow('PINWIRE_URL is required');
    expect(() => readCompose('deploy/coordinator.yml', {})).toThrow('PINWIRE_HOSTS is required');
    expect(composeErrors(readCompose('docker-compose.yml', {}))).toEqual([]);
    expect(composeErrors(readCompose('deploy/stack.yml', {}))).toEqual([]);
  });

  it.each(MACHINES)('of %s are all told in its first lines', (file) => {
    const text = textOf(file);
    const told = text
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .join('\n');
    const used = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]!));
    used.delete('PINWIRE_IMAGE');
    for (const name of used) expect(told).toContain(name);
  });
});

describe('docker-compose.yml', () => {
  const { coordinator, host, client } = readCompose('docker-compose.yml', { PINWIRE_HOSTS: '8' })
    .services as Record<'coordinator' | 'host' | 'client', Service>;

  it('starts as many hosts as the coordinator waits for', () => {
    expect(coordinator.environment).toMatchObject({ PINWIRE_HOSTS: '8' });
    expect(host.deploy).toMatchObject({ replicas: '8' });
  });

  it('shows the coordinator to this machine alone unless told otherwise', () => {
    expect(coordinator.ports).toEqual(['127.0.0.1:7600:7600']);
  });

  it('brings hosts back that failed, and lets those go that were dismissed', () => {
    expect(host.restart).toBe('on-failure');
  });

  it('starts hosts and client when the coordinator is healthy', () => {
    expect(host.depends_on).toEqual({ coordinator: { condition: 'service_healthy' } });
    expect(client.depends_on).toMatchObject({ coordinator: { condition: 'service_healthy' } });
  });

  it('lets only the coordinator write the token', () => {
    expect(coordinator.volumes).toEqual(['token:/run/pinwire']);
    expect(host.volumes).toEqual(['token:/run/pinwire:ro']);
    expect(client.volumes).toContain('token:/run/pinwire:ro');
  });

  it('can leave the results in a directory', () => {
    const { services } = readCompose('docker-compose.yml', { PINWIRE_RESULTS: './results' });
    expect(services['client']!.volumes).toContain('./results:/results');
  });
});

describe('deploy/join.yml', () => {
  const command = (variables: Record<string, string>): string =>
    wordsOf(readCompose('deploy/join.yml', { ...REQUIRED, ...variables }).services['host']!).join(
      ' ',
    );

  it('says nothing about what it was not told', () => {
    expect(command({})).not.toMatch(/--advertise|--tls/);
  });

  it('passes on what it was told', () => {
    const told = command({
      PINWIRE_URL: 'wss://lab.example:7600',
      PINWIRE_ADVERTISE: 'gate.example:9000',
      PINWIRE_TLS_CA: './ca.pem',
    });
    expect(told).toContain('join wss://lab.example:7600 ');
    expect(told).toContain(' --advertise gate.example:9000 ');
    expect(told).toContain(' --tls-ca /run/secrets/tls_ca ');
    expect(told).not.toContain('--tls-cert');
  });
});
