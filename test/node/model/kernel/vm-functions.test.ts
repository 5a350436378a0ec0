/** Virtual machines with network functions of their own: addresses, VLANs, receive queues, interrupts, rates. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { RateLimit } from '../../../../node/model/nic/rate-limit.js';
import { openNetwork } from '../../../../node/program/sockets.js';
import type { Core, Picoseconds } from '../../../../node/program/verbs.js';
import {
  echo,
  heard,
  IN_VMS,
  listen,
  ON_HOSTS,
  PLACES,
  PORT,
  run,
  US,
  VMS,
} from './virtual-machines.js';

describe('virtual machines with functions of their own', () => {
  const all = Object.keys(PLACES);

  it('reach each other and every host by their own addresses', async () => {
    for (const from of all) {
      const others = all.filter((each) => each !== from);
      const got = await heard([from], others);
      for (const each of all)
        expect(got[each], `${from} to ${each}`).toEqual(each === from ? [] : [from]);
    }
  });

  it('hear only their own VLAN', async () => {
    const got = await heard(all, all, [5, 6, 5]);
    expect(got).toEqual({
      vm0: ['vm2'],
      vm2: ['vm0'],
      vm1: [],
      host0: ['host1'],
      host1: ['host0'],
    });
  });
});

describe('an interrupt into a virtual machine', () => {
  const { kernel, vm } = loadProfile('roce-100g', []);

  it('costs an injection on top of what it costs on the bare host, each way', async () => {
    const stages = await echo(IN_VMS[0]!, IN_VMS[2]!);
    expect(stages['irq']).toBe(
      2 * (kernel.rxUsecs + vm.inject.ps + kernel.irq.ps + kernel.idleExit.ps),
    );
    const bare = await echo(ON_HOSTS[0]!, ON_HOSTS[1]!);
    expect(stages['irq']! - bare['irq']!).toBe(2 * vm.inject.ps);
    // All else is the bare host's.
    expect({ ...stages, irq: 0 }).toEqual({ ...bare, irq: 0 });
  });
});

describe('the receive queues of a virtual machine', () => {
  it('are spread by a table of its own, whatever the others do with theirs', async () => {
    const { values: results } = await run({
      machine: { vms: VMS },
      programs: [...IN_VMS, ...ON_HOSTS],
      program: async (core: Core, { role }) => {
        const network = await openNetwork(core);
        const device = core.networkDevice;
        if (role === 'vm0')
          await device.change({ what: 'table', queues: Array.from({ length: 128 }, () => 1) });
        const memory = await core.allocate(4096);
        if (role !== 'vm2') {
          const socket = await network.udp(PORT);
          await listen(core, socket, memory.address);
          const { queues } = await device.statistics();
          return queues.map(({ core: index, frames }) => [index, frames]);
        }
        await core.sleep((20 * US) as Picoseconds);
        for (let i = 0; i < 32; i++) {
          const socket = await network.udp();
          await socket.sendTo({ host: 0, vm: 0, port: PORT }, memory.address, 8);
          await socket.sendTo({ host: 0, vm: 1, port: PORT }, memory.address, 8);
          await socket.close();
        }
        return undefined;
      },
    });
    const [first, second, , host] = results as number[][][];
    // Both hear the ARP requests for either, which are no flow's and come to queue 0.
    expect(first).toEqual([
      [1, 2],
      [2, 32],
    ]);
    expect(second).toEqual([[3, 34]]);
    expect(host!.map(([index]) => index)).toEqual([0]);
  });
});

describe('a rate limit', () => {
  it('is kept to the byte over time, whatever the lengths of frames and the waits for the port', () => {
    const perByte = 8000;
    const limit = new RateLimit(perByte);
    let now = 5 * US;
    let bytes = 0;
    limit.took(now, 0);
    const from = limit.freeAt;
    for (let i = 0; i < 1000; i++) {
      const late = (i * 7919) % 123_000;
      now = Math.max(now, limit.freeAt) + late;
      const length = 60 + ((i * 104_729) % 1455);
      limit.took(now, length);
      bytes += length;
      expect(now).toBeGreaterThanOrEqual(from + (bytes - length) * perByte);
    }
    expect(limit.freeAt - from).toBe(bytes * perByte);
  });

  it('holds for all queues of a function together, and for no other function', async () => {
    const rates = [await sent([]), await sent([0]), await sent([1])];
    const most = Math.ceil(1e9 / ((1000 + 42) * 16_000)) * 1000;
    for (const [limited, free] of [
      [rates[1]![0]!, rates[1]![1]!],
      [rates[2]![1]!, rates[2]![0]!],
    ]) {
      expect(limited).toBeLessThanOrEqual(most);
      expect(limited).toBeGreaterThan(0.95 * most);
      expect(free!).toBeGreaterThan(2 * limited!);
    }
    expect(rates[0]![0]!).toBeGreaterThan(2 * rates[1]![0]!);
  });
});

/** Bytes that VMs 0 (two cores) and 1 bring to host 1 within a millisecond, those of `limited` at half a Gb/s. */
async function sent(limited: readonly number[]): Promise<number[]> {
  const end = 1100 * US;
  const { values: results } = await run({
    machine: {
      vms: VMS.map((vm, index) => ({ ...vm, ...(limited.includes(index) && { rateGbps: 0.5 }) })),
    },
    programs: [...IN_VMS, { host: 0, core: 2, role: 'vm0', vm: 0 }, ON_HOSTS[1]!],
    program: async (core: Core, { role }) => {
      const network = await openNetwork(core);
      const memory = await core.allocate(4096);
      const number = Number(role.at(-1));
      if (role === 'vm2') return undefined;
      if (role === 'host1') {
        const sockets = [await network.udp(PORT), await network.udp(PORT + 1)];
        const counts = [0, 0];
        for (;;) {
          // Time first: what has come by then, and not what waits.
          const { index } = await core.any([
            core.until(end as never),
            ...sockets.map((socket) => socket.readable()),
          ]);
          if (index === 0) return counts;
          counts[index - 1]! += (await sockets[index - 1]!.receive(memory.address, 4096)).length;
        }
      }
      const socket = await network.udp();
      await socket.sendTo({ host: 1, port: 9 }, memory.address, 1);
      await core.sleep((100 * US - core.now) as Picoseconds);
      while (core.now < end) {
        await socket.sendTo({ host: 1, port: PORT + number }, memory.address, 1000);
        // Host 1 is to keep up.
        await core.sleep((4 * US) as Picoseconds);
      }
      return undefined;
    },
  });
  return results.at(-1) as number[];
}
