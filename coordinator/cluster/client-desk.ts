/**
 * Where the clients of a cluster that is up are served: each says hello, learns what the cluster is, asks for runs and
 * hears of them. A client that leaves takes its runs with it; one that breaks the protocol, falls silent or does not
 * read what it is sent is dropped, and nobody else notices.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import {
  CLIENT_PROTOCOL,
  parseClientRequest,
  type ClientHello,
  type ClientReply,
  type ClientRequest,
} from '../../wire/control/client-messages.js';
import { packControl } from '../../wire/control/codec.js';
import { clusterMessage } from '../plan/attached-config.js';
import { parseClientRun } from './client-run.js';
import type { ClusterStatus } from './cluster-status.js';
import type { EventLog } from '../terminal/event-log.js';
import { receiveGuest } from './introduction.js';
import type { PeerConnection } from './peer-connection.js';
import { recordMessage } from '../run/run-record.js';
import type { RunOrder, RunQueue } from '../run/run-queue.js';
import type { StandingCluster } from './standing-cluster.js';
import { VERSION } from '../terminal/version.js';

const FAREWELL_MS = 1_000;
const LOOK_MS = 20;
const MAX_CLIENTS = 256;
const MAX_RUNS_OF_A_CLIENT = 16;
/** Progress is left out while so much has not gone out yet. */
const SLOW_BYTES = 1 << 20;
/** A client that leaves so much unread is dropped. */
const MOST_UNREAD_BYTES = 2 ** 29;

export interface ClientDeskOptions {
  readonly cluster: StandingCluster;
  readonly queue: RunQueue;
  /** `clients`: others than the one that asks. */
  readonly status: (clients: number) => ClusterStatus;
  readonly log: EventLog;
  /** Someone was admitted and was nobody. */
  readonly stranger: () => void;
}

export class ClientDesk {
  private readonly options: ClientDeskOptions;
  private readonly clients = new Set<Client>();
  /** Why nobody is taken any more. */
  private closing: string | undefined;

  constructor(options: ClientDeskOptions) {
    this.options = options;
  }

  /** Takes over the socket of a client that dialled from `address`. */
  receive(socket: WebSocket, address: string): void {
    receiveGuest<ClientRequest, ClientHello, ClientReply, Client>(socket, {
      parse: parseClientRequest,
      introduces: (request) => request.type === 'hello',
      missing: 'sent no hello',
      greet: (hello, connection) => this.greet(hello, address, socket, connection),
      heard: (client, request) => client.heard(request),
      lost: (client, reason) => this.lost(client, reason),
      stranger: this.options.stranger,
    });
  }

  /** Says farewell to everybody; nobody is waited for longer than they need to hang up. */
  async close(reason: string): Promise<void> {
    this.closing = reason;
    for (const { connection } of this.clients) {
      connection.send({ type: 'closing', reason });
      connection.close();
    }
    const deadline = performance.now() + FAREWELL_MS;
    while (this.clients.size > 0 && performance.now() < deadline) await sleep(LOOK_MS);
  }

  private greet(
    hello: ClientHello,
    address: string,
    socket: WebSocket,
    connection: PeerConnection<ClientReply>,
  ): Client | undefined {
    const { cluster, log } = this.options;
    const reason = this.objection(hello);
    if (reason !== undefined) {
      log.warn({ client: hello.who, address, reason }, 'client refused');
      connection.send({ type: 'refused', reason });
      connection.close();
      return undefined;
    }
    const status = (): ClusterStatus => this.options.status(this.clients.size - 1);
    const client = new Client(hello.who, socket, connection, { ...this.options, status });
    this.clients.add(client);
    log.debug({ client: hello.who, address }, 'client connected');
    connection.send({
      type: 'cluster',
      version: VERSION,
      node: process.version,
      cluster: clusterMessage(cluster.config),
    });
    return client;
  }

  private objection({ protocol }: ClientHello): string | undefined {
    if (protocol !== CLIENT_PROTOCOL) {
      return `this cluster speaks ${CLIENT_PROTOCOL}, the client ${protocol}`;
    }
    if (this.closing !== undefined) return this.closing;
    return this.clients.size < MAX_CLIENTS
      ? undefined
      : `the limit of ${MAX_CLIENTS} clients is reached`;
  }

