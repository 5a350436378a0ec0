import { describe, expect, it } from 'vitest';
import { Bookings } from '../../../../node/model/nic/bookings.js';
import { RandomStream } from '../../../../sim/random.js';

describe('a unit that serves one at a time', () => {
  it('serves in order what comes in order, and is late where it is busy', () => {
    const unit = new Bookings({ now: 0 });
    expect([0, 5, 100, 101].map((due) => unit.book(due, 10))).toEqual([10, 20, 110, 120]);
  });

  it('serves what is due before others, though it was booked after them', () => {
    const unit = new Bookings({ now: 0 });
    for (let i = 0; i < 60; i++) unit.book(1000 + i * 100, 10);
    expect(unit.book(20, 10)).toBe(30);
    expect(unit.book(1005, 10)).toBe(1020);
    // No gap but behind the last is long enough.
    expect(unit.book(1500, 91)).toBe(6910 + 91);
  });

  it('is never taken twice at once, nor before a request is due, nor idle while one waits that fits', () => {
    const clock = { now: 0 };
    const unit = new Bookings(clock);
    const random = new RandomStream(1, 'bookings');
    const busy = new Uint8Array(40_000);
    for (let i = 0; i < 4000; i++) {
      clock.now += random.below(8);
      const due = clock.now + random.below(300);
      const length = 1 + random.below(6);
      let start = due;
      while (busy.subarray(start, start + length).some((taken) => taken === 1)) start++;
      expect(unit.book(due, length)).toBe(start + length);
      busy.fill(1, start, start + length);
    }
  });
});
