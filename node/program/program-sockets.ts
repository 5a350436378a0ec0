/** The kernel's sockets as a program sees them: each call is a system call. */
import { formatIpv4, hostIpv4Number, vmIpv4 } from '../../units/address.js';
import { ipv4Bytes, ipv4Number } from '../../wire/ipv4.js';
import { AWAIT } from '../spec/awaits.js';
import { MESSAGE_FLAG, SOCKET_KIND, SOCKET_OPTION, SYSTEM } from '../spec/system-calls.js';
import type {
  Datagram,
  Endpoint,
  Network,
  NetworkPath,
  TcpListener,
  TcpSocket,
  UdpSocket,
} from './sockets.js';
import { errnoName, VerbsError } from '../spec/verbs-error.js';
import type { Awaitable } from './verbs.js';
import { STAGE } from '../../sim/stages.js';
import { CELL, OPERATION_ROW } from './mailbox/core-page.js';
import type { ProgramPort } from './program-port.js';

const DEFAULT_BACKLOG = 128;

/** The IPv4 address of an endpoint as a number. Throws EINVAL for a text that is none. */
export function addressOf(endpoint: Endpoint): number {
  if ('host' in endpoint) {
    const { host, vm } = endpoint;
    return vm === undefined ? hostIpv4Number(host) : ipv4Number(vmIpv4(host, vm));
  }
  return addressNumber(endpoint.address);
}

export function addressNumber(text: string): number {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : NaN));
  if (parts.length !== 4 || !parts.every((part) => part <= 255)) {
    throw new VerbsError('EINVAL', `${text} is not an IPv4 address`);
  }
  return ipv4Number(parts);
}

export const addressText = (address: number): string => formatIpv4(ipv4Bytes(address));

/** Makes a system call: it is answered when the promise is kept. */
function enter(
  port: ProgramPort,
  call: number,
  argument1 = 0,
  argument2 = 0,
  argument3 = 0,
  argument4 = 0,
  argument5 = 0,
  argument6 = 0,
): Promise<void> {
  const { page } = port;
  page.setArgument(3, argument3);
  page.setArgument(4, argument4);
  page.setArgument(5, argument5);
  page.setArgument(6, argument6);
  return port.suspend(AWAIT.system, call, argument1, argument2);
}

/** The answer of the call before; an errno as an error that begins with `what`. */
function answer({ page }: ProgramPort, what: string): number {
  const result = page.get(CELL.result);
  if (result < 0) throw new VerbsError(errnoName(-result), what);
  return result;
}

/** The same of a call that was not to wait; -1 where it would have had to. */
function answerAtOnce({ page }: ProgramPort, what: string): number {
  const result = page.get(CELL.result);
  if (result < 0 && errnoName(-result) === 'EAGAIN') return -1;
  if (result < 0) throw new VerbsError(errnoName(-result), what);
  return result;
}

export class KernelNetwork implements Network {
  readonly path: NetworkPath;
  private readonly port: ProgramPort;

  constructor(port: ProgramPort, path: NetworkPath) {
    this.port = port;
    this.path = path;
  }

  async udp(port = 0): Promise<UdpSocket> {
    await enter(this.port, SYSTEM.socket, SOCKET_KIND.udp, port);
    const fd = answer(this.port, `UDP port ${port}`);
    await this.prepare(fd);
    return new KernelUdpSocket(this.port, fd);
  }

  async connect(to: Endpoint): Promise<TcpSocket> {
    const what = `connect to ${addressText(addressOf(to))}:${to.port}`;
    await enter(this.port, SYSTEM.socket, SOCKET_KIND.tcp);
    const fd = answer(this.port, what);
    await this.prepare(fd);
    await enter(this.port, SYSTEM.connect, fd, 0, 0, addressOf(to), to.port);
    answer(this.port, what);
    return new KernelTcpSocket(this.port, fd);
  }

