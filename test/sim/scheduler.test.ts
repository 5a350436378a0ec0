/** The order of events: time, then source, then sequence; never the order of pushing. */
import { describe, expect, it } from 'vitest';
import { draw } from '../../sim/cost.js';
import { EventQueue } from '../../sim/event-queue.js';
import { RandomStream } from '../../sim/random.js';
import { Scheduler } from '../../sim/scheduler.js';
import { keyPrecedes, NIC_UNIT, SEQUENCE_RANGE, Sequencer } from '../../sim/sequencer.js';
import { halveStages, STAGES } from '../../sim/stages.js';
import { combineDigests, TraceHash } from '../../sim/trace.js';
import { MAX_ELEMENTS } from '../../units/elements.js';

describe('the event queue', () => {
  it('gives events out in the order of (time, key), however they came in', () => {
    const random = new RandomStream(7, 'events');
    const queue = new EventQueue(4);
    const events: { time: number; key: number }[] = [];
    for (let i = 0; i < 20_000; i++) events.push({ time: random.below(500) * 1e9, key: i });
    // Push in a shuffled order, popping now and then.
    const shuffled = [...events].sort(() => random.unit() - 0.5);
    const popped: { time: number; key: number }[] = [];
    for (const { time, key } of shuffled) queue.push(time, key, 3, 5, key);
    while (queue.pop()) {
      expect([queue.sink, queue.kind, queue.argument]).toEqual([3, 5, queue.key]);
      popped.push({ time: queue.time, key: queue.key });
    }
    expect(popped).toEqual(events.sort((a, b) => a.time - b.time || a.key - b.key));
    expect(queue.peek()).toBe(Infinity);
    expect(queue.pop()).toBe(false);
  });

  it.each([1, 30, 60, 5000])(
    'gives out what a sorted list would, with %i pending and more',
    (pending) => {
      const random = new RandomStream(8, `churn ${pending}`);
      const queue = new EventQueue(16);
      const model: { time: number; key: number }[] = [];
      let now = 0;
      for (let key = 0; key < 20_000; key++) {
        // Mostly soon, sometimes at once, sometimes much later; keys are in no order of time.
        const time = now + random.below(10) * random.below(random.below(20) === 0 ? 100_000 : 100);
        const number = (key * 7919) % 20_011;
        queue.push(time, number, 0, key & 0xff, key);
        const at = model.findIndex((e) => e.time > time || (e.time === time && e.key > number));
        model.splice(at < 0 ? model.length : at, 0, { time, key: number });
        expect(queue.size).toBe(model.length);
        expect(queue.peek()).toBe(model[0]!.time);
        while (model.length > pending && random.below(3) > 0) {
          expect(queue.pop()).toBe(true);
          const first = model.shift()!;
          expect({ time: queue.time, key: queue.key }).toEqual(first);
          now = first.time;
        }
      }
    },
  );
});

