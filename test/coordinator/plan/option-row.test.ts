/**
 * What the table of options is for: an option that is one row, and the field that it sets, arrives in the specification
 * of a run wherever the run is done, and contradicts a cluster that has another.
 */
import { describe, expect, test } from 'vitest';
import { definitionsOf } from '../../../coordinator/cli/options.js';
import { clientRun, parseClientRun } from '../../../coordinator/cluster/client-run.js';
import {
  attachedConfig,
  clusterMessage,
  parseCluster,
} from '../../../coordinator/plan/attached-config.js';
import {
  clusterConfig,
  describeCluster,
  runSettings,
  type ClusterConfig,
  type ClusterOptions,
} from '../../../coordinator/plan/cluster-config.js';
import type { OptionRow, OptionSet } from '../../../coordinator/plan/option-row.js';
import { OPTIONS, RUN_OPTIONS } from '../../../coordinator/plan/run-options.js';
import { readWhole } from '../../../coordinator/options/option-values.js';
import { specMessage } from '../../../node/process/run-messages.js';
import {
  PLAIN_MACHINE,
  RUN_SETTINGS,
  runSpecShape,
  type RunSpec,
} from '../../../node/spec/run-spec.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';
import { reader, whole } from '../../../wire/control/shape.js';
import { messageOf } from '../errors/usage-message.js';

/** At how many queued bytes a switch marks a frame: an option that pinwire does not have. */
const MARK_AT: OptionRow<'markAt', number> = {
  field: 'markAt',
  group: 'Run:',
  help: 'queued bytes at which a switch marks',
  usual: '0',
  owner: 'run',
  inherited: true,
  read: (option, text) => readWhole(option, text, 0, 1000),
  show: String,
};

const setWith = (row: OptionRow<'markAt', number>): OptionSet => {
  const field = { markAt: whole(0, 1000) };
  return {
    rows: { ...RUN_OPTIONS, 'mark-at': row },
    cluster: { ...OPTIONS.cluster, ...field },
    settings: { ...OPTIONS.settings, ...field },
  };
};
const RUNS_OWN = setWith(MARK_AT);
const CLUSTERS_OWN = setWith({
  ...MARK_AT,
  owner: 'cluster',
  header: { clause: 'hardware', text: (config) => `marks at ${markOf(config)!}` },
});

type Options = ClusterOptions & { readonly 'mark-at'?: string };

const markOf = (value: object): number | undefined => (value as { markAt?: number }).markAt;
const travelled = (message: object): unknown => unpackControl(packControl(message));

