/** A stack's sockets by id. Ids are not used twice. */
import type { NetSocket } from './net-socket.js';

export class SocketTable {
  private readonly sockets = new Map<number, NetSocket>();
  private last = 0;

  nextId(): number {
    return ++this.last;
  }

  add(socket: NetSocket): void {
    this.sockets.set(socket.id, socket);
  }

  get(id: number): NetSocket | undefined {
    return this.sockets.get(id);
  }

  delete(id: number): void {
    this.sockets.delete(id);
  }
}
