/**
 * What a program loads when it imports the package: the interface that it is written against, and nothing that runs
 * clusters.
 */
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string }>;
};

/** Every source file that the export's module loads, itself included. */
async function loadedBy(name: string): Promise<string[]> {
  const entry = exports[name]!.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
  const { metafile } = await build({
    entryPoints: [join(ROOT, entry)],
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    write: false,
    // What is imported and not used is loaded all the same.
    treeShaking: false,
  });
  return Object.keys(metafile.inputs);
}

const RUNS_CLUSTERS =
  /^(?:coordinator|bench|node\/(?:cores|door|links|process|main)|workloads\/(?!authoring\/))/;

describe('a program that imports', () => {
  it.each(['.', './verbs', './sockets', './workload'])(
    'the export %s of pinwire loads nothing of the coordinator or of a host process',
    async (name) => {
      const files = await loadedBy(name);
      expect(files.length).toBeGreaterThan(0);
      expect(files.filter((file) => RUNS_CLUSTERS.test(file))).toEqual([]);
    },
  );

  it('pinwire has its durations', async () => {
    expect(await loadedBy('.')).toContain('units/durations.ts');
  });
});
