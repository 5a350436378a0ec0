/** The peer's window and our own: scaling, closing, probing, growing; CUBIC and Reno against their formulas. */
import { describe, expect, it } from 'vitest';
import { Cubic, cubeRoot } from '../../../../node/model/net/cubic.js';
import { Reno } from '../../../../node/model/net/reno.js';
import type { TcpSocket } from '../../../../node/model/net/tcp-socket.js';
import { PS_PER_MS, PS_PER_S } from '../../../../units/time.js';
import { isTcp, pattern, readAll, readSegment, WirePair } from './wire-pair.js';

const MSS = 1448;

/** Sends all of `bytes` as room appears. */
function feed(pair: WirePair, socket: TcpSocket, bytes: Uint8Array): void {
  let sent = 0;
  pair.onWritable = () => {
    sent += socket.send(bytes, sent, bytes.length - sent, pair.now);
  };
  pair.onWritable(0, socket);
}

describe("the peer's window", () => {
  it('is scaled, so that more than 64 KiB are in flight', () => {
    const pair = new WirePair(1, { tuning: { receiveBuffer: 65_536 } });
    pair.delay = 20 * PS_PER_MS;
    pair.keepFrames = false;
    const { client } = pair.connection();
    let most = 0;
    pair.onReadable = (_side, socket) => {
      readAll(socket as TcpSocket, pair.now);
      most = Math.max(most, (client.sender.next - client.sender.una) | 0);
    };
    feed(pair, client, pattern(8_000_000));
    pair.run(pair.now + 20 * PS_PER_S);
    expect(client.sender.sent.count).toBe(0);
    expect(most).toBeGreaterThan(500_000);
    expect(client.sender.largestWindow).toBeGreaterThan(0xffff);
  });

  it('without scaling is at most 65535', () => {
    const pair = new WirePair(1, { tuning: { windowScaling: false } });
    pair.delay = 20 * PS_PER_MS;
    pair.keepFrames = false;
    const { client, server } = pair.connection();
    let read = 0;
    pair.onReadable = () => {
      read += readAll(server, pair.now).length;
    };
    feed(pair, client, pattern(1_000_000));
    pair.run(pair.now + 20 * PS_PER_S);
    expect(read).toBe(1_000_000);
    expect(client.sender.largestWindow).toBeLessThanOrEqual(0xffff);
  });

  it('closes when nobody reads, is probed at growing intervals, and opens by what the program reads', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    const bytes = pattern(200_000);
    feed(pair, client, bytes);
    pair.run(pair.now + 10 * PS_PER_S);
    const held = server.readableBytes;
    // What each ACK rounds up to whole units of 128 bytes adds up, as in Linux.
    expect(held).toBeLessThanOrEqual(65_536 * 1.02);
    expect(held).toBeGreaterThan(60_000);
    expect(client.sender.window).toBe(0);
    expect(server.receiver.window).toBe(0);
    const probes = pair
      .segments()
      .filter(({ from, tcp }) => from === 0 && tcp.sequence === ((client.sender.una - 1) | 0))
      .filter(({ payload }) => payload.length === 0)
      .map(({ at }) => at);
    const intervals = probes.slice(1).map((at, i) => at - probes[i]!);
    expect(probes.length).toBeGreaterThan(4);
    for (let i = 1; i < intervals.length; i++)
      expect(intervals[i]! / intervals[i - 1]!).toBeCloseTo(2, 1);
    // Reading less than a segment's worth of room does not open it: no silly window.
    const part = new Uint8Array(held - 64_240 + 1000);
    server.receive(part, 0, part.length, pair.now);
    expect(server.receiver.window).toBe(0);
    let received = [...part];
    pair.onReadable = () => {
      received = received.concat([...readAll(server, pair.now)]);
    };
    pair.onReadable(1, server);
    pair.run(pair.now + 100 * PS_PER_MS);
    expect(Buffer.compare(Uint8Array.from(received), bytes)).toBe(0);
    expect(pair.stacks[0].counters.tcp_retransmitted_segments).toBe(0);
  });

  it('opens by a probe if the segment that said so was lost', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    const bytes = pattern(200_000);
    feed(pair, client, bytes);
    pair.run(pair.now + PS_PER_S);
    expect(client.sender.window).toBe(0);
    pair.filter = () => false;
    let received = readAll(server, pair.now).length;
    pair.filter = () => true;
    pair.onReadable = () => {
      received += readAll(server, pair.now).length;
    };
    pair.run(pair.now + 5 * PS_PER_S);
    expect(received).toBe(200_000);
  });

  it('that stays closed without an answer ends the connection with ETIMEDOUT', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    feed(pair, client, pattern(200_000));
    pair.run(pair.now + PS_PER_S);
    pair.filter = () => false;
    pair.run();
    expect(client.error).toBe('ETIMEDOUT');
    const answered = new WirePair();
    const other = answered.connection();
    feed(answered, other.client, pattern(200_000));
    answered.run(3000 * PS_PER_S);
    expect(other.client.error).toBeUndefined();
    expect(other.client.state).toBe('ESTABLISHED');
  });

  it('is never shrunk: its right edge does not move left', () => {
    const pair = new WirePair(4);
    const { client, server } = pair.connection();
    const random = pattern(1000, 5);
    let step = 0;
    pair.onReadable = () => {
      const some = new Uint8Array(random[step++ % 1000]! * 40);
      server.receive(some, 0, some.length, pair.now);
    };
    feed(pair, client, pattern(500_000));
    for (let i = 0; i < 200; i++) {
      pair.run(pair.now + 50 * PS_PER_MS);
      pair.onReadable(1, server);
    }
    let edge: number | undefined;
    for (const { from, tcp, flags } of pair.segments()) {
      if (from !== 1 || flags.includes('SYN')) continue;
      const right = (tcp.acknowledgment + (tcp.window << 7)) | 0;
      if (edge !== undefined) expect((right - edge) | 0).toBeGreaterThanOrEqual(0);
      edge = right;
    }
  });

  it('holds no more than twice the buffer of what comes byte by byte', () => {
    const pair = new WirePair(1, { tuning: { receiveBuffer: 8192, receiveBufferMax: 8192 } });
    pair.keepFrames = false;
    const { client, server } = pair.connection();
    client.setNoDelay(true, pair.now);
    for (let i = 0; i < 20_000; i++) {
      client.send(pattern(1), 0, 1, pair.now);
      pair.run(pair.now + PS_PER_MS);
    }
    expect(server.readableBytes).toBeGreaterThan(6000);
    expect(server.readableBytes).toBeLessThanOrEqual(2 * 8192);
    let read = 0;
    pair.onReadable = () => {
      read += readAll(server, pair.now).length;
    };
    pair.onReadable(1, server);
    pair.run(pair.now + 200 * PS_PER_S);
    expect(read).toBe(20_000);
  });

  it('smaller than two segments is filled by halves (RFC 9293 3.8.6.2.1)', () => {
    const pair = new WirePair(1, { tuning: { receiveBuffer: 2000, receiveBufferMax: 2000 } });
    const { client, server } = pair.connection();
    let read = 0;
    pair.onReadable = () => {
      read += readAll(server, pair.now).length;
    };
    feed(pair, client, pattern(50_000));
    pair.run(pair.now + 100 * PS_PER_S);
    expect(read).toBe(50_000);
    // No timer was needed for it.
    expect(pair.stacks[0].counters).toMatchObject({ tcp_window_probes: 0, tcp_timeouts: 0 });
  });
});

