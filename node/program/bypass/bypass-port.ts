/** A local port of a program's own protocols, and what still uses it: it is the kernel's again when nothing does. */
import type { TcpSocket } from '../../model/net/tcp-socket.js';

export class BypassPort {
  readonly port: number;
  /** What the kernel calls it. */
  readonly handle: number;
  /** A listener or a UDP socket has it. */
  isHeld = false;
  readonly connections: TcpSocket[] = [];

  constructor(port: number, handle: number) {
    this.port = port;
    this.handle = handle;
  }

  /** A connection in TIME_WAIT is over as far as its program goes: what still comes for it the kernel resets. */
  get isUnused(): boolean {
    if (this.isHeld) return false;
    return this.connections.every(({ state }) => state === 'CLOSED' || state === 'TIME_WAIT');
  }
}
