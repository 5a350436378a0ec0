/** The house rules, each broken once in a tree made up for it: a rule that cannot fail guards nothing. */
import { describe, expect, it } from 'vitest';
import { type Finding, judge } from './exceptions.js';
import { exportUse } from './exports.js';
import { LONGEST_FILE, longFiles, misnamedFiles, silentFiles } from './files.js';
import { LONGEST_FUNCTION, MOST_PARAMETERS, longFunctions, wideSignatures } from './functions.js';
import { PURE } from './house.js';
import { importsOf } from './imports.js';
import { bannedEverywhere, impurities, moduleState } from './purity.js';
import {
  type Room,
  forbiddenImports,
  homelessFiles,
  staleTypeCycles,
  tableFindings,
  unmirroredTests,
  valueCycles,
} from './rooms.js';
import { treeOf } from './source-tree.js';
import { WIDEST_LINE, wideFiles } from './widths.js';
import { poorWords } from './words.js';

type Texts = Readonly<Record<string, string>>;

const keys = (findings: readonly Finding[]): string[] => findings.map(({ key }) => key);

const LOWER: Room = { name: 'lower', values: [] };
const UPPER: Room = { name: 'upper', values: ['lower'] };
const HOUSE = [LOWER, UPPER];

const forbidden = (texts: Texts, rooms: readonly Room[] = HOUSE): string[] =>
  keys(forbiddenImports(importsOf(treeOf(texts)), rooms));

/** What an import of `wood` by a file of the lower room is taken for. */
const seenAs = (statement: string): (readonly [boolean, readonly string[] | 'all'])[] =>
  importsOf(treeOf({ 'lower/a.ts': statement, 'upper/wood.ts': '' }))
    .filter(({ to }) => to === 'upper/wood.ts')
    .map(({ byValue, names }) => [byValue, names]);

describe('an import', () => {
  it('is by value when the module is loaded at run time', () => {
    expect(seenAs("import { oak } from '../upper/wood.js';")).toEqual([[true, ['oak']]]);
    expect(seenAs("import ash, { oak as o } from '../upper/wood.js';")).toEqual([
      [true, ['default', 'oak']],
    ]);
    expect(seenAs("import * as wood from '../upper/wood.js';")).toEqual([[true, 'all']]);
    expect(seenAs("import '../upper/wood.js';")).toEqual([[true, []]]);
    expect(seenAs("export { oak } from '../upper/wood.js';")).toEqual([[true, ['oak']]]);
    expect(seenAs("export * from '../upper/wood.js';")).toEqual([[true, 'all']]);
    expect(seenAs("void import('../upper/wood.js');")).toEqual([[true, 'all']]);
    expect(seenAs("const { oak: o } = await import('../upper/wood.js');")).toEqual([
      [true, ['oak']],
    ]);
    // The compiler keeps the import, and with it the loading of the module.
    expect(seenAs("import { type Oak } from '../upper/wood.js';")).toEqual([[true, ['Oak']]]);
  });

  it('is of types when the compiler takes it away', () => {
    expect(seenAs("import type { Oak } from '../upper/wood.js';")).toEqual([[false, ['Oak']]]);
    expect(seenAs("export type { Oak } from '../upper/wood.js';")).toEqual([[false, ['Oak']]]);
    expect(seenAs("let oak: import('../upper/wood.js').Oak;")).toEqual([[false, ['Oak']]]);
  });

  it('is no sentence of a comment or a string', () => {
    expect(seenAs("// import { oak } from '../upper/wood.js';")).toEqual([]);
    expect(seenAs("const text = `import { oak } from '../upper/wood.js'`;")).toEqual([]);
  });
});

