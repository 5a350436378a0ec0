/** A cluster that stays up and serves runs: what the queue, `status`, health and metrics need to know of it. */
import type { ClusterConfig } from '../plan/cluster-config.js';
import type { LinkedProcesses } from './formation.js';

/** A machine that contributes hosts. */
export interface MemberInfo {
  /** Unique in the cluster. */
  readonly name: string;
  /** Numbers of its hosts; empty until the cluster is complete. */
  readonly hosts: readonly number[];
  /** How many it contributes. */
  readonly hostCount: number;
  /** From where it came: an IP address; empty for the coordinator's own machine. */
  readonly address: string;
  /** Logical processors and bytes of memory of the machine. */
  readonly cores: number;
  readonly memory: number;
  readonly version: string;
  readonly node: string;
  /** Since when it has been here, ISO 8601. */
  readonly since: string;
}

export interface StandingCluster {
  readonly config: ClusterConfig;
  /** Machines that are here now. */
  readonly members: readonly MemberInfo[];
  /** Hosts that are still to join; 0 when it can run. */
  readonly missingHosts: number;
  /** Why it did not stand the last time it tried; undefined once it stands. */
  readonly trouble?: string | undefined;
  /** Where the fabric of each process is dialled, by process; empty until they are linked. */
  readonly fabric: readonly { readonly hosts: readonly number[]; readonly url: string }[];
  /**
   * Resolves with the linked processes: at once, or when enough hosts have joined and linked up. Rejects with a
   * RunError when the cluster is stopped, or can never be complete again.
   */
  processes(): Promise<LinkedProcesses>;
}
