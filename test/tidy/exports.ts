/** The rule of exports: somebody imports each, and not only a test. */
import ts from 'typescript';
import type { Finding } from './exceptions.js';
import type { Import } from './imports.js';
import { type CodeFile, type SourceTree, isTest, sourcesOf } from './source-tree.js';

/** The names that a file exports, but for those that it passes on with `export *`. */
function exportsOf({ syntax }: CodeFile): string[] {
  return syntax.statements.flatMap((statement) => {
    if (ts.isExportAssignment(statement)) return ['default'];
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause === undefined) return [];
      return ts.isNamedExports(clause)
        ? clause.elements.map(({ name }) => name.text)
        : [clause.name.text];
    }
    if (!isExported(statement)) return [];
    if (isDefault(statement)) return ['default'];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
    }
    const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
    return name === undefined ? [] : [name.text];
  });
}

/**
 * Types that other exports of the same file are made of: the options of an exported class, the rows of an exported
 * result. They belong to what is exported, though importers seldom spell them. What a body mentions is not counted.
 */
function partsOfExports({ syntax }: CodeFile): Set<string> {
  const parts = new Set<string>();
  for (const statement of syntax.statements.filter(isExported)) {
    const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
    const visit = (node: ts.Node): void => {
      if (ts.isBlock(node)) return;
      const referred = ts.isTypeReferenceNode(node) ? node.typeName : heritageOf(node);
      if (referred !== undefined && ts.isIdentifier(referred) && referred.text !== name?.text) {
        parts.add(referred.text);
      }
      ts.forEachChild(node, visit);
    };
    visit(statement);
  }
  return parts;
}

const heritageOf = (node: ts.Node): ts.Node | undefined =>
  ts.isExpressionWithTypeArguments(node) ? node.expression : undefined;

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
}

const isDefault = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isBindingElement(element) ? boundNames(element.name) : [],
  );
}

/** `file#name` of every export that an import of `importers` uses. */
function usedBy(imports: readonly Import[], importers: (path: string) => boolean): Set<string> {
  return new Set(
    imports
      .filter(({ from }) => importers(from))
      .flatMap(({ to, names }) => (names === 'all' ? [`${to}#*`] : names.map((n) => `${to}#${n}`))),
  );
}

export interface ExportUse {
  /** Imported by no file at all. */
  readonly dead: Finding[];
  /** Imported by tests alone. */
  readonly onlyTests: Finding[];
}

/** `entries` are loaded by something else than an import of the tree: commands, workers, what the package exports. */
export function exportUse(
  tree: SourceTree,
  imports: readonly Import[],
  entries: readonly string[],
): ExportUse {
  const bySources = usedBy(imports, (path) => !isTest(path));
  const byTests = usedBy(imports, isTest);
  const has = (used: Set<string>, path: string, name: string) =>
    used.has(`${path}#${name}`) || used.has(`${path}#*`);
  const unused = sourcesOf(tree)
    .filter(({ path }) => !entries.includes(path))
    .flatMap((file) => {
      const parts = partsOfExports(file);
      const alone = exportsOf(file).filter((name) => !parts.has(name));
      return alone.map((name) => ({ path: file.path, name }));
    })
    .filter(({ path, name }) => !has(bySources, path, name));
  const finding = (says: string) => (one: { path: string; name: string }) => ({
    key: `${one.path}#${one.name}`,
    says: `${one.path}#${one.name} ${says}`,
  });
  return {
    dead: unused
      .filter(({ path, name }) => !has(byTests, path, name))
      .map(finding('is exported, and no file imports it')),
    onlyTests: unused
      .filter(({ path, name }) => has(byTests, path, name))
      .map(finding('is exported, and only tests import it')),
  };
}