describe('rooms', () => {
  it('let no file stand outside of them, in a new directory or at the root', () => {
    const tree = treeOf({ 'lower/a.ts': '', 'lower/new/b.ts': '', 'c.ts': '' });
    expect(keys(homelessFiles(tree, HOUSE))).toEqual(['lower/new/b.ts', 'c.ts']);
  });

  it('that name their files let no other lie loose', () => {
    const tree = treeOf({ 'lower/main.ts': '', 'lower/helper.ts': '' });
    const rooms = [{ ...LOWER, only: ['lower/main.ts'] }];
    expect(keys(homelessFiles(tree, rooms))).toEqual(['lower/helper.ts']);
  });

  it('import downwards, by value and by type, and not upwards', () => {
    const value = "import { b } from '../upper/b.js';";
    const type = "import type { B } from '../upper/b.js';";
    expect(forbidden({ 'lower/a.ts': value, 'upper/b.ts': '' })).toEqual([
      'lower/a.ts -> upper/b.ts',
    ]);
    expect(forbidden({ 'lower/a.ts': type, 'upper/b.ts': '' })).toEqual([
      'lower/a.ts -> upper/b.ts',
    ]);
    const down = "import { a } from '../lower/a.js';";
    expect(forbidden({ 'upper/b.ts': down, 'lower/a.ts': '' })).toEqual([]);
  });

  it('may look up for types with a reason, but load nothing from there', () => {
    const rooms = [{ ...LOWER, typesFromBelow: { upper: 'A part names its board.' } }, UPPER];
    const type = { 'lower/a.ts': "import type { B } from '../upper/b.js';", 'upper/b.ts': '' };
    const value = { 'lower/a.ts': "import { b } from '../upper/b.js';", 'upper/b.ts': '' };
    expect(forbidden(type, rooms)).toEqual([]);
    expect(forbidden(value, rooms)).toEqual(['lower/a.ts -> upper/b.ts']);
  });

  it('are entered through their door where one is named', () => {
    const rooms = [LOWER, { ...UPPER, through: { lower: ['lower/door.ts'] } }];
    const texts = {
      ...{ 'lower/door.ts': '', 'lower/window.ts': '' },
      'upper/b.ts': "import '../lower/door.js'; import type { W } from '../lower/window.js';",
    };
    expect(forbidden(texts, rooms)).toEqual(['upper/b.ts -> lower/window.ts']);
  });

  it('import no test', () => {
    const texts = { 'lower/a.ts': "import '../test/lower/sample.js';", 'test/lower/sample.ts': '' };
    expect(forbidden(texts)).toEqual(['lower/a.ts -> test/lower/sample.ts']);
  });

  it('stand in a table that has each above those that import it, and no empty one', () => {
    const tree = treeOf({ 'lower/a.ts': '', 'upper/b.ts': '' });
    expect(tableFindings(tree, HOUSE)).toEqual([]);
    expect(keys(tableFindings(tree, [UPPER, LOWER]))).toEqual(['upper']);
    expect(keys(tableFindings(tree, [...HOUSE, { name: 'attic', values: [] }]))).toEqual(['attic']);
    const wrongWay = { ...UPPER, typesFromBelow: { lower: 'It stands above.' } };
    expect(keys(tableFindings(tree, [LOWER, wrongWay]))).toEqual(['upper']);
  });

  it('make no cycle by value, over however many rooms; a cycle by type is none', () => {
    const rooms = ['a', 'b', 'c'].map((name): Room => ({ name, values: [] }));
    const cycle = (last: string) =>
      keys(
        valueCycles(
          importsOf(
            treeOf({
              'a/one.ts': "import '../b/two.js';",
              'b/two.ts': "import '../c/three.js';",
              'c/three.ts': last,
            }),
          ),
          rooms,
        ),
      );
    expect(cycle("import { one } from '../a/one.js';")).toEqual(['a', 'b', 'c']);
    expect(cycle("void import('../a/one.js');")).toEqual(['a', 'b', 'c']);
    expect(cycle("import type { One } from '../a/one.js';")).toEqual([]);
  });

  it('forget no cycle by type that is gone, and allow none without a reason', () => {
    const stale = (text: string, reason: string) =>
      staleTypeCycles(importsOf(treeOf({ 'lower/a.ts': text, 'upper/b.ts': '' })), [
        { ...LOWER, typesFromBelow: { upper: reason } },
        UPPER,
      ]);
    const type = "import type { B } from '../upper/b.js';";
    expect(stale(type, 'A part names its board.')).toEqual([]);
    expect(keys(stale('', 'A part names its board.'))).toEqual(['lower ~> upper']);
    expect(keys(stale(type, ''))).toEqual(['lower ~> upper']);
  });

  it('have their tests under the same name', () => {
    const paths = ['test/lower/a.test.ts', 'test/cellar/b.test.ts', 'test/process/deep/c.test.ts'];
    const tree = treeOf(Object.fromEntries(paths.map((path) => [path, ''])));
    expect(keys(unmirroredTests(tree, HOUSE, ['process']))).toEqual(['test/cellar/b.test.ts']);
  });
});

