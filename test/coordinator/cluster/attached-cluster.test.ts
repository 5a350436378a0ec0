/** A cluster that is up elsewhere, as the place of a command's runs: what it asks of its coordinator, and when. */
import { expect, test } from 'vitest';
import { AttachedCluster } from '../../../coordinator/cluster/attached-cluster.js';
import type { CoordinatorLine } from '../../../coordinator/cluster/coordinator-line.js';
import { RunError } from '../../../coordinator/errors/run-error.js';
import type { ClientRequest } from '../../../wire/control/client-messages.js';
import { toySpec } from './toy-cluster.js';

const run = { name: 'toy', spec: toySpec('goes on'), captureDirectory: '' };

/** A coordinator that never answers, and what it was asked. */
function silent(): { cluster: AttachedCluster; asked: string[] } {
  const asked: string[] = [];
  const line = {
    url: 'ws://nowhere',
    listener: undefined,
    send: ({ type }: ClientRequest) => asked.push(type),
  };
  return { cluster: new AttachedCluster(line as unknown as CoordinatorLine), asked };
}

test('a signal that was given between two runs ends the next before it is asked for', async () => {
  const { cluster, asked } = silent();
  const abort = new AbortController();
  abort.abort(new RunError('interrupted'));
  await expect(cluster.execute({ ...run, signal: abort.signal })).rejects.toThrow('interrupted');
  expect(asked).toEqual([]);
});

test('a signal that is given during a run cancels it there', () => {
  const { cluster, asked } = silent();
  const abort = new AbortController();
  void cluster.execute({ ...run, signal: abort.signal });
  abort.abort(new RunError('interrupted'));
  expect(asked).toEqual(['run', 'cancel']);
});
