/** The kernel's path for a datagram: what it costs stage by stage, who is woken, what is refused. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { openNetwork, type Network, type UdpSocket } from '../../../../node/program/sockets.js';
import {
  stageTimes,
  type Core,
  type Instant,
  type Picoseconds,
  type Region,
} from '../../../../node/program/verbs.js';
import { runEmbedded, type ClusterOptions } from '../../../embedded.js';
import { errnoOf } from './socket-streams.js';

const PORT = 7;
const US = 1e6 as Picoseconds;

interface Side {
  readonly core: Core;
  readonly network: Network;
  readonly socket: UdpSocket;
  readonly memory: Region;
}

async function open(core: Core, path: 'kernel' | 'busy-poll' = 'kernel'): Promise<Side> {
  const network = await openNetwork(core, { path });
  const socket = await network.udp(PORT);
  const memory = await core.allocate(65_536);
  return { core, network, socket, memory };
}

interface EchoResult {
  readonly latency: number;
  readonly stages: Readonly<Record<string, number>>;
}

/** One datagram there and back after some that warm everything up; the round trip of the last one. */
async function echo(
  size: number,
  path: 'kernel' | 'busy-poll',
  options: ClusterOptions = {},
  waits: (side: Side) => Promise<unknown> = () => Promise.resolve(),
): Promise<EchoResult> {
  const run = await runEmbedded({
    noise: false,
    ...options,
    machine: { queues: 1 },
    program: async (core: Core): Promise<EchoResult | undefined> => {
      const side = await open(core, path);
      const { socket, memory } = side;
      const peer = { host: 1 - core.rank, port: PORT };
      if (core.rank === 0) await core.sleep((100 * US) as Picoseconds);
      for (let i = 0; i < 5; i++) {
        if (core.rank === 1) {
          await waits(side);
          await socket.receive(memory.address, 2048);
          await socket.sendTo(peer, memory.address, size);
          continue;
        }
        const started = core.now;
        core.beginOperation();
        await socket.sendTo(peer, memory.address, size);
        await socket.receive(memory.address, 2048);
        if (i < 4) continue;
        const latency = core.now - started;
        const stages: Record<string, number> = {};
        for (const { name, ps } of stageTimes(core.operationStages())) stages[name] = ps;
        return { latency, stages };
      }
      return undefined;
    },
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  return run.values[0] as EchoResult;
}

const sum = (stages: Readonly<Record<string, number>>): number =>
  Object.values(stages).reduce((total, ps) => total + ps, 0);

describe('a datagram over the kernel', () => {
  const { kernel, cpu } = loadProfile('roce-100g', []);

  it('costs the stages of the profile, and they sum to the round trip', async () => {
    const { latency, stages } = await echo(64, 'kernel');
    expect(sum(stages)).toBe(latency);
    expect(stages['stack']).toBe(2 * (kernel.stackIn.ps + kernel.stackOut.ps));
    const bytes = Math.ceil(64 * cpu.copy);
    expect(stages['copy']).toBe(2 * (kernel.copyIn.ps + kernel.copyOut.ps + 2 * bytes));
    expect(stages['wakeup']).toBe(2 * (kernel.wakeup.ps + kernel.schedule.ps));
    expect(stages['irq']).toBe(2 * (kernel.rxUsecs + kernel.irq.ps + kernel.idleExit.ps));
    // Into the send, and out of the receive; what the send returns through is hidden behind the wire.
    expect(stages['syscall']).toBe(2 * (cpu.syscall.ps + kernel.userReturn.ps));
  });

  it('goes through the IOMMU where there is one: a buffer of each ring, never seen before, on each side', async () => {
    const { miss } = loadProfile('roce-100g', []).iommu;
    const without = await echo(64, 'kernel');
    const { latency, stages } = await echo(64, 'kernel', { overrides: ['iommu.mode=on'] });
    expect(stages).toEqual({ ...without.stages, translate: 4 * miss });
    expect(latency).toBe(without.latency + 4 * miss);
  });

  it('with busy polling needs no interrupt and no wake-up', async () => {
    const { latency, stages } = await echo(64, 'busy-poll');
    expect(sum(stages)).toBe(latency);
    expect(stages['irq']).toBeUndefined();
    expect(stages['wakeup']).toBe(2 * kernel.schedule.ps);
    expect(stages['softirq']).toBe(2 * kernel.busyPoll.ps);
  });

  it('polled by a busy program takes no longer when a softirq would have used up its budget long ago', async () => {
    const burst = 3;
    const run = await runEmbedded({
      noise: false,
      machine: { queues: 1 },
      program: async (core: Core): Promise<number[]> => {
        const { socket, memory } = await open(core, 'busy-poll');
        const peer = { host: 1 - core.rank, port: PORT };
        if (core.rank === 0) await core.sleep((100 * US) as Picoseconds);
        const lengths: number[] = [];
        for (let round = 0; round < 400; round++) {
          const started = core.now;
          for (let i = 0; i < burst; i++) {
            if (core.rank === 0) await socket.sendTo(peer, memory.address, 64);
            else await socket.receive(memory.address, 2048);
            if (core.rank === 1) await core.work((3 * US) as Picoseconds);
          }
          if (core.rank === 0) await socket.receive(memory.address, 2048);
          else await socket.sendTo(peer, memory.address, 64);
          lengths.push(core.now - started);
        }
        return lengths;
      },
    });
    expect(run.failure).toBeNull();
    const lengths = (run.values[0] as number[]).slice(10);
    expect(Math.max(...lengths) / Math.min(...lengths)).toBeLessThan(1.5);
  });

  it('that is waited for among other things costs its program one more system call', async () => {
    const one = await echo(64, 'kernel');
    const among = await echo(64, 'kernel', {}, async ({ core, socket }) =>
      core.any([socket.readable(), core.until(1e12 as Instant)]),
    );
    expect(sum(among.stages)).toBe(among.latency);
    const { syscall, ...others } = among.stages;
    const { syscall: before, ...othersBefore } = one.stages;
    expect(others).toEqual(othersBefore);
    expect(syscall! - before!).toBe(2 * cpu.syscall.ps);
  });

  it('waits for the moderated interrupt exactly rx-usecs', async () => {
    const moderated = await echo(64, 'kernel');
    const prompt = await echo(64, 'kernel', { overrides: ['kernel.rx_usecs=0us'] });
    expect(moderated.latency - prompt.latency).toBe(2 * kernel.rxUsecs);
  });
});

describe('a UDP socket', () => {
  async function alone<T>(program: (side: Side) => Promise<T>): Promise<T> {
    const run = await runEmbedded({
      hosts: 2,
      programs: [{ host: 0, core: 0, role: '' }],
      noise: false,
      program: async (core: Core) => program(await open(core)),
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    return run.values[0] as T;
  }

  it('gives the errnos that Linux gives', async () => {
    const errnos = await alone(async ({ network, socket, memory }) => [
      await errnoOf(network.udp(PORT)),
      await errnoOf(network.udp(70_000)),
      await errnoOf(socket.sendTo({ host: 1, port: 0 }, memory.address, 1)),
      await errnoOf(socket.sendTo({ host: 1, port: 9 }, 4096, 1)),
      await errnoOf(socket.sendTo({ host: 1, port: 9 }, memory.address, -1)),
      await errnoOf(socket.sendTo({ host: 1, port: 9 }, memory.address, 1473)),
      await errnoOf(socket.join('10.0.0.1')),
      await errnoOf(socket.join('nowhere')),
      await errnoOf(socket.close()),
      await errnoOf(socket.sendTo({ host: 1, port: 9 }, memory.address, 1)),
      await errnoOf(socket.receive(memory.address, 1)),
    ]);
    expect(errnos).toEqual([
      'EADDRINUSE',
      'EINVAL',
      'EDESTADDRREQ',
      'EFAULT',
      'EINVAL',
      'EMSGSIZE',
      'EINVAL',
      'EINVAL',
      'none',
      'EBADF',
      'EBADF',
    ]);
  });

  it('answers at once when there is nothing and it was not to wait', async () => {
    expect(await alone(({ socket, memory }) => socket.tryReceive(memory.address, 100))).toBe(
      undefined,
    );
  });

  it('that was waited for among others wakes nobody who waits for something else by then', async () => {
    const run = await runEmbedded({
      noise: false,
      machine: { queues: 1 },
      program: async (core: Core) => {
        const { network, socket, memory } = await open(core);
        const other = await network.udp(PORT + 1);
        if (core.rank === 1) {
          await core.any([socket.readable(), core.until((core.now + 5 * US) as never)]);
          const { port } = await other.receive(memory.address, 100);
          return port;
        }
        await core.sleep((100 * US) as Picoseconds);
        await socket.sendTo({ host: 1, port: PORT }, memory.address, 1);
        await other.sendTo({ host: 1, port: PORT + 1 }, memory.address, 1);
        return 0;
      },
    });
    expect(run.failure).toBeNull();
    expect(run.blocked).toEqual([]);
    expect(run.values[1]).toBe(PORT + 1);
  });

  it('can be waited for together with several times, of which the earliest counts', async () => {
    const index = await alone(async ({ core, socket }) => {
      const before = core.now;
      const at = (us: number): ReturnType<Core['until']> => core.until((before + us * US) as never);
      const late = await core.any([at(9), socket.readable(), at(5), at(7)]);
      return { index: late.index, after: core.now - before };
    });
    expect(index).toEqual({ index: 2, after: 5 * US });
  });

  it('can be waited for together with a time', async () => {
    const index = await alone(async ({ core, socket }) => {
      const before = core.now;
      const late = await core.any([socket.readable(), core.until((before + 5 * US) as never)]);
      return { index: late.index, after: core.now - before };
    });
    expect(index).toEqual({ index: 1, after: 5 * US });
  });
});