describe('the pure core', () => {
  const impure = (text: string, path = 'node/model/fabric/egress-port.ts'): number => {
    const tree = treeOf({ [path]: text });
    return impurities(tree, importsOf(tree), PURE).length;
  };

  it.each([
    'const now = Date.now();',
    'const now = new Date();',
    'const now = performance.now();',
    'const dice = Math.random();',
    'setTimeout(send, 10);',
    'queueMicrotask(send);',
    'async function send() {}',
    'const send = async () => undefined;',
    'await send();',
    "import { readFileSync } from 'node:fs';",
    "import type { Socket } from 'node:net';",
    "import { WebSocket } from 'ws';",
    "import { crc32 } from 'node:zlib';",
    'process.exit(1);',
    "console.log('here');",
    'const now = globalThis.Date.now();',
    'const clock = { Date };',
    'send(setTimeout);',
  ])('holds no %s', (text) => {
    expect(impure(text)).toBe(1);
  });

  it.each(['units/time.ts', 'sim/scheduler.ts', 'wire/control/codec.ts', 'node/model/nic.ts'])(
    'reaches to %s',
    (path) => {
      expect(impure('const now = Date.now();', path)).toBe(1);
    },
  );

  it.each([
    '/** A Date would await Math.random() here. */',
    "const text = 'await Date.now()';",
    'const host = { performance: 1 }; host.performance;',
    'function start(process: number) { return process + 1; }',
  ])('may hold %s', (text) => {
    expect(impure(text)).toBe(0);
  });

  it('ends where processes and their clocks begin', () => {
    expect(impure('const now = Date.now();', 'node/links/mesh.ts')).toBe(0);
    expect(impure("import { crc32 } from 'node:zlib';", 'wire/icrc.ts')).toBe(0);
  });
});

describe('code', () => {
  it.each(['Math.pow(2, 3);', 'enum Colour { red }', '// TODO: later', '/* FIXME */'])(
    'holds no %s in any file, tests included',
    (text) => {
      expect(keys(bannedEverywhere(treeOf({ 'test/lower/a.ts': text })))).toEqual([
        'test/lower/a.ts',
      ]);
    },
  );

  it('of a workload keeps no state of its module', () => {
    const state = (text: string) => moduleState(treeOf({ 'workloads/a.ts': text }), 'workloads');
    expect(state('let runs = 0;')).toHaveLength(1);
    expect(state('export var runs = 0;')).toHaveLength(1);
    expect(state('const RUNS = 1;\nexport function run() {\n  let left = RUNS;\n}')).toEqual([]);
  });
});

describe('files', () => {
  it('have a name in kebab-case', () => {
    const names = ['lower/aB.ts', 'lower/a_b.ts', 'lower/a-b.ts', 'test/a-b.test.ts'];
    const tree = treeOf(Object.fromEntries(names.map((name) => [name, ''])));
    expect(keys(misnamedFiles(tree))).toEqual(['lower/aB.ts', 'lower/a_b.ts']);
  });

  it('say what they are in their first line', () => {
    const tree = treeOf({
      'lower/a.ts': 'export {};',
      'lower/b.ts': '// A part.',
      'lower/c.ts': '/** A part. */',
      'lower/d.ts': '#!/usr/bin/env node\n/** A command. */',
    });
    expect(keys(silentFiles(tree))).toEqual(['lower/a.ts', 'lower/b.ts']);
  });

  it(`have at most ${LONGEST_FILE} lines`, () => {
    const lines = (count: number) => 'x;\n'.repeat(count - 1);
    const tree = treeOf({
      'lower/a.ts': lines(LONGEST_FILE),
      'lower/b.ts': lines(LONGEST_FILE + 1),
    });
    expect(keys(longFiles(tree))).toEqual(['lower/b.ts']);
  });
});

