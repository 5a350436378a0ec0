import { describe, expect, test } from 'vitest';
import {
  clusterConfig,
  hostsAskedFor,
  partition,
} from '../../../coordinator/plan/cluster-config.js';
import { messageOf } from '../errors/usage-message.js';

describe('a cluster as the options ask for it', () => {
  test('has the documented defaults', () => {
    const config = clusterConfig({}, 4);
    expect(config).toMatchObject({
      hosts: 4,
      cores: 4,
      memory: 64 * 2 ** 20,
      mtu: 1024,
      topology: 'switch',
      clock: 'virtual',
      noise: 'on',
      seed: 1,
      faults: null,
      trace: 'headers',
      placement: 'process',
      coreRuntime: 'worker',
      partition: [[0], [1], [2], [3]],
    });
    expect(config.profile.name).toBe('roce-100g');
  });

  test.each([
    ['cx3-qdr', 2048],
    ['cx4-edr', 4096],
    ['cx6-hdr', 4096],
    ['roce-100g', 1024],
    ['roce-25g', 4096],
  ])('takes the MTU of %s: %i', (profile, mtu) => {
    expect(clusterConfig({ profile }, 2).mtu).toBe(mtu);
  });

  test('runs cores inline in one process when embedded', () => {
    const config = clusterConfig({ placement: 'embedded' }, 3);
    expect(config).toMatchObject({ coreRuntime: 'inline', partition: [[0, 1, 2]] });
    const workers = clusterConfig({ placement: 'embedded', 'core-runtime': 'worker' }, 3);
    expect(workers.coreRuntime).toBe('worker');
  });

  test('without noise has a profile without jitter; on the real clock nothing costs time', () => {
    expect(clusterConfig({}, 2).profile.pcie.dmaRead.jitter).not.toBeNull();
    expect(clusterConfig({ noise: 'off' }, 2).profile.pcie.dmaRead.jitter).toBeNull();
    expect(clusterConfig({ clock: 'real' }, 2).profile.pcie.dmaRead.ps).toBe(0);
  });

  test('leaves the number of hosts to the workload unless told', () => {
    expect(hostsAskedFor({})).toBeUndefined();
    expect(hostsAskedFor({ hosts: '7' })).toBe(7);
  });

  test.each([
    [{ cores: '129' }, 2, '--cores: must be between 1 and 128'],
    [{ memory: '5GiB' }, 2, '--memory: must be between 1 MiB and 4 GiB'],
    [{ seed: '9007199254740993' }, 2, '--seed'],
    [{ mtu: '1500' }, 2, '--mtu'],
    [{ topology: 'direct' }, 3, 'a cable joins 2 hosts, not 3'],
    [{ processes: '5' }, 4, '--processes: must be between 1 and 4'],
    [{ placement: 'embedded', processes: '2' }, 4, 'has only one process'],
    [{}, 129, '129 processes exceed the limit of 128'],
    [{ processes: '4', cores: '128' }, 9, '1152 core threads exceed the limit'],
    [
      { override: ['nic.tx=0ns', 'link.propagation=0ns', 'link.fec=0ns', 'switch.latency=0ns'] },
      2,
      'fabric latency is 0',
    ],
  ])('%j with %i hosts is refused', (options, hosts, message) => {
    expect(messageOf(() => clusterConfig(options, hosts))).toContain(message);
  });
});

test('hosts are packed into processes in order, as evenly as they go', () => {
  expect(partition(7, 3)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5, 6],
  ]);
  expect(partition(4, 1)).toEqual([[0, 1, 2, 3]]);
  for (const [hosts, processes] of [[512, 128] as const, [33, 7] as const]) {
    const parts = partition(hosts, processes);
    expect(parts.flat()).toEqual(Array.from({ length: hosts }, (_, host) => host));
    expect(Math.max(...parts.map(({ length }) => length))).toBe(Math.ceil(hosts / processes));
  }
});
