/** Bytes over a bad wire, against a plain model: exactly once, in order, and every connection ends. */
import { describe, expect, it } from 'vitest';
import type { TcpSocket } from '../../../../node/model/net/tcp-socket.js';
import type { StackOptions } from '../../../../node/model/net/ip-stack.js';
import { RandomStream } from '../../../../sim/random.js';
import { PS_PER_MS, PS_PER_US } from '../../../../units/time.js';
import { ok, pattern, WirePair, type WireFaults } from './wire-pair.js';

/** One side's program: sends its bytes as fast as it may, reads in pieces of random size, and closes at the end. */
class Program {
  readonly received: Uint8Array;
  receivedLength = 0;
  private sentLength = 0;
  private readonly toSend: Uint8Array;
  private readonly random: RandomStream;

  constructor(toSend: Uint8Array, expected: number, seed: number, name: string) {
    this.toSend = toSend;
    this.received = new Uint8Array(expected + 1);
    this.random = new RandomStream(seed, name);
  }

  feed(socket: TcpSocket, now: number): void {
    while (this.sentLength < this.toSend.length) {
      const piece = Math.min(this.toSend.length - this.sentLength, 1 + this.random.below(5000));
      const taken = socket.send(this.toSend, this.sentLength, piece, now);
      this.sentLength += taken;
      if (taken < piece) return;
    }
    socket.shutdown(now);
  }

  drain(socket: TcpSocket, now: number): void {
    while (socket.readableBytes > 0) {
      const room = this.received.length - this.receivedLength;
      const piece = Math.min(room, 1 + this.random.below(8000));
      const count = socket.receive(this.received, this.receivedLength, piece, now);
      if (count === 0) throw new Error('more arrived than was sent');
      this.receivedLength += count;
    }
    if (socket.peerClosed && this.sentLength === this.toSend.length) socket.close(now);
  }

  get content(): Uint8Array {
    return this.received.subarray(0, this.receivedLength);
  }
}

function transfer(
  seed: number,
  faults: WireFaults,
  options: Partial<StackOptions>,
  deviceRoom = Infinity,
): WirePair {
  const random = new RandomStream(seed, 'plan');
  const there = pattern(random.below(60_000), seed);
  const back = pattern(random.below(60_000), seed + 1);
  const pair = new WirePair(seed, options, faults);
  pair.keepFrames = false;
  if (deviceRoom < Infinity) {
    pair.deviceRoom = [deviceRoom, deviceRoom];
    pair.frameTime = 50 * PS_PER_US;
  }
  pair.delay = (1 + random.below(2000)) * PS_PER_US;
  const programs = [
    new Program(there, back.length, seed, 'client'),
    new Program(back, there.length, seed, 'server'),
  ];
  pair.onReadable = (side, socket) => {
    programs[side]!.drain(socket as TcpSocket, pair.now);
  };
  pair.onWritable = (side, socket) => {
    programs[side]!.feed(socket as TcpSocket, pair.now);
  };
  const sockets: (TcpSocket | undefined)[] = [undefined, undefined];
  pair.onAccepted = (_side, listener) => {
    const socket = listener.accept()!;
    sockets[1] = socket;
    programs[1]!.feed(socket, pair.now);
    programs[1]!.drain(socket, pair.now);
  };
  ok(pair.stacks[1].listen(80, 4));
  const client = pair.connect(80);
  sockets[0] = client;
  programs[0]!.feed(client, pair.now);
  for (let steps = 0; pair.step(Infinity); steps++) {
    if (steps > 200_000) throw new Error(`seed ${seed}: no end`);
  }
  for (const side of [0, 1]) {
    const program = programs[side]!;
    const expected = side === 0 ? back : there;
    const socket = sockets[side] as TcpSocket;
    const label = `seed ${seed} side ${side} ${socket.state} ${String(socket.error)}`;
    expect(socket.error, label).toBeUndefined();
    expect(program.receivedLength, label).toBe(expected.length);
    expect(Buffer.compare(program.content, expected), label).toBe(0);
    expect(['CLOSED', 'TIME_WAIT'], label).toContain(socket.state);
  }
  return pair;
}

const BAD: WireFaults = { loss: 0.03, duplicate: 0.02, corrupt: 0.01, jitter: PS_PER_MS };
const CALM: WireFaults = { loss: 0, duplicate: 0, corrupt: 0, jitter: 0 };

describe('TCP over a wire that loses, repeats, reorders and damages', () => {
  const variants: readonly [string, Partial<StackOptions>][] = [
    ['with all options, CUBIC', {}],
    ['without SACK, Reno', { congestion: 'reno', tuning: { sack: false } }],
    ['without timestamps', { tuning: { timestamps: false } }],
    [
      'without any option, small buffers',
      {
        tuning: {
          timestamps: false,
          sack: false,
          windowScaling: false,
          receiveBuffer: 4000,
          receiveBufferMax: 4000,
          sendBufferMax: 8000,
        },
      },
    ],
    ['on a VLAN with a small MTU', { vlan: 7, mtu: 576 }],
  ];
  it.each(variants)('delivers every byte once and in order, and ends: %s', (_name, options) => {
    for (let seed = 1; seed <= 60; seed++) transfer(seed, BAD, options);
  });

  it('does so through devices that have room for two frames', () => {
    for (let seed = 1; seed <= 40; seed++) transfer(seed, BAD, {}, 2);
  });

  it('needs no retransmission over a good wire', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = transfer(seed, CALM, {});
      expect(pair.stacks[0].counters.tcp_retransmitted_segments).toBe(0);
      expect(pair.stacks[1].counters.tcp_retransmitted_segments).toBe(0);
    }
  });
});
