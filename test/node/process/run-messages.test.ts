import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../../coordinator/profiles/profiles.js';
import { parseRunOutcome, parseRunSpec, specMessage } from '../../../node/process/run-messages.js';
import { PLAIN_MACHINE, type RunOutcome, type RunSpec } from '../../../node/spec/run-spec.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';

const SPEC: RunSpec = {
  hosts: 2,
  local: [1],
  cores: 4,
  memory: 2 ** 26,
  profile: loadProfile('roce-100g', []),
  mtu: 1024,
  topology: 'switch',
  clock: 'virtual',
  noise: true,
  seed: 1,
  until: Infinity,
  segmentLimit: 0,
  faults: { loss: 1e-3, duplicate: 0, corrupt: 0, icrc: 0, delayed: 0, delay: 0 },
  capture: false,
  trace: 'headers',
  coreRuntime: 'worker',
  module: { kind: 'program', file: 'x.ts', fingerprint: '0123456789abcdef'.repeat(4) },
  params: { size: 8, mode: 'auto', check: true },
  programs: [{ rank: 0, host: 1, core: 3, role: 'server', process: 0, vm: -1 }],
  machine: {
    ...PLAIN_MACHINE,
    vms: [{ host: 1, cores: [2], memory: 4096, queues: 1, vlan: 7, rate: 80 }],
  },
  inputs: new Map([['feed', Uint8Array.of(1, 2, 3)]]),
};
const OUTCOME: RunOutcome = {
  results: [{ rank: 0, value: { latencies: Float64Array.of(1, 2) }, endedAt: 2 ** 45 }],
  hosts: [{ host: 1, digest: '0123456789abcdef', counters: { lost: 2 }, counted: {} }],
  events: 10,
  packets: 4,
};

const travelled = (message: object): Record<string, unknown> =>
  unpackControl(packControl(message)) as Record<string, unknown>;

describe('a run’s specification', () => {
  test('arrives as it was sent, input files and profile included', () => {
    expect(parseRunSpec(travelled(specMessage(SPEC)))).toEqual(SPEC);
    const plain = { ...SPEC, faults: null };
    expect(parseRunSpec(travelled(specMessage(plain)))).toEqual(plain);
  });

  test.each([
    ['hosts', 0],
    ['local', [2]],
    ['cores', 129],
    ['memory', 2 ** 33],
    ['profile', { name: 'x', title: 'x' }],
    ['mtu', 9000],
    ['topology', 'ring'],
    ['seed', -1],
    ['faults', { loss: 2 }],
    ['module', 'data:text/javascript,1'],
    ['params', { size: [] }],
    ['programs', [{ rank: 0, host: 2, core: 0, role: 'r' }]],
    ['inputs', { feed: 'text' }],
  ])('is refused with a wrong %s', (field, value) => {
    const parsed = parseRunSpec({ ...travelled(specMessage(SPEC)), [field]: value });
    expect(parsed).toBeTypeOf('string');
    expect(parsed).toContain(field);
  });
});

describe('a run’s outcome', () => {
  test('arrives as it was sent', () => {
    expect(parseRunOutcome(travelled(OUTCOME))).toEqual(OUTCOME);
  });

  test.each([
    ['results', [{ rank: -1, value: 0, endedAt: 0 }]],
    ['results', [{ rank: 0, value: 0, endedAt: NaN }]],
    ['hosts', [{ host: 0, digest: 'short', counters: {}, counted: {} }]],
    ['hosts', [{ host: 0, digest: '0123456789abcdef', counters: { lost: '2' }, counted: {} }]],
    ['events', 1.5],
    ['packets', undefined],
  ])('is refused with wrong %s', (field, value) => {
    const parsed = parseRunOutcome({ ...OUTCOME, [field]: value });
    expect(parsed).toBeTypeOf('string');
    expect(parsed).toContain(field);
  });
});
