/** The kernel's sockets as a program sees them: each call is a system call. */
import { hostIpv4, vmIpv4 } from '../../units/address.js';
import { ipv4Bytes, ipv4Number } from '../../wire/ipv4.js';
import { formatIpv4 } from '../../units/address.js';
import { MESSAGE_FLAG, SOCKET_KIND, SOCKET_OPTION, SYSTEM } from '../kernel/system-calls.js';
import type {
  Datagram,
  Endpoint,
  Network,
  NetworkPath,
  TcpListener,
  TcpSocket,
  UdpSocket,
} from '../sockets.js';
import { errnoName, VerbsError } from '../verbs-error.js';
import type { Awaitable } from '../verbs.js';
import { AWAIT, CELL } from './core-page.js';
import type { ProgramPort } from './program-port.js';

const DEFAULT_BACKLOG = 128;

/** The IPv4 address of an endpoint as a number. Throws EINVAL for a text that is none. */
export function addressOf(endpoint: Endpoint): number {
  if ('host' in endpoint) {
    const { host, vm } = endpoint;
    return ipv4Number(vm === undefined ? hostIpv4(host) : vmIpv4(host, vm));
  }
  return addressNumber(endpoint.address);
}

export function addressNumber(text: string): number {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : NaN));
  if (parts.length !== 4 || !parts.every((part) => part <= 255)) {
    throw new VerbsError('EINVAL', `${text} is no IPv4 address`);
  }
  return ipv4Number(parts);
}

export const addressText = (address: number): string => formatIpv4(ipv4Bytes(address));

/** A system call with up to six arguments: its answer, or the errno as an error that begins with `what`. */
async function systemCall(
  port: ProgramPort,
  what: string,
  call: number,
  argument1 = 0,
  argument2 = 0,
  argument3 = 0,
  argument4 = 0,
  argument5 = 0,
  argument6 = 0,
): Promise<number> {
  const result = await quietCall(
    port,
    call,
    argument1,
    argument2,
    argument3,
    argument4,
    argument5,
    argument6,
  );
  if (result < 0) throw new VerbsError(errnoName(-result), what);
  return result;
}

async function quietCall(
  port: ProgramPort,
  call: number,
  argument1: number,
  argument2: number,
  argument3: number,
  argument4: number,
  argument5: number,
  argument6: number,
): Promise<number> {
  const { page } = port;
  page.set(CELL.argument3, argument3);
  page.set(CELL.argument4, argument4);
  page.set(CELL.argument5, argument5);
  page.set(CELL.argument6, argument6);
  await port.suspend(AWAIT.system, call, argument1, argument2);
  return page.get(CELL.result);
}

export class KernelNetwork implements Network {
  readonly path: NetworkPath;
  private readonly port: ProgramPort;

  constructor(port: ProgramPort, path: NetworkPath) {
    this.port = port;
    this.path = path;
  }

  async udp(port = 0): Promise<UdpSocket> {
    const fd = await systemCall(
      this.port,
      `UDP port ${port}`,
      SYSTEM.socket,
      SOCKET_KIND.udp,
      port,
    );
    await this.prepare(fd);
    return new KernelUdpSocket(this.port, fd);
  }

  async connect(to: Endpoint): Promise<TcpSocket> {
    const what = `connect to ${addressText(addressOf(to))}:${to.port}`;
    const fd = await systemCall(this.port, what, SYSTEM.socket, SOCKET_KIND.tcp);
    await this.prepare(fd);
    await systemCall(this.port, what, SYSTEM.connect, fd, 0, 0, addressOf(to), to.port);
    return new KernelTcpSocket(this.port, fd);
  }

  async listen(port: number, backlog = DEFAULT_BACKLOG): Promise<TcpListener> {
    const what = `listen on port ${port}`;
    const fd = await systemCall(this.port, what, SYSTEM.socket, SOCKET_KIND.tcp, port);
    await systemCall(this.port, what, SYSTEM.listen, fd, backlog);
    return new KernelTcpListener(this.port, fd, this);
  }

