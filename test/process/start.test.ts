import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinwire, scratch } from './pinwire.js';

/** Prints on standard error what is loaded. */
const hook = join(scratch(), 'hook.mjs');
writeFileSync(
  hook,
  `import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
if (isMainThread) register(import.meta.url);
export async function load(url, context, next) {
  process._rawDebug('loaded ' + url);
  return next(url, context);
}
`,
);

/** The files that a command loads, besides those of Node.js. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const env = { NODE_OPTIONS: `--import ${hook}` };
  const { code, stderr } = await pinwire(args, { env });
  expect(code).toBe(0);
  const loaded = [...stderr.matchAll(/^loaded (file:.*)$/gm)].map(([, url]) => url!);
  expect(loaded.length).toBeGreaterThan(3);
  return loaded;
}

describe('a command loads what it needs', () => {
  test('list: the workloads, and neither a parser nor a cluster', async () => {
    const loaded = await loadedBy('list');
    expect(
      loaded.filter((url) =>
        /\/node_modules\/|dist\/coordinator\/(run|cluster|report)\//.test(url),
      ),
    ).toEqual([]);
  });

  test('--help: the parser alone', async () => {
    const loaded = await loadedBy('--help');
    expect(loaded.filter((url) => /dist\/(workloads|node|sim|wire)\//.test(url))).toEqual([]);
  });

  test('run --help: the options, and no workload', async () => {
    const loaded = await loadedBy('run', '--help');
    expect(loaded.filter((url) => /node_modules\/ws\/|dist\/workloads\//.test(url))).toEqual([]);
  });
});
