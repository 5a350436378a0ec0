import { describe, expect, expectTypeOf, it } from 'vitest';
import { ms, ns, ps, us } from '../../node/program/verbs.js';
import type { Picoseconds } from '../../units/time.js';

describe('a duration with its unit', () => {
  it('is whole picoseconds', () => {
    expect([ps(7), ns(500), us(1.5), ms(2)]).toEqual([7, 500_000, 1_500_000, 2_000_000_000]);
    expect([ps(0.4), ps(0.5), ns(0.1), us(0.3)]).toEqual([0, 1, 100, 300_000]);
    expectTypeOf(ns(1)).toEqualTypeOf<Picoseconds>();
  });

  it.each([NaN, -1, -1e-9, Infinity, -Infinity, 1e300])(
    'is refused if it is %s of something',
    (n) => {
      for (const [name, make] of Object.entries({ ps, ns, us, ms })) {
        expect(() => make(n)).toThrow(RangeError);
        expect(() => make(n)).toThrow(`${name}(${n}): expected a duration from 0`);
      }
    },
  );

  it('is refused past what is exact, and not before', () => {
    expect(ps(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => ps(2 ** 53)).toThrow(RangeError);
    expect(() => ms(1e7)).toThrow(RangeError);
  });
});
