/** What a machine leaves in its process. */
import { expect, it } from 'vitest';
import { Machine } from '../../../node/process/machine.js';
import { specOf } from '../../embedded.js';

it('a machine whose fabric cannot be built leaves the console and the listeners of its process as they were', async () => {
  const { log } = console;
  const listeners = process.listenerCount('unhandledRejection');
  const program = async (): Promise<void> => undefined;
  const topology = {
    build(): never {
      throw new Error('no such line');
    },
  };
  const spec = await specOf({ program, hosts: 2, cores: 1, memory: 2 ** 20 });
  await expect(Machine.create(spec, { remote: null, program, topology })).rejects.toThrow(
    'no such line',
  );
  expect(console.log).toBe(log);
  expect(process.listenerCount('unhandledRejection')).toBe(listeners);
});
