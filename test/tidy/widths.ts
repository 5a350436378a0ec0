/** The rule of widths: comments and pages stay within a column; lines of code are prettier's. */
import type { Finding } from './exceptions.js';
import { commentsOf, isPage, isYaml, isYamlComment } from './prose.js';
import type { SourceTree, TreeFile } from './source-tree.js';

export const WIDEST_LINE = 120;

const width = (line: string): number => Array.from(line).length;

/** Numbers, from 0, of the lines that a comment touches. */
function commentLines(file: TreeFile): Set<number> {
  const touched = new Set<number>();
  if (file.syntax === undefined) return touched;
  for (const { start, end } of commentsOf({ ...file, syntax: file.syntax })) {
    const first = file.syntax.getLineAndCharacterOfPosition(start).line;
    const last = file.syntax.getLineAndCharacterOfPosition(end).line;
    for (let line = first; line <= last; line++) touched.add(line);
  }
  return touched;
}

/** On a page, tables, blocks of code and the targets of links may be as wide as they are. */
function pageLines(text: string): string[] {
  let fenced = false;
  return text.split('\n').map((line) => {
    const fence = /^\s*(?:```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    if (fence || fenced || /^\s*\||^\s*\[[^\]]+\]:/.test(line)) return '';
    return line.replace(/\]\([^)]*\)/g, ']()').replace(/<?https?:\S+/g, '');
  });
}

function measuredLines(file: TreeFile): string[] {
  if (isPage(file)) return pageLines(file.text);
  const lines = file.text.split('\n');
  if (isYaml(file)) return lines.map((line) => (isYamlComment(line) ? line : ''));
  const comments = commentLines(file);
  return lines.map((line, index) => (comments.has(index) ? line : ''));
}

/** One finding a file: its widest line, and how many there are. */
export function wideFiles(tree: SourceTree): Finding[] {
  return [...tree.values()].flatMap((file) => {
    const wide = measuredLines(file)
      .map((line, index) => ({ line: index + 1, columns: width(line) }))
      .filter(({ columns }) => columns > WIDEST_LINE);
    if (wide.length === 0) return [];
    const { line, columns } = wide[0]!;
    const says = `${file.path}:${line} has ${columns} columns; ${wide.length} such lines`;
    return [{ key: file.path, says }];
  });
}
