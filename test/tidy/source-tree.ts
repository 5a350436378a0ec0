/** The files of the repository, each parsed once: what the house rules read. A test of a rule makes up its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface TreeFile {
  readonly path: string;
  readonly text: string;
  /** Files of code have one; the rest is text. */
  readonly syntax: ts.SourceFile | undefined;
  /** Every node of the syntax by its kind, parents before children: a rule looks only at what it asks for. */
  readonly nodes: NodesByKind;
}

type NodesByKind = ReadonlyMap<ts.SyntaxKind, readonly ts.Node[]>;

export type SourceTree = ReadonlyMap<string, TreeFile>;

const CODE = /\.(?:ts|js)$/;

export function treeOf(texts: Readonly<Record<string, string>>): SourceTree {
  const files = Object.entries(texts).map(([path, text]): [string, TreeFile] => {
    const syntax = CODE.test(path)
      ? ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
      : undefined;
    return [
      path,
      { path, text, syntax, nodes: syntax === undefined ? new Map() : nodesOf(syntax) },
    ];
  });
  return new Map(files);
}

/** The tree below `root` as Git sees it, with the files that are not committed yet. */
export function readTree(root: string): SourceTree {
  const kinds = ['*.ts', '*.js', '*.md', '*.yml', '*.yaml'];
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', ...kinds],
    { cwd: root, encoding: 'utf8' },
  );
  const paths = listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
  return treeOf(
    Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])),
  );
}

export interface CodeFile extends TreeFile {
  readonly syntax: ts.SourceFile;
}

/** Every file of code, tests included. */
export function codeOf(tree: SourceTree): CodeFile[] {
  return [...tree.values()].filter((file): file is CodeFile => file.syntax !== undefined);
}

export const isTest = (path: string): boolean => path.startsWith('test/');

/** Every file of code but the tests. */
export function sourcesOf(tree: SourceTree): CodeFile[] {
  return codeOf(tree).filter(({ path }) => !isTest(path));
}

function nodesOf(syntax: ts.SourceFile): NodesByKind {
  const nodes = new Map<ts.SyntaxKind, ts.Node[]>();
  const add = (node: ts.Node): void => {
    const alike = nodes.get(node.kind);
    if (alike === undefined) nodes.set(node.kind, [node]);
    else alike.push(node);
    ts.forEachChild(node, add);
  };
  add(syntax);
  return nodes;
}

/** The line on which a node starts, counted from 1. */
export function lineOf(syntax: ts.SourceFile, node: ts.Node): number {
  return lineAt(syntax, node.getStart(syntax));
}

export function lineAt(syntax: ts.SourceFile, position: number): number {
  return syntax.getLineAndCharacterOfPosition(position).line + 1;
}

/** What `find` makes of the nodes of these kinds for which it makes anything, in the order of the text. */
export function findIn<Found>(
  file: CodeFile,
  kinds: readonly ts.SyntaxKind[],
  find: (node: ts.Node) => Found | undefined,
): Found[] {
  return kinds
    .flatMap((kind) => file.nodes.get(kind) ?? [])
    .sort((a, b) => a.pos - b.pos)
    .flatMap((node) => find(node) ?? []);
}
