/**
 * The coordinator's socket that host processes dial. A connection is nobody until its first message says which process
 * it is; whatever is not a sound message after that ends the connection, and with it the process's part in the cluster.
 */
import type { WebSocket } from 'ws';
import { openDoor, type Door, type Refusals } from '../node/link/admission.js';
import { CONTROL_PATH } from '../wire/control/orders.js';
import { MAX_CONTROL_BYTES, packControl, unpackControl } from '../wire/control/codec.js';
import { parseNotice, type Notice } from '../wire/control/notices.js';
import type { Order } from '../wire/control/orders.js';

const HELLO_MS = 10_000;

export type Hello = Extract<Notice, { readonly type: 'hello' }>;

/** What a server tells its owner. */
export interface ControlEvents {
  /** Process `hello.process` is there; false turns it away. */
  joined(hello: Hello): boolean;
  notice(process: number, notice: Notice): void;
  /** The connection is gone; `reason` says why if it was the process's fault. */
  closed(process: number, reason: string | undefined): void;
}

export class ControlServer {
  private readonly door: Door;
  private readonly sockets: Map<number, WebSocket>;
  /** Admitted connections that never became a process. */
  private readonly strangers: { count: number };

  private constructor(door: Door, sockets: Map<number, WebSocket>, strangers: { count: number }) {
    this.door = door;
    this.sockets = sockets;
    this.strangers = strangers;
  }

  /** Listens on loopback, at any free port. */
  static async open(token: string, events: ControlEvents): Promise<ControlServer> {
    const sockets = new Map<number, WebSocket>();
    const strangers = { count: 0 };
    const door = await openDoor({
      token,
      maxPayload: MAX_CONTROL_BYTES,
      paths: { [CONTROL_PATH]: (socket) => greet(socket, sockets, strangers, events) },
    });
    return new ControlServer(door, sockets, strangers);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.door.port}`;
  }

  get port(): number {
    return this.door.port;
  }

  /** Connections that were turned away, by reason. */
  get refusals(): Refusals & { readonly strangers: number } {
    return { ...this.door.refusals, strangers: this.strangers.count };
  }

  /** Nothing happens if the process is not there: whoever lost it has been told. */
  send(process: number, order: Order): void {
    this.sockets.get(process)?.send(packControl(order));
  }

  close(): Promise<void> {
    return this.door.close();
  }
}

function greet(
  socket: WebSocket,
  sockets: Map<number, WebSocket>,
  strangers: { count: number },
  events: ControlEvents,
): void {
  let process: number | undefined;
  let reason: string | undefined;
  const refuse = (why: string): void => {
    reason ??= why;
    if (process === undefined) strangers.count++;
    socket.terminate();
  };
  const timer = setTimeout(() => refuse('said nothing'), HELLO_MS);

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (reason !== undefined) return;
    const notice = isBinary ? readNotice(data) : 'a text message';
    if (typeof notice === 'string') {
      refuse(`sent a broken message: ${notice}`);
    } else if (process !== undefined) {
      if (notice.type === 'hello') refuse('said hello twice');
      else events.notice(process, notice);
    } else if (notice.type === 'hello' && events.joined(notice)) {
      clearTimeout(timer);
      process = notice.process;
      sockets.set(process, socket);
    } else {
      refuse('is none of this cluster');
    }
  });
  socket.once('close', () => {
    clearTimeout(timer);
    if (process === undefined) return;
    sockets.delete(process);
    events.closed(process, reason);
  });
}

function readNotice(bytes: Uint8Array): Notice | string {
  try {
    return parseNotice(unpackControl(bytes));
  } catch (error) {
    return String(error);
  }
}
