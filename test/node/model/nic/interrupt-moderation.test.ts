/** When a receive queue interrupts. */
import { describe, expect, it } from 'vitest';
import {
  InterruptModeration,
  NO_INTERRUPT,
} from '../../../../node/model/nic/interrupt-moderation.js';
import { RandomStream } from '../../../../sim/random.js';

const USECS = 8_000_000;
const moderation = (rxUsecs = USECS, rxFrames = 4): InterruptModeration =>
  new InterruptModeration({ rxUsecs, rxFrames });

describe('interrupt moderation', () => {
  it('interrupts rx-usecs after the first frame of an idle queue, not after the last', () => {
    const queue = moderation();
    expect(queue.arrival(100)).toBe(100 + USECS);
    expect(queue.arrival(5_000_000)).toBe(NO_INTERRUPT);
    expect(queue.arrival(7_000_000)).toBe(NO_INTERRUPT);
    expect(queue.fires(100 + USECS)).toBe(true);
    expect(queue.interrupts).toBe(1);
  });

  it('interrupts at once when rx-frames are there, and drops the timer’s event', () => {
    const queue = moderation();
    expect(queue.arrival(0)).toBe(USECS);
    expect([1, 2, 3, 3].map((at) => queue.arrival(at))).toEqual([
      NO_INTERRUPT,
      NO_INTERRUPT,
      3,
      NO_INTERRUPT,
    ]);
    expect(queue.fires(3)).toBe(true);
    expect(queue.fires(USECS)).toBe(false);
    expect(queue.interrupts).toBe(1);
  });

  it('is silent while the kernel polls, and begins anew when it is done', () => {
    const queue = moderation();
    queue.arrival(0);
    queue.fires(USECS);
    expect(queue.polled).toBe(true);
    for (let i = 0; i < 10; i++) expect(queue.arrival(USECS + i)).toBe(NO_INTERRUPT);
    expect(queue.complete(2 * USECS, 0)).toBe(NO_INTERRUPT);
    expect(queue.polled).toBe(false);
    expect(queue.arrival(3 * USECS)).toBe(4 * USECS);
  });

  it('does not forget frames that came behind the poll’s last look', () => {
    const queue = moderation();
    queue.arrival(0);
    queue.fires(USECS);
    queue.arrival(USECS + 5);
    expect(queue.complete(USECS + 10, 1)).toBe(2 * USECS + 10);
    expect(queue.fires(2 * USECS + 10)).toBe(true);
    expect(queue.complete(3 * USECS, 4)).toBe(3 * USECS);
  });

  it('interrupts for each frame when rx-usecs is 0 or rx-frames 1', () => {
    for (const queue of [moderation(0), moderation(USECS, 1)]) {
      for (let at = 0; at < 5; at++) {
        expect(queue.arrival(at)).toBe(at);
        expect(queue.fires(at)).toBe(true);
        expect(queue.complete(at, 0)).toBe(NO_INTERRUPT);
      }
      expect(queue.interrupts).toBe(5);
    }
  });

  it('interrupts nobody who polls by himself', () => {
    const queue = moderation();
    expect(queue.arrival(0)).toBe(USECS);
    queue.silence();
    expect(queue.fires(USECS)).toBe(false);
    expect(queue.arrival(USECS)).toBe(NO_INTERRUPT);
    expect(queue.complete(2 * USECS, 0)).toBe(NO_INTERRUPT);
  });

  it('leaves no frame waiting longer than rx-usecs for a poll, nor interrupts more often than that', () => {
    const random = new RandomStream(1, 'moderation');
    const queue = moderation(1000, 16);
    const events = new Set<number>();
    let waiting = 0;
    let oldest = Infinity;
    let pollEnds = Infinity;
    let last = -Infinity;
    let longest = 0;
    for (let now = 0; now < 200_000; now++) {
      if (random.below(60) === 0) {
        const at = queue.arrival(now);
        if (at !== NO_INTERRUPT) events.add(at);
        if (waiting === 0) oldest = now;
        waiting++;
      }
      if (events.delete(now) && queue.fires(now)) {
        if (waiting < 16) expect(now - last).toBeGreaterThanOrEqual(1000);
        last = now;
        waiting = 0;
        oldest = Infinity;
        pollEnds = now + 1 + random.below(300);
      }
      if (now === pollEnds) {
        const at = queue.complete(now, waiting);
        if (at !== NO_INTERRUPT) events.add(at);
        oldest = waiting > 0 ? now : Infinity;
      }
      if (!queue.polled && now - oldest > longest) longest = now - oldest;
    }
    expect(longest).toBeLessThanOrEqual(1000);
    expect(queue.interrupts).toBeGreaterThan(100);
  });
});
