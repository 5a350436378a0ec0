/**
 * The house rules, as a test: which room may import which, what the pure core must not touch, how files and functions
 * are named and how long they get, and how people are written to. The rooms stand in tidy/house.ts, the exceptions in
 * tidy/allowances.ts, the rules in files of their own beside them; tidy/rules.test.ts breaks each rule once.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as allowances from './tidy/allowances.js';
import { judge } from './tidy/exceptions.js';
import { exportUse } from './tidy/exports.js';
import { longFiles, misnamedFiles, silentFiles } from './tidy/files.js';
import { longFunctions, wideSignatures } from './tidy/functions.js';
import { ENTRIES, PURE, ROOMS, TEST_ROOMS } from './tidy/house.js';
import { importsOf } from './tidy/imports.js';
import { bannedEverywhere, impurities, moduleState } from './tidy/purity.js';
import {
  forbiddenImports,
  homelessFiles,
  staleTypeCycles,
  tableFindings,
  unmirroredTests,
  valueCycles,
} from './tidy/rooms.js';
import { readTree } from './tidy/source-tree.js';
import { wideFiles } from './tidy/widths.js';
import { poorWords } from './tidy/words.js';

const ROOT = join(import.meta.dirname, '..');
const tree = readTree(ROOT);
const imports = importsOf(tree);

/** Files that must spell what is banned. */
const SPELL_IT_OUT = ['test/tidy/purity.ts', 'test/tidy/words.ts', 'test/tidy/rules.test.ts'];

describe('rooms', () => {
  it('hold every file: none stands outside, none lies loose', () => {
    expect(judge(homelessFiles(tree, ROOMS))).toEqual([]);
  });

  it('import only rooms above them', () => {
    expect(judge(tableFindings(tree, ROOMS))).toEqual([]);
    expect(judge(forbiddenImports(imports, ROOMS), allowances.IMPORTS)).toEqual([]);
  });

  it('make no cycle by value', () => {
    expect(judge(valueCycles(imports, ROOMS))).toEqual([]);
  });

  it('know types of a room below them only where the table says why', () => {
    expect(judge(staleTypeCycles(imports, ROOMS))).toEqual([]);
  });

  it('keep the pure core free of clocks, chance, sockets and awaits', () => {
    expect(judge(impurities(tree, imports, PURE))).toEqual([]);
  });

  it('hold workloads without state of their own module: a program runs in many places', () => {
    expect(judge(moduleState(tree, 'workloads'))).toEqual([]);
  });

  it('have their tests in a directory of the same name', () => {
    expect(judge(unmirroredTests(tree, ROOMS, TEST_ROOMS))).toEqual([]);
  });
});

describe('files', () => {
  it('are free of what is banned everywhere', () => {
    const banned = bannedEverywhere(tree).filter(({ key }) => !SPELL_IT_OUT.includes(key));
    expect(judge(banned)).toEqual([]);
  });

  it('are named in kebab-case for one noun, and say what they are in their first line', () => {
    expect(judge([...misnamedFiles(tree), ...silentFiles(tree)])).toEqual([]);
  });

  it('are short enough to hold one noun', () => {
    expect(judge(longFiles(tree))).toEqual([]);
  });
});

describe('functions', () => {
  it('are short enough to read at once', () => {
    expect(judge(longFunctions(tree), allowances.LONG_FUNCTIONS)).toEqual([]);
  });

  it('have few enough positional parameters to tell them apart', () => {
    expect(judge(wideSignatures(tree), allowances.WIDE_SIGNATURES)).toEqual([]);
  });
});

describe('exports', () => {
  const use = exportUse(tree, imports, [...ENTRIES, ...packageExports()]);

  it('are imported by somebody', () => {
    expect(judge(use.dead, allowances.DEAD_EXPORTS)).toEqual([]);
  });

  it('are not there for tests alone', () => {
    expect(judge(use.onlyTests, allowances.EXPORTS_FOR_TESTS)).toEqual([]);
  });
});

describe('prose', () => {
  it('keeps comments and pages within their width', () => {
    expect(judge(wideFiles(tree), allowances.WIDE_FILES)).toEqual([]);
  });

  it('is plain technical English', () => {
    expect(judge(poorWords(tree, SPELL_IT_OUT))).toEqual([]);
  });
});

/** The sources of the built files that package.json exports. */
function packageExports(): string[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, { readonly default: string }>>;
  };
  return Object.values(exports).map((entry) =>
    entry.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'),
  );
}
