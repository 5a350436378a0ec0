/**
 * The door of every WebSocket in a cluster. It admits an upgrade only of a caller that proves to know the cluster's
 * token (`challenge.ts`), on a path it serves, and without an Origin header: any web page may dial loopback, and only
 * browsers send one. Beside that it answers plain pages. Whatever else arrives is refused, counted and forgotten.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { Callers, type Caller, type Fates, type Refusals } from './callers.js';
import {
  ASKS_FOR_CHALLENGE,
  channelOf,
  DOOR_PROOF,
  isSameProof,
  parseAnswer,
  printChallenge,
  prove,
  randomNonce,
  type Exchange,
} from './challenge.js';
import type { Credentials, TlsMaterial } from './credentials.js';
import { DOOR_LIMITS, type DoorLimits } from './door-limits.js';
import { limitMessages } from './message-limit.js';
import { pageRefusal, servePage, type PageTable } from './pages.js';
import { Traffic } from './traffic.js';

export { dial } from './dial.js';
export type { Page, PageTable } from './pages.js';
export type { Fates, Refusals } from './callers.js';

const FAREWELL_MS = 1_000;

/** Who takes an admitted socket. */
export type Taker = (socket: WebSocket, request: IncomingMessage) => void;

export interface PathEntry {
  readonly take: Taker;
  /**
   * Largest message in bytes, but for the first; a longer one closes its socket. The door's own unless told otherwise.
   */
  readonly maxPayload?: number;
  /** Who sends more is dropped; what a host process may send unless told otherwise. */
  readonly messagesPerSecond?: number;
}

export interface DoorOptions {
  readonly credentials: Credentials;
  /** Loopback unless told otherwise. */
  readonly host?: string;
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** Largest message in bytes, where a path does not say otherwise. */
  readonly maxPayload: number;
  /** Who takes an admitted socket, by path (`/fabric`). */
  readonly paths: Readonly<Record<string, Taker | PathEntry>>;
  /** Plain pages, by path (`/healthz`), for everybody but web pages. */
  readonly pages?: PageTable;
  /** Names by which machines ask for pages, besides addresses, names without dots, and this machine's own. */
  readonly names?: readonly string[];
  readonly limits?: Partial<DoorLimits>;
}

export interface Door {
  readonly port: number;
  readonly refusals: Readonly<Refusals>;
  readonly fates: Readonly<Fates>;
  /** Stops listening and drops every connection, admitted ones too. */
  close(): Promise<void>;
}

/** Opens a listener. Rejects if the address cannot be had. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const limits = { ...DOOR_LIMITS, ...options.limits };
  const { tls } = options.credentials;
  const isEncrypted = tls?.cert !== undefined;
  const callers = new Callers(limits, isEncrypted);
  // Without Node's own answer to a missing Host, which no event tells of: every stranger is to be counted.
  const http = { maxHeaderSize: limits.headerBytes, requireHostHeader: false };
  const server = isEncrypted
    ? createSecureServer({ ...http, ...listenerTls(tls) })
    : createServer(http);
  // A caller that takes its time is the admission's timer's business alone.
  server.keepAliveTimeout = 0;
  const traffic = new Traffic(limits, (offence) => callers.refusals[offence]++);
  const doorway = new Doorway(options, limits, callers, traffic);

  server.on('connection', (socket: Socket) => callers.arrive(socket));
  server.on('secureConnection', (socket: TLSSocket) => callers.secure(socket));
  server.on('clientError', (_error, socket) => {
    callers.of(socket)?.decide('garbage');
    socket.destroy();
  });
  server.on('request', (request, response) => doorway.request(request, response));
  server.on('upgrade', (request, socket, head) => doorway.upgrade(request, socket, head));

  await listening(server, options.port ?? 0, options.host ?? '127.0.0.1');
  return {
    port: (server.address() as AddressInfo).port,
    refusals: callers.refusals,
    fates: callers.fates,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        callers.dropAll();
        traffic.stop();
      }),
  };
}

const PAGE_REFUSED =
  'pages are served only under the address or host name of this machine, or a name without dots';

/** What is asked for and who is let in. */
class Doorway {
  private readonly options: DoorOptions;
  private readonly limits: DoorLimits;
  private readonly callers: Callers;
  private readonly traffic: Traffic;
  /** The door's proof for a request that is being upgraded. */
  private readonly proofs = new WeakMap<IncomingMessage, string>();
  private readonly upgraders = new Map<number, WebSocketServer>();

  constructor(options: DoorOptions, limits: DoorLimits, callers: Callers, traffic: Traffic) {
    this.options = options;
    this.limits = limits;
    this.callers = callers;
    this.traffic = traffic;
  }

