/** Virtual machines behind the host's software switch: who hears what, and what each frame costs whom. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { echo, heard, IN_VMS, ON_HOSTS, PLACES } from './virtual-machines.js';

describe('virtual machines that share a queue', () => {
  const all = Object.keys(PLACES);

  it('reach each other and every host by their own addresses', async () => {
    for (const from of all) {
      const got = await heard([from], all, [], 'shared');
      for (const each of all)
        expect(got[each], `${from} to ${each}`).toEqual(each === from ? [] : [from]);
    }
  });

  it('hear only their own VLAN', async () => {
    const got = await heard(all, all, [5, 6, 5], 'shared');
    expect(got).toEqual({
      vm0: ['vm2'],
      vm2: ['vm0'],
      vm1: [],
      host0: ['host1'],
      host1: ['host0'],
    });
  });
});

describe('a datagram through the switch', () => {
  const { kernel, vm, cpu } = loadProfile('roce-100g', []);
  const shared = { vmQueues: 'shared' } as const;
  const copy = Math.ceil((64 + 42) * cpu.copy);
  const entering = vm.inject.ps + vm.exit.ps + kernel.irq.ps + kernel.idleExit.ps;
  const leaving = vm.exit.ps + kernel.idleExit.ps;
  const arriving = kernel.rxUsecs + kernel.irq.ps + kernel.idleExit.ps;

  it('costs an exit, a host core and a copy on both sides, and the rest as between hosts', async () => {
    const stages = await echo(IN_VMS[0]!, IN_VMS[2]!, shared);
    const bare = await echo(ON_HOSTS[0]!, ON_HOSTS[1]!, { vms: [] });
    expect(stages['irq']).toBe(2 * (leaving + arriving + entering));
    expect(stages['softirq']).toBe(2 * 2 * vm.switchFrame.ps);
    expect(stages['copy']).toBe(bare['copy']! + 2 * 2 * copy);
    const rest = { irq: 0, softirq: 0, copy: 0 };
    expect({ ...stages, ...rest }).toEqual({ ...bare, ...rest });
  });

  it('between machines of one host sees no NIC', async () => {
    const stages = await echo(IN_VMS[0]!, IN_VMS[1]!, shared);
    const bare = await echo(ON_HOSTS[0]!, ON_HOSTS[1]!, { vms: [] });
    expect(stages).toEqual({
      irq: 2 * (leaving + entering),
      softirq: 2 * vm.switchFrame.ps,
      copy: bare['copy']! + 2 * 2 * copy,
      syscall: bare['syscall'],
      stack: bare['stack'],
      wakeup: bare['wakeup'],
    });
  });

  it('from the host to a machine of its own needs no exit on the way out', async () => {
    const stages = await echo(ON_HOSTS[0]!, IN_VMS[0]!, shared);
    expect(stages['irq']).toBe(entering + leaving);
    expect(stages['softirq']).toBe(2 * vm.switchFrame.ps);
  });
});
