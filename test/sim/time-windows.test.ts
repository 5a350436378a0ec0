import { describe, expect, test } from 'vitest';
import { TimeWindows } from '../../coordinator/run/time-windows.js';
import { Lookahead } from '../../sim/lookahead.js';
import { WindowMember } from '../../sim/window-member.js';
import type { NetworkOptions, NetworkResult } from './slow-network.js';
import { runNetwork } from './slow-network.js';
import type { Traffic } from './toy-elements.js';
import { ELEMENTS, TRAFFICS, embeddedRun } from './toy-elements.js';

const SEEDS = [1, 2, 3];
/** Frames that each element may send. */
const BUDGET: Readonly<Record<Traffic, number>> = {
  dense: 800,
  'one-way': 1200,
  'ping-pong': 700,
  'one pair': 2000,
  'fan-in': 700,
  sparse: 700,
};

function embeddedDigests(traffic: Traffic, seed: number): string[] {
  const { traces } = embeddedRun(traffic, BUDGET[traffic], seed);
  return Array.from({ length: ELEMENTS }, (_, element) => traces.get(element)!.digest());
}

function network(traffic: Traffic, options: Partial<NetworkOptions>): NetworkResult {
  const standard = { seed: 1, processes: 4, baton: true, commits: true };
  return runNetwork({ traffic, budget: BUDGET[traffic], ...standard, ...options });
}

describe('every element’s trace equals that of the run in one process', () => {
  let frames = 0;
  for (const traffic of TRAFFICS) {
    for (const seed of SEEDS) {
      test(`${traffic} traffic in four processes, seed ${seed}`, () => {
        const expected = embeddedDigests(traffic, seed);
        for (const baton of [true, false]) {
          for (const commits of [true, false]) {
            const run = network(traffic, { seed, baton, commits });
            expect(run.digests).toEqual(expected);
            expect(run.windows.counters.batons > 0).toBe(baton);
            frames += run.frames;
          }
        }
      });
    }
    for (const processes of [2, 3, 8]) {
      test(`${traffic} traffic in ${processes} processes`, () => {
        const run = network(traffic, { seed: 4, processes });
        expect(run.digests).toEqual(embeddedDigests(traffic, 4));
        frames += run.frames;
      });
    }
  }

  test('and that held for more than a hundred thousand frames', () => {
    expect(frames).toBeGreaterThan(100_000);
  });
});

describe('the invariant catches a protocol that is broken on purpose', () => {
  const damaged = [
    { fault: 'long lookahead', traffic: 'dense', least: 100 },
    { fault: 'owed ignored', traffic: 'dense', least: 100 },
    { fault: 'no own-send cap', traffic: 'sparse', least: 100 },
  ] as const;
  for (const { fault, traffic, least } of damaged) {
    for (const seed of SEEDS) {
      test(`${fault}, ${traffic} traffic, seed ${seed}`, () => {
        const run = network(traffic, { seed, fault, baton: false });
        expect(run.violations).toBeGreaterThan(least);
        expect(run.digests).not.toEqual(embeddedDigests(traffic, seed));
      });
    }
  }

  test('a lookahead too long for the sender too is caught as the frame leaves', () => {
    const member = new WindowMember(0, Lookahead.uniform(2, 1300));
    member.finish(5000);
    member.grant({ horizon: 9000, owed: [] });
    member.begin();
    expect(() => member.sent(1, 6299)).toThrow(/process 0 -> process 1.*6299 ps.*5000 ps.*1300 ps/);
  });
});

describe('idle processes cost nothing', () => {
  test('a ping-pong between two of four asks nobody else', () => {
    const { windows, members } = network('one pair', { baton: false });
    expect(members.map((member) => member.windows)).toEqual([2001, 0, 0, 2000]);
    expect(windows.counters.asks).toBe(4001);
  });

  test('with the baton the coordinator hears of one hop in a thousand', () => {
    const { windows, members } = network('one pair', { baton: true });
    expect(members.map((member) => member.windows)).toEqual([2001, 0, 0, 2000]);
    expect(windows.counters.asks).toBe(4);
    expect(windows.counters.hops).toBe(3997);
    expect(windows.counters.rounds).toBe(4001);
  });

  test('commits instead of events make fewer rounds', () => {
    const rounds = (commits: boolean): number =>
      network('sparse', { commits, baton: false }).windows.counters.rounds;
    expect(rounds(true)).toBeLessThan(0.95 * rounds(false));
  });
});

