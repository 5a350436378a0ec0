/**
 * `up`: launches a cluster, or gathers one from machines that join, and keeps it up until Ctrl-C, which drains and
 * stops it.
 */
import { rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_PATH } from '../../wire/control/client-messages.js';
import { JOIN_PATH, MAX_JOIN_BYTES } from '../../wire/control/join-messages.js';
import { ClientDesk } from '../cluster/client-desk.js';
import {
  clusterConfig,
  describeCluster,
  hostsAskedFor,
  type ClusterConfig,
  type ClusterOptions,
} from '../plan/cluster-config.js';
import { DEFAULT_HOSTS } from '../plan/run-options.js';
import { clusterStatus } from '../cluster/cluster-status.js';
import { ControlServer, type ControlServerOptions } from '../cluster/control-server.js';
import { ownCredentials, type CredentialOptions } from '../cluster/credentials.js';
import type { EventLog } from '../terminal/event-log.js';
import { watchInterruptions } from '../terminal/interruption.js';
import { JoinedCluster, refuseToJoin } from '../cluster/joined-cluster.js';
import { LaunchedMember } from '../cluster/launched-member.js';
import {
  DEFAULT_PORT,
  hostAndPort,
  isAnyAddress,
  readListenAddress,
} from '../options/network-address.js';
import {
  CoordinatorPages,
  openPages,
  readPagePlace,
  type MetricsOptions,
} from '../operations/operation-pages.js';
import { programPolicy, type ProgramOptions } from '../options/program-policy.js';
import { RefusalWatch } from '../operations/refusal-watch.js';
import { RunError } from '../errors/run-error.js';
import { RunQueue } from '../run/run-queue.js';
import { writeTokenFile } from '../cluster/run-directory.js';
import type { Terminal } from '../terminal/terminal.js';
import { UsageError } from '../errors/usage-error.js';

export interface UpOptions
  extends ClusterOptions, CredentialOptions, ProgramOptions, MetricsOptions {
  readonly listen?: string | undefined;
}

/** Clients and machines speak when somebody does something; heartbeats are most of it. */
const PEOPLE_PER_SECOND = 1_000;
/** A signal to the whole group can end a host process before our own copy of it arrives. */
const SIGNAL_RACE_MS = 100;
/** The current run may end within this after Ctrl-C. */
const DRAIN_MS = 10_000;
const STOPPING = 'the cluster is stopping';
const PROGRAMS_AT_JOIN =
  '--programs: does not apply to --placement joined; pass it to `pinwire join`';

/** The exit status: 0 when interrupted, 1 when a process was lost. Throws a UsageError before anything starts. */
export async function upCommand(
  options: UpOptions,
  log: EventLog,
  terminal: Terminal,
): Promise<number> {
  const { config, programs } = whatIsAsked(options);
  const credentials = ownCredentials(options);
  const encrypted = credentials.tls !== undefined;
  const pagePlace = readPagePlace(options, 'on');
  const cluster =
    config.placement === 'joined'
      ? new JoinedCluster({ config, encrypted, log, stranger: () => server.countStranger() })
      : new LaunchedMember(config);
  const joined = cluster instanceof JoinedCluster ? cluster : undefined;
  const observed = await CoordinatorPages.create(() => ({ cluster, queue, server }));
  const queue = new RunQueue(cluster, log, (run) => observed.finished(run));
  const desk = new ClientDesk({
    cluster,
    queue,
    status: (clients) => clusterStatus(cluster, queue, clients),
    log,
    stranger: () => server.countStranger(),
  });
  const interruption = watchInterruptions(() => {
    if (cluster instanceof LaunchedMember) cluster.kill();
  });
  let tokenFile: string | undefined;
  const server = await listen(options, {
    credentials,
    ...(pagePlace === 'on' && { pages: observed.pages }),
    welcome: (hello, connection) => joined?.welcome(hello, connection),
    paths: pathsOf(desk, joined),
  });

  const pages = await openPages(pagePlace, observed.pages, log).catch(async (error: unknown) => {
    await server.close();
    interruption.dispose();
    throw error;
  });
  terminal.write(`seed ${config.seed}\n${describeCluster(config)}\n`);
  const refusals = new RefusalWatch(log, () => ({ ...server.refusals }));
  const standing: Standing = { cluster, queue, desk, server, observed };

  try {
    const url = urlOf(options, server.port, encrypted);
    tokenFile = writeTokenFile(server.port, credentials.token);
    const stands = keepUp(standing, { url, tokenFile, programs }, terminal);
    await Promise.race([stands, interruption.arrived]);
  } catch (error) {
    if (error instanceof RunError && !interruption.isInterrupted) await sleep(SIGNAL_RACE_MS);
    if (!interruption.isInterrupted) {
      if (!(error instanceof RunError)) throw error;
      terminal.error(`pinwire: ${error.message}`);
      return 1;
    }
  } finally {
    await drain(standing, log);
    // Until then it is asked how it is getting on.
    if (tokenFile !== undefined) rmSync(tokenFile, { force: true });
    await server.close();
    await pages.close();
    refusals.close();
    interruption.dispose();
  }
  const { refused } = server;
  terminal.write(
    `every process has stopped${refused === 0 ? '' : `; ${refused} connections were refused`}\n`,
  );
  return 0;
}

