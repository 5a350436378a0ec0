/** Sockets of a program that runs its own protocols: see bypass-network.ts. */
import { STAGE } from '../../../sim/stages.js';
import type { TcpListener as NetListener } from '../../model/net/tcp-listener.js';
import type { TcpSocket as NetTcpSocket } from '../../model/net/tcp-socket.js';
import type { UdpSocket as NetUdpSocket } from '../../model/net/udp-socket.js';
import type { Datagram, Endpoint, TcpListener, TcpSocket, UdpSocket } from '../sockets.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { Awaitable } from '../verbs.js';
import type { BypassNetwork } from './bypass-network.js';
import type { BypassPort } from './bypass-port.js';
import { addressNumber, addressOf, addressText } from '../program-sockets.js';

/**
 * Where `length` bytes of the program's memory are to be had: in place, or copied from pages that may have been
 * elsewhere.
 */
async function outgoing(
  network: BypassNetwork,
  address: number,
  length: number,
): Promise<{ bytes: Uint8Array; at: number }> {
  const { regions, port } = network.shared;
  const physical = regions.physical(address, length);
  if (physical >= 0) return { bytes: port.bytes, at: physical };
  return { bytes: await network.core.read(address, length), at: 0 };
}

/** Has `fill` write up to `length` bytes, and brings them to `address`; what `fill` answered. */
async function incoming(
  network: BypassNetwork,
  address: number,
  length: number,
  fill: (bytes: Uint8Array, at: number) => number,
): Promise<number> {
  const { regions, port } = network.shared;
  const physical = regions.physical(address, length);
  if (physical >= 0) return fill(port.bytes, physical);
  const bytes = new Uint8Array(length);
  const count = fill(bytes, 0);
  await network.core.write(address, bytes.subarray(0, Math.min(count, length)));
  return count;
}

function spendCopy({ shared, copy }: BypassNetwork, length: number): void {
  shared.port.pass(Math.ceil(length * copy), STAGE.copy);
}

/** EINVAL and not an error of ours, whatever a program says. */
function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 0) {
    throw new VerbsError('EINVAL', `a length of ${length}`);
  }
}

export class BypassUdpSocket implements UdpSocket {
  private readonly network: BypassNetwork;
  private readonly net: NetUdpSocket;
  private readonly port: BypassPort;

  constructor(network: BypassNetwork, net: NetUdpSocket, port: BypassPort) {
    this.network = network;
    this.net = net;
    this.port = port;
    port.isHeld = true;
  }

  async sendTo(to: Endpoint, address: number, length: number): Promise<void> {
    checkLength(length);
    const { network, net } = this;
    const destination = addressOf(to);
    await network.resolve(destination);
    const { bytes, at } = await outgoing(network, address, length);
    spendCopy(network, length);
    for (;;) {
      const problem = network.signalling(() =>
        net.sendTo(destination, to.port, bytes, at, length, network.now),
      );
      if (problem === 0) return;
      if (problem !== 'ENOBUFS') throw new VerbsError(problem, 'send');
      await network.progress();
    }
  }

  async receive(address: number, length: number): Promise<Datagram> {
    checkLength(length);
    while (this.net.pending === 0) await this.network.progress();
    return this.take(address, length);
  }

  async tryReceive(address: number, length: number): Promise<Datagram | undefined> {
    checkLength(length);
    if (this.net.pending === 0) await this.network.look();
    return this.net.pending === 0 ? undefined : this.take(address, length);
  }

  readable(): Awaitable<void> {
    return this.network.arrived(this.net.pending > 0);
  }

  async join(group: string): Promise<void> {
    const problem = this.net.join(addressNumber(group));
    if (problem !== 0) throw new VerbsError(problem, `join ${group}`);
  }

  async leave(group: string): Promise<void> {
    const problem = this.net.leave(addressNumber(group));
    if (problem !== 0) throw new VerbsError(problem, `leave ${group}`);
  }

