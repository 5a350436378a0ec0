import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auditLadder } from '../../../../workloads/trading/market/book-audit.js';
import {
  MatchingEngine,
  type EngineOrder,
  type OrderEntry,
} from '../../../../workloads/trading/market/matching-engine.js';
import { seeded } from '../wire-formats/messages.js';
import { Scenario, type Step } from './scenario.js';

interface Scenarios {
  readonly notApplied: Readonly<Record<string, string>>;
  readonly setups: Readonly<Record<string, Step[]>>;
  readonly scenarios: { id: string; setup?: string; steps: Step[] }[];
}

const { notApplied, setups, scenarios } = JSON.parse(
  readFileSync(
    new URL('../../../vectors/trading/matching-scenarios.json', import.meta.url),
    'utf8',
  ),
) as Scenarios;

describe('the matching engine plays', () => {
  it.each(scenarios)('$id', ({ setup, steps }) => {
    const scenario = new Scenario();
    for (const step of setups[setup ?? ''] ?? []) scenario.play(step);
    for (const step of steps) scenario.play(step);
    expect(steps.length).toBeGreaterThan(0);
  });

  it('every scenario but those that need what it does not have', () => {
    expect(scenarios).toHaveLength(55);
    expect(Object.keys(notApplied)).toHaveLength(30);
    for (const { id } of scenarios) expect(notApplied[id]).toBeUndefined();
  });
});

/** What an engine told, one word and its numbers for each event. */
function engine(): [MatchingEngine, string[]] {
  const told: string[] = [];
  const tell = (event: string, order: EngineOrder, shares: number): unknown =>
    told.push(`${event} ${order.id} ${shares}`);
  const listener = {
    traded: (resting: EngineOrder, incoming: EngineOrder, shares: number) =>
      void told.push(`traded ${resting.id} ${incoming.id} ${shares}@${resting.price}`),
    rested: (order: EngineOrder) => void tell('rested', order, order.shares),
    refreshed: (order: EngineOrder) => void tell('refreshed', order, order.shares),
    cancelled: (order: EngineOrder, shares: number, reason: string) =>
      void tell(`cancelled (${reason})`, order, shares),
  };
  return [new MatchingEngine(listener), told];
}

const limit = (
  id: number,
  buy: boolean,
  shares: number,
  price: number | undefined,
  rest: Partial<OrderEntry> = {},
): OrderEntry => ({ id, owner: 1, buy, shares, price, timeInForce: 'day', ...rest });

