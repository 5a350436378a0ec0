import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workloads/authoring/seeded-random.js';

const draw = (count: number, seed: number, name = 'a'): number[] => {
  const random = seededRandom(seed, name);
  return Array.from({ length: count }, () => random());
};

describe('seededRandom', () => {
  it('gives the same numbers for the same seed and name, and others for others', () => {
    expect(draw(5, 1)).toEqual(draw(5, 1));
    const firsts = [draw(1, 1), draw(1, 2), draw(1, 1 + 2 ** 32), draw(1, 1, 'b'), draw(1, 1, '')];
    expect(new Set(firsts.map(([first]) => first)).size).toBe(firsts.length);
  });

  it('spreads them evenly over [0, 1)', () => {
    const cells = new Float64Array(16);
    const count = 160_000;
    for (const value of draw(count, 7)) cells[Math.floor(value * 16)]!++;
    // Chi-square with 15 degrees of freedom: above 37.7 once in a thousand.
    const expected = count / 16;
    const square = cells.reduce(
      (sum, each) => sum + ((each - expected) * (each - expected)) / expected,
      0,
    );
    expect(square).toBeLessThan(37.7);
  });

  it('has nothing of one draw in the next', () => {
    const values = draw(100_000, 3);
    let sum = 0;
    for (let i = 1; i < values.length; i++) sum += (values[i - 1]! - 0.5) * (values[i]! - 0.5);
    // Twelve times the mean is the correlation; its deviation is 1 / sqrt(n) = 0.003.
    expect(Math.abs((12 * sum) / values.length)).toBeLessThan(0.012);
  });
});
