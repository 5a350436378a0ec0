/**
 * The configuration of a run on a cluster that is up: hosts, hardware and clock are the cluster's, the seed and what
 * goes wrong are the run's own. An option that asks for another cluster than the one that is there is refused.
 */
import { reader } from '../../wire/control/shape.js';
import { clusterConfig, hostsAskedFor, profileOf, type ClusterOptions } from './cluster-config.js';
import { clusterRecord, type ClusterConfig } from './cluster-shape.js';
import { ownFields, pick, refuseConflicts } from './option-row.js';
import { OPTIONS } from './run-options.js';

/** The cluster as its clients need it. */
export const clusterMessage = (config: ClusterConfig, { cluster } = OPTIONS): object =>
  pick(config, Object.keys(cluster));

/** A cluster's configuration as its coordinator told it, or what is wrong with it. */
export function parseCluster(value: unknown, { cluster } = OPTIONS): ClusterConfig | string {
  const found = reader(clusterRecord(cluster))(value);
  if (typeof found === 'string') return found;
  return { ...found, profile: profileOf(found.loadedProfile, found.clock, found.noise) };
}

/**
 * The configuration of a run with these options on the cluster that `where` names. Throws a UsageError for an option
 * that the cluster contradicts.
 */
export function attachedConfig(
  options: ClusterOptions,
  cluster: ClusterConfig,
  where: string,
  set = OPTIONS,
): ClusterConfig {
  const asked = clusterConfig(options, hostsAskedFor(options) ?? cluster.hosts, set);
  refuseConflicts(set.rows, options, { asked, cluster, where });
  const config = { ...cluster, ...ownFields(set.rows, options, asked) };
  return { ...config, profile: profileOf(config.loadedProfile, config.clock, config.noise) };
}
