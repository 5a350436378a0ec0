/**
 * The coordinator's listener. Host processes dial its control path; a connection there is nobody until its first
 * message says which process it is, and whatever is not a sound message after that ends the connection, and with it the
 * process's part in the cluster. Other paths are their owners' business.
 */
import type { WebSocket } from 'ws';
import { openDoor, type Door, type DoorOptions, type Refusals } from '../../node/door/admission.js';
import { CONTROL_PATH } from '../../wire/control/orders.js';
import { MAX_CONTROL_BYTES, packControl, unpackControl } from '../../wire/control/codec.js';
import { parseNotice, type Notice } from '../../wire/control/notices.js';
import type { Order } from '../../wire/control/orders.js';

const HELLO_MS = 10_000;

export type Hello = Extract<Notice, { readonly type: 'hello' }>;

/** The coordinator's end of a process's connection. */
export interface ProcessConnection {
  send(order: Order): void;
  /** Closes it at once. */
  drop(): void;
}

/** Who hears of a process. */
export interface ProcessListener {
  notice(notice: Notice): void;
  /** The connection is gone; `reason` says why if it was the process's fault. */
  closed(reason: string | undefined): void;
}

/** A process says hello: who hears of it from now on, or undefined to turn it away. */
export type Welcome = (hello: Hello, connection: ProcessConnection) => ProcessListener | undefined;

export interface ControlServerOptions extends Omit<DoorOptions, 'maxPayload'> {
  readonly welcome: Welcome;
}

export class ControlServer {
  readonly door: Door;
  /** Admitted connections that never became anybody. */
  private readonly strangers: { count: number };

  private constructor(door: Door, strangers: { count: number }) {
    this.door = door;
    this.strangers = strangers;
  }

  /** Listens: on loopback, at any free port, unless told otherwise. Rejects if the address cannot be had. */
  static async open({ welcome, paths, ...options }: ControlServerOptions): Promise<ControlServer> {
    const strangers = { count: 0 };
    const door = await openDoor({
      ...options,
      maxPayload: MAX_CONTROL_BYTES,
      paths: { ...paths, [CONTROL_PATH]: (socket) => greet(socket, welcome, strangers) },
    });
    return new ControlServer(door, strangers);
  }

  get port(): number {
    return this.door.port;
  }

  /** Connections that were turned away, by reason. */
  get refusals(): Refusals & { readonly strangers: number } {
    return { ...this.door.refusals, strangers: this.strangers.count };
  }

  /** How many they are in all. */
  get refused(): number {
    return Object.values<number>({ ...this.refusals }).reduce((sum, count) => sum + count, 0);
  }

  /** Counts one who was admitted by another path and was nobody. */
  countStranger(): void {
    this.strangers.count++;
  }

  close(): Promise<void> {
    return this.door.close();
  }
}

function greet(socket: WebSocket, welcome: Welcome, strangers: { count: number }): void {
  let listener: ProcessListener | undefined;
  let reason: string | undefined;
  const refuse = (why: string): void => {
    reason ??= why;
    if (listener === undefined) strangers.count++;
    socket.terminate();
  };
  const timer = setTimeout(() => refuse('sent nothing'), HELLO_MS);
  const connection: ProcessConnection = {
    send: (order) => socket.send(packControl(order)),
    drop: () => socket.terminate(),
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (reason !== undefined) return;
    const notice = isBinary ? readNotice(data) : 'a text message';
    if (typeof notice === 'string') {
      refuse(`sent a malformed message: ${notice}`);
    } else if (listener !== undefined) {
      if (notice.type === 'hello') refuse('sent a second hello');
      else listener.notice(notice);
    } else if (notice.type === 'hello') {
      clearTimeout(timer);
      listener = welcome(notice, connection);
      if (listener === undefined) refuse('is not a process of this cluster');
    } else {
      refuse('is not a process of this cluster');
    }
  });
  socket.once('close', () => {
    clearTimeout(timer);
    // Nobody still, and not turned away: it went by itself, or broke the rules of WebSockets.
    if (listener === undefined && reason === undefined) strangers.count++;
    listener?.closed(reason);
  });
}

function readNotice(bytes: Uint8Array): Notice | string {
  try {
    return parseNotice(unpackControl(bytes));
  } catch (error) {
    return String(error);
  }
}
