/** The rule of words: patterns that a native engineer would not write, each with what stands better. */
import type { Finding } from './exceptions.js';
import { passagesOf } from './prose.js';
import type { SourceTree } from './source-tree.js';

const BETTER: readonly (readonly [RegExp, string])[] = [
  [/\b(?:is|are) told\b/i, 'say who gets what'],
  [/\b(?:is|are) not to be had\b/i, 'is not available'],
  [/\bfor ever\b/i, 'forever, or name what it waits for'],
  [/\bdear\b/i, 'expensive'],
  [/\bso many\b(?! that\b)/i, 'n, or the number'],
  [/(?:^|[.:!?] )Of an? /, 'a sentence with its subject first'],
  [/\bwhoever\b/i, 'a noun'],
  [/\bwho \w+s (?:needs|gets|takes|hears|asks|waits)\b/i, 'a noun: a listener needs'],
  [/\b(?:the )?run that is on\b|\brun is on\b/i, 'the current run'],
  [/\bis wanting\b/i, 'is missing'],
  [/\bway (?:to the wire|through the (?:host|kernel))\b/i, 'path'],
  [/\bis no (?:whole number|number|URL|directory|object|list|JSON)\b/i, 'is not a'],
];

/** One finding a file: the first passage, and how many there are. `but` are the files that must spell the patterns. */
export function poorWords(tree: SourceTree, but: readonly string[] = []): Finding[] {
  return [...tree.values()]
    .filter(({ path }) => !but.includes(path))
    .flatMap((file) => {
      const found = passagesOf(file).flatMap(({ line, text }) =>
        BETTER.flatMap(([pattern, better]) => {
          const match = pattern.exec(text);
          return match === null ? [] : [{ line, says: `"${match[0].trim()}": ${better}` }];
        }),
      );
      if (found.length === 0) return [];
      const { line, says } = found[0]!;
      const more = found.length > 1 ? `; ${found.length} such places` : '';
      return [{ key: file.path, says: `${file.path}:${line}: ${says}${more}` }];
    });
}
