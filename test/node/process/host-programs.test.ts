import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProgramFailure } from '../../../node/spec/process-machine.js';
import { HostPrograms } from '../../../node/process/host-programs.js';
import type { ModuleReference } from '../../../node/spec/module-reference.js';
import { bundleProgram } from '../../../node/process/program-bundle.js';
import type { RunSpec } from '../../../node/spec/run-spec.js';
import { specOf } from '../../embedded.js';

const CATALOGUE = new Map([['hpc/allreduce', 'file:///installed/hpc/allreduce.js']]);
const ANY = '0'.repeat(64);

let root: string;
let allowed: string;
let made: HostPrograms[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pinwire-test-'));
  allowed = join(root, 'allowed');
  mkdirSync(allowed);
  made = [];
});
afterEach(() => {
  for (const each of made) each.sweep();
  rmSync(root, { recursive: true });
});

const source = (answer: number): string =>
  `import { factor } from './lib/factor';\nexport default { program: async () => ${answer} * factor };\n`;

/** A program of two files below `directory`; its path. */
function write(directory: string, answer: number, file = 'my.ts'): string {
  mkdirSync(join(directory, 'lib'), { recursive: true });
  writeFileSync(join(directory, 'lib/factor.ts'), 'export const factor: number = 1;\n');
  writeFileSync(join(directory, file), source(answer));
  return join(directory, file);
}

async function fingerprint(path: string): Promise<string> {
  const into = mkdtempSync(join(root, 'bundle-'));
  return (await bundleProgram(path, into)).fingerprint;
}

function programs(...directories: string[]): HostPrograms {
  const host = new HostPrograms({ files: false, directories }, CATALOGUE);
  made.push(host);
  return host;
}

const named = (file: string, fingerprint = ANY): ModuleReference => ({
  kind: 'program',
  file,
  fingerprint,
});

const PLANNED = await specOf({
  hosts: 4,
  programs: [{ host: 2, core: 0, role: '' }],
  program: async () => 0,
});
const spec = (module: ModuleReference): RunSpec => ({ ...PLANNED, local: [2, 3], module });

describe('the fingerprint of a program', () => {
  test('is the same wherever it lies, and by whatever name a link gives it', async () => {
    const here = await fingerprint(write(join(root, 'here'), 42));
    expect(here).toMatch(/^[0-9a-f]{64}$/);
    expect(await fingerprint(write(join(root, 'far/away'), 42))).toBe(here);
    symlinkSync(join(root, 'here/my.ts'), join(root, 'link.ts'));
    expect(await fingerprint(join(root, 'link.ts'))).toBe(here);
  });

  test.each([
    ['pinwire/embedded', 'it runs clusters, and this module runs inside one'],
    ['pinwire/cluster', 'no such export'],
  ])('is none of a module that imports %s', async (name, told) => {
    const path = write(join(root, 'here'), 42);
    writeFileSync(path, `import * as all from '${name}';\nexport default all;\n`);
    await expect(fingerprint(path)).rejects.toThrow(`${name}: ${told}`);
  });

  test('does not depend on a tsconfig.json beside it', async () => {
    const path = write(join(root, 'here'), 42);
    const before = await bundleProgram(path, join(root, 'before'));
    const options = { compilerOptions: { target: 'es5', paths: { './lib/*': ['./other/*'] } } };
    writeFileSync(join(root, 'here/tsconfig.json'), JSON.stringify(options));
    const after = await bundleProgram(path, join(root, 'after'));
    expect(after.fingerprint).toBe(before.fingerprint);
    expect(readFileSync(after.path, 'utf8')).toBe(readFileSync(before.path, 'utf8'));
  });

  test.each([
    ['its text', (dir: string) => writeFileSync(join(dir, 'my.ts'), source(43))],
    [
      'a file that it imports',
      (dir: string) => writeFileSync(join(dir, 'lib/factor.ts'), 'export const factor = 2;\n'),
    ],
    [
      'where that file lies',
      (dir: string) => {
        mkdirSync(join(dir, 'lib/factor'));
        writeFileSync(join(dir, 'lib/factor/index.ts'), 'export const factor: number = 1;\n');
        rmSync(join(dir, 'lib/factor.ts'));
      },
    ],
  ])('is another one when %s changes', async (_what, change) => {
    const path = write(join(root, 'here'), 42);
    const before = await fingerprint(path);
    change(dirname(path));
    expect(await fingerprint(path)).not.toBe(before);
  });
});

