/** Two stacks and a wire between them that delays, loses, repeats, reorders and damages frames, as a seed says. */
import {
  IpStack,
  type FrameBuffer,
  type StackOptions,
} from '../../../../node/model/net/ip-stack.js';
import type { NetSocket } from '../../../../node/model/net/net-socket.js';
import type { TcpListener } from '../../../../node/model/net/tcp-listener.js';
import type { TcpSocket } from '../../../../node/model/net/tcp-socket.js';
import type { UdpSocket } from '../../../../node/model/net/udp-socket.js';
import { RandomStream } from '../../../../sim/random.js';
import { PS_PER_US } from '../../../../units/time.js';
import { completeChecksums } from '../../../../wire/checksums.js';
import { parseFrame } from '../../../../wire/frame-parser.js';
import type { Frame } from '../../../../wire/frame.js';
import { newTcp, parseTcp, TCP_FLAG, TCP_LENGTH, type Tcp } from '../../../../wire/tcp.js';
import { newTcpOptions, parseTcpOptions, type TcpOptions } from '../../../../wire/tcp-options.js';

export interface WireFaults {
  loss: number;
  duplicate: number;
  corrupt: number;
  /** Greatest delay beyond the wire's own; frames overtake each other. */
  jitter: number;
}

export const ADDRESS = [0x0a000001, 0x0a000002] as const;
export const MAC = [0x020000000000, 0x020000000001] as const;

export interface SentFrame {
  readonly at: number;
  readonly from: number;
  readonly bytes: Uint8Array;
  readonly headerLength: number;
  readonly socket: number;
}

/** A TCP segment as it was on the wire. */
export interface SentSegment {
  readonly at: number;
  readonly from: number;
  readonly tcp: Tcp;
  readonly options: TcpOptions;
  readonly payload: Uint8Array;
  readonly flags: string;
}

interface Arrival {
  readonly time: number;
  readonly order: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

export class WirePair {
  now = 0;
  readonly stacks: readonly [IpStack, IpStack];
  readonly sent: SentFrame[] = [];
  readonly events: string[] = [];
  /** What happens to a frame besides the faults: false loses it. */
  filter: (frame: SentFrame) => boolean = () => true;
  /** Called when a socket of that side is notified. */
  onReadable: (side: number, socket: NetSocket) => void = () => undefined;
  onWritable: (side: number, socket: NetSocket) => void = () => undefined;
  onAccepted: (side: number, listener: TcpListener, socket: TcpSocket) => void = () => undefined;
  onFailed: (side: number, socket: NetSocket) => void = () => undefined;
  delay = 10 * PS_PER_US;
  /** Frames that a side's device still takes; each leaves after `frameTime`, if that is not 0. */
  deviceRoom = [Infinity, Infinity];
  frameTime = 0;
  keepFrames = true;
  private readonly faults: WireFaults | undefined;
  private readonly random: RandomStream;
  private arrivals: Arrival[] = [];
  private order = 0;
  private readonly departures: number[][] = [[], []];

  constructor(seed = 1, options: Partial<StackOptions> = {}, faults?: WireFaults) {
    this.faults = faults;
    this.random = new RandomStream(seed, 'wire');
    this.stacks = [this.newStack(0, seed, options), this.newStack(1, seed, options)];
  }

  private newStack(side: number, seed: number, options: Partial<StackOptions>): IpStack {
    const random = new RandomStream(seed, `stack ${side}`);
    // 0xa5 everywhere: what a stack does not write shows.
    const bytes = new Uint8Array(4096).fill(0xa5);
    const longest = (options.mtu ?? 1500) + (options.vlan === undefined ? 14 : 18);
    const buffer: FrameBuffer = { bytes, view: new DataView(bytes.buffer), at: 64 };
    return new IpStack(
      { mac: MAC[side]!, ipv4: ADDRESS[side]!, mtu: 1500, ...options },
      {
        begin: (length) => {
          if (length > longest) throw new Error(`a frame of ${length} bytes`);
          if (this.deviceRoom[side]! <= 0) return undefined;
          bytes.fill(0xa5, 64, 64 + length);
          return buffer;
        },
        send: (length, headerLength, socket) => {
          this.deviceRoom[side]!--;
          if (this.frameTime > 0) this.departures[side]!.push(this.departure(side));
          completeChecksums(bytes, buffer.view, 64, length);
          const copy = bytes.slice(64, 64 + length);
          this.transmit({ at: this.now, from: side, bytes: copy, headerLength, socket });
        },
        random: () => random.word(),
      },
      {
        readable: (socket) => {
          this.onReadable(side, socket);
        },
        writable: (socket) => {
          this.onWritable(side, socket);
        },
        connected: (socket) => {
          this.events.push(`${side} connected ${socket.localPort}`);
        },
        accepted: (listener, socket) => {
          this.events.push(`${side} accepted`);
          this.onAccepted(side, listener as TcpListener, socket as TcpSocket);
        },
        failed: (socket) => {
          this.events.push(`${side} failed ${String(socket.error)}`);
          this.onFailed(side, socket);
        },
      },
    );
  }

