import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, it, test } from 'vitest';
import { COMPOSE_FILES, readCompose, ROOT, wordsOf } from './compose-file.js';
import {
  DOCKERFILE,
  environmentOf,
  finalStage,
  lastOf,
  readStages,
  type Stage,
} from './dockerfile.js';

const COMPILERS =
  /\b(apt-get|apk|gcc|g\+\+|make|python3?|build-essential|node-gyp|tsc|typescript)\b/;

/** What is wrong with an image for a cluster that strangers may reach. */
function objections(text: string): string[] {
  const stages = readStages(text);
  const image = finalStage(stages);
  const found = validate(text).map(({ message }) => JSON.stringify(message));
  for (const { base } of stages) {
    if (!/^[^:]+:[^:]+$/.test(base) || base.endsWith(':latest')) found.push(`base ${base}`);
  }
  const user = image.steps.findLast(({ keyword }) => keyword === 'USER')?.text;
  if (!/^[1-9]\d*(:\d+)?$/.test(user ?? '')) found.push(`user ${user ?? 'root'}`);
  for (const { keyword, text: said } of image.steps) {
    if (keyword === 'RUN' && /\bnpm\b/.test(said)) found.push(`npm in the image: ${said}`);
    if (keyword === 'RUN' && COMPILERS.test(said)) found.push(`a compiler: ${said}`);
    if (keyword === 'ADD') found.push(`ADD ${said}`);
    if (keyword === 'COPY' && said.startsWith('. ')) found.push('everything is copied');
  }
  const modules = image.steps.find(({ words }) => words[0]?.endsWith('/node_modules') === true);
  const from = stages.find(({ name }) => name === modules?.flags['from']);
  if (!installs(from, '--omit=dev')) found.push('development dependencies');
  if (lastOf(image, 'ENTRYPOINT').words[0] !== 'node') found.push('the entrypoint is not node');
  return found;
}

const installs = (stage: Stage | undefined, flag: string): boolean =>
  stage?.steps.some(({ text }) => text.startsWith('npm ci ') && text.includes(flag)) === true;

describe('the image', () => {
  it('has nothing in it but Node, the program and what it needs, and is nobody special', () => {
    expect(objections(DOCKERFILE)).toEqual([]);
  });

  test.each([
    ['an instruction that there is not', 'COPY bin', 'COPPY bin'],
    ['a base that moves', 'node:20-bookworm-slim', 'node:latest'],
    ['a base without a tag', 'node:20-bookworm-slim', 'node'],
    ['root', 'USER 1000:1000\n', ''],
    ['a user without a number', 'USER 1000:1000', 'USER node'],
    ['a compiler', '&& install -d', '&& apt-get install -y g++ && install -d'],
    ['npm as process 1', '["node", "/pinwire/bin', '["npm", "start", "/pinwire/bin'],
    ['development dependencies', '--omit=dev ', ''],
    ['the whole context', 'COPY bin /pinwire/bin', 'COPY . /pinwire'],
  ])('would be objected to with %s', (_what, right, wrong) => {
    expect(DOCKERFILE).toContain(right);
    expect(objections(DOCKERFILE.replace(right, wrong))).not.toEqual([]);
  });

  it('is built by lock file alone, without install scripts', () => {
    const installing = readStages().flatMap(({ steps }) =>
      steps.filter(({ keyword, text }) => keyword === 'RUN' && /\bnpm (ci|i|install)\b/.test(text)),
    );
    expect(installing).toHaveLength(2);
    for (const { text } of installing) expect(text).toMatch(/^npm ci .*--ignore-scripts/);
  });

  it('has the Node that the package asks for', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const major = /^>=(\d+)\./.exec(engines.node)![1]!;
    for (const { base } of readStages()) expect(base).toMatch(new RegExp(`^node:${major}\\b`));
  });
});

describe('the build context', () => {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
  const letIn = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const copied = readStages().flatMap(({ steps }) =>
    steps
      .filter(({ keyword, flags }) => keyword === 'COPY' && flags['from'] === undefined)
      .flatMap(({ words }) => words.slice(0, -1)),
  );

  it('is what the Dockerfile copies, and nothing else', () => {
    expect(lines.filter((line) => !line.startsWith('#'))[0]).toBe('*');
    expect(letIn.toSorted()).toEqual([...new Set(copied)].toSorted());
    for (const path of copied) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('holds every room that the build compiles', () => {
    const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as {
      include: string[];
    };
    for (const room of include) expect(copied).toContain(room);
  });
});

describe('the image and the files that start it', () => {
  const image = finalStage();

  it('carry the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(lastOf(image, 'LABEL').text).toContain(`image.version="${version}"`);
    for (const file of COMPOSE_FILES) {
      for (const service of Object.values(readCompose(file).services)) {
        expect(service.image).toBe(`pinwire:${version}`);
      }
    }
  });

  it('agree where the token and the results lie', () => {
    const { XDG_RUNTIME_DIR } = environmentOf(image);
    const { services } = readCompose('docker-compose.yml');
    const port = lastOf(image, 'EXPOSE').text;
    for (const name of ['host', 'client']) {
      expect(services[name]!.environment).toMatchObject({
        PINWIRE_TOKEN_FILE: `${XDG_RUNTIME_DIR!}/pinwire/${port}.token`,
      });
    }
    const made = image.steps.find(({ keyword }) => keyword === 'RUN')!.text;
    for (const directory of [`${XDG_RUNTIME_DIR!}/pinwire`, '/results']) {
      expect(made).toMatch(new RegExp(`-o 1000 -g 1000 (-m 0700 )?${directory}(\\s|$)`));
    }
    expect(lastOf(image, 'WORKDIR').text).toBe('/');
    expect(services['client']!.volumes).toContain('results:/results');
  });

  it('agree on the port of the coordinator', () => {
    const port = lastOf(image, 'EXPOSE').text;
    const health = readFileSync(join(ROOT, 'deploy/health.js'), 'utf8');
    expect(health).toContain(`http://127.0.0.1:${port}/healthz`);
    for (const file of COMPOSE_FILES) {
      for (const service of Object.values(readCompose(file).services)) {
        const words = wordsOf(service);
        const said = words.filter((word) => word.startsWith('ws://coordinator:'));
        if (words[0] === 'up') said.push(words[words.indexOf('--listen') + 1]!);
        expect(said).toHaveLength(1);
        expect(said[0]!.split(':').at(-1)).toBe(port);
      }
    }
  });
});
