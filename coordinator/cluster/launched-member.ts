/** A launched cluster as one that stays up: its hosts are on this machine, and it can run as long as it stands. */
import { hostname } from 'node:os';
import type { ClusterConfig } from '../plan/cluster-config.js';
import type { LinkedProcesses } from './formation.js';
import { machineResources } from './machine-resources.js';
import { PrivateCluster, type PrivateClusterOptions } from './private-cluster.js';
import type { MemberInfo, StandingCluster } from './standing-cluster.js';
import { VERSION } from '../terminal/version.js';

export class LaunchedMember implements StandingCluster {
  readonly config: ClusterConfig;
  readonly missingHosts = 0;
  readonly members: readonly MemberInfo[];
  private cluster: PrivateCluster | undefined;
  private markStarted!: (started: Promise<PrivateCluster>) => void;
  private readonly started = new Promise<PrivateCluster>((resolve) => (this.markStarted = resolve));

  constructor(config: ClusterConfig) {
    this.config = config;
    // The launcher hears of a failure; there may be nobody else who waits for it.
    this.started.catch(() => undefined);
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
    return this.cluster?.processes.fabric ?? [];
  }

  /** Starts every process; resolves when all are linked. */
  async launch(options: PrivateClusterOptions): Promise<void> {
    const started = PrivateCluster.launch(this.config, options, (each) => (this.cluster = each));
    this.markStarted(started);
    await started;
  }

  async processes(): Promise<LinkedProcesses> {
    const { processes } = await this.started;
    return processes.isOver ? processes.lost : processes;
  }

  /** Rejects when a process is lost: there will be no other. */
  async lost(): Promise<never> {
    return (await this.started).processes.lost;
  }

  /** Tells every process to stop, and kills those that do not. */
  async stop(): Promise<void> {
    await this.cluster?.stop();
  }

  /** Ends every process at once. Safe in an 'exit' handler. */
  kill(): void {
    this.cluster?.kill();
  }
}
