/**
 * A cluster's processes: started, introduced to one another, watched, and ended. A process is lost when it exits
 * or when its control connection closes, whichever is noticed first; no heartbeat is needed on one machine.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice } from '../wire/control/notices.js';
import type { Order } from '../wire/control/orders.js';
import type { ClusterConfig } from './cluster-config.js';
import { ControlServer, type Hello } from './control-server.js';
import { describeExit, HostProcess } from './host-process.js';
import { RunError } from './run-error.js';

/** From launch until every process has said hello and is linked with the others. */
const START_MS = 60_000;
/** A process that was told to stop and did not is killed after this. */
const STOP_MS = 2_000;
/** A closed connection waits this long for the exit that explains it. */
const EXIT_MS = 300;

export type NoticeListener = (process: number, notice: Notice) => void;

export class LaunchedCluster {
  readonly token: string;
  /** Rejects when a process is lost, with its name and how it ended. */
  readonly lost: Promise<never>;
  /** Who hears the notices of the run that is on. */
  listener: NoticeListener | undefined;
  private readonly config: ClusterConfig;
  /** What the cluster's own processes call it. */
  private readonly cluster: string;
  private readonly print: (line: string) => void;
  private server!: ControlServer;
  private processes: readonly HostProcess[] = [];
  private readonly hellos = new Map<number, Hello>();
  private linked = 0;
  private stopping = false;
  private lose!: (error: RunError) => void;
  private readonly started: Promise<void>;
  private markStarted!: () => void;

  private constructor(config: ClusterConfig, print: (line: string) => void) {
    this.config = config;
    this.print = print;
    this.token = randomBytes(32).toString('hex');
    this.cluster = randomBytes(8).toString('hex');
    this.lost = new Promise((_, reject) => {
      this.lose = reject;
    });
    // Whoever runs something races with it; between runs nobody listens.
    this.lost.catch(() => undefined);
    this.started = new Promise((resolve) => {
      this.markStarted = resolve;
    });
  }

  /**
   * Starts every process. The cluster is handed to `onLaunch` at once, so that it can be ended while it still starts;
   * resolves when all processes are linked.
   */
  static async launch(
    config: ClusterConfig,
    print: (line: string) => void,
    onLaunch: (cluster: LaunchedCluster) => void,
  ): Promise<LaunchedCluster> {
    const cluster = new LaunchedCluster(config, print);
    await cluster.start(onLaunch);
    return cluster;
  }

  get size(): number {
    return this.processes.length;
  }

  get pids(): number[] {
    return this.processes.map(({ pid }) => pid);
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  /** Connections that were turned away. */
  get refused(): number {
    const { token, origin, path, garbage, strangers } = this.server.refusals;
    return token + origin + path + garbage + strangers;
  }

  nameOf(process: number): string {
    return this.processes[process]!.name;
  }

  send(process: number, order: Order): void {
    this.server.send(process, order);
  }

  /** Tells every process to stop, and kills those that do not. Nothing is left of the cluster afterwards. */
  async stop(): Promise<void> {
    this.stopping = true;
    // Whoever still waits for the launch is let go.
    this.lose(new RunError('the cluster was stopped'));
    for (const [process] of this.hellos) this.send(process, { type: 'stop' });
    for (const process of this.processes) {
      if (!this.hellos.has(process.index)) process.kill();
    }
    const all = Promise.all(this.processes.map(({ ended }) => ended));
    const grace = new AbortController();
    await Promise.race([
      all,
      sleep(STOP_MS, undefined, { signal: grace.signal }).catch(() => null),
    ]);
    grace.abort();
    this.kill();
    await all;
    await this.server.close();
  }

  /** Ends every process at once. Safe in an 'exit' handler. */
  kill(): void {
    this.stopping = true;
    for (const process of this.processes) process.kill();
  }

  private async start(onLaunch: (cluster: LaunchedCluster) => void): Promise<void> {
    this.server = await ControlServer.open(this.token, {
      joined: (hello) => this.joined(hello),
      notice: (process, notice) => this.notice(process, notice),
      closed: (process, reason) => void this.closed(process, reason),
    });
    onLaunch(this);
    this.processes = this.config.partition.map(
      (hosts, index) =>
        new HostProcess({
          index,
          hosts,
          environment: {
            control: this.server.url,
            token: this.token,
            cluster: this.cluster,
            process: index,
            processes: this.config.partition.length,
          },
          print: this.print,
        }),
    );
    for (const process of this.processes) {
      void process.ended.then((exit) => this.gone(process, describeExit(exit)));
    }
    const deadline = new AbortController();
    const late = sleep(START_MS, undefined, { signal: deadline.signal }).then(
      () => {
        const missing = this.processes.filter(({ index }) => !this.hellos.has(index));
        const who = missing.map(({ name }) => name).join(', ');
        throw new RunError(
          who === ''
            ? `the processes did not link up within ${START_MS / 1000} s`
            : `${who} did not report within ${START_MS / 1000} s`,
        );
      },
      () => undefined,
    );
    try {
      await Promise.race([this.started, this.lost, late]);
    } finally {
      deadline.abort();
    }
  }

  private joined(hello: Hello): boolean {
    const process = this.processes[hello.process];
    if (process?.pid !== hello.pid || this.hellos.has(hello.process)) return false;
    this.hellos.set(hello.process, hello);
    if (this.hellos.size === this.size) setImmediate(() => this.introduce());
    return true;
  }

  /** Everybody is there: each may dial the others. */
  private introduce(): void {
    const processes = this.processes.map(({ index, hosts }) => ({
      hosts,
      fabric: this.hellos.get(index)!.fabric,
    }));
    for (const { index } of this.processes) this.send(index, { type: 'peers', processes });
  }

  private notice(process: number, notice: Notice): void {
    if (notice.type === 'linked') {
      this.linked++;
      if (this.linked === this.size) this.markStarted();
    } else {
      this.listener?.(process, notice);
    }
  }

  /** A connection closed. Its process has usually ended; how it did says more. */
  private async closed(process: number, reason: string | undefined): Promise<void> {
    if (this.stopping) return;
    if (reason === undefined) await sleep(EXIT_MS);
    this.gone(this.processes[process]!, reason ?? 'closed its control connection');
  }

  private gone(process: HostProcess, how: string): void {
    if (this.stopping) return;
    this.lose(new RunError(`${process.name} ${how}`));
  }
}