describe('functions', () => {
  const lines = (count: number) => `() {\n${'  x;\n'.repeat(count - 2)}}`;

  it(`have at most ${LONGEST_FUNCTION} lines, whatever their form`, () => {
    const long = lines(LONGEST_FUNCTION + 1);
    const tree = treeOf({
      'lower/a.ts': `/** A comment of its own\n */\nfunction right${lines(LONGEST_FUNCTION)}`,
      'lower/b.ts': `function wrong${long}`,
      'lower/c.ts': `class Part {\n  run${long}\n  constructor${long}\n  get size${long}\n}`,
      'lower/d.ts': `const arrow = ${long.replace('{', '=> {')};`,
    });
    expect(longFunctions(tree)).toEqual(
      [
        ...['lower/b.ts#wrong', 'lower/c.ts#Part.run', 'lower/c.ts#Part.constructor'],
        ...['lower/c.ts#Part.size', 'lower/d.ts#arrow'],
      ].map((key): unknown => expect.objectContaining({ key, count: LONGEST_FUNCTION + 1 })),
    );
  });

  it(`have at most ${MOST_PARAMETERS} positional parameters, constructors too`, () => {
    const parameters = (count: number) =>
      Array.from({ length: count }, (_, index) => `p${index}: number`).join(', ');
    const tree = treeOf({
      'lower/a.ts': `function right(${parameters(MOST_PARAMETERS)}) {}`,
      'lower/b.ts': `function wrong(${parameters(MOST_PARAMETERS + 1)}) {}`,
      'lower/c.ts': `class Part { constructor(${parameters(MOST_PARAMETERS + 1)}) {} }`,
    });
    expect(keys(wideSignatures(tree))).toEqual(['lower/b.ts#wrong', 'lower/c.ts#Part.constructor']);
  });
});

describe('exports', () => {
  const uses = (texts: Texts, entries: readonly string[] = []) => {
    const tree = treeOf(texts);
    const { dead, onlyTests } = exportUse(tree, importsOf(tree), entries);
    return { dead: keys(dead), onlyTests: keys(onlyTests) };
  };
  const OAK = 'export const oak = 1;\nexport function ash() {}\nexport class Elm {}\n';

  it('are imported by somebody', () => {
    const one = { 'lower/a.ts': OAK, 'upper/b.ts': "import { oak } from '../lower/a.js';" };
    expect(uses(one).dead).toEqual(['lower/a.ts#ash', 'lower/a.ts#Elm']);
    const all = { 'lower/a.ts': OAK, 'upper/b.ts': "import * as wood from '../lower/a.js';" };
    expect(uses(all).dead).toEqual([]);
    const lazy = { 'lower/a.ts': OAK, 'upper/b.ts': "void import('../lower/a.js');" };
    expect(uses(lazy).dead).toEqual([]);
  });

  it('of an entry are used from outside', () => {
    expect(uses({ 'lower/a.ts': OAK }, ['lower/a.ts']).dead).toEqual([]);
  });

  it('that are passed on are used by those who pass them on, and need a user themselves', () => {
    const texts = { 'lower/a.ts': OAK, 'upper/b.ts': "export { oak } from '../lower/a.js';" };
    expect(uses(texts).dead).toEqual(['lower/a.ts#ash', 'lower/a.ts#Elm', 'upper/b.ts#oak']);
  });

  it('are not there for tests alone', () => {
    const test = "import { oak, ash } from '../../lower/a.js';";
    const texts = { 'lower/a.ts': OAK, 'test/lower/a.test.ts': test };
    expect(uses(texts)).toEqual({
      dead: ['lower/a.ts#Elm'],
      onlyTests: ['lower/a.ts#oak', 'lower/a.ts#ash'],
    });
  });

  it('that are types may be a part of another export, unless only a body mentions them', () => {
    const part = 'export interface Options { n: number }\nexport type Lonely = number;\n';
    const used = 'export function grow(options: Options) { const age: Lonely = options.n; }\n';
    const texts = {
      'lower/a.ts': part + used,
      'upper/b.ts': "import { grow } from '../lower/a.js';",
    };
    expect(uses(texts).dead).toEqual(['lower/a.ts#Lonely']);
  });
});

