/**
 * A user's own module, made into one file by esbuild so that `.ts` runs as `.js` does. What it imports from `pinwire` is
 * this installation's own build, wherever the user's file lies.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build as bundle, type Message, type Plugin } from 'esbuild';
import { UsageError } from './usage-error.js';

/** What `package.json` exports, and the built file behind each. */
const EXPORTS: Readonly<Record<string, string>> = {
  pinwire: '../node/verbs.js',
  'pinwire/verbs': '../node/verbs.js',
  'pinwire/sockets': '../node/sockets.js',
  'pinwire/workload': '../workloads/workload.js',
};

const ownExports: Plugin = {
  name: 'pinwire',
  setup(build) {
    build.onResolve({ filter: /^pinwire(\/.*)?$/ }, ({ path }) => {
      const target = EXPORTS[path];
      if (target === undefined) {
        const known = Object.keys(EXPORTS).join(', ');
        return { errors: [{ text: `${path}: no such export (known: ${known})` }] };
      }
      return { path: new URL(target, import.meta.url).href, external: true };
    });
  },
};

/** Bundles the module at `path` into `directory`; the bundle's path. Throws a UsageError with esbuild's first message. */
export async function bundleModule(path: string, directory: string): Promise<string> {
  if (!existsSync(path)) throw new UsageError(`${path}: no such file`);
  const outfile = join(directory, `${basename(path).replace(/\.[^.]+$/, '')}.mjs`);
  try {
    await bundle({
      entryPoints: [path],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      plugins: [ownExports],
    });
  } catch (error) {
    const [first] = (error as { errors?: Message[] }).errors ?? [];
    throw new UsageError(`${path}: ${first === undefined ? String(error) : described(first)}`);
  }
  return outfile;
}

function described({ text, location }: Message): string {
  if (location === null) return text;
  return `${text} (${location.file}:${location.line}:${location.column})`;
}
