import { describe, expect, test } from 'vitest';
import {
  parseModuleReference,
  printModuleReference,
  type ModuleReference,
} from '../../../node/spec/module-reference.js';

const FINGERPRINT = '0123456789abcdef'.repeat(4);
const program = (file: string): string => `program:${file}#${FINGERPRINT}`;

const REFERENCES: readonly ModuleReference[] = [
  { kind: 'catalogue', name: 'hpc/allreduce' },
  { kind: 'program', file: 'my.ts', fingerprint: FINGERPRINT },
  { kind: 'program', file: 'a #1 program, mine.mjs', fingerprint: FINGERPRINT },
  { kind: 'program', file: '..two-dots.cts', fingerprint: FINGERPRINT },
  { kind: 'file', url: 'file:///tmp/x/program.mjs' },
];

describe('a reference to a program', () => {
  test.each(REFERENCES)('is printed and read again: $kind', (reference) => {
    expect(parseModuleReference(printModuleReference(reference))).toEqual(reference);
  });

  test('reads as it is documented', () => {
    expect(REFERENCES.slice(0, 2).map(printModuleReference)).toEqual([
      'catalogue:hpc/allreduce',
      program('my.ts'),
    ]);
  });

  test.each([
    ['a path below', program('lib/my.ts')],
    ['a path above', program('../my.ts')],
    ['an absolute path', program('/etc/my.ts')],
    ['a Windows path', program('..\\my.ts')],
    ['a NUL', program('my.ts\0.ts')],
    ['a name of 10 MB', program('x'.repeat(10 * 2 ** 20) + '.ts')],
    ['a name of 256 characters', program('x'.repeat(253) + '.ts')],
    ['no name', program('')],
    ['a directory', program('..')],
    ['another kind of file', program('passwd')],
    ['a fingerprint that is too short', `program:my.ts#${FINGERPRINT.slice(1)}`],
    ['no fingerprint', 'program:my.ts'],
    ['a fingerprint in capitals', `program:my.ts#${FINGERPRINT.toUpperCase()}`],
    ['a catalogue name that leads elsewhere', 'catalogue:../coordinator/main'],
    ['an absolute catalogue name', 'catalogue:/etc/passwd'],
    ['no catalogue name', 'catalogue:'],
    ['a file of another machine', 'file://elsewhere/x.mjs'],
    ['code in a URL', 'data:text/javascript,process.exit()'],
    ['code on the network', 'https://example.com/x.mjs'],
    ['a bare path', '/tmp/x.mjs'],
    ['nothing', ''],
    ['no text', 7],
    ['nothing at all', undefined],
  ])('is refused with %s', (_what, text) => {
    const parsed = parseModuleReference(text);
    expect(parsed).toBeTypeOf('string');
    expect((parsed as string).length).toBeLessThan(200);
  });
});