describe('keys', () => {
  const LAST = { element: MAX_ELEMENTS - 1, unit: NIC_UNIT };

  it('put cores before their NIC, and hosts in order', () => {
    const sources = [
      new Sequencer(1, 0),
      new Sequencer(1, 1),
      new Sequencer(1, NIC_UNIT),
      new Sequencer(2, 0),
      new Sequencer(LAST.element, 0),
      new Sequencer(LAST.element, LAST.unit),
    ];
    const keys = sources.map((source) => source.key());
    for (const [place, key] of keys.entries()) {
      expect(Number.isSafeInteger(key)).toBe(true);
      const behind = keys.filter((other) => keyPrecedes(key, other));
      expect(behind).toEqual(keys.slice(place + 1));
    }
  });

  it('keep the order in which a source made its events, wherever its sequence wraps around', () => {
    for (const made of [0, 1, SEQUENCE_RANGE - 3, 5 * SEQUENCE_RANGE - 1, 2 ** 40 - 6]) {
      for (const { element, unit } of [{ element: 0, unit: 0 }, LAST]) {
        const source = new Sequencer(element, unit, made);
        const keys = Array.from({ length: 6 }, () => source.key());
        for (let i = 0; i < keys.length; i++) {
          for (let j = 0; j < keys.length; j++) {
            expect([made, i, j, keyPrecedes(keys[i]!, keys[j]!)]).toEqual([made, i, j, i < j]);
          }
        }
      }
    }
  });

  it('never make an event of one source into another’s', () => {
    const source = new Sequencer(3, 7, 9 * SEQUENCE_RANGE - 2);
    const before = new Sequencer(3, 6, SEQUENCE_RANGE - 1).key();
    const after = new Sequencer(3, 8).key();
    for (let i = 0; i < 4; i++) {
      const key = source.key();
      expect([keyPrecedes(before, key), keyPrecedes(key, before)]).toEqual([true, false]);
      expect([keyPrecedes(key, after), keyPrecedes(after, key)]).toEqual([true, false]);
    }
  });

  it('are 2^40 of a source, and no more', () => {
    const source = new Sequencer(LAST.element, LAST.unit, 2 ** 40 - 2);
    source.key();
    source.key();
    expect(() => source.key()).toThrow('more than 2^40 events');
  });

  it('order the queue as (time, source, number of the event) do, while sequences wrap', () => {
    const random = new RandomStream(9, 'wrapping');
    const queue = new EventQueue(16);
    const sources = Array.from({ length: 6 }, (_, number) => {
      const made = SEQUENCE_RANGE * (number + 1) - random.below(2000);
      return { number, made, sequencer: new Sequencer(10 * number, NIC_UNIT, made) };
    });
    const pending: { time: number; source: number; made: number; argument: number }[] = [];
    let now = 0;
    for (let argument = 0; argument < 20_000; argument++) {
      const source = sources[random.below(sources.length)]!;
      // Few instants, so that most events tie.
      const time = now + random.below(random.below(10) === 0 ? 400 : 4);
      queue.push(time, source.sequencer.key(), 0, 0, argument);
      pending.push({ time, source: source.number, made: source.made++, argument });
      while (pending.length > 100 && random.below(3) > 0) {
        pending.sort((a, b) => a.time - b.time || a.source - b.source || a.made - b.made);
        const first = pending.shift()!;
        expect(queue.pop()).toBe(true);
        expect([queue.time, queue.argument]).toEqual([first.time, first.argument]);
        now = first.time;
      }
    }
  });
});

describe('the scheduler', () => {
  it('refuses an event in the past, and a run beyond 2^53 ps', () => {
    const scheduler = new Scheduler();
    const sink = scheduler.register({ handle: () => undefined });
    scheduler.at(5, 0, sink, 0, 0);
    scheduler.step();
    expect(() => scheduler.at(4, 1, sink, 0, 0)).toThrow(/time runs backwards/);
    scheduler.at(2 ** 53, 2, sink, 0, 0);
    expect(() => scheduler.step()).toThrow(/2\.5 hours/);
  });
});

describe('an event that is done early', () => {
  /** A scheduler whose one sink notes what it is called for: the event's own time, and its kind. */
  function noting(): { scheduler: Scheduler; sink: number; done: [number, number][] } {
    const scheduler = new Scheduler();
    const done: [number, number][] = [];
    const sink = scheduler.register({ handle: (kind) => done.push([scheduler.eventTime, kind]) });
    return { scheduler, sink, done };
  }

  it('comes again in its turn, after all that was made before it meanwhile, and counts once', () => {
    const { scheduler, sink, done } = noting();
    scheduler.at(10, 0, sink, 1, 0);
    scheduler.at(20, 1, sink, 2, 0);
    scheduler.step();
    expect(scheduler.stepIf(2, 25)).toBe(true);
    expect(scheduler.now).toBe(10);
    const { time, key } = scheduler.queue;
    scheduler.at(15, 2, sink, 3, 0);
    scheduler.at(20, 0, sink, 4, 0);
    scheduler.at(20, 3, sink, 5, 0);
    scheduler.again(time, key, sink, 6);
    while (scheduler.next() < Infinity) scheduler.step();
    expect(done).toEqual([
      [10, 1],
      [20, 2],
      [15, 3],
      [20, 4],
      [20, 6],
      [20, 5],
    ]);
    expect(scheduler.events).toBe(5);
  });

  it('is of the kind that is asked for, and before the time', () => {
    const { scheduler, sink, done } = noting();
    scheduler.at(20, 1, sink, 2, 0);
    expect(scheduler.stepIf(3, 25)).toBe(false);
    expect(scheduler.stepIf(2, 20)).toBe(false);
    expect(done).toEqual([]);
  });
});

