/** A cluster on this machine: launched by a command, reachable by its own processes alone, gone with the command. */
import { randomBytes } from 'node:crypto';
import type { ProgramPolicy } from '../../node/process/process-environment.js';
import type { ClusterConfig } from '../plan/cluster-config.js';
import { ControlServer } from './control-server.js';
import type { Formation } from './formation.js';
import { LaunchedCluster } from './launch.js';
import type { PlacedRun, RunPlace } from '../run/run-place.js';
import { executeRun, type RunRecord } from '../run/run.js';

export interface PrivateClusterOptions {
  readonly programs: ProgramPolicy;
  /** What the processes print, line by line. */
  readonly print: (line: string) => void;
}

/** A command runs what its own user names. */
export const TRUSTED: ProgramPolicy = { files: true, directories: [] };

export class PrivateCluster implements RunPlace {
  private readonly server: ControlServer;
  private readonly cluster: LaunchedCluster;
  private runs = 0;

  private constructor(server: ControlServer, cluster: LaunchedCluster) {
    this.server = server;
    this.cluster = cluster;
  }

  /**
   * Starts every process. The cluster is handed to `onLaunch` at once, so that it can be ended while it still starts;
   * resolves when all processes are linked.
   */
  static async launch(
    config: ClusterConfig,
    { print, programs }: PrivateClusterOptions,
    onLaunch: (cluster: PrivateCluster) => void,
  ): Promise<PrivateCluster> {
    const credentials = { token: randomBytes(32).toString('hex') };
    const reporting: { cluster?: LaunchedCluster } = {};
    const server = await ControlServer.open({
      credentials,
      paths: {},
      welcome: (hello, connection) => reporting.cluster?.processes.welcome(hello, connection),
    });
    const url = `ws://127.0.0.1:${server.port}`;
    const launched = new LaunchedCluster({ config, url, credentials, programs, print });
    reporting.cluster = launched;
    const cluster = new PrivateCluster(server, launched);
    onLaunch(cluster);
    await launched.start();
    return cluster;
  }

  get processes(): Formation {
    return this.cluster.processes;
  }

  get pids(): readonly number[] {
    return this.processes.pids;
  }

  /** Connections that were turned away. */
  get refused(): number {
    return this.server.refused;
  }

  /** Runs are numbered from 1; nobody else's run anything here. */
  execute(run: PlacedRun): Promise<RunRecord> {
    return executeRun(this.processes, ++this.runs, run);
  }

  /** Tells every process to stop, and kills those that do not. Nothing is left of the cluster afterwards. */
  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.server.close();
  }

  /** Ends every process at once. Safe in an 'exit' handler. */
  kill(): void {
    this.cluster.kill();
  }
}
