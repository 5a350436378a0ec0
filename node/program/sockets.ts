/**
 * What a program sees of the network beside verbs: sockets. The same program runs over the kernel's path, over the
 * kernel with busy-polled sockets, or over a queue of raw frames that it owns, with the same protocols as a library
 * (bypass). A call that Linux fails with an errno throws {@link VerbsError} with that name in `code`.
 *
 * Data lies in the process's memory and is named by address and length, as in send(2). Ports and lengths are whole
 * numbers.
 */
import type { Awaitable, Core, FlowRule } from './verbs.js';

export { VerbsError, type Errno } from '../spec/verbs-error.js';

/**
 * `kernel`: blocking calls, interrupts, copies. `busy-poll`: the same with SO_BUSY_POLL. `bypass`: all in the program.
 */
export type NetworkPath = 'kernel' | 'busy-poll' | 'bypass';

export interface NetworkOptions {
  /** Default `kernel`. */
  readonly path?: NetworkPath;
  /** The bypass library's kind: whole sockets (as Onload), or a thin interface (as TCPDirect). Default `socket`. */
  readonly library?: 'socket' | 'direct';
}

/**
 * Somebody's address: a host of the run (or a virtual machine of it), or any IPv4 address, such as a multicast group's.
 */
export type Endpoint =
  | { readonly host: number; readonly vm?: number; readonly port: number }
  | { readonly address: string; readonly port: number };

export interface Datagram {
  readonly length: number;
  /** Whom it came from. */
  readonly address: string;
  readonly port: number;
}

export interface UdpSocket {
  /** Sends one datagram. EMSGSIZE beyond the MTU: nothing is fragmented. */
  sendTo(to: Endpoint, address: number, length: number): Promise<void>;
  /** The next datagram; what does not fit is lost. Blocks until there is one. */
  receive(address: number, length: number): Promise<Datagram>;
  /** The next datagram if there is one. */
  tryReceive(address: number, length: number): Promise<Datagram | undefined>;
  /** For {@link Core.any}: a receive would not block. */
  readable(): Awaitable<void>;
  /** IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP. EINVAL if `group` is no multicast address. */
  join(group: string): Promise<void>;
  leave(group: string): Promise<void>;
  close(): Promise<void>;
}

export interface TcpSocket {
  /** Sends all of it; blocks until it is in the send buffer. EPIPE, ECONNRESET, ETIMEDOUT. */
  send(address: number, length: number): Promise<void>;
  /** MSG_DONTWAIT: sends as much as the send buffer takes; answers how much, 0 when there is no room. */
  trySend(address: number, length: number): Promise<number>;
  /** At least one byte, at most `length`; 0 when the peer has closed. Blocks until then. */
  receive(address: number, length: number): Promise<number>;
  /** As receive; undefined when there is nothing yet. */
  tryReceive(address: number, length: number): Promise<number | undefined>;
  readable(): Awaitable<void>;
  /** TCP_NODELAY. */
  setNoDelay(on: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface TcpListener {
  /** The next connection. Blocks until there is one. */
  accept(): Promise<TcpSocket>;
  readable(): Awaitable<void>;
  close(): Promise<void>;
}

export interface Network {
  readonly path: NetworkPath;
  /** A UDP socket on `port` (default: any free one). EADDRINUSE. */
  udp(port?: number): Promise<UdpSocket>;
  /** A TCP connection. ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH. */
  connect(to: Endpoint): Promise<TcpSocket>;
  listen(port: number, backlog?: number): Promise<TcpListener>;
}

/** A setting, as ethtool(8) makes it. */
export type DeviceChange =
  /** `-L combined N`: the number of receive queues in use. */
  | { readonly what: 'channels'; readonly count: number }
  /** `-X equal N [start S]`, `-X weight W0 W1 ...`, any table of 128 entries, `-X default`. */
  | { readonly what: 'equal'; readonly count: number; readonly start?: number }
  | { readonly what: 'weight'; readonly weights: readonly number[] }
  | { readonly what: 'table'; readonly queues: readonly number[] }
  | { readonly what: 'default' }
  /** `-X hkey`: `microsoft`, `symmetric`, or 40 bytes as 6d:5a:... */
  | { readonly what: 'key'; readonly key: string }
  /** One queue for all, RSS, frame by frame in turn, or accelerated RFS. */
  | { readonly what: 'steering'; readonly mode: 'single' | 'rss' | 'spray' | 'rfs' }
  /** `-N ... action Q [loc L]`: answers the rule's location. `-N delete L`. */
  | {
      readonly what: 'rule';
      readonly match: FlowRule;
      readonly queue: number | 'drop';
      readonly location?: number;
    }
  | { readonly what: 'delete-rule'; readonly location: number }
  /** `-C rx-usecs N rx-frames M`. */
  | { readonly what: 'coalesce'; readonly rxUsecs: number; readonly rxFrames: number };

export interface DeviceStatistics {
  /** `ethtool -x`. */
  readonly table: string;
  readonly queues: readonly {
    readonly core: number;
    readonly frames: number;
    readonly missed: number;
    readonly interrupts: number;
  }[];
  readonly cores: readonly {
    readonly core: number;
    /** What interrupts and softirqs took of it, and what nobody wanted of it, in ps. */
    readonly taken: number;
    readonly idle: number;
    /**
     * Packets whose flow's state its softirqs found in the core's own cache, took from another core, read from memory.
     */
    readonly warm: number;
    readonly moved: number;
    readonly cold: number;
  }[];
  /** What the protocols counted. */
  readonly protocols: Readonly<Record<string, number>>;
}

/**
 * The network function of the program's kernel, as root administers it. EINVAL, ENOSPC and others as ethtool gives
 * them.
 */
export interface NetworkDevice {
  /** Makes a change; answers the location of a rule, otherwise 0. */
  change(change: DeviceChange): Promise<number>;
  statistics(): Promise<DeviceStatistics>;
}

/** The network as the program on this core uses it. */
export const openNetwork = (core: Core, options: NetworkOptions = {}): Promise<Network> =>
  core.openNetwork(options);

/** Receives until `length` bytes are at `address`; false when the peer closed before. */
export async function receiveAll(
  socket: TcpSocket,
  address: number,
  length: number,
): Promise<boolean> {
  for (let done = 0; done < length;) {
    const got = await socket.receive(address + done, length - done);
    if (got === 0) return false;
    done += got;
  }
  return true;
}
