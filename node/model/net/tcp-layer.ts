/** TCP of one stack: which connection a segment is for, and how connections begin and end. */
import { TCP_FLAG } from '../../../wire/tcp.js';
import type { CongestionControl } from './congestion.js';
import { Cubic } from './cubic.js';
import type { NetErrno } from './errno.js';
import { FlowTable } from './flow-table.js';
import { isMulticast } from './ipv4-address.js';
import type { Neighbour, NeighbourTable, NeighbourWaiter } from './neighbour-table.js';
import type { NetCounters } from './net-counters.js';
import type { PortRange } from './port-range.js';
import { Reno } from './reno.js';
import { RoomQueue } from './room-queue.js';
import { SegmentWriter } from './segment-writer.js';
import type { SocketTable } from './socket-table.js';
import type { SocketListener } from './stack-host.js';
import { agree, segmentArrives } from './tcp-input.js';
import { TcpListener } from './tcp-listener.js';
import { TcpSegment } from './tcp-segment.js';
import { TcpSocket } from './tcp-socket.js';
import type { TcpTuning } from './tcp-tuning.js';
import type { TimerHeap } from './timer-heap.js';
import type { Ipv4Output } from './ipv4-output.js';

export interface TcpLayerParts {
  readonly output: Ipv4Output;
  readonly neighbours: NeighbourTable;
  readonly counters: NetCounters;
  readonly sockets: SocketTable;
  readonly listener: SocketListener;
  readonly ephemeral: PortRange;
  readonly timers: TimerHeap;
  readonly nextOrder: () => number;
  readonly random: () => number;
  readonly tuning: TcpTuning;
  readonly congestion: 'cubic' | 'reno';
  /** What an IP packet may hold. */
  readonly room: number;
  /** The MSS that we announce. */
  readonly largestSegment: number;
}

export class TcpLayer {
  readonly writer: SegmentWriter;
  readonly counters: NetCounters;
  readonly listener: SocketListener;
  readonly timers: TimerHeap;
  readonly tuning: TcpTuning;
  readonly random: () => number;
  readonly room = new RoomQueue();
  readonly largestSegment: number;
  private readonly neighbours: NeighbourTable;
  private readonly sockets: SocketTable;
  private readonly ephemeral: PortRange;
  private readonly nextOrder: () => number;
  private readonly congestion: 'cubic' | 'reno';
  private readonly flows = new FlowTable<TcpSocket>();
  private readonly listeners = new Map<number, TcpListener>();
  /** Local ports of connections, and how many have each. */
  private readonly ports = new Map<number, number>();
  private readonly segment = new TcpSegment();
  /** Connections that end by the passing of time alone, in the order in which they began to wait. */
  private readonly lingering: TcpSocket[] = [];

  constructor(parts: TcpLayerParts) {
    this.writer = new SegmentWriter(parts.output, parts.counters, parts.room);
    this.counters = parts.counters;
    this.listener = parts.listener;
    this.timers = parts.timers;
    this.tuning = parts.tuning;
    this.random = parts.random;
    this.largestSegment = parts.largestSegment;
    this.neighbours = parts.neighbours;
    this.sockets = parts.sockets;
    this.ephemeral = parts.ephemeral;
    this.nextOrder = parts.nextOrder;
    this.congestion = parts.congestion;
  }

  newCongestionControl(): CongestionControl {
    const { initialWindow } = this.tuning;
    return this.congestion === 'cubic' ? new Cubic(initialWindow) : new Reno(initialWindow);
  }

  connect(ipv4: number, port: number, now: number, localPort: number): TcpSocket | NetErrno {
    this.reap(now);
    if (port < 1 || port > 0xffff || localPort < 0 || localPort > 0xffff) return 'EINVAL';
    if (isMulticast(ipv4) || ipv4 === 0 || ipv4 === 0xffffffff) return 'EHOSTUNREACH';
    const isFree = (candidate: number): boolean =>
      !this.listeners.has(candidate) && this.flows.get(ipv4, port, candidate) === undefined;
    const chosen = localPort === 0 ? this.ephemeral.choose(isFree) : localPort;
    if (chosen < 0) return 'EADDRNOTAVAIL';
    if (!isFree(chosen)) return 'EADDRINUSE';
    const neighbour = this.neighbours.find(ipv4, now);
    if (neighbour.mac < 0 && !this.neighbours.resolves) return 'EHOSTUNREACH';
    const socket = this.newSocket(neighbour, chosen, port, this.random() | 0);
    this.counters.tcp_active_opens++;
    socket.state = 'SYN_SENT';
    socket.sender.sendSyn(TCP_FLAG.SYN, now);
    socket.settle();
    return socket;
  }

  listen(port: number, backlog: number): TcpListener | NetErrno {
    if (port < 0 || port > 0xffff) return 'EINVAL';
    const isFree = (candidate: number): boolean =>
      !this.listeners.has(candidate) && !this.ports.has(candidate);
    const chosen = port === 0 ? this.ephemeral.choose(isFree) : port;
    if (chosen < 0 || this.listeners.has(chosen)) return 'EADDRINUSE';
    const listener = new TcpListener(this.sockets.nextId(), chosen, Math.max(0, backlog), this);
    this.listeners.set(chosen, listener);
    this.sockets.add(listener);
    return listener;
  }

