/**
 * The configuration of a run on a cluster that is up: hosts, hardware and clock are the cluster's, the seed and what
 * goes wrong are the run's own. An option that asks for another cluster than the one that is there is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseFaultSpec, parseProfile } from '../../node/process/run-messages.js';
import { MAX_CORES, MAX_HOSTS } from '../../sim/sequencer.js';
import { formatSize } from '../../units/size.js';
import { FieldReader } from '../../wire/control/field-reader.js';
import {
  clusterConfig,
  hostsAskedFor,
  profileOf,
  type ClusterConfig,
  type ClusterOptions,
} from './cluster-config.js';
import { UsageError } from '../errors/usage-error.js';

/** The cluster as its clients need it. */
export function clusterMessage({ profile: _applied, ...config }: ClusterConfig): object {
  return config;
}

/** A cluster's configuration as its coordinator told it, or what is wrong with it. */
export function parseCluster(value: unknown): ClusterConfig | string {
  const fields = new FieldReader('cluster', value);
  const hosts = fields.whole('hosts', 1, MAX_HOSTS);
  const clock = fields.oneOf('clock', ['virtual', 'real']);
  const noise = fields.oneOf('noise', ['on', 'off']);
  const loadedProfile = fields.parsed('loadedProfile', parseProfile);
  const cluster = {
    hosts,
    cores: fields.whole('cores', 1, MAX_CORES),
    memory: fields.whole('memory', 1, 2 ** 32),
    loadedProfile,
    mtu: fields.whole('mtu', 256, 4096),
    topology: fields.oneOf('topology', ['switch', 'direct']),
    clock,
    noise,
    seed: fields.whole('seed'),
    faults: fields.any('faults') === null ? null : fields.parsed('faults', parseFaultSpec),
    trace: fields.oneOf('trace', ['headers', 'full']),
    placement: fields.oneOf('placement', ['process', 'embedded', 'joined']),
    coreRuntime: fields.oneOf('coreRuntime', ['worker', 'inline']),
    partition: fields.list('partition', hosts, (each) =>
      Array.isArray(each) && each.every(Number.isSafeInteger)
        ? (each as number[])
        : 'no list of hosts',
    ),
  } as const;
  return fields.problem ?? { ...cluster, profile: profileOf(loadedProfile, clock, noise) };
}

/** The options that say what the cluster is, what an option asks for, and how that is said. */
const CLUSTERS_OWN = {
  hosts: ({ hosts }) => `${hosts}`,
  cores: ({ cores }) => `${cores}`,
  memory: ({ memory }) => formatSize(memory),
  profile: ({ loadedProfile }) => loadedProfile,
  override: ({ loadedProfile }) => loadedProfile,
  mtu: ({ mtu }) => `${mtu}`,
  topology: ({ topology }) => topology,
  clock: ({ clock }) => clock,
  placement: ({ placement }) => placement,
  processes: ({ partition }) => `${partition.length}`,
  'core-runtime': ({ coreRuntime }) => coreRuntime,
} as const satisfies Partial<
  Record<keyof ClusterOptions, (config: ClusterConfig) => string | ClusterConfig['loadedProfile']>
>;

/**
 * The configuration of a run with these options on the cluster that `where` names. Throws a UsageError for an option that
 * the cluster contradicts.
 */
export function attachedConfig(
  options: ClusterOptions,
  cluster: ClusterConfig,
  where: string,
): ClusterConfig {
  const asked = clusterConfig(options, hostsAskedFor(options) ?? cluster.hosts);
  for (const [name, shown] of Object.entries(CLUSTERS_OWN)) {
    const given = options[name as keyof typeof CLUSTERS_OWN];
    if (given === undefined) continue;
    const here = shown(cluster);
    if (isDeepStrictEqual(shown(asked), here)) continue;
    const what = typeof here === 'string' ? here : `its own profile, ${here.name}`;
    throw new UsageError(
      `--${name} ${[given].flat().join(' ')}: a run that attaches takes it from the cluster, and ${where} has ${what}`,
    );
  }
  const noise = options.noise === undefined ? cluster.noise : asked.noise;
  const { segmentLimit } = asked;
  return {
    ...cluster,
    ...(segmentLimit !== undefined && { segmentLimit }),
    noise,
    profile: profileOf(cluster.loadedProfile, cluster.clock, noise),
    seed: asked.seed,
    faults: options.fault === undefined ? cluster.faults : asked.faults,
    trace: options.trace === undefined ? cluster.trace : asked.trace,
  };
}