  async listen(port: number, backlog = DEFAULT_BACKLOG): Promise<TcpListener> {
    const what = `listen on port ${port}`;
    await enter(this.port, SYSTEM.socket, SOCKET_KIND.tcp, port);
    const fd = answer(this.port, what);
    await enter(this.port, SYSTEM.listen, fd, backlog);
    answer(this.port, what);
    return new KernelTcpListener(this.port, fd, this);
  }

  /** A descriptor's options, as the network's path wants them. */
  async prepare(fd: number): Promise<void> {
    if (this.path !== 'busy-poll') return;
    await enter(this.port, SYSTEM.setOption, fd, SOCKET_OPTION.busyPoll, 1);
    answer(this.port, 'SO_BUSY_POLL');
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
    const { page } = this.port;
    return {
      awaits: AWAIT.system,
      argument0: this.fd,
      argument1: 0,
      take: () => {
        page.chains.advance(OPERATION_ROW, STAGE.syscall, this.port.now);
      },
    };
  }

  async close(): Promise<void> {
    await enter(this.port, SYSTEM.close, this.fd);
    answer(this.port, 'close');
  }

  protected async setOption(what: string, option: number, value: number): Promise<void> {
    await enter(this.port, SYSTEM.setOption, this.fd, option, value);
    answer(this.port, what);
  }
}

class KernelUdpSocket extends KernelDescriptor implements UdpSocket {
  /** The last sender's address, whose text the next one's often is. */
  private senderIpv4 = -1;
  private sender = '';

  async sendTo(to: Endpoint, address: number, length: number): Promise<void> {
    const { port, fd } = this;
    await enter(port, SYSTEM.send, fd, address, length, addressOf(to), to.port);
    answer(port, 'send');
  }

  async receive(address: number, length: number): Promise<Datagram> {
    const { port, fd } = this;
    await enter(port, SYSTEM.receive, fd, address, length);
    return this.datagram(answer(port, 'receive'));
  }

  async tryReceive(address: number, length: number): Promise<Datagram | undefined> {
    const { port, fd } = this;
    await enter(port, SYSTEM.receive, fd, address, length, 0, 0, MESSAGE_FLAG.dontWait);
    const got = answerAtOnce(port, 'receive');
    return got < 0 ? undefined : this.datagram(got);
  }

  async join(group: string): Promise<void> {
    await this.setOption(`join ${group}`, SOCKET_OPTION.join, addressNumber(group));
  }

  async leave(group: string): Promise<void> {
    await this.setOption(`leave ${group}`, SOCKET_OPTION.leave, addressNumber(group));
  }

  private datagram(length: number): Datagram {
    const { page } = this.port;
    const ipv4 = page.get(CELL.peerIpv4);
    if (ipv4 !== this.senderIpv4) {
      this.senderIpv4 = ipv4;
      this.sender = addressText(ipv4);
    }
    return { length, address: this.sender, port: page.get(CELL.peerPort) };
  }
}

class KernelTcpSocket extends KernelDescriptor implements TcpSocket {
  async send(address: number, length: number): Promise<void> {
    await enter(this.port, SYSTEM.send, this.fd, address, length);
    answer(this.port, 'send');
  }

  async trySend(address: number, length: number): Promise<number> {
    await enter(this.port, SYSTEM.send, this.fd, address, length, 0, 0, MESSAGE_FLAG.dontWait);
    return Math.max(0, answerAtOnce(this.port, 'send'));
  }

  async receive(address: number, length: number): Promise<number> {
    await enter(this.port, SYSTEM.receive, this.fd, address, length);
    return answer(this.port, 'receive');
  }

  async tryReceive(address: number, length: number): Promise<number | undefined> {
    await enter(this.port, SYSTEM.receive, this.fd, address, length, 0, 0, MESSAGE_FLAG.dontWait);
    const got = answerAtOnce(this.port, 'receive');
    return got < 0 ? undefined : got;
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
    await enter(this.port, SYSTEM.accept, this.fd);
    const fd = answer(this.port, 'accept');
    await this.network.prepare(fd);
    return new KernelTcpSocket(this.port, fd);
  }
}
