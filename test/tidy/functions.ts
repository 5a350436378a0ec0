/** The rule of functions: bounds on their lines and on their positional parameters. */
import ts from 'typescript';
import type { Finding } from './exceptions.js';
import { type CodeFile, type SourceTree, findIn, lineOf, sourcesOf } from './source-tree.js';

export const LONGEST_FUNCTION = 70;
export const MOST_PARAMETERS = 6;

interface Declared {
  /** `file#name`, with the class before the name of a member. */
  readonly key: string;
  readonly lines: number;
  readonly parameters: number;
}

const FUNCTIONS = [
  ts.SyntaxKind.FunctionDeclaration,
  ts.SyntaxKind.FunctionExpression,
  ts.SyntaxKind.ArrowFunction,
  ts.SyntaxKind.MethodDeclaration,
  ts.SyntaxKind.Constructor,
  ts.SyntaxKind.GetAccessor,
  ts.SyntaxKind.SetAccessor,
];

/** The name of a node or of the nearest thing around it: a function without a name is known by its variable or key. */
function nameOf(node: ts.Node): string {
  if (ts.isConstructorDeclaration(node)) return `${nameOf(node.parent)}.constructor`;
  const named = node as ts.Node & { readonly name?: ts.Node };
  const member = ts.isClassElement(node) || ts.isObjectLiteralElement(node);
  if (named.name !== undefined) {
    const name = named.name.getText();
    const owner = member && ts.isClassLike(node.parent) ? nameOf(node.parent) : '';
    return owner === '' ? name : `${owner}.${name}`;
  }
  return ts.isSourceFile(node) ? 'module' : nameOf(node.parent);
}

function functionsOf(file: CodeFile): Declared[] {
  const { path, syntax } = file;
  return findIn(file, FUNCTIONS, (node) => {
    const { body, parameters } = node as ts.FunctionLikeDeclaration;
    if (body === undefined) return undefined;
    const last = syntax.getLineAndCharacterOfPosition(node.end).line + 1;
    return {
      key: `${path}#${nameOf(node)}`,
      lines: last - lineOf(syntax, node) + 1,
      parameters: parameters.length,
    };
  });
}

export function longFunctions(tree: SourceTree): Finding[] {
  return sourcesOf(tree)
    .flatMap(functionsOf)
    .filter(({ lines }) => lines > LONGEST_FUNCTION)
    .map(({ key, lines }) => ({ key, count: lines, says: `${key} has ${lines} lines` }));
}

export function wideSignatures(tree: SourceTree): Finding[] {
  return sourcesOf(tree)
    .flatMap(functionsOf)
    .filter(({ parameters }) => parameters > MOST_PARAMETERS)
    .map(({ key, parameters }) => ({
      key,
      count: parameters,
      says: `${key} has ${parameters} parameters`,
    }));
}
