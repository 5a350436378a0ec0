/** The rule of the pure core: no clock, no chance, no socket and no await; and what is banned everywhere. */
import ts from 'typescript';
import type { Finding } from './exceptions.js';
import type { Import } from './imports.js';
import {
  type CodeFile,
  type SourceTree,
  codeOf,
  findIn,
  lineOf,
  sourcesOf,
} from './source-tree.js';

const HANDED_IN = 'the time that is handed in';
const SCHEDULED = 'an event of the scheduler';
const OUTSIDE = 'node/links, node/cores, node/process or coordinator for what crosses the border';

/** Names of the world outside, each with what to use instead. */
const GLOBALS = new Map([
  ['Date', HANDED_IN],
  ['performance', HANDED_IN],
  ['setTimeout', SCHEDULED],
  ['setInterval', SCHEDULED],
  ['setImmediate', SCHEDULED],
  ['queueMicrotask', SCHEDULED],
  ['process', OUTSIDE],
  ['console', OUTSIDE],
  ['globalThis', OUTSIDE],
  ['fetch', OUTSIDE],
  ['crypto', 'a RandomStream of (seed, name)'],
]);
const PURE_FUNCTION = 'functions of (state, bytes, now); the machine awaits';

export interface Purity {
  /** Directories; everything below them is pure. */
  readonly rooms: readonly string[];
  /** Packages that pure rooms may import, each with the directories that may do so. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

const within = (path: string, rooms: readonly string[]): boolean =>
  rooms.some((room) => path.startsWith(`${room}/`));

/** The name after a dot, a key of an object, the name of a member or of a label: none of them is a variable. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  return !('name' in parent && parent.name === node) || ts.isShorthandPropertyAssignment(parent);
}

const DECLARING = [
  ts.SyntaxKind.Parameter,
  ts.SyntaxKind.VariableDeclaration,
  ts.SyntaxKind.BindingElement,
];

/** Names that the file declares itself: a parameter `process` is a number of the model, not Node's object. */
function declaredNames(file: CodeFile): Set<string> {
  const names = findIn(file, DECLARING, (node) => {
    const { name } = node as ts.ParameterDeclaration | ts.VariableDeclaration | ts.BindingElement;
    return ts.isIdentifier(name) ? name.text : undefined;
  });
  return new Set(names);
}

const isMember = (node: ts.Node, object: string, member: string): boolean =>
  ts.isPropertyAccessExpression(node) &&
  node.name.text === member &&
  ts.isIdentifier(node.expression) &&
  node.expression.text === object;

const SUSPECT = [
  ts.SyntaxKind.AwaitExpression,
  ts.SyntaxKind.ForOfStatement,
  ts.SyntaxKind.AsyncKeyword,
  ts.SyntaxKind.PropertyAccessExpression,
  ts.SyntaxKind.Identifier,
];

/** What a node of a pure file does that it must not, and what to use instead. */
function impurity(node: ts.Node, own: ReadonlySet<string>): [string, string] | undefined {
  if (ts.isAwaitExpression(node)) return ['await', PURE_FUNCTION];
  if (ts.isForOfStatement(node) && node.awaitModifier) return ['for await', PURE_FUNCTION];
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return ['async', PURE_FUNCTION];
  if (isMember(node, 'Math', 'random')) return ['Math.random', 'a RandomStream of (seed, name)'];
  if (!ts.isIdentifier(node)) return undefined;
  const instead = GLOBALS.get(node.text);
  if (instead === undefined || own.has(node.text) || !isReference(node)) return undefined;
  return [node.text, instead];
}

export function impurities(
  tree: SourceTree,
  imports: readonly Import[],
  { rooms, packages }: Purity,
): Finding[] {
  const inCode = sourcesOf(tree)
    .filter(({ path }) => within(path, rooms))
    .flatMap((file) => {
      const own = declaredNames(file);
      return findAll(file, SUSPECT, (node) => impurity(node, own));
    });
  const outside = imports
    .filter(({ from, to }) => within(from, rooms) && !within(to, rooms) && !/\.[jt]s$/.test(to))
    .filter(({ from, to }) => !within(from, packages[to] ?? []))
    .map(({ from, to }) => ({ key: from, says: `${from} imports '${to}': use ${OUTSIDE}` }));
  return [...inCode, ...outside];
}

function findAll(
  file: CodeFile,
  kinds: readonly ts.SyntaxKind[],
  check: (node: ts.Node) => [string, string] | undefined,
): Finding[] {
  return findIn(file, kinds, (node) => {
    const one = check(node);
    if (one === undefined) return undefined;
    const [what, instead] = one;
    const place = `${file.path}:${lineOf(file.syntax, node)}`;
    return { key: file.path, says: `${place}: ${what}; use ${instead}` };
  });
}

const BANNED = [ts.SyntaxKind.PropertyAccessExpression, ts.SyntaxKind.EnumDeclaration];

/** In no file at all. `Math.pow` differs between versions of V8, and so would results. */
export function bannedEverywhere(tree: SourceTree): Finding[] {
  const inCode = codeOf(tree).flatMap((file) =>
    findAll(file, BANNED, (node) => {
      if (isMember(node, 'Math', 'pow'))
        return ['Math.pow', 'multiplication, or 2 ** n for whole n'];
      return ts.isEnumDeclaration(node) ? ['enum', '`as const` tables'] : undefined;
    }),
  );
  const notes = codeOf(tree)
    .filter(({ text }) => /\b(?:TODO|FIXME|XXX)\b/.test(text))
    .map(({ path }) => ({
      key: path,
      says: `${path}: a note of work to do; use an issue, or nothing`,
    }));
  return [...inCode, ...notes];
}

/** `let` and `var` of a module: a program runs in many places, and each would have its own. */
export function moduleState(tree: SourceTree, room: string): Finding[] {
  return sourcesOf(tree)
    .filter(({ path }) => within(path, [room]))
    .flatMap(({ path, syntax }) =>
      syntax.statements
        .filter(ts.isVariableStatement)
        .filter(({ declarationList }) => !(declarationList.flags & ts.NodeFlags.Const))
        .map((node) => ({ key: path, says: `${path}:${lineOf(syntax, node)}: state of a module` })),
    );
}