  private lost(client: Client, reason: string | undefined): void {
    this.clients.delete(client);
    client.gone(reason ?? 'its client disconnected');
    const { log } = this.options;
    if (reason === undefined) log.debug({ client: client.who }, 'client left');
    else log.warn({ client: client.who, reason }, 'client lost');
  }
}

type ClientOptions = Omit<ClientDeskOptions, 'status'> & { readonly status: () => ClusterStatus };

/** One client that is connected, and its runs. */
class Client {
  readonly who: string;
  readonly connection: PeerConnection<ClientReply>;
  private readonly socket: WebSocket;
  private readonly options: ClientOptions;
  /** By the client's own numbers: those that wait or run. */
  private readonly orders = new Map<number, RunOrder>();

  constructor(
    who: string,
    socket: WebSocket,
    connection: PeerConnection<ClientReply>,
    options: ClientOptions,
  ) {
    this.who = who;
    this.socket = socket;
    this.connection = connection;
    this.options = options;
  }

  heard(request: ClientRequest): void {
    switch (request.type) {
      case 'hello':
        this.connection.drop('sent a second hello');
        return;
      case 'status':
        this.send({ type: 'status', status: this.options.status() });
        return;
      case 'cancel': {
        const order = this.orders.get(request.id);
        if (order !== undefined) this.options.queue.cancel(order, 'it was cancelled');
        return;
      }
      case 'run':
        this.take(request);
        return;
    }
  }

  /** The connection is gone. */
  gone(why: string): void {
    for (const order of [...this.orders.values()]) this.options.queue.cancel(order, why);
  }

  /** Drops a client that leaves too much unread. */
  private send(reply: ClientReply): void {
    const unread = this.socket.bufferedAmount;
    if (unread > MOST_UNREAD_BYTES) this.connection.drop('does not read its messages');
    else this.connection.send(reply);
  }

  /** Resolves when it has gone out, or the client has. */
  private sent(reply: ClientReply): Promise<void> {
    return new Promise((resolve) => this.socket.send(packControl(reply), () => resolve()));
  }

  private take({ id, name, run }: Extract<ClientRequest, { type: 'run' }>): void {
    const { cluster, queue } = this.options;
    if (this.orders.has(id)) {
      this.connection.drop(`asked for run ${id} twice`);
      return;
    }
    const refuse = (message: string): void => this.send({ type: 'failed', id, message });
    if (this.orders.size >= MAX_RUNS_OF_A_CLIENT) {
      refuse(`refused: ${MAX_RUNS_OF_A_CLIENT} runs of this client are already queued`);
      return;
    }
    const spec = parseClientRun(run, cluster.config);
    if (typeof spec === 'string') {
      refuse(`refused: ${spec}`);
      return;
    }
    const order = this.orderOf(id, name, spec);
    this.orders.set(id, order);
    const reason = queue.add(order);
    if (reason === undefined) return;
    this.orders.delete(id);
    refuse(`refused: ${reason}`);
  }

  private orderOf(id: number, name: string, spec: RunOrder['request']['spec']): RunOrder {
    const { orders, options } = this;
    const { hosts } = options.cluster.config;
    return {
      client: this.who,
      name,
      bytes: [...spec.inputs.values()].reduce((sum, { length }) => sum + length, 0),
      request: {
        spec,
        captureDirectory: '',
        ...(spec.capture && {
          onCaptured: (host: number, bytes: Uint8Array) =>
            this.sent({ type: 'captured', id, host, bytes }),
        }),
        onProgress: ({ now, events, packets }) => {
          if (this.socket.bufferedAmount > SLOW_BYTES) return;
          this.send({ type: 'progress', id, now, events, packets });
        },
        onNotes: (notes) => this.send({ type: 'noted', id, notes }),
      },
      waiting: (before, missing) => {
        this.send({ type: 'queued', id, before, missing, hosts });
      },
      started: ({ pids }) => this.send({ type: 'started', id, pids }),
      done: (record) => {
        orders.delete(id);
        this.send({ type: 'record', id, record: recordMessage(record) });
      },
      failed: (message, known) => {
        orders.delete(id);
        this.send({ type: 'failed', id, message, ...(known && { known }) });
      },
    };
  }
}