  /** A plain request: for a page, or for a challenge. */
  request(request: IncomingMessage, response: ServerResponse): void {
    const caller = this.callers.of(request.socket);
    // One that was decided on has its answer; what it sent behind that is not read.
    if (caller === undefined || caller.isDecided) {
      response.destroy();
      return;
    }
    const { pages = {}, names = [] } = this.options;
    const path = pathOf(request);
    if (request.headers.authorization === ASKS_FOR_CHALLENGE) {
      challenge(caller, request, response);
    } else if (Object.hasOwn(pages, path)) {
      const reason = pageRefusal(request, names);
      if (reason === undefined) {
        caller.decide('served');
        void servePage(pages[path]!, request, response);
      } else {
        caller.decide(reason);
        answer(response, reason === 'origin' ? 403 : 400, PAGE_REFUSED);
      }
    } else {
      const isWebPage = request.headers.origin !== undefined;
      caller.decide(isWebPage ? 'origin' : 'garbage');
      answer(response, isWebPage ? 403 : 426, 'this port speaks WebSocket');
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore);
    const caller = this.callers.of(socket);
    if (caller === undefined || caller.isDecided) {
      socket.destroy();
      return;
    }
    const { paths } = this.options;
    const path = pathOf(request);
    const entry = Object.hasOwn(paths, path) ? paths[path]! : undefined;
    if (request.headers.origin !== undefined) {
      caller.decide('origin');
      refuse(socket, '403 Forbidden');
      return;
    }
    const proof = this.proofFor(caller, request);
    if (proof === undefined) {
      caller.decide('token');
      refuse(socket, '401 Unauthorized');
    } else if (entry === undefined) {
      caller.decide('path');
      refuse(socket, '404 Not Found');
    } else if (this.callers.isFull) {
      caller.decide('full');
      refuse(socket, '503 Service Unavailable');
    } else {
      this.proofs.set(request, proof);
      const how = typeof entry === 'function' ? { take: entry } : entry;
      this.admit(caller, how, { request, socket, head });
    }
  }

  private admit(
    caller: Caller,
    { take, messagesPerSecond, ...entry }: PathEntry,
    { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  ): void {
    const { limits, options, traffic } = this;
    const maxPayload = entry.maxPayload ?? options.maxPayload;
    this.upgrader(maxPayload).handleUpgrade(request, socket, head, (admitted) => {
      if (!caller.decide('admitted')) {
        admitted.terminate();
        return;
      }
      admitted.once('close', () => this.callers.leave());
      // It broke the rules of WebSockets and gets the close code; a peer that does not hang up is cut off.
      admitted.on('error', () => {
        setTimeout(() => admitted.terminate(), FAREWELL_MS).unref();
      });
      traffic.watch(admitted, {
        messagesPerSecond: messagesPerSecond ?? limits.messagesPerSecond,
        maxBacklog: Math.max(limits.backlogBytes, 2 * maxPayload),
      });
      limitMessages(admitted, Math.min(limits.firstBytes, maxPayload));
      admitted.once('message', () => limitMessages(admitted, maxPayload));
      take(admitted, request);
    });
  }

  /** The door's own proof, if the request holds the caller's. */
  private proofFor(caller: Caller, request: IncomingMessage): string | undefined {
    const { token } = this.options.credentials;
    const given = parseAnswer(request.headers.authorization ?? '');
    const { nonce } = caller;
    caller.nonce = undefined;
    if (given === undefined || nonce === undefined || given.nonce !== nonce) return undefined;
    const exchange: Exchange = {
      ...{ path: request.url ?? '', nonce, cnonce: given.cnonce },
      channel: channelOf(request.socket),
    };
    if (!isSameProof(given.proof, prove(token, 'caller', exchange))) return undefined;
    return prove(token, 'door', exchange);
  }

  /** Who makes WebSockets with this limit. */
  private upgrader(maxPayload: number): WebSocketServer {
    let upgrader = this.upgraders.get(maxPayload);
    if (upgrader === undefined) {
      upgrader = new WebSocketServer({
        ...{ noServer: true, perMessageDeflate: false, clientTracking: false },
        maxPayload,
      });
      upgrader.on('headers', (headers: string[], request) => {
        headers.push(`${DOOR_PROOF}: ${this.proofs.get(request)!}`);
      });
      upgrader.on('wsClientError', (_error, socket) => {
        this.callers.of(socket)?.decide('garbage');
        refuse(socket, '400 Bad Request');
      });
      this.upgraders.set(maxPayload, upgrader);
    }
    return upgrader;
  }
}

/** Gives the caller its one challenge; the connection stays for the answer. */
function challenge(caller: Caller, request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.origin !== undefined) {
    caller.decide('origin');
    answer(response, 403, 'not for web pages');
  } else if (caller.nonce !== undefined || request.method !== 'GET') {
    caller.decide('token');
    answer(response, 401, 'one challenge for each connection');
  } else {
    caller.nonce = randomNonce();
    response.writeHead(401, {
      'www-authenticate': printChallenge(caller.nonce),
      'content-length': 0,
    });
    response.end();
  }
}

/** Where an authority is named, the caller needs a certificate too. */
function listenerTls(tls: TlsMaterial): TlsOptions {
  const isMutual = tls.ca !== undefined;
  return { ...tls, requestCert: isMutual, rejectUnauthorized: isMutual, minVersion: 'TLSv1.3' };
}

const pathOf = ({ url }: IncomingMessage): string => (url ?? '').split('?', 1)[0]!;

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
  response.end(`${text}\n`);
}

function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Those who call while the process computes wait in the kernel, as many as it lets.
    server.listen({ port, host, backlog: 4_096 }, () => {
      server.off('error', reject);
      // Where there are no file descriptors left, a caller is not accepted; those who are here stay.
      server.on('error', ignore);
      resolve();
    });
  });
}

function ignore(): void {
  // Errors of a socket end in its 'close', which its owner hears; those of a listener in nobody's arrival.
}