describe('a window', () => {
  const member = (): WindowMember => new WindowMember(0, Lookahead.uniform(3, 1000, 50));

  test('opens only when every frame owed is there', () => {
    const p = member();
    p.grant({ horizon: 7000, owed: [{ from: 1, count: 2 }] });
    p.received(1, 3000);
    expect(p.ready()).toBe(false);
    expect(() => p.begin()).toThrow('not ready');
    p.received(2, 3000);
    expect(p.ready()).toBe(false);
    p.received(1, 3000);
    expect(p.ready()).toBe(true);
    p.begin();
    expect(p.horizon).toBe(7000);
  });

  test('lets no frame in before its horizon, and names both times and the link', () => {
    const p = member();
    p.grant({ horizon: 7000, owed: [] });
    p.begin();
    p.received(2, 7000);
    expect(() => p.received(2, 6999)).toThrow(
      'link process 2 -> process 0: a frame arrives at 6999 ps, but everything before 7000 ps',
    );
  });

  test('without end gets one with the first frame sent', () => {
    const p = member();
    p.grant({ horizon: Infinity, owed: [] });
    p.begin();
    p.sent(1, 4000);
    expect(p.horizon).toBe(5050);
    p.sent(2, 4500);
    expect(p.horizon).toBe(5050);
  });

  test('never moves back', () => {
    const p = member();
    for (const horizon of [7000, 6000]) {
      p.grant({ horizon, owed: [] });
      p.begin();
      p.finish(9000);
      expect(p.horizon).toBe(7000);
    }
  });

  test('reports each destination once, with the running count', () => {
    const p = member();
    p.sent(1, 4000);
    p.sent(1, 3000);
    p.sent(2, 5000);
    const report = (next: number): unknown => {
      const then = p.finish(next);
      return then.kind === 'report' ? then.report.sent : then.kind;
    };
    expect(report(2000)).toEqual([
      { to: 1, count: 2, least: 3000 },
      { to: 2, count: 1, least: 5000 },
    ]);
    p.sent(1, 6000);
    expect(report(Infinity)).toEqual([{ to: 1, count: 3, least: 6000 }]);
    expect(report(Infinity)).toEqual([]);
  });
});

describe('the coordinator', () => {
  const idle = { next: Infinity, commit: Infinity, sent: [] };

  test('finishes when nothing is pending anywhere', () => {
    const windows = new TimeWindows(Lookahead.uniform(2, 1000));
    expect(windows.report(0, idle)).toEqual([]);
    expect(windows.finished).toBe(false);
    expect(windows.report(1, idle)).toEqual([]);
    expect(windows.finished).toBe(true);
  });

  test('grants nothing before every process has said where it starts', () => {
    const windows = new TimeWindows(Lookahead.uniform(2, 1000), false);
    expect(windows.report(0, { next: 10, commit: 10, sent: [] })).toEqual([]);
    expect(windows.report(1, idle)).toEqual([
      { process: 0, grant: { horizon: Infinity, owed: [] } },
    ]);
  });

  test('lets both run when their events are closer than the lookahead', () => {
    const windows = new TimeWindows(Lookahead.uniform(2, 1000));
    windows.report(0, { next: 5000, commit: 5000, sent: [] });
    expect(windows.report(1, { next: 5300, commit: 5300, sent: [] })).toEqual([
      { process: 0, grant: { horizon: 6300, owed: [] } },
      { process: 1, grant: { horizon: 6000, owed: [] } },
    ]);
  });

  test('counts a frame in flight for its receiver, and owes it', () => {
    const windows = new TimeWindows(Lookahead.uniform(2, 1000), false);
    windows.report(1, idle);
    const sent = [{ to: 1, count: 3, least: 2500 }];
    expect(windows.report(0, { next: 9000, commit: 9000, sent })).toEqual([
      { process: 1, grant: { horizon: 10_000, owed: [{ from: 0, count: 3 }] } },
    ]);
  });

  test('refuses a report that was not due, and a baton it did not give', () => {
    const windows = new TimeWindows(Lookahead.uniform(2, 1000));
    windows.report(0, idle);
    expect(() => windows.report(0, idle)).toThrow('process 0 reported a window');
    const baton = { next: [0, 0], commit: [0, 0], hops: 0 };
    expect(() => windows.report(1, { ...idle, baton })).toThrow('process 1 returned a baton');
  });

  test('says so when virtual time is stuck', () => {
    const unjoined = new Lookahead(2, [0, Infinity, Infinity, 0]);
    const stuck = new TimeWindows(unjoined);
    stuck.report(0, { ...idle, next: Infinity, commit: Infinity });
    const beyond = { next: Number.NaN, commit: Number.NaN, sent: [] };
    expect(() => stuck.report(1, beyond)).toThrow('virtual time is stuck');
  });
});

describe('a lookahead', () => {
  test('takes the shorter way through a third process, which needs its reaction', () => {
    const far = [0, 100, 900, 100, 0, 100, 900, 100, 0];
    const lookahead = new Lookahead(3, far, [0, 40, 0]);
    expect(lookahead.direct(0, 2)).toBe(900);
    expect(lookahead.path(0, 2)).toBe(240);
    expect(lookahead.path(0, 1)).toBe(100);
  });

  test('of nothing is refused', () => {
    expect(() => new Lookahead(2, [0, 0, 100, 0])).toThrow('from process 0 to process 1 is 0 ps');
  });
});
