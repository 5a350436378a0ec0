/**
 * Host processes of the build that serve a coordinator which they need not trust, and this test is that coordinator:
 * one host a process, runs given to them as a cluster that is up would.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { clusterConfig } from '../../coordinator/plan/cluster-config.js';
import { ControlServer } from '../../coordinator/cluster/control-server.js';
import { Formation } from '../../coordinator/cluster/formation.js';
import { parseSettings } from '../../coordinator/plan/parameters.js';
import { executeRun, type RunRecord, type RunRequest } from '../../coordinator/run/run.js';
import { planWorkload } from '../../coordinator/plan/work-plan.js';
import {
  ENVIRONMENT_VARIABLE,
  LOOPBACK_FABRIC,
  printEnvironment,
  type ProgramPolicy,
} from '../../node/process/process-environment.js';
import type { ModuleReference } from '../../node/spec/module-reference.js';
import type { Workload } from '../../workloads/authoring/workload.js';
import { PING_PONG, ROOT, scratch } from './pinwire.js';

const ENTRY = join(ROOT, 'dist/node/main.js');

export interface ServedRun {
  readonly module: ModuleReference;
  /** What is planned; the ping-pong unless told otherwise. What the hosts load for it is theirs to find. */
  readonly workload?: Workload;
  /** As `--set` has them. */
  readonly set?: readonly string[];
  readonly captureDirectory?: string;
  readonly onCaptured?: RunRequest['onCaptured'];
  readonly onProgress?: RunRequest['onProgress'];
}

export class ServedCluster {
  /** Where the processes put what is temporary. */
  readonly temporary: string;
  private readonly formation: Formation;
  private readonly server: ControlServer;
  private readonly children: readonly ChildProcess[];
  private runs = 0;

  private constructor(
    formation: Formation,
    server: ControlServer,
    children: ChildProcess[],
    temporary: string,
  ) {
    this.temporary = temporary;
    this.formation = formation;
    this.server = server;
    this.children = children;
  }

  /** One host per policy. */
  static async start(policies: readonly ProgramPolicy[]): Promise<ServedCluster> {
    const formation = new Formation(
      policies.map((_, host) => ({ hosts: [host], name: () => `host${host}` })),
    );
    const credentials = { token: randomBytes(16).toString('hex') };
    const server = await ControlServer.open({
      credentials,
      paths: {},
      welcome: (hello, connection) => formation.welcome(hello, connection),
    });
    const temporary = scratch();
    const children = policies.map((programs, process) =>
      spawn(globalThis.process.execPath, ['--enable-source-maps', ENTRY], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...globalThis.process.env,
          TMPDIR: temporary,
          [ENVIRONMENT_VARIABLE]: printEnvironment({
            control: `ws://127.0.0.1:${server.port}`,
            credentials,
            cluster: formation.cluster,
            process,
            processes: policies.length,
            ticket: formation.tickets[process]!,
            fabric: LOOPBACK_FABRIC,
            programs,
            lifeline: false,
          }),
        },
      }),
    );
    await Promise.race([formation.linked, formation.lost]);
    return new ServedCluster(formation, server, children, temporary);
  }

  async run(served: ServedRun): Promise<RunRecord> {
    const { module, set = [], captureDirectory = '', onCaptured, onProgress } = served;
    const hosts = this.formation.size;
    const config = clusterConfig({}, hosts);
    const workload = served.workload ?? (await pingPong());
    const plan = planWorkload({ name: 'served', workload, module }, parseSettings(set), config);
    const { params, programs, machine } = plan.configurations[0]!;
    const { noise, ...cluster } = config;
    return executeRun(this.formation, ++this.runs, {
      spec: {
        ...cluster,
        noise: noise === 'on',
        capture: captureDirectory !== '' || onCaptured !== undefined,
        module,
        params,
        programs,
        machine,
        inputs: plan.inputs,
      },
      captureDirectory,
      ...(onCaptured && { onCaptured }),
      ...(onProgress && { onProgress }),
    });
  }

  async stop(): Promise<void> {
    const ended = this.children.map((child) => once(child, 'exit'));
    this.formation.dissolve('the test is over');
    await Promise.all(ended);
    await this.server.close();
  }
}

const pingPong = async (): Promise<Workload> =>
  ((await import(PING_PONG)) as { default: Workload }).default;
