import { describe, expect, it } from 'vitest';
import { readSeeds } from '../../../coordinator/options/seeds.js';

describe('--seeds', () => {
  it('is a range, first and last included', () => {
    expect(readSeeds('3..6')).toEqual([3, 4, 5, 6]);
    expect(readSeeds(' 7..7 ')).toEqual([7]);
    expect(readSeeds('1..100')).toHaveLength(100);
  });

  it.each(['', '5', '1-3', '6..3', '1..', '..3', '-1..3', '1..1e3', '1..9007199254740993'])(
    'refuses %j',
    (text) => {
      expect(() => readSeeds(text)).toThrow('--seeds: expected a range such as 1..100');
    },
  );

  it('refuses more than anybody would wait for', () => {
    expect(readSeeds('0..99999')).toHaveLength(100_000);
    expect(() => readSeeds('0..100000')).toThrow('at most 100000 seeds, not');
  });
});
