/** `up`: launches a cluster and keeps it up until Ctrl-C, which drains and stops every process. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  clusterConfig,
  DEFAULTS,
  describeCluster,
  hostsAskedFor,
  type ClusterOptions,
} from './cluster-config.js';
import { watchInterruptions } from './interruption.js';
import { LaunchedCluster } from './launch.js';
import { RunError } from './run-error.js';
import { writeTokenFile } from './run-directory.js';
import type { Terminal } from './terminal.js';

const SIGNAL_RACE_MS = 100;

/** The exit status: 0 when interrupted, 1 when a process was lost. Throws a UsageError before anything starts. */
export async function upCommand(options: ClusterOptions, terminal: Terminal): Promise<number> {
  const config = clusterConfig(options, hostsAskedFor(options) ?? DEFAULTS.hosts);
  terminal.write(`seed ${config.seed}\n${describeCluster(config)}\n`);
  let cluster: LaunchedCluster | undefined;
  let tokenFile: string | undefined;
  const interruption = watchInterruptions(() => cluster?.kill());
  const keepUp = async (): Promise<never> => {
    const launched = await LaunchedCluster.launch(
      config,
      (line) => terminal.error(line),
      (each) => (cluster = each),
    );
    tokenFile = writeTokenFile(launched.port, launched.token);
    terminal.write(`up at ${launched.url}\ntoken in ${tokenFile}\nCtrl-C stops it\n`);
    return launched.lost;
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
    interruption.dispose();
  }
  const refused = cluster?.refused ?? 0;
  terminal.write(
    `every process has stopped${refused === 0 ? '' : `; ${refused} connections were refused`}\n`,
  );
  return 0;
}
