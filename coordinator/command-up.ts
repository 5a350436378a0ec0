/** `up`: launches a cluster and keeps it up until Ctrl-C, which drains and stops every process. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  clusterConfig,
  DEFAULTS,
  describeCluster,
  hostsAskedFor,
  type ClusterOptions,
} from './cluster-config.js';
import { ControlServer } from './control-server.js';
import { watchInterruptions } from './interruption.js';
import { LaunchedCluster } from './launch.js';
import { programPolicy, type ProgramOptions } from './program-policy.js';
import { RunError } from './run-error.js';
import { writeTokenFile } from './run-directory.js';
import type { Terminal } from './terminal.js';

const SIGNAL_RACE_MS = 100;

/** The exit status: 0 when interrupted, 1 when a process was lost. Throws a UsageError before anything starts. */
export async function upCommand(
  options: ClusterOptions & ProgramOptions,
  terminal: Terminal,
): Promise<number> {
  const config = clusterConfig(options, hostsAskedFor(options) ?? DEFAULTS.hosts);
  const programs = programPolicy(options);
  terminal.write(`seed ${config.seed}\n${describeCluster(config)}\n`);
  const credentials = { token: randomBytes(32).toString('hex') };
  let cluster: LaunchedCluster | undefined;
  const server = await ControlServer.open({
    credentials,
    paths: {},
    welcome: (hello, connection) => cluster?.processes.welcome(hello, connection),
  });
  const url = `ws://127.0.0.1:${server.port}`;
  let tokenFile: string | undefined;
  const interruption = watchInterruptions(() => cluster?.kill());
  const keepUp = async (): Promise<never> => {
    const print = (line: string): void => terminal.error(line);
    cluster = new LaunchedCluster({ config, url, credentials, programs, print });
    await cluster.start();
    tokenFile = writeTokenFile(server.port, credentials.token);
    terminal.write(`up at ${url}\ntoken in ${tokenFile}\nCtrl-C stops it\n`);
    return cluster.processes.lost;
  };
  try {
    await Promise.race([keepUp(), interruption.arrived]);
  } catch (error) {
    if (error instanceof RunError && !interruption.isInterrupted) await sleep(SIGNAL_RACE_MS);
    if (!interruption.isInterrupted) {
      if (!(error instanceof RunError)) throw error;
      terminal.error(`pinwire: ${error.message}`);
      return 1;
    }
  } finally {
    if (tokenFile !== undefined) rmSync(tokenFile, { force: true });
    await cluster?.stop();
    await server.close();
    interruption.dispose();
  }
  const { refused } = server;
  terminal.write(
    `every process has stopped${refused === 0 ? '' : `; ${refused} connections were refused`}\n`,
  );
  return 0;
}
