import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { executeRun } from '../../../coordinator/run/run.js';
import type { Notice } from '../../../wire/control/notices.js';
import { ToyProcess, toySpec } from '../cluster/toy-cluster.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const PROGRESS: Notice = { type: 'progress', run: 1, now: 0, events: 0, packets: 0, notes: [] };

/** A run that goes on, and how it ended, or undefined. */
function goesOn(
  process: ToyProcess,
  coreRuntime: 'worker' | 'inline',
): { how: string | undefined; readonly stop: () => void } {
  const abort = new AbortController();
  const run = { how: undefined as string | undefined, stop: () => abort.abort(new Error('over')) };
  const spec = { ...toySpec('goes on'), coreRuntime };
  const request = { spec, captureDirectory: '', signal: abort.signal };
  executeRun(process, 1, request).catch((error: unknown) => (run.how = (error as Error).message));
  return run;
}

test('a process that says nothing for 30 s is lost, by name', async () => {
  const run = goesOn(new ToyProcess(), 'worker');
  await vi.advanceTimersByTimeAsync(29_000);
  expect(run.how).toBeUndefined();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(run.how).toBe('host0 to host1 (pid 4711) has sent nothing for 30 s');
});

test('one that tells its progress may take as long as it likes', async () => {
  const process = new ToyProcess();
  const run = goesOn(process, 'worker');
  for (let seconds = 0; seconds < 120; seconds += 20) {
    await vi.advanceTimersByTimeAsync(20_000);
    process.listener?.(0, PROGRESS);
  }
  expect(run.how).toBeUndefined();
  run.stop();
});

test('one whose cores are no threads of their own is not hurried: arithmetic holds it up', async () => {
  const run = goesOn(new ToyProcess(), 'inline');
  await vi.advanceTimersByTimeAsync(120_000);
  expect(run.how).toBeUndefined();
  run.stop();
});

test('nobody is blamed for the time in which the coordinator itself was stopped', async () => {
  const run = goesOn(new ToyProcess(), 'worker');
  await vi.advanceTimersByTimeAsync(5_000);
  vi.setSystemTime(Date.now() + 3_600_000);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => now + 3_600_000);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(run.how).toBeUndefined();
  vi.restoreAllMocks();
  run.stop();
});
