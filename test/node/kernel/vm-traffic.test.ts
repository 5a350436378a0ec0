/** What programs in virtual machines see is the same over queues of their own and over a shared one. */
import { describe, expect, it } from 'vitest';
import { openNetwork, receiveAll } from '../../../node/sockets.js';
import type { Core, Picoseconds } from '../../../node/verbs.js';
import { IN_VMS, listen, ON_HOSTS, PLACES, PORT, run, US, VMS } from './virtual-machines.js';

const GROUP = '239.1.2.3';

describe.each(['own', 'shared'] as const)('over %s queues', (vmQueues) => {
  it('a multicast datagram reaches whoever joined, once each, and never its sender', async () => {
    const joined = ['vm0', 'vm1', 'host0', 'host1'];
    const programs = [...IN_VMS, ...ON_HOSTS];
    const { results } = await run({
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
    const { results } = await run({
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

describe('a rate limit behind the switch', () => {
  it('is kept to the byte', async () => {
    const { results } = await run({
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
