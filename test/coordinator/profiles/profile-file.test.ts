import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile } from '../../../coordinator/profiles/profiles.js';
import { messageOf } from '../errors/usage-message.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pinwire-profiles-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A user's own profile file of this text. */
function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe("a user's own profile", () => {
  const TX = 'nic:\n  tx: { value: 1, unit: us, grade: D, source: a guess }\n';

  it('extends a shipped one: what it states replaces the whole entry, the rest stays', () => {
    const path = file('slow.yaml', `title: Slow\nextends: cx4-edr\n${TX}`);
    const base = loadProfile('cx4-edr', []);
    expect(loadProfile(path, [])).toEqual({
      ...base,
      name: 'slow',
      title: 'Slow',
      nic: { ...base.nic, tx: { ps: 1_000_000, jitter: null } },
    });
  });

  it('extends another file, by a path relative to itself', () => {
    file('below.yaml', `extends: cx6-hdr\n${TX}`);
    const path = file('above.yaml', 'extends: ./below.yaml\n');
    expect(loadProfile(path, [])).toMatchObject({
      name: 'above',
      title: loadProfile('cx6-hdr', []).title,
      nic: { tx: { ps: 1_000_000 } },
    });
  });

  const entry = (text: string): string => `extends: cx4-edr\nnic:\n  tx:\n${text}`;
  it.each([
    ['a key that is not known', 'nic:\n  txx: 1\n', ':2: no such key nic.txx; did you mean tx?'],
    ['a key of another group', 'pcie:\n  dma_read: 1\n', ':2: no such key pcie.dma_read'],
    [
      'a group that is not known',
      'nics: 1\n',
      ':1: a profile: unknown name "nics"; did you mean nic?',
    ],
    ['a bare number', entry('    7\n'), ':4: nic.tx: expected names and values'],
    ['no unit', entry('    value: 7\n    grade: A\n    source: me\n'), ':4: nic.tx: has no unit'],
    ['no source', entry('    { value: 7, unit: ns, grade: A }\n'), ':4: nic.tx: has no source'],
    [
      'no grade',
      entry('    value: 7\n    unit: ns\n    source: me\n'),
      ': nic.tx: grade must be one',
    ],
    [
      'a grade that is none',
      entry('    value: 7\n    unit: ns\n    grade: E\n    source: me\n'),
      ':6: nic.tx: grade must be one of A, B, C, D, X',
    ],
    [
      'a unit of another kind',
      entry('    value: 7\n    unit: Gb/s\n    grade: A\n    source: me\n'),
      ':4: nic.tx: expected a time with its unit, such as 600ns, not "7 Gb/s"',
    ],
    [
      'text for a number',
      entry('    value: 7ns\n    unit: ns\n'),
      ':4: nic.tx: value must be a number',
    ],
    [
      'a negative value',
      entry('    value: -7\n    unit: ns\n'),
      ':4: nic.tx: must not be negative',
    ],
    ['infinity', entry('    value: .inf\n    unit: ns\n'), ':4: nic.tx: expected a time'],
    ['not a number', entry('    value: .nan\n    unit: ns\n'), ':4: nic.tx: expected a time'],
    [
      'a name that an entry lacks',
      entry('    valeu: 7\n'),
      'unknown name "valeu"; did you mean value?',
    ],
    ['a key without a value', 'nic:\n  tx:\n', ':2: nic.tx: has no value'],
    ['a key stated twice', 'title: a\ntitle: b\n', ':2: '],
    ['text that is no YAML', 'title: [\n', ':'],
    ['a list', '- 1\n', ':1: a profile: expected names and values'],
    ['nothing', '', ':1: a profile: expected names and values'],
    ['nesting without end', '['.repeat(100_000), 'refused.yaml:1: '],
    ['most keys missing', TX, 'cpu.post is missing; state it or extend a profile'],
    ['a base that is not known', 'extends: cx4-edrr\n', 'did you mean cx4-edr?'],
    ['itself as its base', 'extends: ./refused.yaml\n', 'extends itself'],
  ])('with %s is refused', (_what, text, why) => {
    const path = file('refused.yaml', text);
    const message = messageOf(() => loadProfile(path, []));
    expect(message).toContain(why);
    if (!why.includes('cx4-edr') && !why.includes('itself'))
      expect(message).toContain('refused.yaml');
  });

  const jittery = (text: string, key = 'tx'): string =>
    `extends: cx4-edr\nnic:\n  ${key}: { value: 1, unit: ns, grade: D, source: x, jitter: ${text} }\n`;
  it.each([
    ['{ mean: 1, grade: D, source: x }', 'nic.tx.jitter: mean must be text'],
    ['{ mean: 1 Gb/s, grade: D, source: x }', 'nic.tx.jitter.mean: expected a time'],
    ['{ mean: -1 ns, grade: D, source: x }', 'nic.tx.jitter.mean: must not be negative'],
    ['{ mean: 1 ns }', 'nic.tx.jitter: has no source'],
    ['{ grade: D, source: x }', 'nic.tx.jitter: has no mean'],
    [
      '{ mean: 1 ns, tail_probability: 2, tail_mean: 1 us, grade: D, source: x }',
      'tail_probability must be between 0 and 1',
    ],
    ['{ mean: 1 ns, tail_probability: 0.1, grade: D, source: x }', 'has no tail_mean'],
  ])('with jitter %s is refused', (text, why) => {
    expect(messageOf(() => loadProfile(file('jitter.yaml', jittery(text)), []))).toContain(why);
  });

  it('with jitter on a number that takes none is refused', () => {
    const text = jittery('{ mean: 1 ns, grade: D, source: x }', 'qp_gap');
    const message = messageOf(() => loadProfile(file('jitter.yaml', text), []));
    expect(message).toContain('nic.qp_gap: takes no jitter');
  });

  it('that is not there, or a directory, is refused', () => {
    expect(messageOf(() => loadProfile('./nowhere.yaml', []))).toContain('ENOENT');
    expect(messageOf(() => loadProfile(directory, []))).toContain('EISDIR');
  });
});
