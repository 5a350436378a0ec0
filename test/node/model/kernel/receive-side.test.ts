/**
 * The receive side of the kernel under load: who gets a core, what is lost where and counted, and that a core's time is
 * spent only once.
 */
import { describe, expect, it } from 'vitest';
import {
  openNetwork,
  type DeviceStatistics,
  type UdpSocket,
} from '../../../../node/program/sockets.js';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import type { Core, Instant, Picoseconds } from '../../../../node/program/verbs.js';
import { PS_PER_MS, PS_PER_US } from '../../../../units/time.js';
import rss from '../../../../workloads/host/rss.js';
import type { Parameters } from '../../../../workloads/authoring/workload.js';
import { runEmbedded, runWorkload, type ClusterOptions } from '../../../embedded.js';

interface Figures {
  readonly verified: boolean | null;
  readonly note: string | undefined;
  readonly counters: Readonly<Record<string, number>>;
  readonly rate: number;
  readonly load: number;
  readonly warm: number;
}

async function loaded(params: Parameters, options: ClusterOptions = {}): Promise<Figures> {
  const all = { steering: 'rss', queues: '1', iterations: 20, ...params };
  const [first] = await runWorkload(rss, all, { noise: false, cores: 1, ...options });
  const { verified, note, metrics, counters = {} } = first!.summary;
  const value = (name: string): number => {
    const metric = metrics.find((each) => each.name === name)!;
    return 'value' in metric ? metric.value : metric.p50;
  };
  expect(note).toBeUndefined();
  return {
    verified,
    note,
    counters,
    rate: value('rate'),
    load: value('load'),
    warm: value('warm_share'),
  };
}

const { kernel, cpu } = loadProfile('roce-100g', []);
/** What a datagram of 18 bytes whose flow is warm takes of a core: of the softirq, and of its program. */
const SOFTIRQ = kernel.stackIn.ps + kernel.schedule.ps;
const PROGRAM = cpu.syscall.ps + kernel.copyIn.ps + Math.ceil(18 * cpu.copy) + kernel.userReturn.ps;

describe('a core that is offered more than it can serve', () => {
  it('gives its program what it wants and the softirq the rest: no time is lost, none spent twice', async () => {
    const { rate, load } = await loaded({ flows: '16', window: 20 * PS_PER_MS });
    expect(load).toBe(100);
    expect(rate / (PS_PER_US / (SOFTIRQ + PROGRAM))).toBeCloseTo(1, 1);
    expect(rate).toBeLessThanOrEqual((1.005 * PS_PER_US) / (SOFTIRQ + PROGRAM));
  });

  it('shares it in equal parts with a program that wants all of it', async () => {
    const { counters, rate } = await loaded({
      flows: '16',
      work: 5 * PS_PER_US,
      window: 20 * PS_PER_MS,
    });
    expect(counters['core0_load_percent']).toBe(100);
    expect(Math.abs(counters['core0_softirq_percent']! - 50)).toBeLessThan(5);
    expect(rate / (0.5 / (5 + PROGRAM / PS_PER_US))).toBeCloseTo(1, 1);
  });

  it('delivers no less when more is offered', async () => {
    let before = 0;
    for (const offered of [0.2, 0.4, 0.8, 1.6]) {
      const { rate } = await loaded({ flows: '16', offered, window: 10 * PS_PER_MS });
      expect(rate).toBeGreaterThan(0.98 * before);
      before = rate;
    }
  });

  it('that never gives way to programs serves frames for nothing: receive livelock', async () => {
    const greedy = { overrides: ['kernel.netdev_budget=1000000'] };
    const params = { flows: '16', warmup: 4 * PS_PER_MS };
    const busy = await loaded({ ...params, offered: 0.4 }, greedy);
    const flooded = await loaded({ ...params, offered: 1.6 }, greedy);
    expect(busy.rate).toBeGreaterThan(0.3);
    expect(flooded.rate).toBeLessThan(0.01);
    expect(flooded.counters['dropped_by_socket_buffer']).toBeGreaterThan(1000);
  });

  it('takes fewer interrupts per packet, and in the end none', async () => {
    const perPacket: number[] = [];
    const little = { offered: 0.001, warmup: 0, window: 10 * PS_PER_US };
    for (const light of [0.01, 0.05, 0.2, 0.45]) {
      const { counters } = await loaded({ flows: '16', ...little, light, iterations: 1000 });
      perPacket.push(counters['interrupts']! / counters['read']!);
    }
    expect(perPacket[0]).toBeGreaterThan(0.7);
    for (let i = 1; i < 4; i++) expect(perPacket[i]).toBeLessThan(0.8 * perPacket[i - 1]!);
    expect(perPacket[3]).toBeLessThan(0.1);
  });
});