function arrived<T>(parsed: T | string): T {
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

/** A cluster that is up, launched or joined, as its clients learn of it. */
const standing = (options: Options, set: OptionSet): ClusterConfig =>
  arrived(parseCluster(travelled(clusterMessage(clusterConfig(options, 2, set), set)), set));

const specOf = (config: ClusterConfig, set: OptionSet): RunSpec => ({
  ...runSettings(config, set),
  local: [],
  capture: false,
  module: { kind: 'catalogue', name: 'micro/write-lat' },
  params: {},
  programs: [{ rank: 0, host: 0, core: 0, role: 'client', process: 0, vm: -1 }],
  machine: PLAIN_MACHINE,
  inputs: new Map(),
});

/** As a host process has it in the end. */
const specInProcess = (spec: RunSpec, set: OptionSet): RunSpec =>
  arrived(reader(runSpecShape(set.settings))(travelled(specMessage(spec))));

/** As a cluster's coordinator has it that a client asked. */
const specAtCoordinator = (spec: RunSpec, cluster: ClusterConfig, set: OptionSet): RunSpec => ({
  ...arrived(parseClientRun(travelled(clientRun(spec, set)), cluster, set)),
  local: [],
});

describe('an option that is one row of the table', () => {
  test('has its line of --help, with its default', () => {
    expect(definitionsOf('Run:', RUNS_OWN.rows)).toMatchObject({
      'mark-at': { describe: 'queued bytes at which a switch marks [default: 0]', string: true },
    });
    expect(Object.keys(definitionsOf('Run:'))).toEqual([
      ...['seed', 'until', 'segment-limit', 'noise', 'clock', 'fault'],
    ]);
  });

  test('arrives in the processes of a run that launches its cluster', () => {
    const options: Options = { 'mark-at': '70', fault: ['loss=1e-3'] };
    const spec = specInProcess(specOf(clusterConfig(options, 2, RUNS_OWN), RUNS_OWN), RUNS_OWN);
    expect(spec).toMatchObject({ hosts: 2, faults: { loss: 1e-3 }, markAt: 70 });
    const usual = specInProcess(specOf(clusterConfig({}, 2, RUNS_OWN), RUNS_OWN), RUNS_OWN);
    expect(markOf(usual)).toBe(0);
  });

  test('is refused in the words of its reader', () => {
    const wrong: Options = { 'mark-at': '1001' };
    expect(messageOf(() => clusterConfig(wrong, 2, RUNS_OWN))).toBe(
      '--mark-at: must be between 0 and 1000, not 1001',
    );
  });

  test.each(['process', 'joined'] as const)(
    'arrives from a client in the processes of a standing cluster, placement %s',
    (placement) => {
      const cluster = standing({ placement, 'mark-at': '7' }, RUNS_OWN);
      const asked: Options = { 'mark-at': '70', seed: '9' };
      const config = attachedConfig(asked, cluster, 'ws://here:7600', RUNS_OWN);
      const spec = specAtCoordinator(specOf(config, RUNS_OWN), cluster, RUNS_OWN);
      expect(specInProcess(spec, RUNS_OWN)).toMatchObject({ seed: 9, markAt: 70 });
      const silent = attachedConfig({}, cluster, 'ws://here:7600', RUNS_OWN);
      expect(markOf(silent)).toBe(7);
    },
  );

  test('of the cluster’s own is put in by the coordinator, whatever the client believed', () => {
    const cluster = standing({ 'mark-at': '7' }, CLUSTERS_OWN);
    const believed = { ...specOf(cluster, CLUSTERS_OWN), markAt: 70 };
    expect(markOf(specAtCoordinator(believed, cluster, CLUSTERS_OWN))).toBe(7);
  });

  test('of the cluster’s own contradicts a cluster that has another value, and may repeat it', () => {
    const cluster = standing({ 'mark-at': '7' }, CLUSTERS_OWN);
    const attach = (mark: string) => (): unknown =>
      attachedConfig({ 'mark-at': mark } as Options, cluster, 'ws://here:7600', CLUSTERS_OWN);
    expect(messageOf(attach('70'))).toMatch(
      /^--mark-at 70: conflicts with the cluster at ws:\/\/here:7600 \(7\)$/,
    );
    expect(attach('7')()).toMatchObject({ markAt: 7 });
  });

  test('stands in the line that describes the cluster', () => {
    const config = clusterConfig({ 'mark-at': '7' } as Options, 2, CLUSTERS_OWN);
    expect(describeCluster(config, undefined, CLUSTERS_OWN)).toBe(
      '2 hosts x 4 cores, 64 MiB each, in 2 processes; ' +
        'roce-100g, MTU 1024, switch, marks at 7; virtual clock, noise on',
    );
  });
});

test('every setting of a run has a row', () => {
  const fields: string[] = Object.values(RUN_OPTIONS).map(({ field }) => field);
  expect(Object.keys(RUN_SETTINGS).filter((setting) => !fields.includes(setting))).toEqual([]);
});

test('a cluster is described in one line, wherever it is', () => {
  const described = (options: ClusterOptions, elsewhere?: string): string =>
    describeCluster(clusterConfig(options, 1), elsewhere);
  expect(described({ placement: 'embedded', noise: 'off' })).toBe(
    '1 host x 4 cores, 64 MiB each, embedded in one process; roce-100g, MTU 1024, switch; ' +
      'virtual clock, noise off',
  );
  expect(described({ placement: 'joined' })).toContain(' each, to join; ');
  expect(described({ clock: 'real' }, 'attached to ws://here:7600')).toMatch(
    / each, attached to ws:\/\/here:7600; .*; real clock: wall-clock figures$/,
  );
});
