/** What a workload may ask of hosts and virtual machines, and the one line that refuses the rest. */
import { describe, expect, it } from 'vitest';
import { checkPlacement, machineSettings } from '../../../coordinator/plan/machine-settings.js';
import { loadProfile } from '../../../coordinator/profiles/profiles.js';
import type { MachineRequest, VmRequest } from '../../../workloads/authoring/workload.js';
import { messageOf } from '../errors/usage-message.js';

const MIB = 2 ** 20;
const CONFIG = { hosts: 2, cores: 4, memory: 64 * MIB, profile: loadProfile('roce-100g', []) };
const VM: VmRequest = { host: 0, cores: [1], memory: 8 * MIB };

const taken = (request: MachineRequest): readonly unknown[] =>
  machineSettings('w', request, CONFIG).vms;

describe('virtual machines', () => {
  it('get what they ask for, and a queue per core unless they say', () => {
    const { vms } = machineSettings('w', { vms: [{ ...VM, cores: [1, 2], rateGbps: 10 }] }, CONFIG);
    expect(vms).toEqual([
      { host: 0, cores: [1, 2], memory: 8 * MIB, queues: 2, vlan: 0, rate: 800 },
    ]);
  });

  it.each([
    ['a host that is not there', { vms: [{ ...VM, host: 2 }] }, /needs 3 hosts/],
    ['a core that is not there', { vms: [{ ...VM, cores: [4] }] }, /needs 5 cores/],
    ['no core', { vms: [{ ...VM, cores: [] }] }, /a VM on host 0/],
    [
      'a core twice',
      { vms: [VM, { ...VM, cores: [2, 1] }] },
      /two VMs of host 0 have the same core/,
    ],
    ['half a queue', { vms: [{ ...VM, queues: 0.5 }] }, /0.5 queues/],
    ['no memory', { vms: [{ ...VM, memory: 0 }] }, /0 bytes of memory/],
    ['VLAN 4095', { vms: [{ ...VM, vlan: 4095 }] }, /4095 as its VLAN/],
    ['a rate of nothing', { vms: [{ ...VM, rateGbps: 0 }] }, /a rate of 0 Gb\/s/],
    ['all memory', { vms: [{ ...VM, memory: 64 * MIB }] }, /for its VMs and itself/],
    [
      'every core, with a queue to share',
      { vms: [{ ...VM, cores: [0, 1, 2, 3] }], vmQueues: 'shared' },
      /need a free core on host 0 to switch their frames/,
    ],
  ] as const)('are refused %s', (_what, request, message) => {
    expect(messageOf(() => taken(request))).toMatch(message);
  });

  it('may have every core when each has queues of its own', () => {
    expect(taken({ vms: [{ ...VM, cores: [0, 1, 2, 3] }] })).toHaveLength(1);
  });

  it('have programs on their own cores only, and on no other', () => {
    const machine = machineSettings('w', { vms: [VM] }, CONFIG);
    const place = (host: number, core: number, vm: number) => (): void => {
      checkPlacement('w', [{ rank: 0, role: '', process: 0, host, core, vm }], machine);
    };
    for (const right of [place(0, 1, 0), place(0, 0, -1), place(1, 1, -1)]) right();
    const wrong = [place(0, 1, -1), place(0, 2, 0), place(1, 1, 0), place(0, 0, 1)].map(messageOf);
    expect(wrong[0]).toMatch(/of the bare host on host 0 core 1, which is VM 0's/);
    expect(wrong[1]).toMatch(/of VM 0 on host 0 core 2, which is the bare host's/);
    expect(wrong[2]).toMatch(/which is the bare host's/);
    expect(wrong[3]).toMatch(/of VM 1/);
  });
});