  /** When a frame leaves that is handed to the device now. */
  private departure(side: number): number {
    return Math.max(this.now, this.departures[side]!.at(-1) ?? 0) + this.frameTime;
  }

  private transmit(frame: SentFrame): void {
    if (this.keepFrames) this.sent.push(frame);
    if (!this.filter(frame)) return;
    const { faults, random } = this;
    if (faults !== undefined && random.unit() < faults.loss) return;
    this.arrive(frame);
    if (faults !== undefined && random.unit() < faults.duplicate) this.arrive(frame);
  }

  private arrive({ from, bytes }: SentFrame): void {
    const { faults, random } = this;
    let time = this.now + this.delay;
    if (faults !== undefined) {
      time += Math.floor(random.unit() * faults.jitter);
      if (random.unit() < faults.corrupt) {
        bytes = bytes.slice();
        const bit = random.below((bytes.length - 14) * 8);
        bytes[14 + (bit >> 3)]! ^= 1 << (bit & 7);
      }
    }
    this.inject(1 - from, bytes, time);
  }

  inject(to: number, bytes: Uint8Array, time = this.now): void {
    const arrival: Arrival = { time, order: this.order++, to, bytes };
    let at = this.arrivals.length;
    while (at > 0 && this.arrivals[at - 1]!.time > time) at--;
    this.arrivals.splice(at, 0, arrival);
  }

  /** The next thing that happens; false if nothing will by `until`. */
  step(until: number): boolean {
    const arrival = this.arrivals[0];
    const timer = Math.min(this.stacks[0].nextTimer(), this.stacks[1].nextTimer());
    const departure = Math.min(
      this.departures[0]![0] ?? Infinity,
      this.departures[1]![0] ?? Infinity,
    );
    const time = Math.min(arrival?.time ?? Infinity, timer, departure);
    if (time > until || time === Infinity) return false;
    this.now = time;
    if (arrival !== undefined && arrival.time === time) {
      this.arrivals.shift();
      const view = new DataView(arrival.bytes.buffer, arrival.bytes.byteOffset);
      this.stacks[arrival.to]!.input(arrival.bytes, view, 0, arrival.bytes.length, time, true);
    } else if (departure === time) {
      const side = this.departures[0]![0] === time ? 0 : 1;
      this.departures[side]!.shift();
      if (this.deviceRoom[side]!++ === 0) this.stacks[side].roomAgain(time);
    } else {
      for (const stack of this.stacks) if (stack.nextTimer() <= time) stack.timers(time);
    }
    return true;
  }

  /** Runs to the end of everything, or to `until`, which then is now. */
  run(until = Infinity): void {
    while (this.step(until));
    if (until !== Infinity) this.now = Math.max(this.now, until);
  }

  giveRoom(side: number, frames: number): void {
    this.deviceRoom[side] = frames;
    this.stacks[side]!.roomAgain(this.now);
  }

  connect(port: number): TcpSocket {
    return ok(this.stacks[0].connect(ADDRESS[1], port, this.now));
  }

  /** A connection from side 0 to side 1, its handshake over. */
  connection(port = 80): { client: TcpSocket; server: TcpSocket } {
    const listener = ok(this.stacks[1].listen(port, 8));
    const client = this.connect(port);
    while (listener.pending === 0) if (!this.step(Infinity)) throw new Error('no connection');
    return { client, server: listener.accept()! };
  }

  segments(): SentSegment[] {
    return this.sent.filter(isTcp).map(readSegment);
  }

  frames(): Frame[] {
    return this.sent.map(({ bytes }) => parseFrame(bytes));
  }
}

export const isTcp = ({ bytes }: SentFrame): boolean =>
  bytes[12] === 8 && bytes[13] === 0 && bytes[14 + 9] === 6;

export function readSegment({ at, from, bytes }: SentFrame): SentSegment {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const tcp = newTcp();
  const options = newTcpOptions();
  parseTcp(view, 34, tcp);
  parseTcpOptions(view, 34 + TCP_LENGTH, 34 + tcp.headerLength, options);
  const end = 14 + view.getUint16(16);
  const payload = bytes.subarray(34 + tcp.headerLength, end);
  return { at, from, tcp, options, payload, flags: flagNames(tcp.flags) };
}

function flagNames(flags: number): string {
  const names: string[] = [];
  for (const [name, bit] of Object.entries(TCP_FLAG)) if ((flags & bit) !== 0) names.push(name);
  return names.join(' ');
}

/** The socket, where an errno would be the test's own fault. */
export function ok<Socket extends TcpSocket | TcpListener | UdpSocket>(
  result: Socket | string,
): Socket {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

export const pattern = (length: number, seed = 7): Uint8Array => {
  const random = new RandomStream(seed, 'pattern');
  return Uint8Array.from({ length }, () => random.word() & 0xff);
};

/** Everything that can be read now. */
export function readAll(socket: TcpSocket, now: number): Uint8Array {
  const bytes = new Uint8Array(socket.readableBytes);
  socket.receive(bytes, 0, bytes.length, now);
  return bytes;
}
