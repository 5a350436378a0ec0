import { describe, expect, it } from 'vitest';
import { doAtOnce } from '../../../../workloads/authoring/portions.js';
import { auditBooks } from '../../../../workloads/trading/market/book-audit.js';
import { OPENING_GAPS, ORDER_LIVES } from '../../../../workloads/trading/feed/feed-statistics.js';
import { eachFramed, FeedError, type Feed } from '../../../../workloads/trading/feed/feed.js';
import { checkItchFile } from '../../../../workloads/trading/wire-formats/itch-file.js';
import { parseItch } from '../../../../workloads/trading/wire-formats/itch.js';
import { OrderBooks } from '../../../../workloads/trading/market/order-book.js';
import {
  syntheticFeed,
  type SyntheticFeedParameters,
} from '../../../../workloads/trading/feed/synthetic-feed.js';
import { play, seeded } from '../wire-formats/messages.js';

const feedOf = (seed: number, parameters: Partial<Omit<SyntheticFeedParameters, 'random'>>): Feed =>
  doAtOnce(
    syntheticFeed({
      shape: 'day',
      stocks: 20,
      messages: 20_000,
      ...parameters,
      random: seeded(seed),
    }),
  );

/** The share of each type among the timed messages. */
function mixOf(feed: Feed): (type: string) => number {
  const counts = new Map<string, number>();
  for (const start of feed.starts) {
    const type = String.fromCharCode(feed.bytes[start]!);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return (type) => (counts.get(type) ?? 0) / feed.starts.length;
}

const gapsOf = (feed: Feed): number[] =>
  [...feed.times].slice(1).map((time, index) => (time - feed.times[index]!) / 1_000);
const quantile = (values: number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1]!;

describe.each(['day', 'open'] as const)('a synthetic feed (%s)', (shape) => {
  it.each([1, 2])(
    'is genuine ITCH, and no message contradicts an earlier one (seed %i)',
    (seed) => {
      const feed = feedOf(seed, { shape });
      const file = doAtOnce(checkItchFile(feed.bytes));
      expect(file).toMatchObject({ messages: 20_000, stepsBack: 0 });
      const books = new OrderBooks();
      play(books, feed.primer);
      expect(books.resting).toBe(20 * 2 * 10);
      play(books, feed.bytes);
      expect(auditBooks(books)).toBeUndefined();
      expect(books.counters).toMatchObject({
        unknown: 0,
        duplicate: 0,
        excess: 0,
        empty: 0,
        crossed: 0,
      });
      expect(books.counters.applied).toBeGreaterThan(19_000);
    },
  );

  it('is the same for the same seed and another for another', () => {
    const one = feedOf(3, { shape, messages: 500 });
    expect(feedOf(3, { shape, messages: 500 })).toEqual(one);
    expect(feedOf(4, { shape, messages: 500 }).bytes).not.toEqual(one.bytes);
  });

  it('is timed from its first message, as its stamps say, and executes the first in priority', () => {
    const feed = feedOf(5, { shape, messages: 2_000, stocks: 2 });
    const books = new OrderBooks();
    play(books, feed.primer);
    const first = parseItch(feed.bytes, feed.starts[0]!)!.timestamp;
    let executions = 0;
    feed.starts.forEach((start, index) => {
      const record = parseItch(feed.bytes, start)!;
      expect(feed.times[index]).toBe((record.timestamp - first) * 1_000);
      if (record.type === 'E') {
        const order = books.order(0, Number(record.reference))!;
        expect(books.book(record.stockLocate)!.side(order.buy).best()!.head).toBe(order);
        executions++;
      }
      const end = feed.starts[index + 1] ?? feed.bytes.length + 2;
      play(books, feed.bytes.subarray(start - 2, end - 2));
    });
    expect(executions).toBeGreaterThan(20);
  });

  it.each([1_000, 1_000_000])('comes at %i messages a second when told to', (rate) => {
    const feed = feedOf(6, { shape, rate });
    expect((20_000 / feed.times.at(-1)!) * 1e12).toBeGreaterThan(0.8 * rate);
    expect((20_000 / feed.times.at(-1)!) * 1e12).toBeLessThan(1.25 * rate);
  });
});

describe('the opening burst', () => {
  const feed = feedOf(7, { shape: 'open' });

  it('has the gaps of the real one', () => {
    const gaps = gapsOf(feed);
    for (const [q, value] of OPENING_GAPS.filter(([q]) => q >= 0.25 && q < 1)) {
      expect(quantile(gaps, q) / value).toBeGreaterThan(0.85);
      expect(quantile(gaps, q) / value).toBeLessThan(1.15);
    }
    expect(Math.max(...gaps)).toBeLessThanOrEqual(72_807);
    expect(Math.max(...gaps)).toBeGreaterThan(60_000);
  });

  it('has the mix of the real one', () => {
    const share = mixOf(feed);
    for (const [type, wanted] of [
      ['A', 0.367],
      ['U', 0.225],
      ['F', 0.193],
      ['D', 0.167],
      ['E', 0.028],
    ] as const) {
      // prettier-ignore
      expect(share(type)).toBeGreaterThan(wanted * 0.85);
      expect(share(type)).toBeLessThan(wanted * 1.15);
    }
    expect(parseItch(feed.bytes, feed.starts[0]!)).toMatchObject({ type: 'S', eventCode: 'Q' });
  });
});

describe('a synthetic day', () => {
  const feed = feedOf(8, { stocks: 10, messages: 30_000 });

  it('has as many deletions as a real one, because its orders live as long', () => {
    const share = mixOf(feed);
    expect(share('A')).toBeGreaterThan(0.4);
    expect(share('A')).toBeLessThan(0.5);
    expect(share('D')).toBeGreaterThan(0.33);
    expect(share('D')).toBeLessThan(0.46);
    const entered = new Map<bigint, number>();
    const lives: number[] = [];
    for (const start of eachFramed(feed.bytes)) {
      const record = parseItch(feed.bytes, start)!;
      if (record.type === 'A') entered.set(record.reference, record.timestamp);
      if (record.type !== 'D') continue;
      const since = entered.get(record.reference);
      if (since !== undefined) lives.push((record.timestamp - since) / 1e9);
    }
    const median = ORDER_LIVES.find(([q]) => q === 0.5)![1];
    expect(quantile(lives, 0.5)).toBeGreaterThan(0.5 * median);
    expect(quantile(lives, 0.5)).toBeLessThan(2 * median);
  });

  it('comes in bursts: counts vary far more than those of a Poisson process', () => {
    const counts = new Float64Array(Math.floor(feed.times.at(-1)! / 1e12));
    for (const time of feed.times) counts[Math.floor(time / 1e12)]! += 1;
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
    expect(variance / mean).toBeGreaterThan(5);
  });
});

describe('parameters that make no feed', () => {
  it.each([
    { stocks: 0 },
    { stocks: 65_536 },
    { messages: 0 },
    { messages: 1.5 },
    { depth: 0 },
    { rate: 0 },
    { rate: NaN },
    { rate: 1e10 },
    { rate: 0.001 },
  ])('%j', (parameters) => {
    expect(() => feedOf(1, { messages: 100, ...parameters })).toThrow(FeedError);
  });
});
