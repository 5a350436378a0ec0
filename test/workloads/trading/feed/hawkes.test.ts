import { describe, expect, it } from 'vitest';
import { DAY_ARRIVALS } from '../../../../workloads/trading/feed/feed-statistics.js';
import { Hawkes, hawkesRate } from '../../../../workloads/trading/feed/hawkes.js';
import { OrderLives } from '../../../../workloads/trading/feed/order-lives.js';
import { seeded } from '../wire-formats/messages.js';

describe('a Hawkes process', () => {
  it('has its rate in the long run, and its share of events that others brought about', () => {
    const process = new Hawkes(DAY_ARRIVALS, seeded(1));
    const events = 100_000;
    let excited = 0;
    for (let i = 0; i < events; i++) {
      process.advance();
      if (process.excited) excited++;
    }
    expect(hawkesRate(DAY_ARRIVALS)).toBeCloseTo(2.9935, 4);
    expect(events / process.time / hawkesRate(DAY_ARRIVALS)).toBeCloseTo(1, 1);
    expect(excited / events).toBeCloseTo(0.693, 2);
  });

  it('without kernels is a Poisson process: mean and deviation of the gaps are the same', () => {
    const process = new Hawkes({ baseline: 4, kernels: [] }, seeded(2));
    const gaps: number[] = [];
    for (let i = 0; i < 50_000; i++) {
      const before = process.time;
      process.advance();
      expect(process.excited).toBe(false);
      gaps.push(process.time - before);
    }
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeCloseTo(0.25, 2);
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });
});

describe('the lives of orders', () => {
  it('end in order of time, equal ones by reference', () => {
    const random = seeded(3);
    const lives = new OrderLives();
    const plain: [number, number][] = [];
    for (let reference = 1; reference <= 2_000; reference++) {
      const end = Math.floor(random() * 300);
      lives.add(reference, end);
      plain.push([end, reference]);
    }
    plain.sort(([a, x], [b, y]) => a - b || x - y);
    for (const now of [-1, 0, 50, 51, 200, 299]) {
      for (;;) {
        const due = lives.takeDue(now);
        if (due === undefined) break;
        const [end, reference] = plain.shift()!;
        expect(due).toBe(reference);
        expect(end).toBeLessThanOrEqual(now);
      }
      expect(plain[0]?.[0] ?? Infinity).toBeGreaterThan(now);
    }
    expect(plain).toHaveLength(0);
  });
});
