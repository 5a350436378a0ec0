/**
 * The house rules, as a test: which room may import which, what the pure core must not touch, how files are named and
 * how long they get. A ban names its replacement.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'],
  {
    cwd: ROOT,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const sources = files.filter((file) => !file.startsWith('test/'));
const text = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

/** What a room may import, by prefix; the longest prefix that fits a file speaks for it. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'units/': ['units/'],
  'sim/': ['sim/', 'units/'],
  'wire/': ['wire/', 'units/'],
  // How many hosts and cores there may be decides what a message may say.
  'wire/control/': ['wire/', 'sim/sequencer', 'units/'],
  // The pure core of a node: functions of (state, bytes, now). It may know the types of a profile and a run.
  'node/memory/': ['node/memory/', 'sim/', 'units/', 'wire/'],
  // Protocols above the frame: the kernel runs them, and so does a program that owns a queue.
  'node/net/': ['node/net/', 'sim/', 'units/', 'wire/'],
  'node/kernel/': ['node/', 'sim/', 'units/', 'wire/'],
  'node/nic/': [
    'node/memory/',
    'node/nic/',
    'node/rdma/',
    'node/link/',
    'node/profile',
    'sim/',
    'units/',
    'wire/',
  ],
  'node/rdma/': [
    'node/memory/',
    'node/nic/',
    'node/rdma/',
    'node/link/',
    'node/profile',
    'sim/',
    'units/',
    'wire/',
  ],
  'node/': ['node/', 'sim/', 'units/', 'wire/'],
  // A host process's composition root: it alone knows what is installed beside the emulator.
  'node/main': ['node/', 'sim/', 'units/', 'wire/', 'workloads/catalogue'],
  'coordinator/': ['coordinator/', 'node/', 'sim/', 'units/', 'wire/', 'workloads/'],
  'workloads/': ['workloads/', 'node/verbs', 'node/sockets', 'units/'],
  'bench/': ['bench/', 'coordinator/', 'node/', 'sim/', 'units/', 'wire/', 'workloads/'],
};

const PURE = [
  'units/',
  'sim/',
  'wire/',
  'node/memory/',
  'node/net/',
  'node/kernel/',
  'node/nic/',
  'node/rdma/',
];

/** In the pure core: pattern, and what to use instead. */
const BANS: readonly (readonly [RegExp, string])[] = [
  [/\bawait\b|\basync\b/, 'functions of (state, bytes, now); the machine awaits'],
  [/\bDate\b/, 'the time that is handed in'],
  [/\bperformance\./, 'the time that is handed in'],
  [/Math\.random/, 'a RandomStream of (seed, name)'],
  [/\bset(?:Timeout|Interval|Immediate)\b/, 'an event of the scheduler'],
  [
    /from 'node:(?!zlib')/,
    'what crosses the world’s border belongs to node/link, node/cpu or coordinator',
  ],
  [/from 'ws'/, 'a Link'],
];

/** Everywhere but in tests. `Math.pow` differs between versions of V8, and so would results. */
const BANS_EVERYWHERE: readonly (readonly [RegExp, string])[] = [
  [/Math\.pow/, 'multiplication, or 2 ** n for whole n'],
  [/\bTODO\b|\bFIXME\b|\bXXX\b/, 'an issue, or nothing'],
  [/\benum\s+[A-Z]/, '`as const` tables'],
];

const LONGEST_FILE = 500;

function importsOf(file: string): string[] {
  const found: string[] = [];
  for (const match of text.get(file)!.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    found.push(normalize(join(dirname(file), match[1]!)).replace(/\.js$/, ''));
  }
  return found;
}

/** Code without comments and strings, which may speak of what is banned. */
const codeOf = (file: string): string =>
  text
    .get(file)!
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

describe('rooms', () => {
  it('import only what their place allows', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const room = Object.keys(ROOMS)
        .filter((prefix) => file.startsWith(prefix))
        .sort((a, b) => b.length - a.length)[0];
      if (room === undefined) continue;
      for (const imported of importsOf(file)) {
        if (!ROOMS[room]!.some((prefix) => imported.startsWith(prefix))) {
          wrong.push(`${file} imports ${imported}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keep the pure core free of clocks, chance, sockets and awaits', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      if (!PURE.some((room) => file.startsWith(room))) continue;
      const code = codeOf(file);
      for (const [pattern, instead] of BANS) {
        if (pattern.test(code)) wrong.push(`${file}: ${pattern.source} - use ${instead}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('hold workloads without state of their own module: a program runs in many places', () => {
    const wrong = sources.filter(
      (file) => file.startsWith('workloads/') && /^(?:export )?(?:let|var) /m.test(codeOf(file)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  it('are free of what is banned everywhere', () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (file === 'test/tidy.test.ts') continue;
      const code = text.get(file)!;
      for (const [pattern, instead] of BANS_EVERYWHERE) {
        if (pattern.test(code)) wrong.push(`${file}: ${pattern.source} - use ${instead}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('are named in kebab-case for one noun, and say what they are in their first line', () => {
    const wrong = sources.filter((file) => {
      const name = file.split('/').at(-1)!;
      return !/^[a-z0-9]+(?:-[a-z0-9]+)*\.(?:config\.)?ts$/.test(name);
    });
    const silent = sources.filter(
      (file) => file.includes('/') && !/^(?:#!.*\n)?\/\*\*/.test(text.get(file)!),
    );
    expect({ wrong, silent }).toEqual({ wrong: [], silent: [] });
  });

  it(`have at most ${LONGEST_FILE} lines: beyond that there are two nouns in them`, () => {
    const long = files
      .map((file) => ({ file, lines: text.get(file)!.split('\n').length }))
      .filter(({ lines }) => lines > LONGEST_FILE);
    expect(long).toEqual([]);
  });
});
