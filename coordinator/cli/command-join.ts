/** `join`: makes this machine a host of a cluster elsewhere, for as long as the cluster wants it. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FabricAddress } from '../../node/process/process-environment.js';
import { MAX_HOSTS } from '../../units/elements.js';
import { isMachineName } from '../../wire/control/join-messages.js';
import { retried } from '../cluster/backoff.js';
import { credentialsOfHosts, type CredentialOptions } from '../cluster/credentials.js';
import type { EventLog } from '../terminal/event-log.js';
import { HostAgent, type AgentOptions, type Parting } from '../cluster/host-agent.js';
import { watchInterruptions } from '../terminal/interruption.js';
import { machineResources } from '../cluster/machine-resources.js';
import {
  printUrl,
  readAdvertisedAddress,
  readCoordinatorUrl,
  readListenAddress,
} from '../options/network-address.js';
import { readWait, readWhole } from '../options/option-values.js';
import {
  agentPages,
  openPages,
  readPagePlace,
  type MetricsOptions,
} from '../operations/operation-pages.js';
import { programPolicy, type ProgramOptions } from '../options/program-policy.js';
import type { Terminal } from '../terminal/terminal.js';
import { UsageError } from '../errors/usage-error.js';

export interface JoinOptions extends CredentialOptions, ProgramOptions, MetricsOptions {
  readonly hosts?: string | undefined;
  readonly processes?: string | undefined;
  readonly name?: string | undefined;
  readonly listen?: string | undefined;
  readonly advertise?: string | undefined;
  readonly wait?: string | undefined;
}

/** Fast enough to be there when a cluster begins anew, slow enough for one that is refusing. */
const REJOIN_MS = 500;

/** The exit status: 0 dismissed, or let go after a signal; 1 refused, or the coordinator could not be had. */
export async function joinCommand(
  address: string,
  options: JoinOptions,
  log: EventLog,
  terminal: Terminal,
): Promise<number> {
  const url = readCoordinatorUrl('join', address);
  const wait = readWait('--wait', options.wait ?? 'forever');
  const part = { ...partOf(options), programs: programPolicy(options), log };
  let agent: HostAgent | undefined;
  let isJoined = false;
  const place = readPagePlace(options, 'off');
  const table = place === 'off' ? {} : await agentPages(() => isJoined);
  const pages = await openPages(place, table, log);
  const interruption = watchInterruptions(() => agent?.kill());
  const giveUp = new AbortController();
  interruption.arrived.catch(() => {
    giveUp.abort();
    if (agent !== undefined) log.info({}, 'leaving once the current run ends');
    agent?.leave();
  });
  const join = (): Promise<HostAgent> =>
    HostAgent.join({
      ...part,
      url: printUrl(url),
      credentials: credentialsOfHosts(url, options),
      print: (line) => terminal.error(line),
    });
  try {
    for (;;) {
      agent = await retried(join, { wait, signal: giveUp.signal, log, what: printUrl(url) });
      if (agent === undefined) return 0;
      isJoined = true;
      if (interruption.isInterrupted) agent.leave();
      const parting = await agent.ended;
      isJoined = false;
      if (parting.kind !== 'lost') return told(parting, terminal);
      if (interruption.isInterrupted) return 0;
      log.warn({ reason: parting.reason }, 'coordinator lost');
      await sleep(REJOIN_MS);
    }
  } finally {
    agent?.kill();
    await pages.close();
    interruption.dispose();
  }
}

function told(parting: Parting, terminal: Terminal): number {
  if (parting.kind === 'refused') {
    terminal.error(`pinwire: refused: ${parting.reason}`);
    return 1;
  }
  terminal.write(`dismissed: ${parting.reason}\n`);
  return 0;
}

/** What this machine's operator decides. */
function partOf(
  options: JoinOptions,
): Pick<AgentOptions, 'name' | 'hosts' | 'processes' | 'resources' | 'fabric'> {
  const hosts = readWhole('--hosts', options.hosts ?? '1', 1, MAX_HOSTS);
  const processes = readWhole('--processes', options.processes ?? String(hosts), 1, hosts);
  const name = options.name ?? hostname();
  if (!isMachineName(name)) {
    throw new UsageError(
      `--name: expected at most 64 letters, digits, dots, dashes and underscores, not "${name}"`,
    );
  }
  return {
    name,
    hosts,
    processes,
    resources: machineResources(),
    fabric: fabricOf(options, processes),
  };
}

function fabricOf({ listen, advertise }: JoinOptions, processes: number): FabricAddress {
  const own = listen === undefined ? { host: '', port: 0 } : readListenAddress('--listen', listen);
  const told =
    advertise === undefined
      ? { host: '', port: 0 }
      : readAdvertisedAddress('--advertise', advertise);
  for (const [option, { port }] of [
    ['--listen', own],
    ['--advertise', told],
  ] as const) {
    if (port + processes - 1 > 65_535) {
      throw new UsageError(
        `${option}: ${processes} processes need ${processes} consecutive ports from ${port}`,
      );
    }
  }
  return { ...own, advertisedHost: told.host, advertisedPort: told.port };
}
