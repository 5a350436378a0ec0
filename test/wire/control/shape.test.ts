/** The readers that follow from shapes: what they take, and in which words they refuse the rest. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  anything,
  bytes,
  choice,
  dictionary,
  flag,
  list,
  mapped,
  nullable,
  number,
  optional,
  parsed,
  printableText,
  reader,
  record,
  refined,
  saying,
  text,
  variants,
  whole,
  type Infer,
} from '../../../wire/control/shape.js';

const CABLE = record('cable', {
  hosts: whole(1, 8),
  ends: list(
    ({ hosts }) => hosts,
    saying(
      'no such host',
      whole(0, ({ hosts }) => hosts - 1),
    ),
  ),
  loss: number(0, 1),
  label: printableText(5),
  plugged: flag,
  kind: choice('copper', 'fibre'),
  note: anything,
  key: bytes(2),
  counts: dictionary((each) => typeof each === 'number'),
  fault: nullable(text(3)),
  vlan: optional(whole()),
  name: refined(text(8), (name) => /^[a-z]+$/.test(name), 'no name'),
  created: mapped(whole(), (at) => new Date(at)),
  peer: parsed((value) => (value === 'me' ? { who: 'me' } : 'nobody')),
  tags: list(2, record('tag', { id: whole() })),
});
type Cable = Infer<typeof CABLE>;
const readCable = reader(CABLE);

const message = {
  ...{ hosts: 2, ends: [0, 1], loss: 0.5, label: 'a\u001bb', plugged: true, kind: 'fibre' },
  ...{ note: undefined, key: Uint8Array.of(1), counts: { frames: 3 }, fault: null, name: 'ab' },
  ...{ created: 5, peer: 'me', tags: [{ id: 1, colour: 'red' }] },
};

describe('a record that comes from outside', () => {
  test('is read field by field, and what its shape does not name is left out', () => {
    const cable = readCable({ ...message, colour: 'red' });
    expect(cable).toEqual({
      ...message,
      label: 'a?b',
      created: new Date(5),
      peer: { who: 'me' },
      tags: [{ id: 1 }],
    });
    expect(cable).not.toHaveProperty('vlan');
    expect(readCable({ ...message, vlan: 7 })).toHaveProperty('vlan', 7);
  });

  test('has the type that its shape says', () => {
    expectTypeOf<
      Pick<Cable, 'hosts' | 'ends' | 'kind' | 'fault' | 'vlan' | 'created' | 'tags'>
    >().toEqualTypeOf<{
      readonly hosts: number;
      readonly ends: readonly number[];
      readonly kind: 'copper' | 'fibre';
      readonly fault: string | null;
      readonly vlan?: number | undefined;
      readonly created: Date;
      readonly tags: readonly { readonly id: number }[];
    }>();
  });

  test.each<[string, unknown, string]>([
    ['hosts', 9, 'cable.hosts: expected a whole number in 1..8, not 9'],
    ['hosts', 1.5, 'cable.hosts: expected a whole number in 1..8, not 1.5'],
    ['hosts', '2', 'cable.hosts: expected a whole number in 1..8, not 2'],
    ['ends', [0, 1, 0], 'cable.ends: expected a list of at most 2, not a list of 3'],
    ['ends', [0, 2], 'cable.ends[1]: no such host'],
    ['loss', NaN, 'cable.loss: expected a number in 0..1, not NaN'],
    ['loss', 1.1, 'cable.loss: expected a number in 0..1, not 1.1'],
    ['label', 'abcdef', 'cable.label: expected a text of at most 5 characters, not abcdef'],
    ['plugged', 1, 'cable.plugged: expected true or false, not 1'],
    ['kind', 'air', 'cable.kind: expected one of copper, fibre, not air'],
    ['key', new Uint8Array(3), 'cable.key: expected at most 2 bytes, not an object'],
    [
      'counts',
      { a: '1' },
      'cable.counts: expected a record of the right kind of values, not an object',
    ],
    ['fault', 'abcd', 'cable.fault: expected a text of at most 3 characters, not abcd'],
    ['fault', undefined, 'cable.fault: expected a text of at most 3 characters, not undefined'],
    ['vlan', null, 'cable.vlan: expected a whole number in 0..9007199254740991, not null'],
    ['name', 'a1', 'cable.name: no name'],
    ['created', -1, 'cable.created: expected a whole number in 0..9007199254740991, not -1'],
    ['peer', 'you', 'cable.peer: nobody'],
    ['tags', [{ id: 1 }, 5], 'cable.tags[1]: tag: expected an object, not 5'],
    [
      'tags',
      [{ id: [] }],
      'cable.tags[0]: tag.id: expected a whole number in 0..9007199254740991, not a list of 0',
    ],
  ])('is refused for its %s of %j', (field, value, problem) => {
    expect(readCable({ ...message, [field]: value })).toBe(problem);
  });

  test.each([undefined, null, 'cable', [message]])('is no %j', (value) => {
    expect(readCable(value)).toMatch(/^cable: expected an object, not /);
  });
});

test('limits that nobody set are 0: what depends on a cluster is refused without one', () => {
  const read = reader(record('place', { process: whole(0, ({ processes }) => processes - 1) }));
  expect(read({ process: 2 }, { processes: 3 })).toEqual({ process: 2 });
  expect(read({ process: 3 }, { processes: 3 })).toBe(
    'place.process: expected a whole number in 0..2, not 3',
  );
  expect(read({ process: 0 })).toBeTypeOf('string');
});

describe('messages that are distinguished by their type', () => {
  const SIGNAL = variants('signal', { go: { at: whole() }, stop: {} });
  const read = reader(SIGNAL);

  test('have the fields of theirs', () => {
    expectTypeOf<Infer<typeof SIGNAL>>().toEqualTypeOf<
      { readonly type: 'go'; readonly at: number } | { readonly type: 'stop' }
    >();
    expect(read({ type: 'go', at: 3, why: 'x' })).toEqual({ type: 'go', at: 3 });
    expect(read({ type: 'stop', at: 3 })).toEqual({ type: 'stop' });
    expect(read({ type: 'go' })).toMatch(/^signal\.at: expected a whole number/);
  });

  test.each(['constructor', '__proto__', 'Go', 5, undefined, ['go']])(
    'are of no other type: %j',
    (type) => {
      expect(read({ type, at: 3 })).toMatch(/^signal\.type: expected one of go, stop, not /);
    },
  );
});
