/** Who imports what, and whether it is loaded at run time or only read by the compiler. */
import { dirname, normalize } from 'node:path';
import ts from 'typescript';
import { type CodeFile, type SourceTree, codeOf, findIn } from './source-tree.js';

export interface Import {
  readonly from: string;
  /** A file of the tree, or the name of a package. */
  readonly to: string;
  /** The module is loaded at run time; an import of types leaves no trace. */
  readonly byValue: boolean;
  /** The exports that are used, by the names that the exporting file gives them. */
  readonly names: readonly string[] | 'all';
}

type Found = Omit<Import, 'from' | 'to'> & { readonly specifier: string };

const TYPES_ONLY = false;
const VALUES = true;

const textOf = (node: ts.Node): string => (node as ts.StringLiteralLike).text;

/**
 * `import { type X }` without a value beside it still loads its module under `verbatimModuleSyntax`, unlike
 * `import type { X }`: it counts as an import by value.
 */
function declared(node: ts.ImportDeclaration): Found {
  const specifier = textOf(node.moduleSpecifier);
  const clause = node.importClause;
  if (clause === undefined) return { specifier, byValue: VALUES, names: [] };
  const byValue = clause.phaseModifier !== ts.SyntaxKind.TypeKeyword;
  const bindings = clause.namedBindings;
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) {
    return { specifier, byValue, names: 'all' };
  }
  const named = bindings?.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
  return {
    specifier,
    byValue,
    names: [...(clause.name === undefined ? [] : ['default']), ...(named ?? [])],
  };
}

function reexported(node: ts.ExportDeclaration, specifier: string): Found {
  const clause = node.exportClause;
  const names =
    clause !== undefined && ts.isNamedExports(clause)
      ? clause.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
      : 'all';
  return { specifier, byValue: !node.isTypeOnly, names };
}

/** `import('./x.js')` in code loads the module; in a type, as in `import('./x.js').X`, it does not. */
function called(node: ts.CallExpression): Found | undefined {
  const target = node.arguments[0];
  if (node.expression.kind !== ts.SyntaxKind.ImportKeyword || target === undefined)
    return undefined;
  if (!ts.isStringLiteralLike(target)) return undefined;
  return { specifier: target.text, byValue: VALUES, names: namesOfAwaited(node) };
}

/** `const { a, b } = await import('./x.js')` uses `a` and `b`; any other use may use everything. */
function namesOfAwaited(call: ts.CallExpression): readonly string[] | 'all' {
  const declaration = call.parent.parent;
  if (!ts.isAwaitExpression(call.parent) || !ts.isVariableDeclaration(declaration)) return 'all';
  if (!ts.isObjectBindingPattern(declaration.name)) return 'all';
  return declaration.name.elements.map(({ name, propertyName }) =>
    (propertyName ?? name).getText(),
  );
}

function typeImport(node: ts.ImportTypeNode): Found | undefined {
  if (!ts.isLiteralTypeNode(node.argument)) return undefined;
  const specifier = textOf(node.argument.literal);
  let first = node.qualifier;
  while (first !== undefined && ts.isQualifiedName(first)) first = first.left;
  return { specifier, byValue: TYPES_ONLY, names: first === undefined ? 'all' : [first.text] };
}

const IMPORTING = [
  ts.SyntaxKind.ImportDeclaration,
  ts.SyntaxKind.ExportDeclaration,
  ts.SyntaxKind.CallExpression,
  ts.SyntaxKind.ImportType,
];

function foundAt(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) return declared(node);
  if (ts.isExportDeclaration(node)) {
    return node.moduleSpecifier && reexported(node, textOf(node.moduleSpecifier));
  }
  if (ts.isCallExpression(node)) return called(node);
  return ts.isImportTypeNode(node) ? typeImport(node) : undefined;
}

function resolve(from: string, specifier: string, tree: SourceTree): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = normalize(`${dirname(from)}/${specifier}`);
  const source = path.replace(/\.js$/, '.ts');
  return tree.has(source) ? source : path;
}

function importsOfFile(file: CodeFile, tree: SourceTree): Import[] {
  return findIn(file, IMPORTING, foundAt).map(({ specifier, byValue, names }) => ({
    from: file.path,
    to: resolve(file.path, specifier, tree),
    byValue,
    names,
  }));
}

export function importsOf(tree: SourceTree): Import[] {
  return codeOf(tree).flatMap((file) => importsOfFile(file, tree));
}
