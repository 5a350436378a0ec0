/** What is written for people: comments, messages and pages. The rules of line width and of words read it. */
import ts from 'typescript';
import { type CodeFile, type TreeFile, findIn, lineAt, lineOf } from './source-tree.js';

export interface Passage {
  /** Line on which it starts, counted from 1. */
  readonly line: number;
  /** Without the marks of a comment; a line break is a space. */
  readonly text: string;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const LITERALS = [
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateHead,
  ts.SyntaxKind.TemplateMiddle,
  ts.SyntaxKind.TemplateTail,
  ts.SyntaxKind.RegularExpressionLiteral,
];

function literalsOf(file: CodeFile): ts.LiteralLikeNode[] {
  return findIn(file, LITERALS, (node) => node as ts.LiteralLikeNode);
}

/** A `//` within a string or a regular expression opens no comment. */
export function commentsOf(file: CodeFile): Span[] {
  const literals = literalsOf(file)
    .map((node) => ({ start: node.getStart(file.syntax), end: node.end }))
    .sort((a, b) => a.start - b.start);
  const opening = /\/\*[\s\S]*?\*\/|\/\/.*/g;
  const found: Span[] = [];
  let next = 0;
  for (let match = opening.exec(file.text); match !== null; match = opening.exec(file.text)) {
    while (next < literals.length && literals[next]!.end <= match.index) next += 1;
    const around = literals[next];
    if (around !== undefined && around.start <= match.index) {
      opening.lastIndex = around.end;
    } else {
      found.push({ start: match.index, end: match.index + match[0].length });
    }
  }
  return found;
}

const plain = (text: string): string =>
  text
    .replace(/^\s*(?:\/\*\*?|\*\/|\*|\/\/|#)/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Comments that follow one another line by line are one passage. */
function commentPassages(file: CodeFile): Passage[] {
  const joined: Span[] = [];
  for (const span of commentsOf(file)) {
    const last = joined.at(-1);
    const apart = last === undefined || file.text.slice(last.end, span.start).trim() !== '';
    if (apart) joined.push(span);
    else joined[joined.length - 1] = { start: last.start, end: span.end };
  }
  return joined.map(({ start, end }) => ({
    line: lineAt(file.syntax, start),
    text: plain(file.text.slice(start, end)),
  }));
}

/** Strings that may be a message: they have a space in them, and are no part of an import. */
function messagePassages(file: CodeFile): Passage[] {
  return literalsOf(file)
    .filter((node) => !ts.isRegularExpressionLiteral(node) && / /.test(node.text))
    .map((node) => ({
      line: lineOf(file.syntax, node),
      text: node.text.replace(/\s+/g, ' ').trim(),
    }));
}

/** Runs of lines for which `holds`, each as one passage. */
function runsOf(text: string, holds: (line: string) => boolean): Passage[] {
  const found: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, line] of text.split('\n').entries()) {
    const held = holds(line);
    if (held && open) found.at(-1)!.text += ` ${plain(line)}`;
    else if (held) found.push({ line: index + 1, text: plain(line) });
    open = held;
  }
  return found;
}

export const isPage = ({ path }: TreeFile): boolean => path.endsWith('.md');
export const isYaml = ({ path }: TreeFile): boolean => /\.ya?ml$/.test(path);
export const isYamlComment = (line: string): boolean => /^\s*#/.test(line);

export function passagesOf(file: TreeFile): Passage[] {
  if (file.syntax !== undefined) {
    const code = { ...file, syntax: file.syntax };
    return [...commentPassages(code), ...messagePassages(code)];
  }
  if (isYaml(file)) return runsOf(file.text, isYamlComment);
  return isPage(file) ? runsOf(file.text, (line) => line.trim() !== '') : [];
}
