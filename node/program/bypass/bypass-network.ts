/**
 * Sockets without the kernel: the program owns a queue of raw frames and runs IP, UDP and TCP itself, in its own calls,
 * as libraries of Onload's and TCPDirect's kind do. Nothing of it happens between two calls: what arrives meanwhile
 * waits in the ring, and time-outs are late by as much. The kernel is asked for ports and for neighbours' MACs. A
 * program closes its sockets before it ends: its queue ends with it, and with the queue what has not left.
 */
import type { RandomStream } from '../../../sim/random.js';
import { STAGE } from '../../../sim/stages.js';
import type { ChainTable } from '../../../sim/chain.js';
import { PS_PER_MS, PS_PER_S, PS_PER_US } from '../../../units/time.js';
import { IpStack, type SocketListener } from '../../model/net/ip-stack.js';
import { isMulticast } from '../../model/net/ipv4-address.js';
import type { NetErrno } from '../../model/net/errno.js';
import type { Profile } from '../../spec/profile.js';
import type { Endpoint, Network, TcpListener, TcpSocket, UdpSocket } from '../sockets.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { Awaitable, Core, Picoseconds, WorkCompletion } from '../verbs.js';
import { BypassDevice } from './bypass-device.js';
import { BypassPort } from './bypass-port.js';
import { BypassTcpListener, BypassTcpSocket, BypassUdpSocket } from './bypass-sockets.js';
import { AWAIT } from '../../spec/awaits.js';
import { OPERATION_ROW } from '../mailbox/core-page.js';
import type { ProgramShared, TracedCompletion } from '../program-completions.js';
import { addressOf, addressText } from '../program-sockets.js';

const DEFAULT_BACKLOG = 128;
/** How often the kernel is asked whether a neighbour has answered: soon at first. ARP gives up after three seconds. */
const FIRST_QUESTION = 5 * PS_PER_US;
const LAST_QUESTION = 100 * PS_PER_MS;
const PATIENCE = 4 * PS_PER_S;
const TIMED_OUT: readonly WorkCompletion[] = [];

export class BypassNetwork implements Network, SocketListener {
  readonly path = 'bypass';
  readonly core: Core;
  readonly shared: ProgramShared;
  /** Picoseconds per byte copied between the program's memory and the library's. */
  readonly copy: number;
  stack!: IpStack;
  private device!: BypassDevice;
  private readonly neighbours = new Map<number, number>();
  /** Ports that are given back when their last connection is over. */
  private readonly ports: BypassPort[] = [];
  private readonly saved: ChainTable;
  /** Counts what the protocols told that concerns a program. */
  private news = 0;

  private constructor(core: Core, shared: ProgramShared, copy: number) {
    this.core = core;
    this.shared = shared;
    this.copy = copy;
    this.saved = shared.port.page.chains.alike(1);
  }

  static async open(
    core: Core,
    shared: ProgramShared,
    costs: { bypass: Profile['bypass']; copy: number },
    library: 'socket' | 'direct',
    random: RandomStream,
  ): Promise<BypassNetwork> {
    const network = new BypassNetwork(core, shared, costs.copy);
    const { mac, ipv4, vlan, mtu } = await shared.port.call('interfaceAddress', {});
    const work = library === 'direct' ? costs.bypass.directStack : costs.bypass.socketStack;
    network.device = await BypassDevice.open(core, shared, {
      mtu,
      isTagged: vlan > 0,
      work,
      random,
    });
    network.stack = new IpStack(
      {
        mac,
        ipv4,
        mtu,
        ...(vlan > 0 && { vlan }),
        tuning: { receiveBufferMax: network.device.windowMax },
        neighbour: (address) => network.neighbours.get(address) ?? -1,
      },
      network.device,
      network,
    );
    return network;
  }

  get now(): number {
    return this.shared.port.now;
  }

  async udp(port = 0): Promise<UdpSocket> {
    await this.giveBackPorts();
    const taken = await this.takePort('udp', port);
    return new BypassUdpSocket(this, this.made(this.stack.openUdp(taken.port), 'UDP'), taken);
  }

  async connect(to: Endpoint): Promise<TcpSocket> {
    await this.giveBackPorts();
    const address = addressOf(to);
    const what = `connect to ${addressText(address)}:${to.port}`;
    await this.resolve(address);
    const taken = await this.takePort('tcp', 0);
    const net = this.made(this.stack.connect(address, to.port, this.now, taken.port), what);
    taken.connections.push(net);
    while (!net.isConnected && net.error === undefined) await this.progress();
    if (net.error !== undefined) {
      net.close(this.now);
      throw new VerbsError(net.error, what);
    }
    return new BypassTcpSocket(this, net);
  }

  async listen(port: number, backlog = DEFAULT_BACKLOG): Promise<TcpListener> {
    await this.giveBackPorts();
    const taken = await this.takePort('tcp', port);
    const listener = this.made(this.stack.listen(taken.port, backlog), `listen on port ${port}`);
    return new BypassTcpListener(this, listener, taken);
  }

  /** The socket, or the errno as an error that begins with `what`. */
  private made<Socket extends object>(result: Socket | NetErrno, what: string): Socket {
    if (typeof result === 'string') throw new VerbsError(result, what);
    return result;
  }

