/**
 * What `npm pack` puts into the package, against what its pages name: somebody who has only the package can follow
 * them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const [{ files }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
) as [{ files: { path: string }[] }];
const packed = new Set(files.map(({ path }) => path));
const has = (path: string): boolean =>
  packed.has(path) || [...packed].some((file) => file.startsWith(`${path}/`));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const pages = [...packed].filter((path) => path.endsWith('.md'));

describe('the package', () => {
  it('has its pages, its examples and its notice of security', () => {
    const wanted = [
      'README.md',
      'SECURITY.md',
      'LICENSE',
      'docs/authors.md',
      'docs/labs/README.md',
    ];
    expect(wanted.filter((path) => !packed.has(path))).toEqual([]);
    expect(packed).toContain('examples/ping-pong.ts');
  });

  it('has the source of everything that is built, so that stack traces open', () => {
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    const sources = execFileSync('git', ['ls-files', ...include.map((room) => `${room}/**/*.ts`)], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const missing = sources.split('\n').filter((path) => path !== '' && !packed.has(path));
    expect(missing).toEqual([]);
  });

  it('has no tests and no state of the compiler', () => {
    expect([...packed].filter((path) => /^test\/|tsbuildinfo/.test(path))).toEqual([]);
  });

  it.each(pages)('has all that %s links to', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)];
    const targets = links.map(([, link]) => normalize(join(dirname(page), link!)));
    expect(targets.filter((target) => !has(target))).toEqual([]);
  });

  it.each(pages.filter((page) => page.startsWith('docs/labs/')))(
    'has the files that the exercises of %s are about',
    (page) => {
      const named = [...read(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|js|yaml|json|md))`/g)];
      const paths = named.map(([, path]) => path!);
      expect(paths.filter((path) => !packed.has(path))).toEqual([]);
    },
  );
});
