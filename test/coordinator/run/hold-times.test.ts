import { expect, test } from 'vitest';
import { HoldTimes } from '../../../coordinator/run/hold-times.js';

test('a process waits for the one that holds virtual time back, not for one that waits itself', () => {
  const holds = new HoldTimes(3);
  for (const process of [0, 1, 2]) holds.reported(process, 10 + process, false);
  // All run; process 2 is slowest.
  holds.waitFor(2);
  holds.reported(0, 20, false);
  holds.reported(1, 80, false);
  holds.reported(2, 120, false);
  expect(holds.of(0)).toEqual({ by: 2, held: 100 });
  expect(holds.of(1)).toEqual({ by: 2, held: 40 });
  expect(holds.of(2)).toEqual({ by: 2, held: 0 });
});

test('of several it names the one that took longest, and the whole time', () => {
  const holds = new HoldTimes(3);
  holds.reported(0, 5, false);
  holds.waitFor(1);
  holds.reported(2, 35, false);
  holds.waitFor(2);
  holds.reported(1, 55, false);
  expect(holds.of(0)).toEqual({ by: 1, held: 50 });
});

test('while a baton is out, and before all have begun, it is the one that reports', () => {
  const holds = new HoldTimes(3);
  holds.reported(0, 5, false);
  holds.reported(1, 15, false);
  expect(holds.of(0)).toEqual({ by: 1, held: 10 });
  holds.waitFor(2);
  holds.reported(1, 40, true);
  expect(holds.of(0)).toEqual({ by: 1, held: 35 });
});
