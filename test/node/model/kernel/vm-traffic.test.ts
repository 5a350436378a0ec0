/** What programs in virtual machines see is the same over queues of their own and over a shared one. */
import { describe, expect, it } from 'vitest';
import { openNetwork, receiveAll } from '../../../../node/program/sockets.js';
import {
  stageTimes,
  type Core,
  type Picoseconds,
  type VerbsError,
} from '../../../../node/program/verbs.js';
import { IN_VMS, listen, ON_HOSTS, PLACES, PORT, run, US, VMS } from './virtual-machines.js';

const GROUP = '239.1.2.3';

describe.each(['own', 'shared'] as const)('over %s queues', (vmQueues) => {
  it('a multicast datagram reaches each member once, and never its sender', async () => {
    const joined = ['vm0', 'vm1', 'host0', 'host1'];
    const programs = [...IN_VMS, ...ON_HOSTS];
    const { values: results } = await run({
      machine: { vms: VMS, vmQueues },
      programs,
      program: async (core: Core, { role }) => {
        const socket = await (await openNetwork(core)).udp(PORT);
        const memory = await core.allocate(4096);
        if (joined.includes(role)) await socket.join(GROUP);
        await core.sleep((20 * US) as Picoseconds);
        if (role === 'vm0') {
          await core.write(memory.address, new TextEncoder().encode(role.padEnd(8)));
          await socket.sendTo({ address: GROUP, port: PORT }, memory.address, 8);
        }
        return listen(core, socket, memory.address);
      },
    });
    const got = Object.fromEntries(programs.map(({ role }, rank) => [role, results[rank]]));
    expect(got).toEqual({ vm0: [], vm1: ['vm0'], vm2: [], host0: ['vm0'], host1: ['vm0'] });
  });

  it.each([
    ['another host', IN_VMS[2]!],
    ['the same host', IN_VMS[1]!],
    ['the bare host', ON_HOSTS[0]!],
  ])('a stream to %s arrives whole and in order', async (_where, peer) => {
    const length = 200_000;
    const { values: results } = await run({
      machine: { vms: VMS.map((vm) => ({ ...vm, vlan: 0 })), vmQueues },
      programs: [IN_VMS[0]!, peer],
      program: async (core: Core) => {
        const network = await openNetwork(core);
        const memory = await core.allocate(length);
        const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255);
        if (core.rank === 1) {
          const connection = await (await network.listen(PORT)).accept();
          const whole = await receiveAll(connection, memory.address, length);
          const got = await core.read(memory.address, length);
          return whole && got.every((byte, at) => byte === bytes[at]);
        }
        await core.write(memory.address, bytes);
        await core.sleep((100 * US) as Picoseconds);
        const connection = await network.connect({ ...PLACES[peer.role]!, port: PORT });
        await connection.send(memory.address, length);
        await connection.close();
        return undefined;
      },
    });
    expect(results[1]).toBe(true);
  });
});

describe('a program in a virtual machine that owns a queue', () => {
  it.each([0, 5])(
    'speaks with the machine’s addresses and its VLAN %i, without its kernel',
    async (vlan) => {
      const length = 20_000;
      const { values: results } = await run({
        machine: { vms: VMS.map((vm) => ({ ...vm, vlan })) },
        programs: [IN_VMS[0]!, IN_VMS[2]!],
        program: async (core: Core) => {
          const path = core.rank === 0 ? 'bypass' : 'kernel';
          const network = await openNetwork(core, { path });
          const memory = await core.allocate(length);
          if (core.rank === 1) {
            const connection = await (await network.listen(PORT)).accept();
            await receiveAll(connection, memory.address, length);
            await connection.send(memory.address, length);
            const { protocols } = await core.networkDevice.statistics();
            return protocols['tcp_in_segments'];
          }
          const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + 1) & 255);
          await core.write(memory.address, bytes);
          await core.sleep((100 * US) as Picoseconds);
          const connection = await network.connect({ ...PLACES['vm2']!, port: PORT });
          await connection.send(memory.address, length);
          await core.write(memory.address, new Uint8Array(length));
          await receiveAll(connection, memory.address, length);
          const got = await core.read(memory.address, length);
          const { protocols } = await core.networkDevice.statistics();
          await connection.close();
          return [got.every((byte, at) => byte === bytes[at]), protocols['tcp_in_segments']];
        },
      });
      expect(results[0]).toEqual([true, 0]);
      expect(results[1]).toBeGreaterThan(10);
    },
  );

  it('cannot where the machine shares the host’s queue', async () => {
    const { values: results } = await run({
      machine: { vms: VMS, vmQueues: 'shared' },
      programs: [IN_VMS[0]!],
      program: (core: Core) =>
        openNetwork(core, { path: 'bypass' }).then(
          () => 'opened',
          (error: unknown) => (error as VerbsError).code,
        ),
    });
    expect(results).toEqual(['EOPNOTSUPP']);
  });
});