describe('what cannot be served', () => {
  it('is lost by the ring when the softirq is too slow, and counted there', async () => {
    const { counters } = await loaded({ flows: '16', window: 10 * PS_PER_MS });
    expect(counters['dropped_by_ring']).toBeGreaterThan(1000);
    expect(counters['dropped_by_socket_buffer']).toBeLessThan(300);
  });

  it('is lost by the socket’s buffer when the program is too slow, and counted there', async () => {
    const { counters } = await loaded({
      flows: '16',
      offered: 0.3,
      work: 20 * PS_PER_US,
      window: 10 * PS_PER_MS,
    });
    expect(counters['dropped_by_socket_buffer']).toBeGreaterThan(1000);
    expect(counters['dropped_by_ring']).toBe(0);
  });

  it('is less with a longer ring only as long as the burst lasts', async () => {
    const short = { overrides: ['kernel.ring_size=64'] };
    const burst = { flows: '16', warmup: 0, window: PS_PER_MS };
    const long = await loaded(burst);
    const few = await loaded(burst, short);
    expect(few.counters['dropped_by_ring']! - long.counters['dropped_by_ring']!).toBeGreaterThan(
      150,
    );
    const steady = { flows: '16', window: 20 * PS_PER_MS };
    const same = (await loaded(steady, short)).rate / (await loaded(steady)).rate;
    expect(same).toBeCloseTo(1, 1);
  });
});

describe('a program whose core serves packets of others', () => {
  interface Work {
    readonly took: number;
    readonly stolen: number;
    readonly frames: number;
  }

  /** Core 0 of host 1 works for `length` while its softirqs serve datagrams for core 1. */
  async function worked(
    length: number,
    datagrams: number,
    each: (core: Core, socket: UdpSocket, address: number) => Promise<unknown>,
  ): Promise<Work> {
    const run = await runEmbedded({
      noise: false,
      cores: 2,
      machine: { queues: 1 },
      programs: [
        { host: 0, core: 0, role: 'sender' },
        { host: 1, core: 0, role: 'worker' },
        { host: 1, core: 1, role: 'reader' },
      ],
      program: async (core: Core, { role }: { role: string }): Promise<Work | undefined> => {
        const network = await openNetwork(core);
        const memory = await core.allocate(4096);
        const taken = async (): Promise<DeviceStatistics['cores'][number]> =>
          (await core.networkDevice.statistics()).cores[0]!;
        if (role === 'worker') {
          const idle = await network.udp(9);
          await core.sleepUntil((100 * PS_PER_US) as Instant);
          const before = await taken();
          const started = core.now;
          for (let done = 0; done < length; done++) {
            await each(core, idle, memory.address);
          }
          const took = core.now - started;
          await core.sleepUntil((20 * PS_PER_MS) as Instant);
          const after = await taken();
          const { queues } = await core.networkDevice.statistics();
          return { took, stolen: after.taken - before.taken, frames: queues[0]!.frames };
        }
        const socket = await network.udp(7);
        if (role === 'sender') {
          await core.sleepUntil((200 * PS_PER_US) as Instant);
          for (let i = 0; i < datagrams; i++) {
            await socket.sendTo({ host: 1, port: 7 }, memory.address, 64);
          }
        } else for (let i = 0; i < datagrams; i++) await socket.receive(memory.address, 64);
        return undefined;
      },
    });
    if (run.failure !== null) throw new Error(run.failure.stack);
    expect(run.blocked).toEqual([]);
    return run.values[1] as Work;
  }

  it('is later by exactly what they took, in one piece of work', async () => {
    const { took, stolen, frames } = await worked(1, 200, (core) =>
      core.work((5 * PS_PER_MS) as Picoseconds),
    );
    expect(frames).toBeGreaterThan(200);
    expect(stolen).toBeGreaterThan(200 * SOFTIRQ);
    expect(took).toBe(5 * PS_PER_MS + stolen);
  });

  it('is so too in many pieces', async () => {
    const { took, stolen } = await worked(10_000, 200, (core) =>
      core.work((500 * 1000) as Picoseconds),
    );
    expect(took).toBe(5 * PS_PER_MS + stolen);
  });

  it('is so too in system calls', async () => {
    const look = (_core: Core, socket: UdpSocket, address: number): Promise<unknown> =>
      socket.tryReceive(address, 64);
    const alone = await worked(1, 0, look);
    expect(alone.took).toBe(cpu.syscall.ps + kernel.userReturn.ps);
    const calls = 20_000;
    const { took, stolen } = await worked(calls, 200, look);
    expect(took).toBe(calls * alone.took + stolen);
  });
});

describe('receive flow steering', () => {
  const many = {
    steering: 'rfs',
    placement: 'scattered',
    flows: '64',
    queues: '4',
    window: 2 * PS_PER_MS,
  };

  it('brings flows to their programs, and keeps each in order while it moves', async () => {
    const { verified, warm, counters } = await loaded(many, { cores: 4, noise: true });
    expect(verified).toBe(true);
    expect(counters['late']).toBe(0);
    expect(warm).toBeGreaterThan(0.95);
  });

  it('keeps them in order too when it learns of them under load, in queues that are full', async () => {
    // All come to one deep queue first, and would pass themselves in empty ones.
    const hasty = { ...many, flows: '1000', iterations: 1, light: 4, table: '1:0:0:0' };
    const { verified, counters } = await loaded(hasty, { cores: 4, noise: true });
    expect(verified).toBe(true);
    expect(counters['late']).toBe(0);
  });
});