describe('a host loads', () => {
  test('a workload of its own catalogue', async () => {
    const url = await programs().find({ kind: 'catalogue', name: 'hpc/allreduce' });
    expect(url).toBe('file:///installed/hpc/allreduce.js');
  });

  test('a program of an allowed directory that is the client’s, and leaves no bundle', async () => {
    const print = await fingerprint(write(join(root, 'client'), 42));
    write(allowed, 42);
    let loaded: string | undefined;
    const answer = await programs(join(root, 'none'), allowed).load(
      spec(named('my.ts', print)),
      async (url) => {
        loaded = url;
        const { default: workload } = (await import(url!)) as {
          default: { program: () => Promise<number> };
        };
        return workload.program();
      },
    );
    expect(answer).toBe(42);
    expect(existsSync(dirname(dirname(fileURLToPath(loaded!))))).toBe(false);
  });

  test('a program by a link that stays in the directory, as Kubernetes mounts them', async () => {
    const print = await fingerprint(write(join(root, 'client'), 42));
    write(join(allowed, '..2026'), 42);
    symlinkSync('..2026', join(allowed, '..data'));
    symlinkSync('..data/my.ts', join(allowed, 'my.ts'));
    expect(await programs(allowed).find(named('my.ts', print))).toMatch(/^file:/);
  });

  test('nothing, where the run has no program on its hosts', async () => {
    const elsewhere = { ...spec(named('my.ts')), local: [0, 1, 3] };
    expect(await programs().load(elsewhere, async (url) => url)).toBeUndefined();
  });

  test('any file when the cluster is its user’s own, and else none', async () => {
    const file: ModuleReference = { kind: 'file', url: 'file:///tmp/x.mjs' };
    const own = new HostPrograms({ files: true, directories: [] }, CATALOGUE);
    expect(await own.find(file)).toBe('file:///tmp/x.mjs');
    await expect(programs(allowed).find(file)).rejects.toThrow(/^file:.* is not loaded/);
  });
});

describe('a host refuses', () => {
  test('a name that is not in its catalogue', async () => {
    const unknown = programs(allowed).find({ kind: 'catalogue', name: 'hpc/none' });
    await expect(unknown).rejects.toThrow('the catalogue installed here has no hpc/none');
  });

  test('a program that nobody allowed', async () => {
    write(root, 42);
    await expect(programs(allowed).find(named('my.ts'))).rejects.toThrow(
      "this cluster's hosts have no program my.ts (their operators allow programs with --programs DIR)",
    );
  });

  test('a program that differs from the client’s, and says by what one can tell', async () => {
    const theirs = await fingerprint(write(join(root, 'client'), 42));
    const here = await fingerprint(write(allowed, 43));
    await expect(programs(allowed).find(named('my.ts', theirs))).rejects.toThrow(
      `my.ts in ${allowed} differs from the client's ` +
        `(theirs ${theirs.slice(0, 12)}, here ${here.slice(0, 12)})`,
    );
  });

  test('a program that changed since it was last loaded', async () => {
    const print = await fingerprint(write(allowed, 42));
    const host = programs(allowed);
    await host.find(named('my.ts', print));
    write(allowed, 43);
    await expect(host.find(named('my.ts', print))).rejects.toThrow('differs from the client');
  });

  test('a program that is not sound', async () => {
    writeFileSync(join(allowed, 'my.ts'), "import './nowhere';\n");
    await expect(programs(allowed).find(named('my.ts'))).rejects.toThrow(
      /^my\.ts in .* cannot be bundled: .*nowhere.*my\.ts:1/,
    );
  });

  test('a program that it has no room to bundle', async () => {
    write(allowed, 42);
    vi.stubEnv('TMPDIR', join(root, 'none'));
    await expect(programs(allowed).find(named('my.ts'))).rejects.toThrow(
      /^nowhere to bundle a program: ENOENT.*none\/pinwire-host-/,
    );
    vi.unstubAllEnvs();
  });

  test('a link that leads out of the directory', async () => {
    write(root, 42, 'secret.ts');
    symlinkSync(join(root, 'secret.ts'), join(allowed, 'my.ts'));
    symlinkSync('../secret.ts', join(allowed, 'other.ts'));
    for (const file of ['my.ts', 'other.ts']) {
      const found = programs(allowed).find(named(file, await fingerprint(join(root, 'secret.ts'))));
      await expect(found).rejects.toThrow(
        `${file} in ${allowed} is a symbolic link to a place outside it`,
      );
    }
  });

  test.each([
    ['a path above', '../my.ts'],
    ['a path through a directory that is there', 'sub/../../my.ts'],
    ['a path below', 'sub/my.ts'],
    ['an absolute path', () => join(root, 'my.ts')],
    ['a Windows path', '..\\my.ts'],
    ['a NUL', 'my.ts\0'],
    ['a NUL before the extension', '../my.ts\0.ts'],
    ['a directory', 'directory.ts'],
    ['the directory above', '..'],
    ['nothing', ''],
    ['a name of 10 MB', `${'x'.repeat(10 * 2 ** 20)}.ts`],
  ])('%s, even in a reference that was not read from a text', async (_what, file) => {
    const path = write(root, 42);
    write(join(allowed, 'sub'), 42);
    mkdirSync(join(allowed, 'directory.ts'));
    const reference = named(typeof file === 'string' ? file : file(), await fingerprint(path));
    await expect(programs(allowed).find(reference)).rejects.toThrow(
      /^this cluster's hosts have no program .{2,60} \(/,
    );
  });

  test('in the name of the first of its hosts, in one line', async () => {
    const refused = programs(allowed).load(spec(named('my.ts')), async () => 0);
    await expect(refused).rejects.toBeInstanceOf(ProgramFailure);
    await expect(refused).rejects.toMatchObject({ failure: { host: 2, core: -1, stack: '' } });
  });
});