describe('prose', () => {
  const wide = (path: string, text: string) => keys(wideFiles(treeOf({ [path]: text })));
  const words = (length: number) => 'x '.repeat(length / 2 - 1) + 'xx';
  const line = (start: string, width: number) => start + words(width - start.length);

  it(`has comments of at most ${WIDEST_LINE} columns`, () => {
    expect(wide('a.ts', line('//  ', WIDEST_LINE))).toEqual([]);
    expect(wide('a.ts', line('//  ', WIDEST_LINE + 2))).toEqual(['a.ts']);
    expect(wide('a.ts', `/**\n${line(' *  ', WIDEST_LINE + 2)}\n */`)).toEqual(['a.ts']);
    expect(wide('a.yml', line('#   ', WIDEST_LINE + 2))).toEqual(['a.yml']);
  });

  it('leaves code, strings, tables, blocks of code and targets of links as wide as they are', () => {
    const long = words(WIDEST_LINE + 20);
    expect(wide('a.ts', `const text = '// ${long}';`)).toEqual([]);
    expect(wide('a.ts', `const text = \`\${n} /* ${long} */\`;`)).toEqual([]);
    expect(wide('a.ts', `const pattern = /[/]${long}[/]{2}/;`)).toEqual([]);
    expect(wide('a.md', `| ${long} |\n\n\`\`\`\n${long}\n\`\`\`\n[a](b#${long})`)).toEqual([]);
    expect(wide('a.md', `\`\`\`\n\`\`\`\n${long}`)).toEqual(['a.md']);
  });

  const poor = (path: string, text: string) => keys(poorWords(treeOf({ [path]: text })));

  it.each([
    '// The host is told its number.',
    '/** A clock is\n * not to be had. */',
    '// It waits for\n// ever.',
    '// A page that is dear.',
    '// One tick of so many.',
    '// Of a cluster, the first host.',
    '// It ends. Of an odd one, the last.',
    '// Whoever listens needs a port.',
    '// One who listens needs a port.',
    '// The run that is on ends first.',
    '// No run is on.',
    '// A receive is wanting.',
    '// The way to the wire is long.',
    '/** Throws for a text that is no\n * whole number. */',
    "throw new Error('the clock is not to be had');",
    'const message = `${host} is told`;',
  ])('is plain English, not %s', (text) => {
    expect(poor('a.ts', text)).toEqual(['a.ts']);
  });

  it('is read in pages and in comments of YAML, over the ends of lines, and nowhere else', () => {
    expect(poor('a.md', 'A run that waits for\never.')).toEqual(['a.md']);
    expect(poor('a.yml', '# It is told.\nkey: 1')).toEqual(['a.yml']);
    expect(poor('a.yml', 'key: is told')).toEqual([]);
    expect(poor('a.ts', 'const dear = 1; // It lasts so many that none is left.')).toEqual([]);
  });
});

describe('an exception', () => {
  const finding = (count: number): Finding => ({ key: 'a.ts#run', count, says: 'run is long' });

  it('holds up to its bound, and only for what it names', () => {
    const listed = { 'a.ts#run': { reason: 'A table.', most: 80 } };
    expect(judge([finding(80)], listed)).toEqual([]);
    expect(judge([finding(81)], listed)).toEqual(['run is long']);
    expect(judge([finding(80)])).toEqual(['run is long']);
  });

  it('fails when it is no longer needed, or gives no reason', () => {
    expect(judge([], { 'a.ts#run': 'A table.' })).toHaveLength(1);
    expect(judge([finding(80)], { 'a.ts#run': ' ' })).toHaveLength(1);
  });
});
