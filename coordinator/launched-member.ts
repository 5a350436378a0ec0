/** A launched cluster as one that stays up: its hosts are on this machine, and it can run as long as it stands. */
import { hostname } from 'node:os';
import type { ClusterConfig } from './cluster-config.js';
import type { LinkedProcesses } from './formation.js';
import { machineResources } from './machine-resources.js';
import type { PrivateCluster } from './private-cluster.js';
import type { MemberInfo, StandingCluster } from './standing-cluster.js';
import { VERSION } from './version.js';

export class LaunchedMember implements StandingCluster {
  readonly config: ClusterConfig;
  readonly missingHosts = 0;
  readonly members: readonly MemberInfo[];
  private readonly cluster: PrivateCluster;

  constructor(config: ClusterConfig, cluster: PrivateCluster) {
    this.config = config;
    this.cluster = cluster;
    this.members = [
      {
        name: hostname(),
        hosts: config.partition.flat(),
        hostCount: config.hosts,
        address: '',
        ...machineResources(),
        version: VERSION,
        node: process.version,
        since: new Date().toISOString(),
      },
    ];
  }

  get fabric(): StandingCluster['fabric'] {
    return this.cluster.processes.fabric;
  }

  async processes(): Promise<LinkedProcesses> {
    const { processes } = this.cluster;
    return processes.isOver ? processes.lost : processes;
  }
}
