/** The rule of files: how they are named, how they open, how long they get. */
import type { Finding } from './exceptions.js';
import { type SourceTree, codeOf, sourcesOf } from './source-tree.js';

export const LONGEST_FILE = 500;

/** Kebab-case, for one noun. */
export function misnamedFiles(tree: SourceTree): Finding[] {
  return codeOf(tree)
    .filter(({ path }) => {
      const name = path.split('/').at(-1)!;
      return !/^[a-z0-9]+(?:-[a-z0-9]+)*\.(?:(?:config|test)\.)?[tj]s$/.test(name);
    })
    .map(({ path }) => ({ key: path, says: `${path} is not in kebab-case` }));
}

/** The first line says what the file is. */
export function silentFiles(tree: SourceTree): Finding[] {
  return sourcesOf(tree)
    .filter(({ path, text }) => path.endsWith('.ts') && path.includes('/') && !opens(text))
    .map(({ path }) => ({ key: path, says: `${path} does not open with a doc comment` }));
}

const opens = (text: string): boolean => /^(?:#!.*\n)?\/\*\*/.test(text);

/** Beyond that there are two nouns in it. */
export function longFiles(tree: SourceTree): Finding[] {
  return codeOf(tree)
    .map(({ path, text }) => ({ key: path, count: text.split('\n').length }))
    .filter(({ count }) => count > LONGEST_FILE)
    .map((one) => ({ ...one, says: `${one.key} has ${one.count} lines` }));
}