describe('the matching engine', () => {
  it('tells what happens in its order', () => {
    const [matching, told] = engine();
    expect(matching.enter(limit(1, false, 30, 100, { display: 10 }))).toBe('rests');
    expect(matching.enter(limit(2, false, 5, 100))).toBe('rests');
    expect(matching.enter(limit(3, true, 20, 101, { timeInForce: 'ioc' }))).toBe('filled');
    expect(matching.enter(limit(4, true, 50, undefined))).toBe('cancelled');
    expect(told).toEqual([
      'rested 1 10',
      'rested 2 5',
      'traded 1 3 10@100',
      'refreshed 1 10',
      'traded 2 3 5@100',
      'traded 1 3 5@100',
      'traded 1 4 5@100',
      'refreshed 1 10',
      'traded 1 4 10@100',
      'cancelled (immediate) 4 35',
    ]);
    expect(matching.resting).toBe(0);
  });

  it('fills or kills against what is hidden, too', () => {
    const [matching, told] = engine();
    matching.enter(limit(1, true, 30, 100, { display: 10 }));
    expect(matching.enter(limit(2, false, 31, 100, { timeInForce: 'fok' }))).toBe('cancelled');
    expect(matching.enter(limit(3, false, 30, 100, { timeInForce: 'fok' }))).toBe('filled');
    expect(told.filter((each) => each.startsWith('traded'))).toHaveLength(3);
  });

  it('reduces what is hidden first, in its place, and cancels at nothing', () => {
    const [matching, told] = engine();
    matching.enter(limit(1, true, 30, 100, { display: 10 }));
    matching.enter(limit(2, true, 10, 100));
    expect(matching.reduce(1, 25)).toBe(25);
    expect(matching.order(1)).toMatchObject({ shares: 5, hidden: 0 });
    expect(matching.bids.best()).toMatchObject({ orders: 2, volume: 15 });
    expect(matching.bids.best()!.head!.id).toBe(1);
    expect(matching.reduce(1, 0)).toBeUndefined();
    expect(matching.reduce(1, 99)).toBe(5);
    expect(matching.reduce(1, 1)).toBeUndefined();
    expect(matching.cancel(2)).toBe(10);
    expect(matching.cancel(2)).toBeUndefined();
    expect(told.slice(2)).toEqual([
      'cancelled (user) 1 25',
      'cancelled (user) 1 5',
      'cancelled (user) 2 10',
    ]);
    expect(matching.bids.depth).toBe(0);
  });

  it('cancels a post-only order that would trade', () => {
    const [matching, told] = engine();
    matching.enter(limit(1, false, 10, 100));
    expect(matching.enter(limit(2, true, 10, 100, { postOnly: true }))).toBe('cancelled');
    expect(matching.enter(limit(3, true, 10, 99, { postOnly: true }))).toBe('rests');
    expect(told[1]).toBe('cancelled (post-only) 2 10');
  });

  it.each([
    limit(1, true, 0, 100),
    limit(1, true, -1, 100),
    limit(1, true, 1.5, 100),
    limit(1, true, 1, 0),
    limit(1, true, 1, 1.5),
    limit(1, true, 1, 100, { display: 0 }),
    limit(9, true, 1, 100),
  ])('rejects an order that makes no sense and tells nothing (%j)', (entry) => {
    const [matching, told] = engine();
    matching.enter(limit(9, true, 1, 50));
    expect(matching.enter(entry)).toBe('rejected');
    expect(told).toEqual(['rested 9 1']);
  });

  it('keeps the old order when its replacement makes no sense', () => {
    const [matching] = engine();
    matching.enter(limit(1, true, 10, 100));
    matching.enter(limit(2, true, 10, 100));
    expect(matching.replace(1, 3, 0, 10)).toBe('rejected');
    expect(matching.replace(1, 2, 100, 10)).toBe('rejected');
    expect(matching.replace(7, 8, 100, 10)).toBeUndefined();
    expect(matching.bids.best()!.head!.id).toBe(1);
    expect(matching.replace(1, 3, 100, 10)).toBe('rests');
    expect(matching.bids.best()!.head!.id).toBe(2);
  });

  it.each([1, 2, 3])('loses no share, and never leaves a crossed book (seed %i)', (seed) => {
    const random = seeded(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    let entered = 0;
    let traded = 0;
    let cancelled = 0;
    const matching = new MatchingEngine({
      traded: (resting, incoming, shares) => {
        expect(shares).toBeGreaterThan(0);
        expect(resting.buy).toBe(!incoming.buy);
        // The trade is within both limits, and nobody before the resting order in its queue is left out.
        const better = incoming.buy
          ? resting.price <= incoming.price
          : resting.price >= incoming.price;
        expect(better).toBe(true);
        expect(resting.previous).toBeUndefined();
        traded += shares;
      },
      rested: () => undefined,
      refreshed: () => undefined,
      cancelled: (_, shares) => (cancelled += shares),
    });
    for (let id = 1; id <= 4_000; id++) {
      const shares = 1 + pick(50);
      const price = 90 + pick(20);
      const known = 1 + pick(id);
      const action = pick(10);
      if (action === 0) matching.cancel(known);
      else if (action === 1) matching.reduce(known, 1 + pick(20));
      else if (action === 2) {
        const before = cancelled;
        const outcome = matching.replace(known, id, price, shares);
        if (outcome !== undefined && outcome !== 'rejected') entered += shares;
        else expect(cancelled).toBe(before);
      } else {
        const outcome = matching.enter({
          id,
          owner: pick(3),
          buy: pick(2) === 0,
          shares,
          price: pick(8) === 0 ? undefined : price,
          timeInForce: (['day', 'day', 'day', 'ioc', 'fok'] as const)[pick(5)]!,
          postOnly: pick(10) === 0,
          ...(pick(5) === 0 && { display: 1 + pick(10) }),
        });
        if (outcome !== 'rejected') entered += shares;
      }
      for (const buy of [true, false]) {
        expect(auditLadder(matching.side(buy))).toBeUndefined();
      }
      const bid = matching.bids.best()?.price ?? 0;
      expect(matching.asks.best()?.price ?? Infinity).toBeGreaterThan(bid);
    }
    let resting = 0;
    for (let id = 1; id <= 4_000; id++) resting += matching.order(id)?.remaining ?? 0;
    expect(entered).toBe(2 * traded + cancelled + resting);
    expect(traded).toBeGreaterThan(5_000);
  });
});