  private async takePort(protocol: 'tcp' | 'udp', port: number): Promise<BypassPort> {
    const { call } = this;
    const qp = this.device.queuePair.place.index;
    const answer = await call('takePort', { qp, protocol, port });
    const taken = new BypassPort(answer.port, answer.handle);
    this.ports.push(taken);
    return taken;
  }

  /** The kernel gets back the ports that nothing uses any more. */
  async giveBackPorts(): Promise<void> {
    for (const port of this.ports.filter((each) => each.isUnused)) {
      this.ports.splice(this.ports.indexOf(port), 1);
      await this.call('givePort', { handle: port.handle });
    }
  }

  /** Finds a neighbour's MAC, in the kernel's table. EHOSTUNREACH. */
  async resolve(address: number): Promise<void> {
    if (this.neighbours.has(address) || isMulticast(address) || address === 0xffffffff) return;
    const deadline = this.now + PATIENCE;
    for (let pause = FIRST_QUESTION; ; pause = Math.min(2 * pause, LAST_QUESTION)) {
      const { mac } = await this.call('neighbour', { ipv4: address });
      if (mac >= 0) {
        this.neighbours.set(address, mac);
        return;
      }
      if (this.now > deadline) {
        throw new VerbsError('EHOSTUNREACH', `no neighbour ${addressText(address)}`);
      }
      await this.core.sleep(pause as Picoseconds);
    }
  }

  private readonly call: ProgramShared['port']['call'] = (name, args) =>
    this.shared.port.call(name, args);

  /** Takes in what has arrived, or waits until something does or a time-out of the protocols is due. */
  async progress(): Promise<void> {
    this.device.postReceives();
    this.keepOperation();
    const due = this.stack.nextTimer();
    if (due === Infinity) this.takeIn(await this.device.wait());
    else {
      const awaited = [this.device.arrivals(), this.timer(due)];
      this.takeIn((await this.core.any(awaited)).value);
    }
  }

  /** Takes in what has arrived. */
  async look(): Promise<void> {
    this.device.postReceives();
    this.keepOperation();
    this.takeIn(await this.device.look());
  }

  /**
   * For `core.any`: something has arrived and was taken in. That need not be what the program waits for, so it has to
   * try and wait again.
   */
  arrived(isThere: boolean): Awaitable<void> {
    if (isThere) return { ...this.timer(this.now), take: () => undefined };
    this.device.postReceives();
    this.keepOperation();
    const arrivals = this.device.arrivals();
    const { awaits, argument0, argument1 } = arrivals;
    return {
      awaits,
      argument0,
      argument1,
      take: () => {
        this.takeIn(arrivals.take());
      },
    };
  }

  /** Does something that sends. Each frame completes, so that one can wait until it has left. */
  signalling<T>(act: () => T): T {
    const { device } = this;
    device.needsCompletion = true;
    const result = act();
    device.needsCompletion = false;
    return result;
  }

  /** What was sent so has left. */
  get isFlushed(): boolean {
    return this.device.isFlushed;
  }

  private timer(at: number): Awaitable<readonly WorkCompletion[]> {
    return { awaits: AWAIT.idle, argument0: at, argument1: 0, take: () => TIMED_OUT };
  }

  /** A poll would go on with the operation of whatever completes, be it an old send. */
  private keepOperation(): void {
    this.saved.copy(0, this.shared.port.page.chains, OPERATION_ROW);
  }

  private takeIn(completions: readonly WorkCompletion[]): void {
    const { device, stack, shared } = this;
    const { port } = shared;
    const { chains } = port.page;
    chains.copy(OPERATION_ROW, this.saved, 0);
    chains.advance(OPERATION_ROW, STAGE.poll, port.now);
    for (const completion of completions) {
      const at = device.take(completion);
      if (at < 0) continue;
      const before = this.news;
      const { byteLen, checksumOk } = completion as TracedCompletion;
      stack.input(port.bytes, port.view, at, byteLen, port.now, !checksumOk);
      if (this.news !== before) this.goOnWith(completion as TracedCompletion);
    }
    if (device.isStalled) {
      device.isStalled = false;
      stack.roomAgain(port.now);
    }
    if (stack.nextTimer() <= port.now) stack.timers(port.now);
  }

  /** What the program learned of is its operation from now on. */
  private goOnWith(completion: TracedCompletion): void {
    const { completionChains, port } = this.shared;
    const { chains } = port.page;
    const { chainRow } = completion;
    if (chainRow < 0) return;
    if (!chains.mayGoOnWith(OPERATION_ROW, completionChains.operation(chainRow))) return;
    chains.copy(OPERATION_ROW, completionChains, chainRow);
    chains.advance(OPERATION_ROW, STAGE.stack, port.now);
  }

  // What the protocols tell.

  readable(): void {
    this.news++;
  }

  accepted(): void {
    this.news++;
  }

  connected(): void {
    this.news++;
  }

  /** Who waits for room tries again whenever anything has come. */
  writable(): void {
    // Nothing to note.
  }

  failed(): void {
    this.news++;
  }
}
