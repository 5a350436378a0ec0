/**
 * Checked messages over an admitted WebSocket, one parser for what comes. A peer that sends what the parser refuses is
 * dropped, and the reason told; so is one that falls silent.
 */
import type { WebSocket } from 'ws';
import { packControl, unpackControl } from '../../wire/control/codec.js';

export interface PeerListener<Incoming> {
  heard(message: Incoming): void;
  /** The connection is gone; `reason` says why if it was the peer's fault. */
  closed(reason: string | undefined): void;
}

export class PeerConnection<Outgoing extends object> {
  private readonly socket: WebSocket;
  private reason: string | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
  }

  /** Takes over a socket; it may be paused. `parse` answers with a text where a message is wrong. */
  static over<Incoming extends object, Outgoing extends object>(
    socket: WebSocket,
    parse: (value: unknown) => Incoming | string,
    listener: PeerListener<Incoming>,
  ): PeerConnection<Outgoing> {
    const connection = new PeerConnection<Outgoing>(socket);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      // What still lies in the buffer of a socket that is being closed is not heard.
      if (!connection.isOpen) return;
      const message = isBinary ? read(data, parse) : 'a text message';
      if (typeof message === 'string') {
        connection.drop(`sent a malformed message: ${message}`);
        return;
      }
      try {
        listener.heard(message);
      } catch (error) {
        // Report a mistake of our own in full; it ends no other connection.
        connection.drop(
          `sent a message that could not be handled: ${(error as Error).stack ?? ''}`,
        );
      }
    });
    socket.once('close', () => listener.closed(connection.reason));
    if (socket.isPaused) socket.resume();
    return connection;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  send(message: Outgoing): void {
    if (this.isOpen) this.socket.send(packControl(message));
  }

  /** Closes it when all that was sent is under way. */
  close(): void {
    this.socket.close(1000);
  }

  /** Closes it at once; the listener gets the reason. */
  drop(reason: string): void {
    this.reason ??= reason;
    this.socket.terminate();
  }
}

function read<Incoming extends object>(
  bytes: Uint8Array,
  parse: (value: unknown) => Incoming | string,
): Incoming | string {
  try {
    return parse(unpackControl(bytes));
  } catch (error) {
    return String(error);
  }
}
