/**
 * Messages between ranks over TCP, as an MPI library has them where there is no RDMA: one connection to each peer,
 * sends that are done when the data is in the socket's buffer, receives that read the peer's stream.
 */
import {
  openNetwork,
  receiveAll,
  type Network,
  type NetworkOptions,
  type TcpListener,
  type TcpSocket,
} from '../../node/program/sockets.js';
import type {
  Core,
  Instant,
  MemoryRegion,
  ProtectionDomain,
  Task,
} from '../../node/program/verbs.js';
import { PS_PER_US } from '../../units/time.js';
import { openDevice, sharedRegion } from '../authoring/connect.js';
import type { Communicator, MessageBuffer } from './communicator.js';
import { PEER_BYTES, SocketPeer } from './socket-peer.js';

const FIRST_PORT = 5000;
/** A rank begins its connections with its number. */
const HELLO_BYTES = 4;
/** Of no message of a program's. */
const FAREWELL_TAG = -1;
const LOOK_AGAIN = 10 * PS_PER_US;

export class SocketCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly core: Core;
  messagesSent = 0;
  bytesSent = 0;
  private readonly network: Network;
  private readonly listener: TcpListener;
  private readonly pd: ProtectionDomain;
  private readonly placement: Task['placement'];
  private readonly peers = new Map<number, SocketPeer>();

  /** All ranks of the run are members. Memory is registered only so that this program can look at its bytes. */
  static async open(
    core: Core,
    placement: Task['placement'],
    options: NetworkOptions,
  ): Promise<SocketCommunicator> {
    const { pd } = await openDevice(core);
    const network = await openNetwork(core, options);
    const listener = await network.listen(FIRST_PORT + core.rank, core.ranks);
    return new SocketCommunicator(core, placement, pd, network, listener);
  }

  private constructor(
    core: Core,
    placement: Task['placement'],
    pd: ProtectionDomain,
    network: Network,
    listener: TcpListener,
  ) {
    this.core = core;
    this.rank = core.rank;
    this.size = core.ranks;
    this.placement = placement;
    this.pd = pd;
    this.network = network;
    this.listener = listener;
  }

  async allocate(length: number): Promise<MemoryRegion> {
    return sharedRegion(this.core, this.pd, Math.max(1, length));
  }

  /** The higher rank of two connects to the lower one, once that listens. */
  async connect(ranks: Iterable<number>): Promise<void> {
    const { core, rank, peers } = this;
    const missing = [...new Set(ranks)].filter((each) => each !== rank && !peers.has(each));
    const higher = missing.filter((each) => each > rank);
    for (const each of higher) await core.tell(each, 'listening');
    const hello = await this.allocate(HELLO_BYTES);
    for (const each of missing.filter((other) => other < rank).sort((a, b) => a - b)) {
      await core.hear(each);
      const { host } = this.placement[each]!;
      const socket = await this.network.connect({ host, port: FIRST_PORT + each });
      await socket.setNoDelay(true);
      hello.data.setUint32(0, rank, true);
      await socket.send(hello.address, HELLO_BYTES);
      await this.add(each, socket);
    }
    for (let left = higher.length; left > 0; left--) {
      const socket = await this.listener.accept();
      await socket.setNoDelay(true);
      await receiveAll(socket, hello.address, HELLO_BYTES);
      await this.add(hello.data.getUint32(0, true), socket);
    }
  }

  async send(buffer: MessageBuffer, to: number, tag: number): Promise<void> {
    const peer = this.peer(to);
    this.account(buffer);
    await peer.finish(await peer.start(buffer, tag));
  }

  async recv(buffer: MessageBuffer, from: number, tag: number): Promise<number> {
    const message = this.peer(from).expect(buffer, tag);
    while (!message.done) await message.step();
    return message.length;
  }

  /**
   * A rank that waits for room in its send buffer reads meanwhile, or all ranks would wait for each other; it polls
   * for room, as the progress engine of an MPI library does.
   */
  async sendrecv(
    outgoing: MessageBuffer,
    to: number,
    sendTag: number,
    incoming: MessageBuffer,
    from: number,
    recvTag: number,
  ): Promise<number> {
    const target = this.peer(to);
    this.account(outgoing);
    const sent = await target.start(outgoing, sendTag);
    const source = this.peer(from);
    const message = source.expect(incoming, recvTag);
    for (let all = false; !message.done;) {
      all ||= await target.push(sent);
      if (all || !message.waits || (await this.comes(source))) await message.step();
    }
    await target.finish(sent);
    return message.length;
  }

  /** A last message each way on every connection: with its peer's, a rank has everything that came before. */
  async close(): Promise<void> {
    const nothing = { region: await this.allocate(1), offset: 0, length: 0 };
    for (const peer of this.peers.values()) {
      await peer.finish(await peer.start(nothing, FAREWELL_TAG));
    }
    for (const { rank } of this.peers.values()) await this.recv(nothing, rank, FAREWELL_TAG);
    for (const { socket } of this.peers.values()) await socket.close();
    await this.listener.close();
  }

  /** Whether something of a peer comes before it is time to look for room again. */
  private async comes({ socket }: SocketPeer): Promise<boolean> {
    const { core } = this;
    const again = (core.now + LOOK_AGAIN) as Instant;
    const { index } = await core.any([socket.readable(), core.until(again)]);
    return index === 0;
  }

  private account({ length }: MessageBuffer): void {
    this.messagesSent++;
    this.bytesSent += length;
  }

  private async add(rank: number, socket: TcpSocket): Promise<void> {
    this.peers.set(rank, new SocketPeer(this.core, rank, socket, await this.allocate(PEER_BYTES)));
  }

  private peer(rank: number): SocketPeer {
    const peer = this.peers.get(rank);
    if (peer === undefined)
      throw new RangeError(`rank ${this.rank} is not connected to rank ${rank}`);
    return peer;
  }
}
