/**
 * A client's connection to the coordinator of a cluster that is up: dialled again and again until it answers or time is
 * up, greeted, watched. What the coordinator says after that is its listener's.
 */
import { hostname, userInfo } from 'node:os';
import type { WebSocket } from 'ws';
import { dial, DialError } from '../../node/door/dial.js';
import type { Credentials } from '../../node/door/credentials.js';
import { watchHeartbeat } from '../../node/door/heartbeat.js';
import {
  CLIENT_PATH,
  CLIENT_PROTOCOL,
  parseClientReply,
  type ClientReply,
  type ClientRequest,
} from '../../wire/control/client-messages.js';
import { MAX_CONTROL_BYTES } from '../../wire/control/codec.js';
import { parseCluster } from '../plan/attached-config.js';
import { retried } from './backoff.js';
import type { ClusterConfig } from '../plan/cluster-config.js';
import { credentialsFor, type CredentialOptions } from './credentials.js';
import { printUrl } from '../options/network-address.js';
import { PeerConnection } from './peer-connection.js';
import { FileNotThere } from './secret-file.js';
import { majorOf, VERSION } from '../terminal/version.js';

/** From an open connection until the coordinator says what its cluster is. */
const GREETING_MS = 10_000;
export interface LineOptions {
  readonly url: URL;
  readonly credentials: CredentialOptions;
  /** How long to try, in ms; Infinity: no limit. */
  readonly wait: number;
  /** What the client does there, for people: `run hpc/allreduce`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Hears why it has to be waited for. */
  readonly tell: (line: string) => void;
}

type Greeting = Extract<ClientReply, { readonly type: 'cluster' }>;

/** The coordinator's side of the line. */
export interface LineListener {
  heard(reply: ClientReply): void;
  /** The line is gone, and why. */
  lost(reason: string): void;
}

export class CoordinatorLine {
  readonly url: string;
  readonly cluster: ClusterConfig;
  /** Versions of pinwire and Node.js at the other end. */
  readonly version: string;
  readonly node: string;
  listener: LineListener | undefined;
  private readonly connection: PeerConnection<ClientRequest>;

  private constructor(
    url: string,
    connection: PeerConnection<ClientRequest>,
    { version, node }: Greeting,
    cluster: ClusterConfig,
  ) {
    this.url = url;
    this.connection = connection;
    this.version = version;
    this.node = node;
    this.cluster = cluster;
  }

  /**
   * Undefined if the signal came first. Throws a RunError when the coordinator cannot be had in time, does not take the
   * token or speaks another language; a UsageError where the token or a certificate is missing or not sound.
   */
  static async open(options: LineOptions): Promise<CoordinatorLine | undefined> {
    const { url, wait, signal, tell } = options;
    const what = printUrl(url);
    const info = ({ reason }: { readonly reason?: string }): void => {
      tell(`waiting for the coordinator: ${reason ?? ''}`);
    };
    const log = { debug: ignore, info, warn: ignore, error: ignore };
    return retried(() => CoordinatorLine.attempt(options, what), { wait, signal, log, what });
  }

  private static async attempt(options: LineOptions, url: string): Promise<CoordinatorLine> {
    const socket = await dial(url + CLIENT_PATH, tokenOf(options, url), MAX_CONTROL_BYTES);
    return greet(socket, url, options.what);
  }

  /** For {@link greet} alone: the line, or what is wrong with the greeting. */
  static of(
    url: string,
    connection: PeerConnection<ClientRequest>,
    greeting: Greeting,
  ): CoordinatorLine | string {
    const cluster = parseCluster(greeting.cluster);
    if (typeof cluster === 'string') return cluster;
    return new CoordinatorLine(url, connection, greeting, cluster);
  }

  /** What is worth a warning: equal results are promised within one version of pinwire and one major of Node.js. */
  get mismatch(): string | undefined {
    if (this.version !== VERSION) {
      return `${this.url} runs pinwire ${this.version}, and this is ${VERSION}: results may differ`;
    }
    if (majorOf(this.node) !== majorOf(process.version)) {
      return `${this.url} runs Node.js ${this.node}, and this is ${process.version}: results are equal only within one major version`;
    }
    return undefined;
  }

  send(request: ClientRequest): void {
    this.connection.send(request);
  }

  /** Hangs up. */
  close(): void {
    this.connection.close();
  }

  /** Breaks it off. */
  drop(reason = 'was closed'): void {
    this.connection.drop(reason);
  }
}

/** Says hello and waits for the cluster's answer. */
function greet(socket: WebSocket, url: string, what: string): Promise<CoordinatorLine> {
  return new Promise((resolve, reject) => {
    let line: CoordinatorLine | undefined;
    const connection: PeerConnection<ClientRequest> = PeerConnection.over(
      socket,
      parseClientReply,
      {
        heard: (reply) => {
          if (line !== undefined) {
            line.listener?.heard(reply);
          } else if (reply.type === 'cluster') {
            clearTimeout(late);
            const greeted = CoordinatorLine.of(url, connection, reply);
            if (typeof greeted === 'string') {
              reject(new DialError(`${url} sent a malformed message: ${greeted}`, true));
              connection.drop(greeted);
            } else {
              resolve((line = greeted));
            }
          } else if (reply.type === 'refused') {
            reject(new DialError(`${url} refused: ${reply.reason}`, true));
            connection.close();
          } else {
            connection.drop('sent no greeting');
          }
        },
        closed: (reason) => {
          clearTimeout(late);
          heartbeat.stop();
          const why = reason ?? 'closed the connection';
          reject(new DialError(`${url} ${why}`, false));
          line?.listener?.lost(why);
        },
      },
    );
    const late = setTimeout(
      () => connection.drop(`did not answer within ${GREETING_MS / 1000} s`),
      GREETING_MS,
    );
    const heartbeat = watchHeartbeat(socket, (reason) => connection.drop(reason));
    connection.send({
      type: 'hello',
      protocol: CLIENT_PROTOCOL,
      version: VERSION,
      node: process.version,
      who: `${userName()}@${hostname()} (pid ${process.pid}): ${what}`.slice(0, 256),
    });
  });
}

/** A token whose file is not there may come. */
function tokenOf({ url, credentials }: LineOptions, shown: string): Credentials {
  try {
    return credentialsFor(url, credentials);
  } catch (error) {
    throw error instanceof FileNotThere ? new FileNotThere(`${shown}: ${error.message}`) : error;
  }
}

function ignore(): void {
  // Nothing else reports the wait.
}

/** A container's user may be a number without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}
