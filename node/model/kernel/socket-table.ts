/** The kernel's sockets: descriptors of processes, and who waits for what. */
import type { NetSocket } from '../net/net-socket.js';
import { Arrivals } from './arrivals.js';
import type { NapiQueue } from './napi-queue.js';
import type { SystemCaller } from './system-calls.js';

/** Descriptors begin here: 0, 1 and 2 are the terminal's. */
const FIRST_DESCRIPTOR = 3;
const MOST_DESCRIPTORS = 1 << 20;

export interface KernelSocket {
  readonly fd: number;
  readonly process: number;
  /** The core whose program opened it. */
  readonly owner: number;
  /** Undefined: a TCP socket that neither connects nor listens yet. */
  net: NetSocket | undefined;
  /** The local port that it was opened for. */
  readonly port: number;
  readonly index: number;
  /** SO_BUSY_POLL, and the queue over which its last frame came. */
  busyPoll: boolean;
  queue: NapiQueue | undefined;
  /** Blocked in receive, accept or connect; blocked in send. */
  reader: SystemCaller | undefined;
  writer: SystemCaller | undefined;
  /** Those that wait for it among other things. */
  watchers: SystemCaller[];
  readonly arrivals: Arrivals;
  /** Bytes read of a connection's stream; datagrams read. */
  read: number;
  /** Datagrams that arrived. */
  arrived: number;
}

export class SocketTable {
  private readonly sockets: (KernelSocket | undefined)[] = [];
  private readonly byNet = new Map<number, KernelSocket>();

  /** A new descriptor; undefined when there are too many. */
  open(caller: Pick<SystemCaller, 'process' | 'index'>, port: number): KernelSocket | undefined {
    let index = this.sockets.indexOf(undefined);
    if (index < 0) index = this.sockets.length;
    if (index >= MOST_DESCRIPTORS) return undefined;
    const socket: KernelSocket = {
      fd: FIRST_DESCRIPTOR + index,
      process: caller.process,
      owner: caller.index,
      net: undefined,
      port,
      index,
      busyPoll: false,
      queue: undefined,
      reader: undefined,
      writer: undefined,
      watchers: [],
      arrivals: new Arrivals(),
      read: 0,
      arrived: 0,
    };
    this.sockets[index] = socket;
    return socket;
  }

  bind(socket: KernelSocket, net: NetSocket): void {
    socket.net = net;
    this.byNet.set(net.id, socket);
  }

  /** The caller's own socket `fd`; undefined if it is not one of its process. */
  find(caller: Pick<SystemCaller, 'process'>, fd: number): KernelSocket | undefined {
    const socket = this.sockets[fd - FIRST_DESCRIPTOR];
    return socket?.process === caller.process ? socket : undefined;
  }

  of(net: NetSocket): KernelSocket | undefined {
    return this.byNet.get(net.id);
  }

  close(socket: KernelSocket): void {
    this.sockets[socket.index] = undefined;
    if (socket.net !== undefined) this.byNet.delete(socket.net.id);
  }

  /** The sockets that the program of core `core` opened. */
  ownedBy(core: number): KernelSocket[] {
    return this.sockets.filter((socket) => socket?.owner === core) as KernelSocket[];
  }
}