  /** A descriptor's options, as the network's path wants them. */
  async prepare(fd: number): Promise<void> {
    if (this.path !== 'busy-poll') return;
    await systemCall(this.port, 'SO_BUSY_POLL', SYSTEM.setOption, fd, SOCKET_OPTION.busyPoll, 1);
  }
}

class KernelDescriptor {
  protected readonly port: ProgramPort;
  protected readonly fd: number;

  constructor(port: ProgramPort, fd: number) {
    this.port = port;
    this.fd = fd;
  }

  readable(): Awaitable<void> {
    return { awaits: AWAIT.system, argument0: this.fd, argument1: 0, take: () => undefined };
  }

  async close(): Promise<void> {
    await systemCall(this.port, 'close', SYSTEM.close, this.fd);
  }

  /** Bytes received, or undefined when there are none and the call was not to wait. */
  protected async take(
    address: number,
    length: number,
    flags: number,
  ): Promise<number | undefined> {
    const got = await quietCall(this.port, SYSTEM.receive, this.fd, address, length, 0, 0, flags);
    if (got >= 0) return got;
    const name = errnoName(-got);
    if (flags === MESSAGE_FLAG.dontWait && name === 'EAGAIN') return undefined;
    throw new VerbsError(name, 'receive');
  }

  protected setOption(what: string, option: number, value: number): Promise<number> {
    return systemCall(this.port, what, SYSTEM.setOption, this.fd, option, value);
  }
}

class KernelUdpSocket extends KernelDescriptor implements UdpSocket {
  async sendTo(to: Endpoint, address: number, length: number): Promise<void> {
    const { port, fd } = this;
    await systemCall(port, 'send', SYSTEM.send, fd, address, length, addressOf(to), to.port);
  }

  async receive(address: number, length: number): Promise<Datagram> {
    return this.datagram((await this.take(address, length, 0))!);
  }

  async tryReceive(address: number, length: number): Promise<Datagram | undefined> {
    const got = await this.take(address, length, MESSAGE_FLAG.dontWait);
    return got === undefined ? undefined : this.datagram(got);
  }

  async join(group: string): Promise<void> {
    await this.setOption(`join ${group}`, SOCKET_OPTION.join, addressNumber(group));
  }

  async leave(group: string): Promise<void> {
    await this.setOption(`leave ${group}`, SOCKET_OPTION.leave, addressNumber(group));
  }

  private datagram(length: number): Datagram {
    const { page } = this.port;
    return {
      length,
      address: addressText(page.get(CELL.result1)),
      port: page.get(CELL.result2),
    };
  }
}

class KernelTcpSocket extends KernelDescriptor implements TcpSocket {
  async send(address: number, length: number): Promise<void> {
    await systemCall(this.port, 'send', SYSTEM.send, this.fd, address, length);
  }

  async trySend(address: number, length: number): Promise<number> {
    const flags = MESSAGE_FLAG.dontWait;
    const sent = await quietCall(this.port, SYSTEM.send, this.fd, address, length, 0, 0, flags);
    if (sent >= 0) return sent;
    const name = errnoName(-sent);
    if (name === 'EAGAIN') return 0;
    throw new VerbsError(name, 'send');
  }

  async receive(address: number, length: number): Promise<number> {
    return (await this.take(address, length, 0))!;
  }

  tryReceive(address: number, length: number): Promise<number | undefined> {
    return this.take(address, length, MESSAGE_FLAG.dontWait);
  }

  async setNoDelay(on: boolean): Promise<void> {
    await this.setOption('TCP_NODELAY', SOCKET_OPTION.noDelay, on ? 1 : 0);
  }
}

class KernelTcpListener extends KernelDescriptor implements TcpListener {
  private readonly network: KernelNetwork;

  constructor(port: ProgramPort, fd: number, network: KernelNetwork) {
    super(port, fd);
    this.network = network;
  }

  async accept(): Promise<TcpSocket> {
    const fd = await systemCall(this.port, 'accept', SYSTEM.accept, this.fd);
    await this.network.prepare(fd);
    return new KernelTcpSocket(this.port, fd);
  }
}