describe('random streams', () => {
  it('are the same for the same seed and name, and differ else', () => {
    const draws = (seed: number, name: string): number[] => {
      const stream = new RandomStream(seed, name);
      return Array.from({ length: 8 }, () => stream.word());
    };
    expect(draws(1, 'host0/nic')).toEqual(draws(1, 'host0/nic'));
    expect(draws(1, 'host0/nic')).not.toEqual(draws(1, 'host1/nic'));
    expect(draws(1, 'host0/nic')).not.toEqual(draws(2, 'host0/nic'));
    expect(draws(1, 'x')).not.toEqual(draws(2 ** 32 + 1, 'x'));
  });

  it('are even, and exponential with the mean asked for', () => {
    const stream = new RandomStream(3, 'law');
    const buckets = new Array<number>(16).fill(0);
    let sum = 0;
    const draws = 160_000;
    for (let i = 0; i < draws; i++) {
      buckets[stream.below(16)]!++;
      sum += stream.exponential(250);
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(sum / draws).toBeGreaterThan(247);
    expect(sum / draws).toBeLessThan(253);
  });

  it('never shorten a cost, so that its least value may bound the lookahead', () => {
    const stream = new RandomStream(4, 'cost');
    const cost = { ps: 1000, jitter: { mean: 30, tailProbability: 0.01, tailMean: 5000 } };
    let tails = 0;
    for (let i = 0; i < 100_000; i++) {
      const drawn = draw(cost, stream);
      expect(drawn).toBeGreaterThanOrEqual(1000);
      expect(Number.isInteger(drawn)).toBe(true);
      if (drawn > 1000 + 30 * 12) tails++;
    }
    expect(tails).toBeGreaterThan(800);
    expect(tails).toBeLessThan(1100);
    expect(draw({ ps: 77, jitter: null }, stream)).toBe(77);
  });
});

describe('half a round trip', () => {
  it('has whole stages that sum to the half, rounded up', () => {
    const random = new RandomStream(5, 'halves');
    for (let i = 0; i < 2000; i++) {
      const whole = STAGES.map(() => random.below(4) * random.below(1000));
      const halves = halveStages(whole);
      const sum = whole.reduce((a, b) => a + b, 0);
      expect(halves.reduce((a, b) => a + b, 0)).toBe(Math.ceil(sum / 2));
      expect(halves.every((ps) => Number.isInteger(ps) && ps >= 0)).toBe(true);
    }
  });
});

describe('the trace hash', () => {
  it('changes with any bit, any order and any length', () => {
    const of = (...words: number[]): string => {
      const hash = new TraceHash();
      words.forEach((word) => hash.word(word));
      return hash.digest();
    };
    const digests = new Set<string>();
    for (let bit = 0; bit < 32; bit++) digests.add(of(1 << bit, 5));
    digests
      .add(of(5, 1))
      .add(of(1))
      .add(of(1, 5, 0));
    expect(digests.size).toBe(35);
    expect(of(1, 2)).toMatch(/^[0-9a-f]{16}$/);
    expect(combineDigests([of(1), of(2)])).not.toBe(combineDigests([of(2), of(1)]));
  });
});
