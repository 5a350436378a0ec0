/**
 * The door of every WebSocket in a cluster, both sides of it. A listener admits an upgrade only with the cluster's token
 * (`Authorization: Bearer`), on a path it serves, and without an Origin header: any web page may dial loopback,
 * and only browsers send one. Whatever else arrives is refused, counted and forgotten.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Credentials } from './credentials.js';

/** A connection that is not admitted by then is closed. */
const ADMISSION_MS = 5_000;
/** A door whose process is busy may be slow to open. */
const HANDSHAKE_MS = 30_000;

export interface DoorOptions {
  readonly credentials: Credentials;
  /** Loopback unless told otherwise. */
  readonly host?: string;
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** Largest message in bytes; a longer one closes its socket. */
  readonly maxPayload: number;
  /** Who takes an admitted socket, by path (`/fabric`). */
  readonly paths: Readonly<Record<string, (socket: WebSocket, request: IncomingMessage) => void>>;
}

/** How many connections were turned away, by reason. */
export interface Refusals {
  /** Wrong or missing token. */
  token: number;
  /** Came with an Origin header. */
  origin: number;
  path: number;
  /** Not HTTP, not an upgrade, or silent for too long. */
  garbage: number;
}

export interface Door {
  readonly port: number;
  readonly refusals: Readonly<Refusals>;
  /** Stops listening and drops every connection, admitted ones too. */
  close(): Promise<void>;
}

/** Opens a listener. Rejects if the address cannot be had. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const refusals: Refusals = { token: 0, origin: 0, path: 0, garbage: 0 };
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const expected = digest(`Bearer ${options.credentials.token}`);
  // Without Node's own answer to a missing Host, which no event tells of: every stranger is to be counted.
  const server = createServer({ maxHeaderSize: 8192, requireHostHeader: false });
  /** Open connections; those not yet admitted have a timer. */
  const connections = new Map<Duplex, NodeJS.Timeout | undefined>();

  server.on('connection', (socket) => {
    const timer = setTimeout(() => {
      refusals.garbage++;
      socket.destroy();
    }, ADMISSION_MS);
    connections.set(socket, timer);
    socket.once('close', () => {
      clearTimeout(connections.get(socket));
      connections.delete(socket);
    });
  });
  server.on('clientError', (_error, socket) => {
    refusals.garbage++;
    socket.destroy();
  });
  server.on('request', (_request, response) => {
    refusals.garbage++;
    response.writeHead(426, { connection: 'close' }).end('this port speaks WebSocket\n');
  });
  sockets.on('wsClientError', (_error, socket) => {
    refusals.garbage++;
    socket.destroy();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', ignore);
    const path = (request.url ?? '').split('?', 1)[0]!;
    const take = Object.hasOwn(options.paths, path) ? options.paths[path] : undefined;
    if (request.headers.origin !== undefined) {
      refusals.origin++;
      refuse(socket, '403 Forbidden');
    } else if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      refusals.token++;
      refuse(socket, '401 Unauthorized');
    } else if (take === undefined) {
      refusals.path++;
      refuse(socket, '404 Not Found');
    } else {
      sockets.handleUpgrade(request, socket, head, (admitted) => {
        clearTimeout(connections.get(socket));
        admitted.on('error', ignore);
        take(admitted, request);
      });
    }
  });

  await listening(server, options.port ?? 0, options.host ?? '127.0.0.1');
  return {
    port: (server.address() as AddressInfo).port,
    refusals,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections.keys()) connection.destroy();
      }),
  };
}

/**
 * Dials a door and waits until it opens; rejects, with the reason, when it does not. The socket is handed over paused:
 * attach handlers, then `resume()`. The mask that RFC 6455 asks of clients is left zero, which both ends then skip: it
 * guards proxies against browsers, costs a factor of five and more, and these are links between our own processes.
 */
export function dial(url: string, { token }: Credentials, maxPayload: number): Promise<WebSocket> {
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    generateMask: ignore,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload,
  });
  socket.on('error', ignore);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error(`${socket.url} closed the connection`));
    });
  });
}

/** Equal length whatever was sent, so that the comparison's time tells nothing. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function ignore(): void {
  // Errors of a socket end in its 'close', which its owner hears.
}
