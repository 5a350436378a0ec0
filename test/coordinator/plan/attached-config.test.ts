/** What a run that attaches takes from the cluster, what is its own, and what contradicts. */
import { describe, expect, test } from 'vitest';
import {
  attachedConfig,
  clusterMessage,
  parseCluster,
} from '../../../coordinator/plan/attached-config.js';
import {
  clusterConfig,
  type ClusterConfig,
  type ClusterOptions,
} from '../../../coordinator/plan/cluster-config.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';
import { messageOf } from '../errors/usage-message.js';

/** The cluster as a client learns of it. */
function told(options: ClusterOptions, hosts = 4): ClusterConfig {
  const message = clusterMessage(clusterConfig(options, hosts));
  const parsed = parseCluster(unpackControl(packControl(message)));
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

const attached = (options: ClusterOptions, cluster: ClusterOptions = {}): ClusterConfig =>
  attachedConfig(options, told(cluster), 'ws://here:7600');

describe('a cluster', () => {
  test.each<[string, ClusterOptions]>([
    ['the usual one', {}],
    ['without noise', { noise: 'off' }],
    ['of the real clock', { clock: 'real' }],
    ['with hardware of its own', { profile: 'cx3-qdr', override: ['nic.tx=1us'] }],
    ['with faults', { fault: ['loss=1e-3,delayed=1e-2,delay=10us'], seed: '7' }],
    ['whose hosts join', { placement: 'joined' }],
  ])('arrives at its clients as it is: %s', (_what, options) => {
    expect(told(options)).toEqual(clusterConfig(options, 4));
  });

  test.each(['hosts', 'loadedProfile', 'topology', 'partition', 'faults'])(
    'is refused by its clients without its %s',
    (field) => {
      const message = { ...clusterMessage(clusterConfig({}, 4)), [field]: 'x' };
      expect(parseCluster(message)).toContain(field);
    },
  );
});

describe('a run that attaches', () => {
  test('equals one on a fresh cluster with the same options', () => {
    const cluster = { cores: '2', profile: 'cx4-edr', memory: '32MiB', topology: 'switch' };
    const own = { seed: '9', noise: 'off', fault: ['loss=1e-3'], trace: 'full' };
    expect(attached(own, cluster)).toEqual(clusterConfig({ ...cluster, ...own }, 4));
  });

  test('has its own seed, the usual one if it names none', () => {
    expect(attached({}, { seed: '7' }).seed).toBe(1);
    expect(attached({ seed: '8' }, { seed: '7' }).seed).toBe(8);
  });

  test('takes noise and faults as the cluster has them, unless it says otherwise', () => {
    const cluster = { noise: 'off', fault: ['loss=1e-3'] };
    const quiet = attached({}, cluster);
    expect(quiet).toMatchObject({ noise: 'off', faults: { loss: 1e-3 } });
    const noisy = attached({ noise: 'on', fault: ['loss=0'] }, cluster);
    expect(noisy.noise).toBe('on');
    expect(noisy.faults?.loss ?? 0).toBe(0);
    expect(noisy.profile).toEqual(clusterConfig({}, 4).profile);
  });

  test.each<[ClusterOptions, RegExp]>([
    [{ hosts: '8' }, /^--hosts 8: conflicts with the cluster at ws:.* \(4\)$/],
    [{ cores: '2' }, /^--cores 2: .* \(4\)$/],
    [{ memory: '128MiB' }, /^--memory 128MiB: .* \(64 MiB\)$/],
    [{ profile: 'cx4-edr' }, /^--profile cx4-edr: .* \(its own profile, roce-100g\)$/],
    [{ override: ['nic.tx=5ns'] }, /^--override nic\.tx=5ns: .* \(its own profile/],
    [{ topology: 'direct', hosts: '2' }, /^--hosts 2: .* \(4\)$/],
    [{ mtu: '4096' }, /^--mtu 4096: .* \(1024\)$/],
    [{ clock: 'real' }, /^--clock real: .* \(virtual\)$/],
    [{ placement: 'embedded' }, /^--placement embedded: .* \(process\)$/],
    [{ processes: '2' }, /^--processes 2: .* \(4\)$/],
    [{ 'core-runtime': 'inline' }, /^--core-runtime inline: .* \(worker\)$/],
  ])('cannot have another cluster: %j', (options, message) => {
    expect(messageOf(() => attached(options))).toMatch(message);
  });

  test('may say what the cluster is', () => {
    const same = { hosts: '4', cores: '4', memory: '64MiB', mtu: '1024', profile: 'roce-100g' };
    const all = { ...same, clock: 'virtual', topology: 'switch', placement: 'process' };
    expect(attached({ ...all, processes: '4' })).toEqual(clusterConfig({}, 4));
  });
});
