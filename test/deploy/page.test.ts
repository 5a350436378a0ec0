import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMPOSE_FILES, ROOT } from './compose-file.js';

const page = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
const typed = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]!).join('');
/** Made by what the page says before. */
const MADE = ['deploy/token', 'deploy/k8s/token'];

describe('docs/deploy.md', () => {
  test('starts only files that are there', () => {
    const paths = [...typed.matchAll(/(?<= )deploy\/[\w./-]+/g)].map((match) => match[0]);
    expect(paths).toEqual(
      expect.arrayContaining(['deploy/coordinator.yml', 'deploy/join.yml', 'deploy/stack.yml']),
    );
    for (const path of paths.filter((path) => !MADE.includes(path))) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });

  test('tells git to leave alone what holds a token', () => {
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
    for (const path of [...MADE, '.env']) expect(ignored).toContain(path);
  });

  test('sets only variables that the files read', () => {
    const files = [...COMPOSE_FILES, 'deploy/k8s/kustomization.yaml', 'deploy/health.js'];
    const text = files.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('');
    const told = new Set(page.match(/PINWIRE_\w+/g));
    expect(told.size).toBeGreaterThan(5);
    for (const name of told) expect(text).toContain(name);
  });

  test('names the version that the files start', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const [, said] of page.matchAll(/pinwire:(\d[\w.]*)/g)) expect(said).toBe(version);
  });

  test('starts services, jobs and volumes by the names that they have', () => {
    const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    for (const [, service] of typed.matchAll(/docker compose (?:run --rm|cp) (\w+)/g)) {
      expect(compose).toMatch(new RegExp(`^  ${service!}:$`, 'm'));
    }
    const stack = readFileSync(join(ROOT, 'deploy/stack.yml'), 'utf8');
    const scoped = [...typed.matchAll(/\bpinwire_(\w+)/g)].map((match) => match[1]!);
    expect(scoped).toEqual(expect.arrayContaining(['client', 'results', 'cluster', 'token']));
    for (const name of scoped) expect(stack).toMatch(new RegExp(`^  ${name}:`, 'm'));
  });
});
