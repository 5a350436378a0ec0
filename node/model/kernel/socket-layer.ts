/**
 * The kernel's socket calls: what each costs its core, who blocks, and who is woken. Protocols are `node/model/net/`;
 * here is what Linux has around them: system call, copy, wake-up.
 */
import { NOBODYS_CHAINS } from '../../../sim/chain.js';
import type { Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import type { RandomStream } from '../../../sim/random.js';
import { STAGE } from '../../../sim/stages.js';
import type { IpStack, SocketListener } from '../net/ip-stack.js';
import type { NetSocket } from '../net/net-socket.js';
import type { TcpSocket } from '../net/tcp-socket.js';
import type { UdpSocket } from '../net/udp-socket.js';
import type { Profile } from '../../spec/profile.js';
import { MESSAGE_FLAG, SOCKET_KIND, SYSTEM } from '../../spec/system-calls.js';
import type { FlowCache } from './flow-cache.js';
import type { FlowNumbers } from './flow-numbers.js';
import type { KernelContext } from './kernel-context.js';
import type { KernelCore } from './kernel-core.js';
import type { NapiQueue } from './napi-queue.js';
import { Sleepers } from './sleepers.js';
import { failed, isAddress, isLength, isPort, setOption } from './socket-options.js';
import { SocketTable, type KernelSocket } from './socket-table.js';
import type { SystemCaller, SystemCalls } from './system-calls.js';
import type { UserMemory } from './user-memory.js';

export interface SocketLayerParts {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly random: RandomStream;
  readonly context: KernelContext;
  readonly cores: readonly (KernelCore | undefined)[];
  readonly memory: UserMemory;
  readonly flows: FlowCache;
  readonly flowNumbers: FlowNumbers;
  /** Makes the stack's timers known to the scheduler again. */
  timersChanged(): void;
}

/** What is copied from a program before the protocol gets it: a socket buffer of Linux holds at most 64 KiB. */
const LONGEST_BUFFER = 65_536;
const NONE: KernelSocket[] = [];
/** A row of nobody's operation. */
/** What 16 bits of length leave for a datagram's payload. */
const LONGEST_DATAGRAM = 65_507;
/** The call cannot go on yet. */
const BLOCKED = Infinity;

export class SocketLayer implements SystemCalls, SocketListener {
  readonly table = new SocketTable();
  stack!: IpStack;
  /** The queue over which the frame being handled came. */
  arriving: NapiQueue | undefined = undefined;
  arrivingFlow = -1;
  private readonly parts: SocketLayerParts;
  private readonly sleepers: Sleepers;
  /** The call being done was blocked before. */
  private resumed = false;
  /** By core: how far its call has got. */
  private readonly progress: number[] = [];
  /** By core: what its program waits for among other things. */
  private readonly watched: KernelSocket[][] = [];
  /** Who waits for room in a send queue, in order. */
  private readonly roomless: SystemCaller[] = [];

  constructor(parts: SocketLayerParts) {
    this.parts = parts;
    this.sleepers = new Sleepers(
      parts,
      (caller) => {
        this.goOn(caller);
      },
      (caller, socket) => {
        const { chains, oldest } = socket.arrivals;
        caller.descriptorReady(
          socket.fd,
          oldest < 0 ? NOBODYS_CHAINS : chains,
          Math.max(oldest, 0),
        );
      },
    );
  }

  call(caller: SystemCaller): void {
    const { context, cores, profile } = this.parts;
    const core = cores[caller.index]!;
    this.sleepers.begin(caller);
    this.progress[caller.index] = 0;
    const start = core.from(this.parts.scheduler.now);
    context.begin(caller.index, start, caller.chains, caller.operationRow);
    context.pass(0, STAGE.softirq);
    context.spend(profile.cpu.syscall, STAGE.syscall);
    this.proceed(caller);
  }

  ready(caller: SystemCaller, fd: number): boolean {
    const socket = this.table.find(caller, fd);
    // An error is news too: the call that follows tells it.
    return socket === undefined || this.isReadable(socket);
  }

  polls(caller: SystemCaller, fd: number): boolean {
    const socket = this.table.find(caller, fd);
    return socket?.busyPoll === true && socket.queue !== undefined;
  }

  watch(caller: SystemCaller, fd: number): void {
    const socket = this.table.find(caller, fd);
    if (socket === undefined) return;
    socket.watchers.push(caller);
    (this.watched[caller.index] ??= []).push(socket);
    this.sleepers.begin(caller);
    if (socket.busyPoll) this.beginPolling(caller, socket);
  }

  cancel(caller: SystemCaller): void {
    const watched = this.watched[caller.index] ?? NONE;
    for (const socket of watched) {
      socket.watchers = socket.watchers.filter((each) => each !== caller);
      this.endPolling(caller, socket);
    }
    if (watched.length > 0) watched.length = 0;
    this.sleepers.begin(caller);
  }

  release(caller: SystemCaller): void {
    const { context, scheduler } = this.parts;
    for (const socket of this.table.ownedBy(caller.index)) {
      context.begin(caller.index, scheduler.now);
      this.close(socket);
    }
    this.parts.timersChanged();
  }

  // What the protocols tell.

  readable(net: NetSocket): void {
    const socket = this.table.of(net);
    if (socket === undefined) return;
    this.schedule();
    const { chains, row } = this.parts.context;
    if (net.kind === 'udp') socket.arrivals.push(this.arrivingFlow, ++socket.arrived, chains, row);
    else if (net.kind === 'tcp') {
      socket.arrivals.push(this.arrivingFlow, socket.read + net.readableBytes, chains, row);
    }
    this.news(socket);
  }

  accepted(listener: NetSocket): void {
    const socket = this.table.of(listener);
    if (socket === undefined) return;
    this.schedule();
    this.news(socket);
  }

  connected(net: NetSocket): void {
    const socket = this.table.of(net);
    if (socket?.reader !== undefined) this.wake(socket, socket.reader);
  }

  failed(net: NetSocket): void {
    const socket = this.table.of(net);
    if (socket === undefined) return;
    this.schedule();
    this.news(socket);
    if (socket.writer !== undefined) this.wake(socket, socket.writer);
  }

  writable(net: NetSocket): void {
    const socket = this.table.of(net);
    if (socket?.writer !== undefined) this.wake(socket, socket.writer);
  }

  /** A send queue has room again. */
  roomAgain(): void {
    for (const caller of this.roomless.splice(0)) this.sleepers.wake(caller, false);
  }

  /** A blocked call goes on. */
  private goOn(caller: SystemCaller): void {
    const { context, cores, scheduler } = this.parts;
    const start = cores[caller.index]!.from(scheduler.now);
    caller.unblock(start);
    this.resumed = true;
    context.begin(caller.index, start, caller.chains, caller.operationRow);
    this.proceed(caller);
    this.resumed = false;
  }

  /** Does the caller's call as far as it goes, and answers or blocks it. */
  private proceed(caller: SystemCaller): void {
    const { context, profile } = this.parts;
    const result = this.execute(caller);
    this.parts.timersChanged();
    if (result === BLOCKED) {
      caller.block(context.time);
      return;
    }
    context.spend(profile.kernel.userReturn, STAGE.syscall);
    caller.systemCallReturns(context.time, result);
  }

  private execute(caller: SystemCaller): number {
    const call = caller.argument(0);
    if (call === SYSTEM.socket) return this.socket(caller);
    const socket = this.table.find(caller, caller.argument(1));
    if (socket === undefined) return failed('EBADF');
    switch (call) {
      case SYSTEM.connect:
        return this.connect(caller, socket);
      case SYSTEM.listen:
        return this.listen(socket, caller.argument(2));
      case SYSTEM.accept:
        return this.accept(caller, socket);
      case SYSTEM.send:
        return this.sendOn(caller, socket);
      case SYSTEM.receive:
        return this.receive(caller, socket);
      case SYSTEM.close:
        this.close(socket);
        return 0;
      case SYSTEM.setOption:
        return setOption(socket, caller.argument(2), caller.argument(3), this.parts.context.time);
      default:
        return failed('EINVAL');
    }
  }

  private socket(caller: SystemCaller): number {
    const port = caller.argument(2);
    if (!isPort(port)) return failed('EINVAL');
    if (caller.argument(1) !== SOCKET_KIND.udp) {
      return this.table.open(caller, port)?.fd ?? failed('ENOMEM');
    }
    const net = this.stack.openUdp(port);
    if (typeof net === 'string') return failed(net);
    const socket = this.table.open(caller, port);
    if (socket === undefined) return failed('ENOMEM');
    this.table.bind(socket, net);
    return socket.fd;
  }

  private connect(caller: SystemCaller, socket: KernelSocket): number {
    const { context } = this.parts;
    if (socket.net === undefined) {
      const port = caller.argument(5);
      const address = caller.argument(4);
      if (!isPort(port) || port === 0 || !isAddress(address)) return failed('EINVAL');
      const net = this.stack.connect(address, port, context.time, socket.port);
      if (typeof net === 'string') return failed(net);
      this.table.bind(socket, net);
      this.progress[caller.index] = 1;
    } else if (socket.net.kind !== 'tcp') {
      return failed('EOPNOTSUPP');
    } else if (this.progress[caller.index] === 0) {
      return failed('EISCONN');
    }
    socket.reader = undefined;
    const tcp = socket.net as TcpSocket;
    if (tcp.error !== undefined) return failed(tcp.error);
    if (tcp.isConnected) return 0;
    socket.reader = caller;
    return BLOCKED;
  }

  private listen(socket: KernelSocket, backlog: number): number {
    if (socket.net !== undefined) return failed('EINVAL');
    const net = this.stack.listen(socket.port, Math.max(1, backlog));
    if (typeof net === 'string') return failed(net);
    this.table.bind(socket, net);
    return 0;
  }

  private accept(caller: SystemCaller, socket: KernelSocket): number {
    if (socket.net?.kind !== 'listener') return failed('EINVAL');
    if (!this.isReadable(socket)) return this.blockReader(caller, socket);
    this.unblockReader(caller, socket);
    const own = this.table.open(caller, 0);
    if (own === undefined) return failed('ENOMEM');
    const net = socket.net.accept()!;
    this.table.bind(own, net);
    own.queue = socket.queue;
    caller.answerPeer(net.remoteIpv4, net.remotePort);
    return own.fd;
  }

  private sendOn(caller: SystemCaller, socket: KernelSocket): number {
    const { net } = socket;
    if (net?.kind === 'udp') return this.sendTo(caller, net);
    if (net?.kind === 'tcp') return this.send(caller, net, socket);
    return failed('ENOTCONN');
  }

  private sendTo(caller: SystemCaller, udp: UdpSocket): number {
    const { context, memory, profile } = this.parts;
    const length = caller.argument(3);
    const address = caller.argument(4);
    const port = caller.argument(5);
    if (!isPort(port) || port === 0 || !isAddress(address)) return failed('EDESTADDRREQ');
    if (!isLength(length)) return failed('EINVAL');
    if (length > LONGEST_DATAGRAM) return failed('EMSGSIZE');
    if (!memory.fetch(caller, caller.argument(2), length, context)) return failed('EFAULT');
    context.spend(profile.kernel.copyOut, STAGE.copy);
    context.pass(Math.ceil(length * profile.cpu.copy), STAGE.copy);
    const { buffer, at } = memory;
    const wrong = udp.sendTo(address, port, buffer, at, length, context.time);
    if (wrong === 'ENOBUFS' && (caller.argument(6) & MESSAGE_FLAG.dontWait) === 0) {
      this.roomless.push(caller);
      return BLOCKED;
    }
    return wrong === 0 ? length : failed(wrong);
  }

  /** Blocks until all of it is in the send buffer, as a blocking send does. */
  private send(caller: SystemCaller, tcp: TcpSocket, socket: KernelSocket): number {
    const { context, memory, profile } = this.parts;
    socket.writer = undefined;
    const address = caller.argument(2);
    const length = caller.argument(3);
    if (!isLength(length)) return failed('EINVAL');
    let done = this.progress[caller.index]!;
    if (tcp.sendError !== undefined) return done > 0 ? done : failed(tcp.sendError);
    context.spend(profile.kernel.copyOut, STAGE.copy);
    while (done < length) {
      // With a full buffer one byte is asked for, so that the stack knows that a caller waits for room.
      const piece = Math.min(length - done, LONGEST_BUFFER, Math.max(tcp.sendRoom, 1));
      if (!memory.fetch(caller, address + done, piece, context)) return failed('EFAULT');
      context.pass(Math.ceil(Math.min(piece, tcp.sendRoom) * profile.cpu.copy), STAGE.copy);
      const taken = tcp.send(memory.buffer, memory.at, piece, context.time);
      done += taken;
      if (taken < piece) break;
    }
    this.progress[caller.index] = done;
    if (done === length) return done;
    if ((caller.argument(6) & MESSAGE_FLAG.dontWait) !== 0) {
      return done > 0 ? done : failed('EAGAIN');
    }
    socket.writer = caller;
    return BLOCKED;
  }

  private receive(caller: SystemCaller, socket: KernelSocket): number {
    const { context, memory, profile } = this.parts;
    const { net } = socket;
    if (net === undefined || net.kind === 'listener') return failed('ENOTCONN');
    if (!this.isReadable(socket)) return this.blockReader(caller, socket);
    this.unblockReader(caller, socket);
    if (net.kind === 'tcp' && net.readableBytes === 0 && net.error !== undefined) {
      return failed(net.error);
    }
    const address = caller.argument(2);
    const length = caller.argument(3);
    if (!isLength(length)) return failed('EINVAL');
    const there = net.kind === 'udp' ? net.nextLength : net.readableBytes;
    const got = Math.min(length, there);
    socket.read += net.kind === 'udp' ? 1 : got;
    this.takeArrivals(caller, socket, socket.read);
    // A datagram is gone even if its reader has no memory for it; bytes of a stream stay.
    const isMapped = memory.prepare(caller, address, got, context);
    if (net.kind === 'udp') {
      net.receive(memory.buffer, memory.at, isMapped ? got : 0);
      caller.answerPeer(net.lastSource.ipv4, net.lastSource.port);
    } else if (isMapped) {
      net.receive(memory.buffer, memory.at, got, context.time);
    } else {
      socket.read -= got;
    }
    if (!isMapped) return failed('EFAULT');
    context.spend(profile.kernel.copyIn, STAGE.copy);
    context.pass(Math.ceil(got * profile.cpu.copy), STAGE.copy);
    memory.store(caller, address, got);
    return got;
  }

  /**
   * What is read up to `end` (a count of bytes, or of datagrams): the program goes on with its operation, and its core
   * takes the flow's state from the core of the softirq, unless it is the same.
   */
  private takeArrivals(caller: SystemCaller, { arrivals }: KernelSocket, end: number): void {
    const { context, flows, flowNumbers } = this.parts;
    const flow = arrivals.take(end);
    if (arrivals.row >= 0) caller.adopt(arrivals.chains, arrivals.row);
    context.pass(0, this.resumed ? STAGE.wakeup : STAGE.syscall);
    if (flow < 0) return;
    flowNumbers.readOn(flow, caller.index);
    context.pass(flows.touch(caller.index, flow, flows.reads), STAGE.stack);
  }

  private close(socket: KernelSocket): void {
    const { net } = socket;
    const { context } = this.parts;
    this.table.close(socket);
    // A call that is blocked on it no longer finds the descriptor.
    if (socket.reader !== undefined) this.wake(socket, socket.reader);
    if (socket.writer !== undefined) this.wake(socket, socket.writer);
    if (net?.kind === 'udp') net.close();
    else net?.close(context.time);
  }

  private isReadable({ net }: KernelSocket): boolean {
    if (net === undefined) return true;
    switch (net.kind) {
      case 'udp':
        return net.pending > 0;
      case 'tcp':
        return net.readableBytes > 0 || net.peerClosed || net.error !== undefined;
      case 'listener':
        return net.pending > 0;
    }
  }

  private blockReader(caller: SystemCaller, socket: KernelSocket): number {
    if ((caller.argument(6) & MESSAGE_FLAG.dontWait) !== 0) return failed('EAGAIN');
    if (socket.reader !== undefined && socket.reader !== caller) return failed('EBUSY');
    socket.reader = caller;
    if (socket.busyPoll) this.beginPolling(caller, socket);
    return BLOCKED;
  }

  private unblockReader(caller: SystemCaller, socket: KernelSocket): void {
    socket.reader = undefined;
    this.endPolling(caller, socket);
  }

  private beginPolling(caller: SystemCaller, socket: KernelSocket): void {
    socket.queue?.beginPolling(this.parts.cores[caller.index]!);
  }

  private endPolling(caller: SystemCaller, socket: KernelSocket): void {
    socket.queue?.endPolling(this.parts.cores[caller.index]!);
  }

  /** The scheduler's part of what has come, charged before it is anybody's to read. */
  private schedule(): void {
    const { context, profile } = this.parts;
    context.spend(profile.kernel.schedule, STAGE.wakeup);
  }

  /** Socket has something for its readers, who are woken. */
  private news(socket: KernelSocket): void {
    if (this.arriving !== undefined) socket.queue = this.arriving;
    const { reader, watchers } = socket;
    if (reader !== undefined) this.wake(socket, reader);
    for (const watcher of watchers) {
      this.sleepers.wakeFor(watcher, this.isPolling(watcher, socket), socket);
    }
  }

  private wake(socket: KernelSocket, caller: SystemCaller): void {
    this.sleepers.wake(caller, this.isPolling(caller, socket));
  }

  private isPolling({ index }: SystemCaller, { busyPoll, queue }: KernelSocket): boolean {
    return busyPoll && queue?.poller === this.parts.cores[index];
  }
}
