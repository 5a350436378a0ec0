/** Both ends of a conversation over sockets: messages of one size, by TCP or by UDP. */
import {
  openNetwork,
  receiveAll,
  type Network,
  type TcpSocket,
  type UdpSocket,
} from '../../node/program/sockets.js';
import type { Core } from '../../node/program/verbs.js';
import { networkOptions } from '../authoring/paths.js';
import type { PathsParameters } from './paths-parameters.js';

const PORT = 7;

/** The other side has gone, or sent something else than a message. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
}

export interface SocketEnd {
  /** Sends `length` bytes at `address`. */
  send(address: number, length: number): Promise<void>;
  /** Waits until a message of `length` bytes is at `address`. */
  receive(address: number, length: number): Promise<void>;
  close(): Promise<void>;
}

/** Rank 1 is there before rank 0 speaks to it. */
export async function openSocketEnd(core: Core, params: PathsParameters): Promise<SocketEnd> {
  const { path, library, protocol, moderation, receiver } = params;
  if (moderation === 'off') {
    await core.networkDevice.change({ what: 'coalesce', rxUsecs: 0, rxFrames: 1 });
  }
  if (library === 'raw') throw new Error('raw frames have no sockets');
  const options = networkOptions({ path, ...(library !== undefined && { library }) });
  const network = await openNetwork(core, options);
  const blocks = receiver !== 'running';
  return protocol === 'udp' ? openUdp(core, network, blocks) : openTcp(core, network, blocks);
}

async function openTcp(core: Core, network: Network, blocks: boolean): Promise<SocketEnd> {
  const peer = 1 - core.rank;
  if (core.rank === 1) {
    const listener = await network.listen(PORT);
    await core.tell(peer, 'listening');
    return TcpEnd.of(await listener.accept(), blocks);
  }
  await core.hear(peer);
  return TcpEnd.of(await network.connect({ host: peerHost(core), port: PORT }), blocks);
}

async function openUdp(core: Core, network: Network, blocks: boolean): Promise<SocketEnd> {
  const end = new UdpEnd(await network.udp(PORT), peerHost(core), blocks);
  await core.tell(1 - core.rank, 'open');
  await core.hear(1 - core.rank);
  return end;
}

const peerHost = (core: Core): number => 1 - core.host;

class TcpEnd implements SocketEnd {
  private readonly socket: TcpSocket;
  private readonly blocks: boolean;

  static async of(socket: TcpSocket, blocks: boolean): Promise<TcpEnd> {
    await socket.setNoDelay(true);
    return new TcpEnd(socket, blocks);
  }

  private constructor(socket: TcpSocket, blocks: boolean) {
    this.socket = socket;
    this.blocks = blocks;
  }

  send(address: number, length: number): Promise<void> {
    return this.socket.send(address, length);
  }

  async receive(address: number, length: number): Promise<void> {
    const whole = this.blocks
      ? await receiveAll(this.socket, address, length)
      : await this.receiveAsking(address, length);
    if (!whole) throw new SocketError('the connection ended within a message');
  }

  close(): Promise<void> {
    return this.socket.close();
  }

  private async receiveAsking(address: number, length: number): Promise<boolean> {
    for (let done = 0; done < length;) {
      const got = await this.socket.tryReceive(address + done, length - done);
      if (got === 0) return false;
      done += got ?? 0;
    }
    return true;
  }
}

class UdpEnd implements SocketEnd {
  private readonly socket: UdpSocket;
  private readonly peer: number;
  private readonly blocks: boolean;

  constructor(socket: UdpSocket, peer: number, blocks: boolean) {
    this.socket = socket;
    this.peer = peer;
    this.blocks = blocks;
  }

  send(address: number, length: number): Promise<void> {
    return this.socket.sendTo({ host: this.peer, port: PORT }, address, length);
  }

  async receive(address: number, length: number): Promise<void> {
    let datagram = this.blocks
      ? await this.socket.receive(address, length)
      : await this.socket.tryReceive(address, length);
    while (datagram === undefined) datagram = await this.socket.tryReceive(address, length);
    if (datagram.length !== length) {
      throw new SocketError(`a datagram of ${datagram.length} bytes, not ${length}`);
    }
  }

  close(): Promise<void> {
    return this.socket.close();
  }
}
