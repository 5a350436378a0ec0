/** The stack's data structures against plain models. */
import { describe, expect, it } from 'vitest';
import { ByteRing } from '../../../../node/model/net/byte-ring.js';
import { FlowTable } from '../../../../node/model/net/flow-table.js';
import { OutOfOrder } from '../../../../node/model/net/out-of-order.js';
import { SEGMENT, SentSegments } from '../../../../node/model/net/sent-segments.js';
import { isAfter, isBefore, sequenceDistance } from '../../../../node/model/net/sequence.js';
import { TimerHeap, type Timed } from '../../../../node/model/net/timer-heap.js';
import { RandomStream } from '../../../../sim/random.js';
import { pattern } from './wire-pair.js';

describe('a byte ring', () => {
  it('holds what was appended, until it is dropped', () => {
    const random = new RandomStream(1, 'ring');
    const ring = new ByteRing();
    const source = pattern(5000);
    let model: number[] = [];
    for (let round = 0; round < 1000; round++) {
      const count = random.below(random.below(10) === 0 ? 3000 : 100);
      if (random.below(2) === 0) {
        ring.append(source, round, Math.min(count, 5000 - round));
        model.push(...source.subarray(round, round + Math.min(count, 5000 - round)));
      } else {
        const gone = Math.min(count, model.length);
        ring.drop(gone);
        model = model.slice(gone);
      }
      expect(ring.length).toBe(model.length);
      const out = new Uint8Array(model.length + 2);
      const from = random.below(model.length + 1);
      ring.copyOut(from, out, 1, model.length - from);
      const held = out.subarray(1, 1 + model.length - from);
      expect(Buffer.compare(held, Uint8Array.from(model.slice(from)))).toBe(0);
    }
  });

  it('keeps bytes that lie beyond its end while it grows', () => {
    const ring = new ByteRing();
    const bytes = pattern(9000);
    ring.append(bytes, 0, 900);
    ring.drop(700);
    ring.put(500, bytes, 1200, 100);
    ring.put(3000, bytes, 3700, 5000);
    ring.put(200, bytes, 900, 300);
    ring.put(600, bytes, 1300, 2400);
    ring.extend(7800);
    const out = new Uint8Array(8000);
    ring.copyOut(0, out, 0, 8000);
    expect(out).toEqual(bytes.subarray(700, 8700));
  });
});

describe('a flow table', () => {
  it('finds what a Map would', () => {
    const random = new RandomStream(2, 'flows');
    const table = new FlowTable<number>();
    const model = new Map<string, number>();
    for (let round = 0; round < 20_000; round++) {
      const [ipv4, remote, local] = [
        0xfffffff0 + random.below(8),
        random.below(12),
        0xfff0 + random.below(8),
      ];
      const key = `${ipv4} ${remote} ${local}`;
      if (random.below(2) === 0) {
        table.set(ipv4, remote, local, round);
        model.set(key, round);
      } else {
        table.delete(ipv4, remote, local);
        model.delete(key);
      }
      const other = [
        0xfffffff0 + random.below(8),
        random.below(12),
        0xfff0 + random.below(8),
      ] as const;
      expect(table.get(...other)).toBe(model.get(other.join(' ')));
    }
  });
});

describe('a timer heap', () => {
  it('lets timers expire in order of deadline, then of age', () => {
    const random = new RandomStream(3, 'timers');
    const heap = new TimerHeap();
    const expired: string[] = [];
    const timers: Timed[] = Array.from({ length: 40 }, (_, order) => ({
      order,
      deadline: Infinity,
      heapIndex: -1,
      expire: (now: number) => {
        expired.push(`${now} ${order}`);
      },
    }));
    const model = new Map<number, number>();
    for (let round = 1; round < 3000; round++) {
      const timer = timers[random.below(40)]!;
      const deadline = random.below(4) === 0 ? Infinity : round + random.below(50);
      heap.set(timer, deadline);
      if (deadline === Infinity) model.delete(timer.order);
      else model.set(timer.order, deadline);
      expect(heap.next()).toBe(Math.min(Infinity, ...model.values()));
      if (random.below(5) > 0) continue;
      expired.length = 0;
      heap.run(round);
      const due = [...model].filter(([, at]) => at <= round);
      due.sort(([a, x], [b, y]) => x - y || a - b);
      expect(expired).toEqual(due.map(([order]) => `${round} ${order}`));
      for (const [order] of due) model.delete(order);
    }
  });
});