describe('a VLAN’s tag', () => {
  it('changes nothing of what TCP costs but the four bytes', async () => {
    const [bare, tagged] = [await stackOf(0), await stackOf(5)];
    expect(tagged).toBe(bare);
  });

  /** What a round trip of one segment costs in the stack. */
  async function stackOf(vlan: number): Promise<number> {
    const { values: results } = await run({
      machine: { vms: VMS.map((vm) => ({ ...vm, queues: 1, vlan })) },
      programs: [IN_VMS[0]!, IN_VMS[2]!],
      program: async (core: Core) => {
        const network = await openNetwork(core);
        const memory = await core.allocate(4096);
        if (core.rank === 1) {
          const connection = await (await network.listen(PORT)).accept();
          await receiveAll(connection, memory.address, 64);
          await connection.send(memory.address, 64);
          return receiveAll(connection, memory.address, 1);
        }
        await core.sleep((100 * US) as Picoseconds);
        const connection = await network.connect({ ...PLACES['vm2']!, port: PORT });
        core.beginOperation();
        await connection.send(memory.address, 64);
        await receiveAll(connection, memory.address, 64);
        const stages = stageTimes(core.operationStages());
        await connection.close();
        return stages.find(({ name }) => name === 'stack')!.ps;
      },
    });
    return results[0] as number;
  }
});

describe('a host whose cores are all machines’', () => {
  it('has no kernel of its own, and frames for it are nobody’s', async () => {
    const { values: results, counters } = await run({
      machine: { vms: [...VMS, { host: 0, cores: [0], memory: 2 ** 22 }] },
      programs: [{ host: 0, core: 0, role: 'vm3', vm: 3 }, ON_HOSTS[1]!],
      program: async (core: Core) => {
        const socket = await (await openNetwork(core)).udp(PORT);
        const memory = await core.allocate(4096);
        if (core.rank === 0) return (await socket.receive(memory.address, 4096)).length;
        await core.sleep((20 * US) as Picoseconds);
        await socket.sendTo({ host: 0, port: PORT }, memory.address, 8);
        await socket.sendTo({ host: 0, vm: 3, port: PORT }, memory.address, 9);
        return undefined;
      },
    });
    expect(results[0]).toBe(9);
    expect(counters['host0']!['rx_queue0_frames']).toBeUndefined();
  });
});

describe('the switch', () => {
  it('serves machines in turn, however much one of them sends', async () => {
    const { values: results } = await run({
      // The switch is slower than any sender, and queues are short.
      overrides: ['vm.switch_frame=3us', 'kernel.ring_size=128'],
      machine: { vms: VMS, vmQueues: 'shared' },
      programs: [...IN_VMS.slice(0, 2), { host: 0, core: 2, role: 'vm0', vm: 0 }, ON_HOSTS[1]!],
      program: async (core: Core, { role }) => {
        const network = await openNetwork(core);
        const memory = await core.allocate(4096);
        if (role === 'host1') {
          // Closed ports: its kernel counts what comes, and no program has to take it.
          await core.sleep((6000 * US) as Picoseconds);
          return undefined;
        }
        const socket = await network.udp();
        await socket.sendTo({ host: 1, port: 9 }, memory.address, 1);
        await core.sleepUntil((100 * US) as never);
        let sent = 0;
        for (; core.now < 4000 * US; sent++) {
          await socket.sendTo({ host: 1, port: 10 }, memory.address, 1400);
        }
        return sent;
      },
    });
    const [first, second, other] = results as number[];
    // Two cores of one machine, one of another.
    expect((first! + other!) / second!).toBeGreaterThan(0.85);
    expect((first! + other!) / second!).toBeLessThan(1.15);
  });
});

describe('a rate limit behind the switch', () => {
  it('is kept to the byte', async () => {
    const { values: results } = await run({
      machine: { vms: VMS.map((vm) => ({ ...vm, rateGbps: 1 })), vmQueues: 'shared' },
      programs: [IN_VMS[1]!, ON_HOSTS[1]!],
      program: async (core: Core) => {
        const socket = await (await openNetwork(core)).udp(PORT);
        const memory = await core.allocate(4096);
        const arrivals: number[] = [];
        for (let i = 0; i < 40; i++) {
          if (core.rank === 0) {
            await socket.sendTo({ host: 1, port: PORT }, memory.address, 1400);
          } else {
            await socket.receive(memory.address, 4096);
            arrivals.push(core.now);
          }
        }
        return arrivals;
      },
    });
    const arrivals = results[1] as number[];
    // The first ones waited for ARP, and left together; from then on it is one every 1442 B at 8 ns.
    const gap = 1442 * 8000;
    expect(arrivals[39]! - arrivals[19]!).toBe(20 * gap);
  });
});