  unlisten(listener: TcpListener): void {
    if (this.listeners.get(listener.localPort) === listener) {
      this.listeners.delete(listener.localPort);
    }
    this.sockets.delete(listener.id);
  }

  /**
   * A segment of `length` bytes by IP's account, from a neighbour with that MAC; the id of the socket it was for, or
   * -1. `full`: see IpStack.
   */
  input(
    source: number,
    mac: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    now: number,
    full: number,
  ): number {
    const { segment, counters } = this;
    const isRead = segment.read(source, bytes, view, at, length, full);
    counters.tcp_in_segments += full > 0 ? Math.ceil(segment.length / full) : 1;
    if (!isRead) {
      counters.tcp_in_errors++;
      return -1;
    }
    const { sourcePort, destinationPort } = segment.header;
    const socket = this.flows.get(source, sourcePort, destinationPort);
    if (socket !== undefined) {
      if (socket.lingersUntil <= now) socket.end();
      else if (segmentArrives(this, socket, segment, now)) return socket.id;
      // A connection that rejects the segment but lives on is owed a reset for it.
      else if (socket.state !== 'CLOSED') {
        this.writer.reset(segment, destinationPort, mac);
        return socket.id;
      }
    }
    const listener = this.listeners.get(destinationPort);
    if (listener !== undefined) return this.call(listener, segment, mac, now);
    this.writer.reset(segment, destinationPort, mac);
    return -1;
  }

  /** A segment to a listener (RFC 9293 3.10.7.2). */
  private call(listener: TcpListener, segment: TcpSegment, mac: number, now: number): number {
    if (segment.has(TCP_FLAG.RST)) return -1;
    if (segment.has(TCP_FLAG.ACK)) {
      this.writer.reset(segment, listener.localPort, mac);
      return -1;
    }
    if (!segment.has(TCP_FLAG.SYN)) return -1;
    this.reap(now);
    if (!listener.mayOpen) {
      this.counters.tcp_listen_overflows++;
      return listener.id;
    }
    const neighbour = this.neighbours.find(segment.source, now);
    const { sourcePort } = segment.header;
    const socket = this.newSocket(neighbour, listener.localPort, sourcePort, this.random() | 0);
    this.counters.tcp_passive_opens++;
    socket.parent = listener;
    listener.opening.add(socket);
    socket.state = 'SYN_RECEIVED';
    agree(socket, segment, now);
    socket.sender.sendSyn(socket.synFlags, now);
    socket.settle();
    return socket.id;
  }

  private newSocket(
    neighbour: Neighbour,
    localPort: number,
    remotePort: number,
    initial: number,
  ): TcpSocket {
    const id = this.sockets.nextId();
    const socket = new TcpSocket(
      id,
      this.nextOrder(),
      this,
      neighbour,
      localPort,
      remotePort,
      initial,
    );
    this.flows.set(neighbour.ipv4, remotePort, localPort, socket);
    this.ports.set(localPort, (this.ports.get(localPort) ?? 0) + 1);
    this.sockets.add(socket);
    return socket;
  }

  /** The connection is over; its socket stays until the program has closed it. */
  ended(socket: TcpSocket): void {
    const { remoteIpv4, remotePort, localPort } = socket;
    if (this.flows.get(remoteIpv4, remotePort, localPort) === socket) {
      this.flows.delete(remoteIpv4, remotePort, localPort);
      const count = this.ports.get(localPort)! - 1;
      if (count === 0) this.ports.delete(localPort);
      else this.ports.set(localPort, count);
    }
    const wasOpening = socket.parent?.lost(socket) ?? false;
    if (socket.isOrphan || wasOpening) this.forget(socket);
  }

  forget(socket: TcpSocket): void {
    this.sockets.delete(socket.id);
  }

  /** The connection ends when that time is over, without anybody waiting for the moment. */
  linger(socket: TcpSocket, now: number): void {
    const { lingering } = this;
    if (socket.lingersUntil !== Infinity) lingering.splice(lingering.lastIndexOf(socket), 1);
    socket.lingersUntil = now + this.tuning.timeWait;
    lingering.push(socket);
  }

  /** Ends what has lingered long enough. */
  private reap(now: number): void {
    const { lingering } = this;
    while (lingering.length > 0) {
      const first = lingering[0]!;
      if (first.state !== 'CLOSED') {
        if (first.lingersUntil > now) return;
        first.end();
      }
      lingering.shift();
    }
  }

  /** Lets a socket know when its neighbour's MAC is known, or cannot be resolved. */
  awaitNeighbour(neighbour: Neighbour, waiter: NeighbourWaiter, now: number): void {
    neighbour.waiting.push(waiter);
    this.neighbours.find(neighbour.ipv4, now);
  }
}
