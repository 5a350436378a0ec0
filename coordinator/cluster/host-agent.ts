/**
 * A machine's part in a cluster elsewhere: makes its offer, starts host processes when the coordinator assigns them,
 * ends them when it releases them, and answers heartbeats meanwhile. It never simulates, so it always answers.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { dial } from '../../node/door/admission.js';
import type { Credentials } from '../../node/door/credentials.js';
import { watchHeartbeat } from '../../node/door/heartbeat.js';
import type { FabricAddress, ProgramPolicy } from '../../node/process/process-environment.js';
import {
  JOIN_PATH,
  JOIN_PROTOCOL,
  MAX_JOIN_BYTES,
  parseJoinOrder,
  type JoinNotice,
  type JoinOrder,
} from '../../wire/control/join-messages.js';
import type { EventLog } from '../terminal/event-log.js';
import { hostLabel } from '../run/host-label.js';
import { describeExit, HostProcess } from './host-process.js';
import { isAnyAddress } from '../options/network-address.js';
import { PeerConnection } from './peer-connection.js';
import type { MachineResources } from './machine-resources.js';
import { VERSION } from '../terminal/version.js';

/** Processes that were told to stop and did not are killed after this. */
const STOP_MS = 2_000;

export interface AgentOptions {
  readonly url: string;
  readonly credentials: Credentials;
  readonly name: string;
  readonly hosts: number;
  readonly processes: number;
  readonly resources: MachineResources;
  /**
   * Where its processes listen and what others dial; an empty host: the address by which it reached the coordinator.
   */
  readonly fabric: FabricAddress;
  readonly programs: ProgramPolicy;
  readonly log: EventLog;
  /** What its processes print, line by line. */
  readonly print: (line: string) => void;
}

/** How a membership ended. */
export type Parting =
  | { readonly kind: 'dismissed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The connection is gone. */
  | { readonly kind: 'lost'; readonly reason: string };

/** One membership, from a connection to its end. */
export class HostAgent {
  /** Resolves when the membership has ended and no process of it is left. */
  readonly ended: Promise<Parting>;
  private readonly options: AgentOptions;
  private readonly connection: PeerConnection<JoinNotice>;
  private readonly localAddress: string;
  private children: HostProcess[] = [];
  /** Assignments wait here for the end of earlier processes. */
  private queue: Promise<void> = Promise.resolve();
  private parting: Parting | undefined;
  private isLeaving = false;

  private constructor(options: AgentOptions, socket: WebSocket) {
    this.options = options;
    this.localAddress = localAddressOf(socket);
    this.ended = new Promise((resolve) => {
      const heartbeat = watchHeartbeat(socket, (reason) =>
        this.connection.drop(`the coordinator ${reason}`),
      );
      socket.once('close', () => {
        heartbeat.stop();
        void this.enqueue(() => this.stopAll()).then(() => resolve(this.parting!));
      });
    });
    this.connection = PeerConnection.over<JoinOrder, JoinNotice>(socket, parseJoinOrder, {
      heard: (order) => this.obey(order),
      closed: (reason) => {
        this.parting ??= {
          kind: 'lost',
          reason: reason ?? 'the coordinator closed the connection',
        };
      },
    });
    const { name, hosts, processes, resources, credentials } = options;
    const { cores, memory } = resources;
    const encrypted = credentials.tls?.cert !== undefined;
    this.connection.send({
      ...{ type: 'offer', protocol: JOIN_PROTOCOL, version: VERSION, node: process.version },
      ...{ name, hosts, processes, cores, memory, encrypted },
    });
  }

  /** Dials the coordinator and makes the offer. Rejects when it cannot be had. */
  static async join(options: AgentOptions): Promise<HostAgent> {
    const socket = await dial(options.url + JOIN_PATH, options.credentials, MAX_JOIN_BYTES);
    return new HostAgent(options, socket);
  }

  /** Asks to be let go, after the current run. */
  leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.connection.send({ type: 'leaving' });
  }

  /** Ends every process at once. Safe in an 'exit' handler. */
  kill(): void {
    for (const child of this.children) child.kill();
  }

  private obey(order: JoinOrder): void {
    const { log } = this.options;
    switch (order.type) {
      case 'welcome':
        log.info({ name: order.name, coordinator: this.options.url }, 'joined');
        return;
      case 'refused':
      case 'dismiss':
        this.parting = {
          kind: order.type === 'refused' ? 'refused' : 'dismissed',
          reason: order.reason,
        };
        this.connection.close();
        return;
      case 'assign':
        void this.enqueue(async () => {
          await this.stopAll();
          if (this.parting === undefined) this.start(order);
        });
        return;
      case 'release':
        void this.enqueue(() => this.stopAll());
        return;
    }
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work);
    return this.queue;
  }

  private start({ cluster, processes, assigned }: Extract<JoinOrder, { type: 'assign' }>): void {
    const { url: control, credentials, programs, print, log } = this.options;
    log.info({ hosts: assigned.flatMap(({ hosts }) => hosts) }, 'assigned');
    for (const [index, { process, hosts, ticket }] of assigned.entries()) {
      const environment = {
        ...{ control, credentials, cluster, process, processes, ticket, programs },
        fabric: this.fabricOf(index),
        lifeline: true,
      };
      let child: HostProcess;
      try {
        child = new HostProcess({ hosts, environment, print });
      } catch (error) {
        // As where there are no file descriptors left: what has started is released with the formation.
        const how = `could not be started: ${(error as Error).message}`;
        log.warn({ process: hostLabel(hosts), how }, 'process ended');
        this.connection.send({ type: 'ended', cluster, process, how });
        return;
      }
      this.children.push(child);
      void child.ended.then((exit) => {
        // With 0 it ends when the coordinator tells it to.
        if (child.isStopping || this.parting !== undefined || exit.code === 0) return;
        const last = child.lastLines.at(-1);
        const how = `${describeExit(exit)}${last === undefined ? '' : `: ${last}`}`;
        log.warn({ process: child.name, how }, 'process ended');
        this.connection.send({ type: 'ended', cluster, process, how: how.slice(0, 1000) });
      });
    }
  }

  /** Several processes take ports one after the other. */
  private fabricOf(index: number): FabricAddress {
    const { host, port, advertisedHost, advertisedPort } = this.options.fabric;
    return {
      host: host === '' ? this.localAddress : host,
      port: port === 0 ? 0 : port + index,
      advertisedHost:
        advertisedHost === '' && isAnyAddress(host) ? this.localAddress : advertisedHost,
      advertisedPort: advertisedPort === 0 ? 0 : advertisedPort + index,
    };
  }

  /** The coordinator has told them to stop, or is gone, which they notice; those that stay are killed. */
  private async stopAll(): Promise<void> {
    const children = this.children;
    this.children = [];
    for (const child of children) child.isStopping = true;
    const patience = setTimeout(() => children.forEach((child) => child.kill()), STOP_MS);
    for (const child of children) child.letGo();
    await Promise.all(children.map(({ ended }) => ended));
    clearTimeout(patience);
  }
}

/** The address by which this machine reaches the coordinator. */
function localAddressOf(socket: WebSocket): string {
  const { localAddress } = (socket as unknown as { readonly _socket: Socket })._socket;
  return (localAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
}
