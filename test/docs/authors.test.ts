/** The code blocks of docs/authors.md compile, with the strictest options, against what the package exports. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { blocksOf } from './page-blocks.js';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'authors.md'), 'utf8');

const NUMBER =
  "import type { Core } from 'pinwire';\nexport const f = (core: Core) => core.sleep(500);\n";
const sources = new Map(
  blocksOf(page, 'ts').map((source) => [/^\/\/ (\S+)/.exec(source)![1]!, source] as const),
);

/** What is wrong with each source, as tsc says it. */
function complaints(files: ReadonlyMap<string, string>): ReadonlyMap<string, string[]> {
  const configuration = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) =>
    ts.sys.readFile(path),
  );
  const { options } = ts.parseJsonConfigFileContent(configuration.config, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  // As if they lay here: `pinwire` is this package.
  const texts = new Map([...files].map(([name, text]) => [join(ROOT, name), text]));
  const plain = ts.createCompilerHost(options);
  host.fileExists = (file) => texts.has(file) || plain.fileExists(file);
  host.readFile = (file) => texts.get(file) ?? plain.readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const text = texts.get(file);
    if (text === undefined) return plain.getSourceFile(file, ...rest);
    return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const problems = new Map([...files.keys()].map((name): [string, string[]] => [name, []]));
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    problems.get(relative(ROOT, file?.fileName ?? ''))!.push(text);
  }
  return problems;
}

describe('the page for authors', () => {
  const found = complaints(new Map([...sources, ['number.ts', NUMBER]]));

  it.each([...sources.keys()])('has a %s that compiles', (name) => {
    expect(found.get(name)).toEqual([]);
  });

  it('says rightly that a number is no duration', () => {
    expect(found.get('number.ts')).toEqual([expect.stringContaining('Picoseconds')]);
  });

  it('names only calls that there are', () => {
    const interfaces = ['verbs', 'sockets', 'flow-rule']
      .map((file) => readFileSync(join(ROOT, 'node', 'program', `${file}.ts`), 'utf8'))
      .join('\n');
    const called = [...page.matchAll(/\b(?:core|context|pd|mr|cq|qp|flow)\.(\w+)\(/g)];
    const missing = called.filter(
      ([, name]) => !new RegExp(`^  ${name!}(<T>)?\\(`, 'm').test(interfaces),
    );
    expect(called.length).toBeGreaterThan(40);
    expect(missing.map(([call]) => call)).toEqual([]);
  });
});
