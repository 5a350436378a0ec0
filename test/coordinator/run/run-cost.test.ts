import { describe, expect, test } from 'vitest';
import {
  costInfo,
  describeCost,
  runCost,
  type RunCost,
} from '../../../coordinator/run/run-cost.js';
import { WAIT_BUCKETS } from '../../../node/links/window-cost.js';
import {
  FOR_COORDINATOR,
  FOR_THE_END,
  parseProcessCost,
  type ProcessCost,
} from '../../../node/process/process-cost.js';

const buckets = new Array<number>(WAIT_BUCKETS).fill(0);
const wait = (whom: number, ms: number): ProcessCost['waits'][number] => ({ whom, ms, buckets });
const first: ProcessCost = {
  busy: 100,
  waiting: 455,
  windows: 7,
  waits: [wait(1, 400), wait(FOR_COORDINATOR, 50), wait(FOR_THE_END, 5)],
  sent: [{ process: 1, messages: 7, bytes: 900, frames: 12 }],
  controlBytes: 300,
};
const second: ProcessCost = {
  busy: 500,
  waiting: 1000,
  windows: 9,
  waits: [wait(FOR_THE_END, 990), wait(0, 10)],
  sent: [{ process: 0, messages: 3, bytes: 1_200_000, frames: 900 }],
  controlBytes: 200,
};
const cost: RunCost = runCost(2140, [first, second], [[0], [1, 2]]);

describe('the cost of a run', () => {
  test('adds up what its processes say, and calls them by their hosts', () => {
    expect(cost).toMatchObject({
      rounds: 2140,
      controlBytes: 500,
      fabricBytes: 1_200_900,
      fabricMessages: 10,
    });
    expect(cost.processes.map(({ process }) => process)).toEqual(['host0', 'host1 to host2']);
    expect(cost.processes[1]!.sent[0]!.to).toBe('host0');
  });

  test('over several runs is their sum', () => {
    expect(costInfo([cost, cost])).toEqual({
      rounds: 4280,
      control_bytes: 1000,
      fabric_bytes: 2_401_800,
      fabric_messages: 20,
      processes: [
        {
          process: 'host0',
          busy_s: 0.2,
          waiting_s: 0.91,
          for: { 'host1 to host2': 0.8, coordinator: 0.1, end: 0.01 },
        },
        { process: 'host1 to host2', busy_s: 1, waiting_s: 2, for: { host0: 0.02, end: 1.98 } },
      ],
    });
    expect(costInfo([])).toBeUndefined();
  });

  test('in one line names who waited most, and for whom; not who had nothing left to do', () => {
    expect(describeCost(costInfo([cost])!)).toBe(
      'cost: 2,140 rounds, 1.2 MB between processes; waited most: host0 for host1 to host2 0.40 s',
    );
    const idle = runCost(1, [{ ...second, waits: [wait(FOR_THE_END, 1)] }], [[0]]);
    expect(describeCost(costInfo([idle])!)).toBe('cost: 1 round, 1.2 MB between processes');
  });
});

describe('a process’s cost as it arrives', () => {
  test('is what was sent', () => {
    expect(parseProcessCost(first, 2)).toEqual(first);
  });

  test.each([
    ['waits', [wait(2, 1)]],
    ['waits', [wait(-3, 1)]],
    ['waits', [{ whom: 0, ms: -1, buckets }]],
    ['waits', [{ whom: 0, ms: 1, buckets: [1] }]],
    ['waits', [{ whom: 0, ms: 1, buckets: [...buckets.slice(1), 0.5] }]],
    ['sent', [{ process: 2, messages: 1, bytes: 1, frames: 1 }]],
    ['sent', [{ process: 0, messages: 1.5, bytes: 1, frames: 1 }]],
    ['busy', NaN],
    ['busy', -1],
    ['windows', -1],
    ['controlBytes', 'many'],
  ])('is refused by the field that is wrong: %s %j', (field, value) => {
    const answer = parseProcessCost({ ...first, [field]: value }, 2);
    expect(answer).toEqual(expect.stringContaining(field));
    expect(typeof answer).toBe('string');
  });

  test.each([null, 7, [], undefined])('%j is none', (value) => {
    expect(typeof parseProcessCost(value, 2)).toBe('string');
  });
});
