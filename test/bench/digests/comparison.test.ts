/** Two recordings compared: every kind of difference is found and named, and events are distinguished. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compare } from '../../../bench/digests/comparison.js';
import type { Digest } from '../../../bench/digests/digest.js';
import { formatDigest, readDigests } from '../../../bench/digests/digest-file.js';

const DIGEST: Digest = {
  name: 'draw 1:1',
  argv: ['run', 'micro/send-lat'],
  exit: 0,
  results: 'aa',
  parts: { cluster: 'a', 'micro/send-lat metrics': 'b', 'micro/send-lat counters': 'c' },
  captures: { 'host0.pcapng': 'd', 'host1.pcapng': 'e' },
  packets: 10,
  events: 100,
  virtual_ns: 5,
};
const OTHER: Digest = { ...DIGEST, name: 'draw 1:2' };

const whatDiffers = (change: Partial<Digest>): readonly string[] =>
  compare([DIGEST, OTHER], [OTHER, { ...DIGEST, ...change }]).different.flatMap(({ what }) => what);

describe('two recordings', () => {
  it('of the same digests in any order are the same', () => {
    expect(compare([DIGEST, OTHER], [OTHER, DIGEST])).toEqual({
      runs: 2,
      different: [],
      events: [],
    });
  });

  it.each<[string, Partial<Digest>, string[]]>([
    [
      'results, with the parts in which they do',
      { results: 'bb', parts: { ...DIGEST.parts, 'micro/send-lat metrics': 'x' } },
      ['results (micro/send-lat metrics)'],
    ],
    ['results alone', { results: 'bb' }, ['results']],
    [
      'a capture',
      { captures: { ...DIGEST.captures, 'host1.pcapng': 'x' } },
      ['captures (host1.pcapng)'],
    ],
    [
      'a capture that one has not',
      { captures: { 'host0.pcapng': 'd' } },
      ['captures (host1.pcapng)'],
    ],
    ['exit status', { exit: 1, error: 'pinwire: why' }, ['exit: 0, 1 "pinwire: why"']],
    ['packets', { packets: 11 }, ['packets: 10, 11']],
    ['command line', { argv: ['run', 'micro/read-lat'], results: 'bb' }, ['argv']],
    ['existence', { name: 'draw 9:9' }, ['only in the first', 'only in the second']],
  ])('differ by %s', (_what, change, differences) => {
    expect(whatDiffers(change)).toEqual(differences);
  });

  it('differ by what a failed run says', () => {
    const failed = { ...DIGEST, exit: 1, error: 'pinwire: at 1 ns' };
    const { different } = compare([failed], [{ ...failed, error: 'pinwire: at 2 ns' }]);
    expect(different).toEqual([
      { run: failed, what: ['exit: 1 "pinwire: at 1 ns", 1 "pinwire: at 2 ns"'] },
    ]);
  });

  it('of other events alone are distinguished', () => {
    const { different, events } = compare([DIGEST, OTHER], [{ ...DIGEST, events: 90 }, OTHER]);
    expect(different).toEqual([]);
    expect(events).toEqual([{ run: DIGEST, what: ['events: 100, 90'] }]);
  });
});

describe('a recording’s file', () => {
  const written = (text: string): string => {
    const directory = mkdtempSync(join(tmpdir(), 'pinwire-test-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'digests.jsonl');
    writeFileSync(path, text);
    return path;
  };

  it('is read back as it was written', () => {
    const path = written([DIGEST, OTHER].map(formatDigest).join(''));
    expect(readDigests(path)).toEqual([DIGEST, OTHER]);
  });

  it.each([
    ['a line cut short', `${formatDigest(DIGEST)}{"name":`, ':2: is not the digest of a run'],
    ['something else', '{"schema":"pinwire/1"}\n', ':1: is not the digest of a run'],
    ['a run twice', formatDigest(DIGEST).repeat(2), ':2: "draw 1:1" is recorded twice'],
  ])('is refused with %s', (_what, text, complaint) => {
    expect(() => readDigests(written(text))).toThrow(complaint);
  });
});
