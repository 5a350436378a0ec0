/**
 * A cluster whose processes all run on this machine: started, linked, watched, and ended. A process is lost when it
 * exits or when its control connection closes, whichever is noticed first; no heartbeat is needed on one machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasDebugger } from '../../node/cores/attached-debugger.js';
import type { Credentials } from '../../node/door/credentials.js';
import { LOOPBACK_FABRIC, type ProgramPolicy } from '../../node/process/process-environment.js';
import type { ClusterConfig } from '../plan/cluster-config.js';
import { Formation } from './formation.js';
import { describeExit, HostProcess } from './host-process.js';
import { RunError } from '../errors/run-error.js';

/** From launch until every process has said hello and is linked with the others. */
const START_MS = 60_000;
/** The same where each waits for its debugger: a person attaches it. */
const DEBUGGED_START_MS = 24 * 3600 * 1000;
/** A process that was told to stop and did not is killed after this. */
const STOP_MS = 2_000;

export interface LaunchOptions {
  readonly config: ClusterConfig;
  /** Where the processes report: the listener there hands their hellos to {@link LaunchedCluster.processes}. */
  readonly url: string;
  readonly credentials: Credentials;
  readonly programs: ProgramPolicy;
  /** What the processes print, line by line. */
  readonly print: (line: string) => void;
}

export class LaunchedCluster {
  readonly processes: Formation;
  private readonly options: LaunchOptions;
  private children: readonly HostProcess[] = [];
  private stopping = false;

  constructor(options: LaunchOptions) {
    this.options = options;
    this.processes = new Formation(
      options.config.partition.map((hosts, index) => ({
        hosts,
        name: () => this.children[index]?.name ?? `host${hosts[0]!}`,
      })),
    );
  }

  /** Starts every process; resolves when all are linked. Rejects with a RunError when one is lost on the way. */
  async start(): Promise<void> {
    const { config, url, credentials, programs, print } = this.options;
    const { processes } = this;
    this.children = config.partition.map(
      (hosts, index) =>
        new HostProcess({
          hosts,
          environment: {
            control: url,
            credentials,
            cluster: processes.cluster,
            process: index,
            processes: config.partition.length,
            ticket: processes.tickets[index]!,
            fabric: LOOPBACK_FABRIC,
            programs,
            lifeline: false,
          },
          print,
        }),
    );
    for (const [index, child] of this.children.entries()) {
      void child.ended.then((exit) => {
        if (!this.stopping) processes.lose(index, describeExit(exit));
      });
    }
    const deadline = new AbortController();
    const limit = hasDebugger() ? DEBUGGED_START_MS : START_MS;
    const late = sleep(limit, undefined, { signal: deadline.signal }).then(
      () => {
        const who = processes.missing.map((process) => processes.nameOf(process)).join(', ');
        throw new RunError(
          who === ''
            ? `the processes did not link up within ${limit / 1000} s`
            : `${who} did not report within ${limit / 1000} s`,
        );
      },
      () => undefined,
    );
    try {
      await Promise.race([processes.linked, processes.lost, late]);
    } finally {
      deadline.abort();
    }
  }

  /** Tells every process to stop, and kills those that do not. Nothing is left of the cluster afterwards. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.processes.dissolve('the cluster was stopped');
    for (const process of this.processes.missing) this.children[process]?.kill();
    const all = Promise.all(this.children.map(({ ended }) => ended));
    const grace = new AbortController();
    await Promise.race([
      all,
      sleep(STOP_MS, undefined, { signal: grace.signal }).catch(() => null),
    ]);
    grace.abort();
    this.kill();
    await all;
  }

  /** Ends every process at once. Safe in an 'exit' handler. */
  kill(): void {
    this.stopping = true;
    for (const child of this.children) child.kill();
  }
}