  async close(): Promise<void> {
    const { network } = this;
    this.net.close();
    this.port.isHeld = false;
    while (!network.isFlushed) await network.progress();
    await network.giveBackPorts();
  }

  private async take(address: number, length: number): Promise<Datagram> {
    const { net, network } = this;
    const got = await incoming(network, address, length, (bytes, at) =>
      net.receive(bytes, at, length),
    );
    spendCopy(network, Math.min(got, length));
    const { ipv4, port } = net.lastSource;
    return { length: Math.min(got, length), address: addressText(ipv4), port };
  }
}

export class BypassTcpSocket implements TcpSocket {
  private readonly network: BypassNetwork;
  private readonly net: NetTcpSocket;

  constructor(network: BypassNetwork, net: NetTcpSocket) {
    this.network = network;
    this.net = net;
  }

  async send(address: number, length: number): Promise<void> {
    for (let done = 0; done < length;) {
      const taken = await this.trySend(address + done, length - done);
      done += taken;
      if (done < length) await this.network.progress();
    }
  }

  async trySend(address: number, length: number): Promise<number> {
    checkLength(length);
    const { network, net } = this;
    if (net.sendError !== undefined) throw new VerbsError(net.sendError, 'send');
    const room = Math.min(length, net.sendRoom);
    if (room === 0) return 0;
    const { bytes, at } = await outgoing(network, address, room);
    spendCopy(network, room);
    return net.send(bytes, at, room, network.now);
  }

  async receive(address: number, length: number): Promise<number> {
    for (;;) {
      const got = await this.take(address, length);
      if (got !== undefined) return got;
      await this.network.progress();
    }
  }

  async tryReceive(address: number, length: number): Promise<number | undefined> {
    const got = await this.take(address, length);
    if (got !== undefined) return got;
    await this.network.look();
    return this.take(address, length);
  }

  readable(): Awaitable<void> {
    const { readableBytes, peerClosed, error } = this.net;
    return this.network.arrived(readableBytes > 0 || peerClosed || error !== undefined);
  }

  async setNoDelay(on: boolean): Promise<void> {
    this.net.setNoDelay(on, this.network.now);
  }

  /** Waits until the peer has all that was sent: nobody would send it again afterwards. */
  async close(): Promise<void> {
    const { net, network } = this;
    network.signalling(() => net.close(network.now));
    while (net.error === undefined && net.sender.ring.length > 0) await network.progress();
    while (!network.isFlushed) await network.progress();
    await network.giveBackPorts();
  }

  /** What there is; 0 at the peer's end, undefined if there is nothing yet. */
  private async take(address: number, length: number): Promise<number | undefined> {
    checkLength(length);
    const { net, network } = this;
    if (net.readableBytes > 0) {
      const wanted = Math.min(length, net.readableBytes);
      const got = await incoming(network, address, wanted, (bytes, at) =>
        net.receive(bytes, at, wanted, network.now),
      );
      spendCopy(network, got);
      return got;
    }
    if (net.error !== undefined) throw new VerbsError(net.error, 'receive');
    return net.peerClosed ? 0 : undefined;
  }
}

export class BypassTcpListener implements TcpListener {
  private readonly network: BypassNetwork;
  private readonly net: NetListener;
  private readonly port: BypassPort;

  constructor(network: BypassNetwork, net: NetListener, port: BypassPort) {
    this.network = network;
    this.net = net;
    this.port = port;
    port.isHeld = true;
  }

  async accept(): Promise<TcpSocket> {
    for (;;) {
      const socket = this.net.accept();
      if (socket !== undefined) {
        this.port.connections.push(socket);
        return new BypassTcpSocket(this.network, socket);
      }
      await this.network.progress();
    }
  }

  readable(): Awaitable<void> {
    return this.network.arrived(this.net.pending > 0);
  }

  async close(): Promise<void> {
    this.net.close(this.network.now);
    this.port.isHeld = false;
    await this.network.giveBackPorts();
  }
}