describe('the congestion window', () => {
  it('begins with ten segments and doubles per round trip', () => {
    const pair = new WirePair();
    pair.delay = 50 * PS_PER_MS;
    const { client } = pair.connection();
    const start = pair.now;
    pair.onReadable = (_side, socket) => {
      readAll(socket as TcpSocket, pair.now);
    };
    pair.sent.length = 0;
    feed(pair, client, pattern(2_000_000));
    pair.run(pair.now + 299 * PS_PER_MS);
    const rounds = [0, 0, 0];
    for (const frame of pair.sent.filter(isTcp)) {
      if (frame.from === 0 && readSegment(frame).payload.length > 0) {
        rounds[Math.floor((frame.at - start) / (100 * PS_PER_MS))]!++;
      }
    }
    expect(rounds).toEqual([10, 20, 40]);
  });

  it('does not grow where it is not used', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    for (let i = 0; i < 200; i++) {
      client.send(pattern(100), 0, 100, pair.now);
      pair.run(pair.now + PS_PER_MS);
      readAll(server, pair.now);
    }
    expect(client.sender.congestion.window).toBe(10);
  });

  it('falls back after a pause (RFC 5681 4.1)', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    pair.onReadable = (_side, socket) => {
      readAll(socket as TcpSocket, pair.now);
    };
    feed(pair, client, pattern(1_000_000));
    pair.run(pair.now + PS_PER_S);
    expect(client.sender.congestion.window).toBeGreaterThan(20);
    pair.run(pair.now + 10 * PS_PER_S);
    client.send(pattern(MSS), 0, MSS, pair.now);
    expect(client.sender.congestion.window).toBe(10);
  });

  it('grows by a segment per round trip under Reno, and halves at a loss', () => {
    const reno = new Reno(10);
    for (let i = 0; i < 30; i++) reno.acknowledged(1);
    expect(reno.window).toBe(40);
    reno.lost();
    expect([reno.window, reno.threshold]).toEqual([20, 20]);
    for (let round = 1; round <= 10; round++) {
      for (let i = Math.floor(reno.window); i > 0; i--) reno.acknowledged(1);
      expect(Math.abs(reno.window - (20 + round))).toBeLessThan(0.5);
    }
    reno.timedOut();
    expect(reno.window).toBe(1);
    for (let i = 0; i < 14; i++) reno.acknowledged(1);
    expect(reno.window).toBe(15);
    // Half of 30.x: from here on a segment per window again.
    reno.acknowledged(3);
    expect(reno.window).toBeCloseTo(15.2);
  });

  /** Drives CUBIC with whole windows, a round trip apart; the window after each. */
  function drive(cubic: Cubic, from: number, rtt: number, rounds: number): number[] {
    const windows: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = Math.floor(cubic.window); i > 0; i--) {
        cubic.acknowledged(1, from + round * rtt, rtt);
      }
      windows.push(cubic.window);
    }
    return windows;
  }

  it('follows C (t - K)^3 + W_max under CUBIC after a loss (RFC 9438 4.2)', () => {
    const cubic = new Cubic(1000);
    cubic.lost();
    expect([cubic.window, cubic.threshold]).toEqual([700, 700]);
    const rtt = 100 * PS_PER_MS;
    const k = Math.cbrt((1000 - 700) / 0.4);
    const windows = drive(cubic, 5 * PS_PER_S, rtt, 150);
    windows.forEach((window, round) => {
      const t = (round + 1) * 0.1;
      const x = t - k;
      const formula = 0.4 * x * x * x + 1000;
      expect(Math.abs(window - formula) / formula, `round ${round}`).toBeLessThan(0.02);
    });
    // Concave up to the plateau at K = 9.1 s, convex behind it.
    expect(windows[Math.round(k * 10)]).toBeGreaterThan(990);
    expect(windows[Math.round(k * 10)]).toBeLessThan(1010);
  });

  it('is as fast as Reno under CUBIC where that is faster: short round trips (RFC 9438 4.3)', () => {
    const cubic = new Cubic(20);
    cubic.lost();
    const rtt = 100_000_000;
    const alpha = (3 * 0.3) / 1.7;
    const windows = drive(cubic, PS_PER_S, rtt, 12);
    windows.forEach((window, round) => {
      const expected = 14 + alpha * (round + 1);
      if (expected < 20) expect(Math.abs(window - expected), `round ${round}`).toBeLessThan(0.5);
    });
    const [before, after] = drive(cubic, PS_PER_S + 12 * rtt, rtt, 2);
    // Beyond the window before the loss, a segment per round trip.
    expect(after! - before!).toBeGreaterThan(0.9);
    expect(after! - before!).toBeLessThanOrEqual(1.01);
  });

  it('remembers less than its peak under CUBIC if the peaks fall: fast convergence', () => {
    const [once, twice] = [new Cubic(1000), new Cubic(1000)];
    once.lost();
    twice.lost();
    twice.lost();
    expect(twice.window).toBeCloseTo(490);
    const rtt = 50 * PS_PER_MS;
    const plateau = 700 * 0.85;
    const k = Math.cbrt((plateau - 490) / 0.4);
    const windows = drive(twice, 0, rtt, Math.round(k / 0.05));
    expect(windows.at(-1)).toBeGreaterThan(plateau * 0.98);
    expect(windows.at(-1)).toBeLessThan(plateau * 1.02);
  });

  it('has a cube root of its own that is exact to a bit or two', () => {
    for (let i = 1; i < 3000; i++) {
      const value = (i * i) / 7;
      const root = cubeRoot(value);
      expect(Math.abs(root * root * root - value) / value).toBeLessThan(1e-15 * 8);
    }
    expect(cubeRoot(0)).toBe(0);
    expect(cubeRoot(1e-9)).toBeCloseTo(1e-3, 12);
    expect(cubeRoot(27)).toBe(3);
  });
});
