import { describe, expect, it } from 'vitest';
import { ratios, slope, spreadOf } from '../../bench/peers/ratio.js';

describe('the slope of two runs', () => {
  it('is CPU time per unit, whatever start-up cost both', () => {
    for (const startUp of [0, 1.5]) {
      const short = { units: 1000, cpu: startUp + 0.5 };
      expect(slope(short, { units: 5000, cpu: startUp + 2.5 })).toBeCloseTo(0.0005, 12);
    }
  });

  it('does not exist if the long run was no more expensive: a ratio of it would mean nothing', () => {
    const short = { units: 1000, cpu: 1 };
    expect(() => slope(short, { units: 2000, cpu: 1 })).toThrow(/no slope/);
    expect(() => slope(short, { units: 2000, cpu: 0.9 })).toThrow(/no slope/);
    expect(() => slope(short, { units: 1000, cpu: 2 })).toThrow(/no slope/);
  });
});

describe('ratios', () => {
  it('say how many times as fast as the peer pinwire is: half of its time is 2', () => {
    expect(ratios([{ pinwire: 1, peer: 2 }])).toEqual([2]);
    expect(ratios([{ pinwire: 2, peer: 1 }])).toEqual([0.5]);
  });

  it('are taken within a round: a machine that slows down by 3 between rounds changes none', () => {
    const rounds = [
      { pinwire: 1, peer: 2 },
      { pinwire: 3, peer: 6 },
    ];
    expect(spreadOf(ratios(rounds))).toEqual({ min: 2, median: 2, max: 2 });
  });
});

describe('a spread', () => {
  it('has the middle value of an odd number, in order of size and not of text', () => {
    expect(spreadOf([10, 9, 100])).toEqual({ min: 9, median: 10, max: 100 });
  });

  it('has the mean of the middle two of an even number', () => {
    expect(spreadOf([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
  });

  it('is one value if there is only one', () => {
    expect(spreadOf([0.5])).toEqual({ min: 0.5, median: 0.5, max: 0.5 });
  });
});
