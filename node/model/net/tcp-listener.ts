/** A listening socket: connections whose handshake is over wait here to be accepted, as many as the backlog says. */
import type { NetErrno } from './errno.js';
import type { TcpLayer } from './tcp-layer.js';
import type { TcpSocket } from './tcp-socket.js';

export class TcpListener {
  readonly kind = 'listener';
  readonly id: number;
  readonly localPort: number;
  readonly backlog: number;
  error: NetErrno | undefined = undefined;
  /** Connections in SYN_RECEIVED. */
  readonly opening = new Set<TcpSocket>();
  private readonly ready: TcpSocket[] = [];
  private readonly layer: TcpLayer;

  constructor(id: number, localPort: number, backlog: number, layer: TcpLayer) {
    this.id = id;
    this.localPort = localPort;
    this.backlog = backlog;
    this.layer = layer;
  }

  /** Connections that {@link accept} would hand out. */
  get pending(): number {
    return this.ready.length;
  }

  /** As in Linux, a backlog of n holds n + 1. */
  get isFull(): boolean {
    return this.ready.length > this.backlog;
  }

  /** Half-open connections beyond this are not begun (tcp_max_syn_backlog follows the backlog). */
  get mayOpen(): boolean {
    return !this.isFull && this.opening.size <= Math.max(this.backlog, 16);
  }

  accept(): TcpSocket | undefined {
    const socket = this.ready.shift();
    if (socket !== undefined) socket.parent = undefined;
    return socket;
  }

  close(now: number): void {
    this.layer.unlisten(this);
    for (const socket of [...this.opening, ...this.ready]) socket.abort(now);
    this.opening.clear();
    this.ready.length = 0;
  }

  // What follows is called by the stack only.

  established(socket: TcpSocket): void {
    this.opening.delete(socket);
    this.ready.push(socket);
    this.layer.listener.accepted(this, socket);
  }

  /**
   * A connection that was not accepted yet has ended; whether its handshake was not over, so that nobody will know of
   * it. One that was reset later is still accepted, and its error read, as in Linux.
   */
  lost(socket: TcpSocket): boolean {
    return this.opening.delete(socket);
  }
}
