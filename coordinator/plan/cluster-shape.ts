/** What a cluster's configuration is made of, and how it travels to the cluster's clients. */
import { PROFILE } from '../../node/spec/profile-shape.js';
import type { Profile } from '../../node/spec/profile.js';
import { RUN_SETTINGS } from '../../node/spec/run-spec.js';
import { MAX_HOSTS } from '../../units/elements.js';
import {
  choice,
  list,
  printableText,
  record,
  saying,
  whole,
  type Infer,
} from '../../wire/control/shape.js';

export const PLACEMENT = choice('process', 'embedded', 'joined');
export const NOISE = choice('on', 'off');

/** Placement, partition and core runtime decide only where the work is done; all else decides results. */
export const CLUSTER_FIELDS = {
  ...RUN_SETTINGS,
  noise: NOISE,
  /** Overrides alone applied: what another run's noise is applied to. */
  loadedProfile: PROFILE,
  placement: PLACEMENT,
  /** The hosts of each process; empty where they are still to join. */
  partition: list(({ hosts }) => hosts, saying('not a list of hosts', list(MAX_HOSTS, whole()))),
};

/** The shape of a configuration that has these fields. */
export const clusterRecord = <const F extends typeof CLUSTER_FIELDS>(fields: F) =>
  record('cluster', fields);

export type ClusterConfig = Infer<ReturnType<typeof clusterRecord<typeof CLUSTER_FIELDS>>> & {
  /** Overrides, noise and clock already applied. */
  readonly profile: Profile;
};

/** `cluster` of the results and of a status. */
export const CLUSTER_INFO = record('cluster', {
  hosts: RUN_SETTINGS.hosts,
  cores: whole(1),
  profile: printableText(256),
  clock: RUN_SETTINGS.clock,
  topology: RUN_SETTINGS.topology,
  mtu: whole(),
  noise: NOISE,
  seed: RUN_SETTINGS.seed,
});
export type ClusterInfo = Infer<typeof CLUSTER_INFO>;
