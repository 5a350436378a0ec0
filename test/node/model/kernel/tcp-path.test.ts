/** TCP over the kernel's path: blocking calls, what they refuse, and bytes that arrive whatever the fabric does. */
import { describe, expect, it } from 'vitest';
import { openNetwork, receiveAll, type TcpSocket } from '../../../../node/program/sockets.js';
import type { Core, Picoseconds, Region } from '../../../../node/program/verbs.js';
import { runEmbedded, type ClusterOptions, type EmbeddedRun } from '../../../embedded.js';
import { errnoOf, pattern, PORT, sendStream, takeStream, type Part } from './socket-streams.js';

const MS = 1e9 as Picoseconds;

async function between(
  client: Part,
  server: Part,
  options: ClusterOptions = {},
): Promise<EmbeddedRun> {
  const run = await runEmbedded({
    noise: false,
    memory: 16 << 20,
    ...options,
    program: async (core: Core) => {
      const network = await openNetwork(core);
      const memory = await core.allocate(4 << 20);
      if (core.rank === 1) return server(core, network, memory);
      await core.sleep(MS);
      return client(core, network, memory);
    },
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  expect(run.blocked).toEqual([]);
  return run;
}

const nothing: Part = () => Promise.resolve(undefined);

describe('a TCP connection over the kernel', () => {
  it('carries bytes in order, and its end', async () => {
    const total = 3_000_000;
    const run = await between(sendStream(total, 200_000), takeStream(total));
    expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
    expect(run.left.frames).toBe(0);
  });

  it.each([1, 2, 3])(
    'does so over a fabric that loses, doubles, damages and delays: seed %i',
    async (seed) => {
      const total = 300_000;
      const faults = {
        ...{ loss: 0.02, duplicate: 0.02, corrupt: 0.01, icrc: 0.01 },
        ...{ delayed: 0.05, delay: 30e6 },
      };
      const run = await between(sendStream(total, 50_000), takeStream(total), { faults, seed });
      expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
      expect(run.left.frames).toBe(0);
    },
  );

  it('sends without waiting what there is room for, and both sides can fill each other at once', async () => {
    const total = 2_000_000;
    const exchange = async (socket: TcpSocket, memory: Region): Promise<unknown> => {
      let [sent, got, refused] = [0, 0, 0];
      while (got < total) {
        const taken = await socket.trySend(memory.address, Math.min(400_000, total - sent));
        if (taken < Math.min(400_000, total - sent)) refused++;
        sent += taken;
        got += await socket.receive(memory.address, 400_000);
      }
      if (sent < total) await socket.send(memory.address, total - sent);
      return { got, refused: refused > 0 };
    };
    const run = await between(
      async (_core, network, memory) =>
        exchange(await network.connect({ host: 1, port: PORT }), memory),
      async (_core, network, memory) =>
        exchange(await (await network.listen(PORT)).accept(), memory),
    );
    const both = { got: total, refused: true };
    expect(run.values).toEqual([both, both]);
  });

  it('gives the same bytes at the same times for the same seed', async () => {
    const run = (): Promise<EmbeddedRun> =>
      between(sendStream(200_000, 30_000), takeStream(200_000), { noise: true, seed: 9 });
    const [first, second] = [await run(), await run()];
    expect(second.traceHash).toBe(first.traceHash);
    expect(second.lastEvent).toBe(first.lastEvent);
  });

  it('fills memory that is not present page by page', async () => {
    const run = await between(
      async (core, network, memory) => {
        const socket = await network.connect({ host: 1, port: PORT });
        await core.write(
          memory.address,
          Uint8Array.from({ length: 20_000 }, (_, i) => pattern(i)),
        );
        await socket.send(memory.address, 20_000);
        await socket.close();
      },
      async (core, network) => {
        const pageable = await core.mmap(32_768);
        const listener = await network.listen(PORT);
        const socket = await listener.accept();
        const whole = await receiveAll(socket, pageable.address + 100, 20_000);
        const bytes = await core.read(pageable.address + 100, 20_000);
        return { whole, wrong: bytes.filter((byte, i) => byte !== pattern(i)).length };
      },
    );
    expect(run.values[1]).toEqual({ whole: true, wrong: 0 });
  });
});

describe('TCP calls give the errnos of Linux', () => {
  it('ECONNREFUSED where nobody listens', async () => {
    const run = await between(
      (_core, network) => errnoOf(network.connect({ host: 1, port: 9 })),
      nothing,
    );
    expect(run.values[0]).toBe('ECONNREFUSED');
  });

  it('EADDRINUSE for a port that somebody listens on, EINVAL for no address', async () => {
    const run = await between(async (_core, network) => {
      await network.listen(PORT);
      return [
        await errnoOf(network.listen(PORT)),
        await errnoOf(network.connect({ address: '1.2.3', port: 1 })),
        await errnoOf(network.connect({ host: 1, port: 0 })),
      ];
    }, nothing);
    expect(run.values[0]).toEqual(['EADDRINUSE', 'EINVAL', 'EINVAL']);
  });

  it('EFAULT for memory that is not the process’s, and the connection goes on', async () => {
    const run = await between(
      async (_core, network, memory) => {
        const socket = await network.connect({ host: 1, port: PORT });
        const wrong = [
          await errnoOf(socket.send(64, 100)),
          await errnoOf(socket.send(memory.address + memory.length - 4, 100)),
        ];
        await socket.send(memory.address, 5);
        await socket.close();
        return wrong;
      },
      async (_core, network, memory) => {
        const socket = await (await network.listen(PORT)).accept();
        return receiveAll(socket, memory.address, 5);
      },
    );
    expect(run.values[0]).toEqual(['EFAULT', 'EFAULT']);
    expect(run.values[1]).toBe(true);
  });

  it('EPIPE or ECONNRESET when the peer has gone', async () => {
    const run = await between(
      async (core, network, memory) => {
        const socket = await network.connect({ host: 1, port: PORT });
        const end = await socket.receive(memory.address, 10);
        await socket.send(memory.address, 10);
        await core.sleep(MS);
        return [end, await errnoOf(socket.send(memory.address, 10))];
      },
      async (_core, network) => {
        const socket = await (await network.listen(PORT)).accept();
        await socket.close();
      },
    );
    const [end, errno] = run.values[0] as [number, string];
    expect(end).toBe(0);
    expect(['EPIPE', 'ECONNRESET']).toContain(errno);
  });
});
