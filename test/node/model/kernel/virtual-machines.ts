/**
 * Virtual machines on two hosts, and programs in them that talk: what tests of both kinds of machines have in common.
 */
import { expect } from 'vitest';
import { openNetwork, type UdpSocket } from '../../../../node/program/sockets.js';
import { stageTimes, type Core, type Picoseconds } from '../../../../node/program/verbs.js';
import type { MachineRequest } from '../../../../workloads/authoring/workload.js';
import { runEmbedded, type EmbeddedRun, type ProgramRun } from '../../../embedded.js';

export const PORT = 7;
export const US = 1e6 as Picoseconds;
const MIB = 2 ** 20;

/** Two VMs of two cores on host 0, one of one core on host 1; a program on a core of each, and on the bare hosts. */
export const VMS = [
  { host: 0, cores: [1, 2], memory: 8 * MIB },
  { host: 0, cores: [3], memory: 8 * MIB },
  { host: 1, cores: [1], memory: 8 * MIB },
];
export const IN_VMS = [
  { host: 0, core: 1, role: 'vm0', vm: 0 },
  { host: 0, core: 3, role: 'vm1', vm: 1 },
  { host: 1, core: 1, role: 'vm2', vm: 2 },
];
export const ON_HOSTS = [
  { host: 0, core: 0, role: 'host0' },
  { host: 1, core: 0, role: 'host1' },
];

export type Place = { readonly host: number; readonly vm?: number };
export const PLACES: Readonly<Record<string, Place>> = {
  vm0: { host: 0, vm: 0 },
  vm1: { host: 0, vm: 1 },
  vm2: { host: 1, vm: 2 },
  host0: { host: 0 },
  host1: { host: 1 },
};

export async function run(options: ProgramRun): Promise<EmbeddedRun> {
  const done = await runEmbedded({ hosts: 2, noise: false, ...options });
  if (done.failure !== null) throw new Error(done.failure.stack);
  expect(done.blocked).toEqual([]);
  expect(done.left.frames).toBe(0);
  return done;
}

/**
 * Sockets that everybody binds to their own address, and one message from each of `from` to each of `to`: who heard
 * whom.
 */
export async function heard(
  from: readonly string[],
  to: readonly string[],
  vlans: readonly number[] = [],
  vmQueues: MachineRequest['vmQueues'] = 'own',
): Promise<Record<string, string[]>> {
  const vms = VMS.map((vm, index) => ({ ...vm, vlan: vlans[index] ?? 0 }));
  const programs = [...IN_VMS, ...ON_HOSTS];
  const { values: results } = await run({
    machine: { vms, vmQueues },
    programs,
    program: async (core: Core, { role }) => {
      const socket = await (await openNetwork(core)).udp(PORT);
      const memory = await core.allocate(4096);
      await core.sleep((20 * US) as Picoseconds);
      if (from.includes(role)) {
        await core.write(memory.address, new TextEncoder().encode(role.padEnd(8)));
        for (const each of to) {
          if (each !== role)
            await socket.sendTo({ ...PLACES[each]!, port: PORT }, memory.address, 8);
        }
      }
      return listen(core, socket, memory.address);
    },
  });
  return Object.fromEntries(programs.map(({ role }, rank) => [role, results[rank] as string[]]));
}

/** Who sent what comes within a good while. */
export async function listen(core: Core, socket: UdpSocket, address: number): Promise<string[]> {
  const until = (core.now + 300 * US) as never;
  const from: string[] = [];
  for (;;) {
    const { index } = await core.any([socket.readable(), core.until(until)]);
    if (index === 1) return from.sort();
    const { length } = await socket.receive(address, 4096);
    from.push(new TextDecoder().decode((await core.read(address, length)).slice()).trim());
  }
}

/** The stages of the third round trip of 64 bytes between two programs; they sum to it. */
export async function echo(
  asks: (typeof IN_VMS)[number] | (typeof ON_HOSTS)[number],
  answers: (typeof IN_VMS)[number] | (typeof ON_HOSTS)[number],
  machine: MachineRequest = {},
): Promise<Record<string, number>> {
  const { values: results } = await run({
    // One queue each, so that a flow is served where its program runs.
    machine: { vms: VMS.map((vm) => ({ ...vm, queues: 1 })), queues: 1, ...machine },
    programs: [asks, answers],
    program: async (core: Core) => {
      const socket = await (await openNetwork(core)).udp(PORT);
      const memory = await core.allocate(4096);
      const peer = { ...PLACES[core.rank === 0 ? answers.role : asks.role]!, port: PORT };
      if (core.rank === 0) await core.sleep((50 * US) as Picoseconds);
      for (let i = 0; i < 3; i++) {
        if (core.rank === 1) {
          await socket.receive(memory.address, 4096);
          await socket.sendTo(peer, memory.address, 64);
          continue;
        }
        const started = core.now;
        core.beginOperation();
        await socket.sendTo(peer, memory.address, 64);
        await socket.receive(memory.address, 4096);
        if (i < 2) continue;
        const stages: Record<string, number> = {};
        for (const { name, ps } of stageTimes(core.operationStages())) stages[name] = ps;
        expect(Object.values(stages).reduce((sum, ps) => sum + ps, 0)).toBe(core.now - started);
        return stages;
      }
      return undefined;
    },
  });
  return results[0] as Record<string, number>;
}
