import { describe, expect, test } from 'vitest';
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';
import { hostsFor, planWorkload } from '../../../coordinator/plan/work-plan.js';
import type { Workload } from '../../../workloads/authoring/workload.js';
import { messageOf } from '../errors/usage-message.js';

const summary = { verified: true, metrics: [] };
const plain: Workload = {
  name: 'plain',
  summary: '',
  parameters: { count: { type: 'integer', default: 2, help: '' } },
  place: ({ count }) =>
    Array.from({ length: Number(count) }, (_, host) => ({
      host,
      core: 0,
      role: 'r',
      process: 0,
      vm: -1,
    })),
  program: async () => undefined,
  summarise: () => summary,
};
const resolved = (changes: Partial<Workload>) => ({
  name: 'plain',
  workload: { ...plain, ...changes },
  module: { kind: 'catalogue', name: 'plain' } as const,
});
const config = clusterConfig({ cores: '2' }, 2);

describe('a plan', () => {
  test('has the ranks of every configuration in order', () => {
    const plan = planWorkload(
      resolved({ configurations: (params) => [params, { ...params, count: 1 }] }),
      [],
      config,
    );
    expect(plan.configurations.map(({ params }) => params)).toEqual([{ count: 2 }, { count: 1 }]);
    expect(plan.configurations[0]!.programs).toEqual([
      { rank: 0, host: 0, core: 0, role: 'r', process: 0, vm: -1 },
      { rank: 1, host: 1, core: 0, role: 'r', process: 0, vm: -1 },
    ]);
  });

  test('gives workloads the hosts that the largest of them needs', () => {
    expect(hostsFor([resolved({})])).toBe(2);
    expect(hostsFor([resolved({ hosts: 1 })])).toBe(1);
    expect(hostsFor([resolved({ hosts: 3 }), resolved({ minHosts: 5 })])).toBe(5);
  });

  const at = (host: number, core: number) => ({ host, core, role: 'r', process: 0, vm: -1 });
  test.each([
    ['too few hosts', { minHosts: 3 }, 'needs at least 3 hosts, but the cluster has 2 (--hosts)'],
    ['a host beyond the cluster', { place: () => [at(2, 0)] }, 'needs 3 hosts'],
    ['a core beyond the host', { place: () => [at(0, 2)] }, 'needs 3 cores'],
    [
      'two programs on a core',
      { place: () => [at(0, 1), at(0, 1)] },
      'two programs on host0 core 1',
    ],
    ['a negative host', { place: () => [at(-1, 0)] }, 'places a program on host -1'],
    ['no program', { place: () => [] }, 'places no program'],
    ['no configuration', { configurations: () => [] }, 'has nothing to run'],
    ['what the workload objects to', { configurations: () => 'only 8 B' }, 'plain: only 8 B'],
    ['a placement that is not a list', { place: (() => ({})) as never }, 'place returned no list'],
    ['a promise of a placement', { place: (async () => []) as never }, 'place returned no list'],
    [
      'a place that is not a record',
      { place: () => [undefined as never] },
      'place returned no list',
    ],
    [
      'configurations that are not a list',
      { configurations: (() => 3) as never },
      'configurations returned no list',
    ],
    ['a broken input', { check: () => 'feed: broken at 17' }, 'plain: feed: broken at 17'],
  ])('refuses %s', (_what, changes: Partial<Workload>, message) => {
    expect(messageOf(() => planWorkload(resolved(changes), [], config))).toContain(message);
  });

  const fail = (): never => {
    throw new TypeError('not so\nby far');
  };
  test.each(['check', 'configurations', 'machine', 'place'])(
    'tells an error in %s in one line with its place',
    (name) => {
      const message = messageOf(() => planWorkload(resolved({ [name]: fail }), [], config));
      expect(message).toMatch(
        new RegExp(
          `^plain: ${name} threw TypeError: not so by far, at .*fail.* \\(.*work-plan\\.test\\.ts:\\d+`,
        ),
      );
    },
  );
});
