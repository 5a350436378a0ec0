/** Sockets of programs that run TCP and UDP themselves, above a queue of raw frames. */
import { describe, expect, it } from 'vitest';
import { ProgramCore } from '../../../../node/program/program-core.js';
import { openNetwork, receiveAll, type NetworkPath } from '../../../../node/program/sockets.js';
import type { Core, Picoseconds } from '../../../../node/program/verbs.js';
import { runEmbedded, type ClusterOptions, type EmbeddedRun } from '../../../embedded.js';
import {
  errnoOf,
  pattern,
  PORT,
  sendStream,
  takeStream,
  type Part,
} from '../../model/kernel/socket-streams.js';

const MS = 1e9 as Picoseconds;

/** Runs a client on host 0 and a server on host 1, each over its path. */
async function between(
  client: Part,
  server: Part,
  options: ClusterOptions = {},
  paths: readonly NetworkPath[] = ['bypass', 'bypass'],
): Promise<EmbeddedRun> {
  const run = await runEmbedded({
    noise: false,
    memory: 32 << 20,
    profile: 'sfc-25g',
    ...options,
    program: async (core: Core) => {
      const network = await openNetwork(core, { path: paths[core.rank]! });
      const memory = await core.allocate(1 << 20);
      if (core.rank === 1) return server(core, network, memory);
      await core.sleep(MS);
      return client(core, network, memory);
    },
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  expect(run.blocked).toEqual([]);
  expect(run.left.frames).toBe(0);
  return run;
}

describe('TCP in a program', () => {
  it.each([
    ['bypass', 'bypass'],
    ['kernel', 'bypass'],
    ['bypass', 'kernel'],
  ] as const)('carries bytes in order, and its end: %s to %s', async (from, to) => {
    const total = 1_000_000;
    const run = await between(sendStream(total, 200_000), takeStream(total), {}, [from, to]);
    expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
  });

  it.each([1, 2, 3])(
    'does so over a fabric that loses, doubles and damages: seed %i',
    async (seed) => {
      const total = 200_000;
      const faults = { loss: 0.02, duplicate: 0.02, icrc: 0.02 };
      const run = await between(sendStream(total, 50_000), takeStream(total), { faults, seed });
      expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
    },
  );

  it('works with memory that pages in and out', async () => {
    const run = await between(
      async (core, network) => {
        const region = await core.mmap(100_000);
        await core.write(
          region.address,
          Uint8Array.from({ length: 100_000 }, (_, i) => pattern(i)),
        );
        const socket = await network.connect({ host: 1, port: PORT });
        await socket.send(region.address, 100_000);
        await socket.close();
      },
      async (core, network) => {
        const region = await core.mmap(100_000);
        const socket = await (await network.listen(PORT)).accept();
        expect(await receiveAll(socket, region.address, 100_000)).toBe(true);
        const bytes = await core.read(region.address, 100_000);
        return bytes.every((byte, i) => byte === pattern(i));
      },
    );
    expect(run.values[1]).toBe(true);
  });

  it('is refused what the kernel would refuse', async () => {
    const run = await between(
      async (_core, network, memory) => [
        await errnoOf(network.connect({ host: 1, port: 9 })),
        await errnoOf(network.connect({ address: '10.0.0.99', port: 9 })),
        await errnoOf(network.connect({ host: 1, port: 0 })),
        await errnoOf((await network.udp()).sendTo({ host: 1, port: 7 }, memory.address, 1473)),
        await errnoOf((await network.udp()).sendTo({ host: 1, port: 7 }, memory.address, -1)),
      ],
      async (core) => {
        await core.sleep((10 * MS) as Picoseconds);
      },
    );
    expect(run.values[0]).toEqual(['ECONNREFUSED', 'EHOSTUNREACH', 'EINVAL', 'EMSGSIZE', 'EINVAL']);
  });

  it('shares no port with the kernel, and gives it back', async () => {
    const run = await runEmbedded({
      noise: false,
      memory: 16 << 20,
      hosts: 1,
      program: async (core: Core) => {
        const network = await openNetwork(core, { path: 'bypass' });
        const kernel = await openNetwork(core);
        const listener = await network.listen(PORT);
        const udp = await network.udp(PORT);
        const taken = [await errnoOf(kernel.listen(PORT)), await errnoOf(kernel.udp(PORT))];
        taken.push(await errnoOf(network.listen(PORT)));
        await listener.close();
        await udp.close();
        taken.push(await errnoOf(kernel.listen(PORT)), await errnoOf(kernel.udp(PORT)));
        taken.push(await errnoOf(network.listen(PORT)));
        return taken;
      },
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    const [free, used] = ['none', 'EADDRINUSE'];
    expect(run.values[0]).toEqual([used, used, used, free, free, used]);
  });

  it('reaches another core of its own host, each with a queue of its own', async () => {
    const run = await runEmbedded({
      noise: false,
      memory: 32 << 20,
      profile: 'sfc-25g',
      programs: [
        { host: 0, core: 0, role: '' },
        { host: 0, core: 1, role: '' },
      ],
      program: async (core: Core) => {
        const network = await openNetwork(core, { path: 'bypass' });
        const memory = await core.allocate(1 << 20);
        if (core.rank === 1) return takeStream(100_000)(core, network, memory);
        await core.sleep(MS);
        return sendStream(100_000, 100_000, 0)(core, network, memory);
      },
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    expect(run.blocked).toEqual([]);
    expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
  });

  it.each([0, 5])('has the function of its virtual machine: VLAN %i', async (vlan) => {
    const vms = [0, 1].map((host) => ({ host, cores: [1], memory: 16 << 20, vlan }));
    const run = await runEmbedded({
      noise: false,
      hosts: 2,
      memory: 64 << 20,
      machine: { vms },
      programs: [0, 1].map((host) => ({ host, core: 1, role: '', vm: host })),
      program: async (core: Core) => {
        const network = await openNetwork(core, { path: 'bypass' });
        const memory = await core.allocate(1 << 20);
        if (core.rank === 1) return takeStream(100_000)(core, network, memory);
        await core.sleep(MS);
        const socket = await network.connect({ host: 1, vm: 1, port: PORT });
        await core.write(
          memory.address,
          Uint8Array.from({ length: 100_000 }, (_, i) => pattern(i)),
        );
        await socket.send(memory.address, 100_000);
        return socket.close();
      },
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    expect(run.values[1]).toEqual({ complete: true, wrong: 0 });
  });

  it('gets errnos for whatever it asks the kernel for, and nobody else’s port', async () => {
    const run = await runEmbedded({
      noise: false,
      memory: 32 << 20,
      hosts: 1,
      programs: [
        { host: 0, core: 0, role: '' },
        { host: 0, core: 1, role: '', process: 1 },
      ],
      program: async (core: Core) => {
        if (!(core instanceof ProgramCore)) throw new Error('another kind of core');
        const { port } = core;
        const network = await openNetwork(core, { path: 'bypass' });
        if (core.rank === 0) {
          const listener = await network.listen(PORT);
          await core.sleep(MS);
          await listener.close();
          return [];
        }
        const wild = [-1, 0.5, 2 ** 40, NaN, 'length', null, {}, '__proto__'];
        const refused: string[] = [];
        for (const value of wild as number[]) {
          const protocol = value as never;
          refused.push(
            await errnoOf(port.call('takePort', { qp: value, protocol: 'tcp', port: 1 })),
            await errnoOf(port.call('takePort', { qp: 0, protocol, port: value })),
            await errnoOf(port.call('givePort', { handle: value })),
          );
          await port.call('neighbour', { ipv4: value });
        }
        // The other process's port.
        for (let handle = 0; handle < 5; handle++) {
          refused.push(await errnoOf(port.call('givePort', { handle })));
        }
        return [...new Set(refused)];
      },
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    expect(run.values).toEqual([[], ['EINVAL']]);
  });

  it('waits for several things at once', async () => {
    const run = await between(
      async (core, network, memory) => {
        const socket = await network.connect({ host: 1, port: PORT });
        for (let i = 0; i < 3; i++) {
          await core.sleep(MS);
          await socket.send(memory.address, 10);
        }
        await socket.receive(memory.address, 1);
        await socket.close();
      },
      async (core, network, memory) => {
        const socket = await (await network.listen(PORT)).accept();
        let [got, ticks] = [0, 0];
        let next = core.now;
        while (got < 30) {
          const { index } = await core.any([socket.readable(), core.until(next)]);
          if (index === 1) {
            ticks++;
            next = (core.now + MS / 4) as typeof next;
          } else got += (await socket.tryReceive(memory.address, 100)) ?? 0;
        }
        await socket.send(memory.address, 1);
        await socket.close();
        return { got, ticks: ticks > 8 };
      },
    );
    expect(run.values[1]).toEqual({ got: 30, ticks: true });
  });
});

describe('UDP in a program', () => {
  it('keeps datagrams apart, and hears groups', async () => {
    const run = await between(
      async (core, network, memory) => {
        const socket = await network.udp();
        for (const length of [0, 5, 1472]) {
          await socket.sendTo({ host: 1, port: PORT }, memory.address, length);
        }
        await core.sleep(MS);
        await socket.sendTo({ address: '239.1.2.3', port: PORT }, memory.address, 77);
        const { length, port } = await socket.receive(memory.address, 100);
        await socket.close();
        return [length, port];
      },
      async (_core, network, memory) => {
        const socket = await network.udp(PORT);
        await socket.join('239.1.2.3');
        const lengths: number[] = [];
        let from = { address: '', port: 0 };
        for (let i = 0; i < 4; i++) {
          const datagram = await socket.receive(memory.address, 2000);
          lengths.push(datagram.length);
          from = { address: datagram.address, port: datagram.port };
        }
        expect(await socket.tryReceive(memory.address, 10)).toBeUndefined();
        await socket.sendTo(from, memory.address, 3);
        await socket.close();
        return { lengths, address: from.address };
      },
    );
    expect(run.values).toEqual([[3, PORT], { lengths: [0, 5, 1472, 77], address: '10.0.0.1' }]);
  });
});