/** Checks the options that say what the cluster is, and what its programs may be. */
function whatIsAsked(options: UpOptions): {
  config: ClusterConfig;
  programs: ReturnType<typeof programPolicy>;
} {
  const asked = options.hosts ?? process.env['PINWIRE_HOSTS'];
  const config = clusterConfig(options, hostsAskedFor({ hosts: asked }) ?? DEFAULT_HOSTS);
  const programs = programPolicy(options);
  if (config.placement === 'joined' && programs.directories.length > 0) {
    throw new UsageError(PROGRAMS_AT_JOIN);
  }
  return { config, programs };
}

/** What is up, in the order in which it depends on what comes before. */
interface Standing {
  readonly cluster: JoinedCluster | LaunchedMember;
  readonly queue: RunQueue;
  readonly desk: ClientDesk;
  readonly server: ControlServer;
  readonly observed: CoordinatorPages;
}

/** Starts the cluster's own hosts, or waits for others to join; ends only by an error. */
async function keepUp(
  { cluster }: Standing,
  how: { url: string; tokenFile: string; programs: ReturnType<typeof programPolicy> },
  terminal: Terminal,
): Promise<void> {
  const { url, tokenFile, programs } = how;
  const isLaunched = cluster instanceof LaunchedMember;
  if (isLaunched) await cluster.launch({ print: (line) => terminal.error(line), programs });
  terminal.write(`up at ${url}\ntoken in ${tokenFile}\nCtrl-C stops it\n`);
  if (isLaunched) return cluster.lost();
  const { hosts } = cluster.config;
  terminal.write(`waiting for ${hosts} hosts: pinwire join ${url} --token-file FILE\n`);
  return new Promise(() => undefined);
}

/** Lets the current run end, and sends everybody away. */
async function drain({ observed, queue, desk, cluster }: Standing, log: EventLog): Promise<void> {
  observed.stop(STOPPING);
  const { current } = queue;
  if (current !== undefined) {
    const { run, order } = current;
    log.info({ run, workload: order.name, seconds: DRAIN_MS / 1000 }, 'draining');
  }
  await queue.drain(DRAIN_MS, STOPPING);
  await desk.close(STOPPING);
  await cluster.stop(STOPPING);
}

/** Who is behind which path of the door. */
function pathsOf(
  desk: ClientDesk,
  joined: JoinedCluster | undefined,
): NonNullable<ControlServerOptions['paths']> {
  return {
    [CLIENT_PATH]: {
      take: (socket, request) => desk.receive(socket, addressOf(request)),
      messagesPerSecond: PEOPLE_PER_SECOND,
    },
    [JOIN_PATH]: {
      take: (socket, request) => {
        if (joined !== undefined) joined.join(socket, addressOf(request));
        else
          refuseToJoin(
            socket,
            'this cluster launches its own hosts; only `up --placement joined` accepts others',
          );
      },
      maxPayload: MAX_JOIN_BYTES,
      messagesPerSecond: PEOPLE_PER_SECOND,
    },
  };
}

/** Opens the door that clients and machines dial. */
async function listen(
  { listen: asked }: UpOptions,
  options: ControlServerOptions,
): Promise<ControlServer> {
  if (asked === undefined) {
    try {
      return await ControlServer.open({ ...options, port: DEFAULT_PORT });
    } catch {
      return ControlServer.open(options);
    }
  }
  const { host, port } = readListenAddress('--listen', asked);
  try {
    return await ControlServer.open({ ...options, ...(host !== '' && { host }), port });
  } catch (error) {
    throw new UsageError(`--listen ${asked}: ${(error as Error).message}`);
  }
}

/** What others dial: a name that they can know where it listens on every address. */
function urlOf({ listen: asked }: UpOptions, port: number, encrypted: boolean): string {
  const { host } = asked === undefined ? { host: '' } : readListenAddress('--listen', asked);
  const name = isAnyAddress(host) ? hostname() : host === '' ? '127.0.0.1' : host;
  return `${encrypted ? 'wss' : 'ws'}://${hostAndPort(name, port)}`;
}

const addressOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? '';
