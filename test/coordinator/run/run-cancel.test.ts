import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { executeRun } from '../../../coordinator/run/run.js';
import { ToyProcess, toySpec } from '../cluster/toy-cluster.js';

test('a run that is over no longer hears the signal that many runs share', async () => {
  const { signal } = new AbortController();
  for (let run = 1; run <= 3; run++) {
    await executeRun(new ToyProcess(), run, {
      spec: toySpec('ends'),
      captureDirectory: '',
      signal,
    });
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a run is ended by its signal, given before it or on its way', async () => {
  const abort = new AbortController();
  const request = { spec: toySpec('goes on'), captureDirectory: '', signal: abort.signal };
  const running = executeRun(new ToyProcess(), 1, request);
  abort.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  await expect(executeRun(new ToyProcess(), 2, request)).rejects.toThrow('enough');
});