describe('ranges beyond a gap', () => {
  it('are those of a set of sequence numbers, across the wrap of 2^32', () => {
    for (let seed = 1; seed < 100; seed++) {
      const random = new RandomStream(seed, 'ranges');
      const ranges = new OutOfOrder();
      const origin = 0x7fffff80 | 0;
      const model = new Set<number>();
      let next = 0;
      for (let round = 0; round < 60; round++) {
        const start = next + 1 + random.below(200);
        const end = start + 1 + random.below(20);
        if (random.below(5) > 0) {
          expect(ranges.add((origin + start) | 0, (origin + end) | 0)).toBe(true);
          for (let i = start; i < end; i++) model.add(i);
          expect(sequenceDistance(ranges.start(0), origin)).toBeLessThanOrEqual(start);
          expect(sequenceDistance(ranges.end(0), origin)).toBeGreaterThanOrEqual(end);
        } else {
          const reached = sequenceDistance(ranges.take((origin + start) | 0), origin);
          next = start;
          while (model.has(next)) next++;
          for (const i of model) if (i < next) model.delete(i);
          expect(reached).toBe(next);
        }
        expect(ranges.bytes).toBe(model.size);
        let strangers = 0;
        for (let i = 0; i < ranges.count; i++) {
          for (let at = ranges.start(i); at !== ranges.end(i); at = (at + 1) | 0) {
            if (!model.has(sequenceDistance(at, origin))) strangers++;
          }
        }
        expect(strangers).toBe(0);
      }
    }
  });

  it('are no more than 256, whatever a peer sends', () => {
    const ranges = new OutOfOrder();
    for (let i = 0; i < 256; i++) expect(ranges.add(i * 2, i * 2 + 1)).toBe(true);
    expect(ranges.add(9000, 9001)).toBe(false);
    expect(ranges.add(1, 2)).toBe(true);
    expect(ranges.count).toBe(255);
  });
});

describe('the scoreboard of sent segments', () => {
  it('counts what is in flight as its segments say, whatever is acknowledged', () => {
    for (let seed = 1; seed < 60; seed++) {
      const random = new RandomStream(seed, 'scoreboard');
      const sent = new SentSegments();
      let next = 0x7fffff00 | 0;
      let una = next;
      for (let round = 0; round < 200; round++) {
        switch (random.below(6)) {
          case 0:
          case 1: {
            const length = 1 + random.below(100);
            sent.push(next, length, 0, round);
            next = (next + length) | 0;
            break;
          }
          case 2: {
            una = (una + random.below(sequenceDistance(next, una) + 1)) | 0;
            sent.acknowledge(una, round, Infinity);
            break;
          }
          case 3: {
            const left = (una + random.below(300)) | 0;
            const right = (left + random.below(300)) | 0;
            if (!isAfter(right, next)) sent.sack(left, right, round, Infinity);
            sent.loseBelowSacked(3);
            break;
          }
          case 4: {
            const lost = sent.nextLost(0);
            if (lost >= 0) sent.resend(lost, round);
            break;
          }
          default:
            if (random.below(10) === 0) sent.loseAll();
        }
        const count = (mark: number): number => {
          let sum = 0;
          for (let i = 0; i < sent.count; i++) if (sent.has(i, mark)) sum++;
          return sum;
        };
        expect([sent.sacked, sent.lost, sent.resent]).toEqual([
          count(SEGMENT.SACKED),
          count(SEGMENT.LOST),
          count(SEGMENT.RESENT),
        ]);
        expect(sent.inFlight).toBeGreaterThanOrEqual(0);
        if (sent.count > 0) {
          expect(isBefore(una, sent.end(0))).toBe(true);
          expect(sent.end(sent.count - 1)).toBe(next);
        } else expect(una).toBe(next);
      }
    }
  });

  it('takes as arrived only what lies wholly in a block', () => {
    const sent = new SentSegments();
    for (let i = 0; i < 4; i++) sent.push(i * 10, 10, 0, 0);
    expect(sent.sack(5, 25, 0, 0)).toBe(true);
    expect([0, 1, 2, 3].map((i) => sent.has(i, SEGMENT.SACKED))).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(sent.sack(5, 25, 0, 0)).toBe(false);
  });

  it('takes as lost what has three sacked segments above it', () => {
    const sent = new SentSegments();
    for (let i = 0; i < 10; i++) sent.push(i * 10, 10, 0, 0);
    sent.sack(30, 50, 0, 0);
    expect(sent.loseBelowSacked(3)).toBe(false);
    sent.sack(70, 80, 0, 0);
    expect(sent.loseBelowSacked(3)).toBe(true);
    const marks = Array.from({ length: 10 }, (_, i) => sent.has(i, SEGMENT.LOST));
    expect(marks).toEqual([true, true, true, ...Array<boolean>(7).fill(false)]);
  });
});
