import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../coordinator/cli/cli.js';
import { COMPOSE_FILES, readCompose, REQUIRED, ROOT, wordsOf } from './compose-file.js';
import { serviceOf, WORKLOADS } from './manifests.js';

/** A command that one of the files starts, and the variables that it sets for it. */
interface Started {
  readonly where: string;
  readonly words: readonly string[];
  readonly environment: readonly string[];
}

/** With everything said that can be said. */
const EVERYTHING = {
  ...REQUIRED,
  PINWIRE_ADVERTISE: 'gate.example:9000',
  PINWIRE_TLS_CA: 'ca.pem',
  PINWIRE_TLS_CERT: 'cert.pem',
  PINWIRE_TLS_KEY: 'key.pem',
};

function startedByCompose(): Started[] {
  return COMPOSE_FILES.flatMap((file) =>
    Object.entries(readCompose(file, EVERYTHING).services).map(([name, service]) => ({
      where: `${file}: ${name}`,
      words: wordsOf(service),
      environment: Object.keys(service.environment ?? {}),
    })),
  );
}

function startedByKubernetes(): Started[] {
  return WORKLOADS.map((workload) => {
    const { command, environment = {} } = serviceOf(workload, 'pod');
    return {
      where: `deploy/k8s: ${workload.metadata.name}`,
      words: [command].flat(),
      environment: Object.keys(environment),
    };
  });
}

/** The options of a command, as its help tells them. */
async function optionsOf(command: string): Promise<string[]> {
  let help = '';
  const terminal = {
    write: (text: string) => (help += text),
    error: (line: string) => {
      throw new Error(line);
    },
    status: { isTerminal: false, write: () => undefined },
  };
  expect(await runCli([command, '--help'], terminal)).toBe(0);
  return [...help.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map((match) => match[1]!);
}

const optionsIn = (words: readonly string[]): string[] =>
  words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]!);

const STARTED = [...startedByCompose(), ...startedByKubernetes()];

describe('what the files start', () => {
  test.each(STARTED)('$where says only options that its command has', async ({ words }) => {
    const known = await optionsOf(words[0]!);
    expect(optionsIn(words)).not.toEqual([]);
    for (const option of optionsIn(words)) expect(known).toContain(option);
  });

  test('sets only variables that the program, or its health check, reads', () => {
    const sources = execFileSync('git', ['ls-files', 'coordinator', 'node', 'deploy/health.js'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const text = sources
      .trim()
      .split('\n')
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    const read = [...text.matchAll(/(?:env\.|')([A-Z_]+)\b/g)].map((match) => match[1]!);
    for (const { where, environment } of STARTED) {
      expect({ where, unread: environment.filter((name) => !read.includes(name)) }).toEqual({
        where,
        unread: [],
      });
    }
  });
});
