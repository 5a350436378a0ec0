/**
 * A user's own module, made into one file by esbuild so that `.ts` runs as `.js` does. What it imports from `pinwire`
 * is this installation's own build, wherever the user's file lies. A workload of this package's sources, edited where
 * it stands, is such a module too: what its directory holds is bundled, the rest of the package is the build.
 */
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Message, Plugin } from 'esbuild';

export interface ProgramBundle {
  readonly path: string;
  /**
   * sha256 over the names, relative to the module's directory, and the contents of all that went into the bundle: equal
   * on two machines where both have the same program, wherever it lies.
   */
  readonly fingerprint: string;
}

/** The module is missing, or is not sound. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

/** What `package.json` exports, and the built file behind each. */
const EXPORTS: Readonly<Record<string, string>> = {
  pinwire: '../program/verbs.js',
  'pinwire/verbs': '../program/verbs.js',
  'pinwire/sockets': '../program/sockets.js',
  'pinwire/workload': '../../workloads/authoring/workload.js',
};

const ownExports: Plugin = {
  name: 'pinwire',
  setup(build) {
    build.onResolve({ filter: /^pinwire(\/.*)?$/ }, ({ path }) => {
      const target = EXPORTS[path];
      if (target === undefined) {
        const known = Object.keys(EXPORTS).join(', ');
        const why =
          path === 'pinwire/embedded'
            ? 'it runs clusters, and this module runs inside one; import it in a script that node runs'
            : 'no such export';
        return { errors: [{ text: `${path}: ${why} (known here: ${known})` }] };
      }
      return { path: new URL(target, import.meta.url).href, external: true };
    });
  },
};

/** The built files of this installation, and the sources that they were made of. */
const BUILT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGE = basename(BUILT) === 'dist' ? dirname(BUILT) : BUILT;

const ownSources = (entry: string): Plugin => ({
  name: 'pinwire sources',
  setup(build) {
    if (!entry.startsWith(join(PACKAGE, 'workloads') + sep)) return;
    build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const target = join(resolveDir, path);
      if (!target.startsWith(dirname(entry) + sep)) {
        const built = join(BUILT, relative(PACKAGE, target));
        return { path: pathToFileURL(built).href, external: true };
      }
      const source = target.replace(/\.js$/, '.ts');
      return { path: existsSync(source) ? source : target };
    });
  },
});

/** Notes the digest of each file as it is bundled: a second look might find other bytes. */
const noting = (digests: Map<string, string>): Plugin => ({
  name: 'fingerprint',
  setup(build) {
    build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
      const contents = await readFile(path);
      digests.set(path, createHash('sha256').update(contents).digest('hex'));
      return { contents, loader: 'default' };
    });
  },
});

/** Bundles the module at `path` into `directory`. Rejects with a BundleError that has esbuild's first message. */
export async function bundleProgram(path: string, directory: string): Promise<ProgramBundle> {
  if (!existsSync(path)) throw new BundleError('no such file');
  const entry = realpathSync(path);
  const outfile = join(directory, 'program.mjs');
  const digests = new Map<string, string>();
  await bundle(entry, outfile, digests);
  return { path: outfile, fingerprint: fingerprintOf(entry, digests) };
}

/** The files that go into the module at `path`: of one that is not sound those that were found. */
export async function sourcesOf(
  path: string,
): Promise<{ readonly files: readonly string[]; readonly isSound: boolean }> {
  if (!existsSync(path)) return { files: [resolve(path)], isSound: false };
  const entry = realpathSync(path);
  const digests = new Map<string, string>();
  let isSound = true;
  await bundle(entry, undefined, digests).catch(() => (isSound = false));
  return { files: [...new Set([entry, ...digests.keys()])], isSound };
}

/** Writes nothing without `outfile`. */
async function bundle(
  entry: string,
  outfile: string | undefined,
  digests: Map<string, string>,
): Promise<void> {
  // A host process loads it only when it has a program to bundle.
  const { build, stop } = await import('esbuild');
  try {
    await build({
      entryPoints: [entry],
      ...(outfile === undefined ? { write: false } : { outfile }),
      absWorkingDir: dirname(entry),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      // A tsconfig.json is not part of the program: another machine may have another one.
      tsconfigRaw: '{}',
      plugins: [ownExports, ownSources(entry), noting(digests)],
    });
  } catch (error) {
    const [first] = (error as { errors?: Message[] }).errors ?? [];
    throw new BundleError(first === undefined ? String(error) : described(first));
  } finally {
    await stop();
  }
}

/** The module itself has no name here: it may be a link to a file with another one. */
function fingerprintOf(entry: string, digests: ReadonlyMap<string, string>): string {
  const lines = [...digests].map(([path, digest]) => {
    const name = path === entry ? '' : relative(dirname(entry), path).split(sep).join('/');
    return `${digest} ${name}\0`;
  });
  return createHash('sha256').update(lines.sort().join('')).digest('hex');
}

function described({ text, location }: Message): string {
  if (location === null) return text;
  return `${text} (${location.file}:${location.line}:${location.column})`;
}
