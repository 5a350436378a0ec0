import { expect, test } from 'vitest';
import { captureDirectoryOf } from '../../../coordinator/run/measure.js';
import type { PlannedWorkload } from '../../../coordinator/plan/work-plan.js';

const planned = (name: string, configurations: number): PlannedWorkload =>
  ({ name, configurations: Array(configurations).fill({}) }) as unknown as PlannedWorkload;
const directories = (...plan: PlannedWorkload[]): string[] =>
  plan.flatMap((each) =>
    each.configurations.map((_, index) => captureDirectoryOf('/c', plan, each, index)),
  );

test('every run captures into a directory of its own, no deeper than it must be', () => {
  expect(directories(planned('micro/a', 1))).toEqual(['/c']);
  expect(directories(planned('micro/a', 2))).toEqual(['/c/1', '/c/2']);
  expect(directories(planned('micro/a', 1), planned('hpc/b', 2))).toEqual([
    '/c/micro-a',
    '/c/hpc-b/1',
    '/c/hpc-b/2',
  ]);
  expect(directories(planned('micro/a', 1), planned('hpc/b', 1), planned('micro/a', 2))).toEqual([
    '/c/micro-a/1',
    '/c/hpc-b',
    '/c/micro-a/2',
    '/c/micro-a/3',
  ]);
});
