/** Segments that no honest peer sends: whatever comes, nothing throws, nothing is corrupted, no exchange is endless. */
import { describe, expect, it } from 'vitest';
import type { IpStack } from '../../../../node/model/net/ip-stack.js';
import type { TcpSocket } from '../../../../node/model/net/tcp-socket.js';
import { RandomStream } from '../../../../sim/random.js';
import { PS_PER_MS, PS_PER_S } from '../../../../units/time.js';
import { completeChecksums } from '../../../../wire/checksums.js';
import { TCP_FLAG } from '../../../../wire/tcp.js';
import { ADDRESS, ok, pattern, readAll, WirePair } from './wire-pair.js';

interface Forged {
  sequence: number;
  acknowledgment: number;
  flags: number;
  window?: number;
  options?: Uint8Array;
  payload?: Uint8Array;
  sourcePort: number;
  destinationPort: number;
}

/** A segment from side 0 to side 1, or back, with right checksums. */
function forge(to: number, segment: Forged): Uint8Array {
  const options = segment.options ?? new Uint8Array(0);
  const payload = segment.payload ?? new Uint8Array(0);
  const header = 20 + Math.ceil(options.length / 4) * 4;
  const bytes = new Uint8Array(Math.max(60, 34 + header + payload.length));
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, 1 - to, 8, 0, 0x45], 0);
  view.setUint16(16, 20 + header + payload.length);
  view.setUint16(20, 0x4000);
  bytes.set([64, 6], 22);
  view.setUint32(26, ADDRESS[1 - to]!);
  view.setUint32(30, ADDRESS[to]!);
  view.setUint16(34, segment.sourcePort);
  view.setUint16(36, segment.destinationPort);
  view.setInt32(38, segment.sequence);
  view.setInt32(42, segment.acknowledgment);
  view.setUint16(46, ((header / 4) << 12) | segment.flags);
  view.setUint16(48, segment.window ?? 1000);
  bytes.set(options, 54);
  bytes.set(payload, 34 + header);
  completeChecksums(bytes, view, 0, bytes.length);
  return bytes;
}

/** To `server`, from its peer. */
const toServer = (server: TcpSocket, segment: Partial<Forged>): Uint8Array =>
  forge(1, {
    sequence: server.receiver.next,
    acknowledgment: server.sender.next,
    flags: TCP_FLAG.ACK,
    options: stamp(server),
    sourcePort: server.remotePort,
    destinationPort: server.localPort,
    ...segment,
  });

/** A timestamp option that PAWS lets pass. */
function stamp(socket: TcpSocket, age = 0): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set([1, 1, 8, 10]);
  new DataView(bytes.buffer).setInt32(4, socket.receiver.recentTimestamp - age);
  return bytes;
}

const counters = (stack: IpStack): Record<string, number> => stack.counters;

describe('a segment that does not belong', () => {
  it('with RST in the window but not at its edge is challenged; at the edge it resets (RFC 5961 3)', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.run(PS_PER_S);
    pair.sent.length = 0;
    const next = server.receiver.next;
    pair.inject(1, toServer(server, { flags: TCP_FLAG.RST, sequence: (next + 100) | 0 }));
    pair.inject(1, toServer(server, { flags: TCP_FLAG.RST, sequence: (next - 70_000) | 0 }));
    pair.run(pair.now + PS_PER_MS);
    expect(server.state).toBe('ESTABLISHED');
    expect(pair.segments().map(({ flags }) => flags)).toEqual(['ACK']);
    expect(counters(pair.stacks[1])['tcp_challenge_acks']).toBe(1);
    pair.inject(1, toServer(server, { flags: TCP_FLAG.RST, sequence: next }));
    pair.run(pair.now + PS_PER_MS);
    expect(server.error).toBe('ECONNRESET');
    expect(client.state).toBe('ESTABLISHED');
    // What the other side sends then is refused, and so it learns of it.
    client.send(pattern(10), 0, 10, pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect(client.error).toBe('ECONNRESET');
  });

  it('with SYN is challenged, wherever it lies (RFC 5961 4)', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    for (const [i, distance] of [0, 100, -5000, 0x7fffffff].entries()) {
      pair.sent.length = 0;
      pair.inject(
        1,
        toServer(server, { flags: TCP_FLAG.SYN, sequence: server.receiver.next + distance }),
      );
      pair.run(pair.now + PS_PER_S);
      expect(pair.segments().map(({ flags }) => flags)).toEqual(['ACK']);
      expect(counters(pair.stacks[1])['tcp_challenge_acks']).toBe(i + 1);
      expect(server.state).toBe('ESTABLISHED');
    }
  });

  it('with an ACK of what was never sent is challenged and brings no data (RFC 5961 5)', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    const payload = pattern(10);
    const acknowledgment = (server.sender.next + 1) | 0;
    pair.inject(1, toServer(server, { acknowledgment, payload }));
    pair.inject(1, toServer(server, { acknowledgment: server.sender.una - 200_000, payload }));
    pair.run(pair.now + PS_PER_MS);
    expect(server.readableBytes).toBe(0);
    expect(counters(pair.stacks[1])['tcp_challenge_acks']).toBe(1);
    pair.inject(1, toServer(server, { payload }));
    pair.run(pair.now + PS_PER_MS);
    expect(readAll(server, pair.now)).toEqual(payload);
  });

  it('with an old timestamp is acknowledged and dropped (PAWS, RFC 7323 5)', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    pair.sent.length = 0;
    pair.inject(1, toServer(server, { options: stamp(server, 1), payload: pattern(10) }));
    pair.run(pair.now + PS_PER_MS);
    expect(server.readableBytes).toBe(0);
    expect(pair.segments().map(({ flags }) => flags)).toEqual(['ACK']);
    expect(counters(pair.stacks[1])['tcp_paws_rejected']).toBe(1);
  });

  it('with a newer timestamp beyond a gap does not make what fills the gap look old', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    const { next } = server.receiver;
    const newer = stamp(server, -10);
    const older = stamp(server);
    pair.inject(
      1,
      toServer(server, { sequence: (next + 10) | 0, options: newer, payload: pattern(10) }),
    );
    pair.run(pair.now + PS_PER_MS);
    pair.inject(1, toServer(server, { sequence: next, options: older, payload: pattern(10) }));
    pair.run(pair.now + PS_PER_MS);
    expect(server.readableBytes).toBe(20);
    expect(counters(pair.stacks[1])['tcp_paws_rejected']).toBe(0);
  });

  it('that reaches beyond the window is taken up to its edge', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    const { next, offered } = server.receiver;
    const sequence = (next + offered - 10) | 0;
    pair.inject(1, toServer(server, { sequence, payload: pattern(100) }));
    pair.inject(
      1,
      toServer(server, { sequence: (next + offered + 200) | 0, payload: pattern(100) }),
    );
    pair.run(pair.now + PS_PER_MS);
    expect(server.receiver.early.bytes).toBe(10);
  });

  it('is answered once in 500 ms, so that two stacks that disagree do not answer each other endlessly', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.run(PS_PER_S);
    // Each believes that the other is far behind.
    client.sender.una = client.sender.next = (client.sender.next + 1_000_000) | 0;
    server.sender.una = server.sender.next = (server.sender.next + 1_000_000) | 0;
    pair.sent.length = 0;
    pair.inject(1, toServer(server, { sequence: client.sender.next }));
    pair.run(pair.now + 10 * PS_PER_S);
    expect(pair.sent.length).toBeLessThan(45);
  });

  it('in TIME_WAIT is acknowledged; a newer SYN begins a new connection (RFC 6191)', () => {
    const pair = new WirePair();
    const listener = ok(pair.stacks[1].listen(80, 4));
    const client = ok(pair.stacks[0].connect(ADDRESS[1], 80, 0, 1234));
    pair.run(PS_PER_S);
    const server = listener.accept()!;
    server.close(pair.now);
    pair.run(pair.now + PS_PER_MS);
    client.close(pair.now);
    pair.run(pair.now + PS_PER_S);
    expect([client.state, server.state]).toEqual(['CLOSED', 'TIME_WAIT']);
    pair.sent.length = 0;
    // The closed side's reset of our ACK would end TIME_WAIT early, as Linux lets it (RFC 1337 advises against).
    pair.filter = ({ from }) => from === 1;
    pair.inject(1, toServer(server, { payload: pattern(1), sequence: server.receiver.next - 1 }));
    pair.run(pair.now + PS_PER_S);
    expect(pair.segments().map(({ flags }) => flags)).toEqual(['ACK', 'RST']);
    expect(server.state).toBe('TIME_WAIT');
    pair.filter = () => true;
    const again = ok(pair.stacks[0].connect(ADDRESS[1], 80, pair.now, 1234));
    pair.run(pair.now + PS_PER_S);
    expect(again.state).toBe('ESTABLISHED');
    expect(server.state).toBe('CLOSED');
  });

  it('to a listener with ACK is reset, without SYN ignored', () => {
    const pair = new WirePair();
    ok(pair.stacks[1].listen(80, 1));
    const segment = { sequence: 5, acknowledgment: 77, sourcePort: 9, destinationPort: 80 };
    pair.inject(1, forge(1, { ...segment, flags: TCP_FLAG.ACK }));
    pair.inject(1, forge(1, { ...segment, flags: 0 }));
    pair.inject(1, forge(1, { ...segment, flags: TCP_FLAG.RST }));
    pair.inject(1, forge(1, { ...segment, flags: TCP_FLAG.FIN }));
    pair.run(PS_PER_S);
    expect(pair.segments().map(({ flags, tcp }) => [flags, tcp.sequence])).toEqual([['RST', 77]]);
  });
});

describe('a flood', () => {
  it('of SYNs opens no more connections than the backlog lets wait', () => {
    const pair = new WirePair();
    const listener = ok(pair.stacks[1].listen(80, 4));
    pair.filter = ({ from }) => from === 0;
    for (let i = 0; i < 1000; i++) {
      const segment = { sequence: i, acknowledgment: 0, flags: TCP_FLAG.SYN, destinationPort: 80 };
      pair.inject(1, forge(1, { ...segment, sourcePort: 1000 + i }));
    }
    pair.run(PS_PER_MS);
    expect(listener.opening.size).toBeLessThan(20);
    expect(counters(pair.stacks[1])['tcp_listen_overflows']).toBeGreaterThan(900);
    pair.run();
    // Their retries over, they are gone without a trace.
    expect(listener.opening.size).toBe(0);
    expect(pair.stacks[1].socket(listener.id + 1)).toBeUndefined();
  });

  it('of single bytes beyond gaps is held within the window and 256 ranges', () => {
    const pair = new WirePair();
    const { server } = pair.connection();
    pair.run(PS_PER_S);
    pair.filter = () => false;
    const { next } = server.receiver;
    for (let i = 1; i < 2000; i++) {
      pair.inject(1, toServer(server, { sequence: (next + 2 * i) | 0, payload: pattern(1) }));
    }
    pair.run(pair.now + PS_PER_MS);
    expect(server.receiver.early.count).toBe(256);
    expect(counters(pair.stacks[1])['tcp_out_of_order_dropped']).toBe(1999 - 256);
    expect(server.readableBytes).toBe(0);
  });
});

describe('random frames', () => {
  const FLAGS = Object.values(TCP_FLAG);

  /** Mostly near what the socket expects, as wild numbers are soon dropped. */
  function wild(random: RandomStream, to: number, socket: TcpSocket): Uint8Array {
    const near = (value: number): number =>
      random.below(4) === 0 ? random.word() | 0 : (value + random.below(4000) - 2000) | 0;
    let flags: number = random.below(4) > 0 ? TCP_FLAG.ACK : 0;
    for (const flag of FLAGS) if (random.below(6) === 0) flags |= flag;
    const options =
      random.below(3) === 0
        ? Uint8Array.from({ length: 4 * random.below(11) }, () => random.below(16))
        : stamp(socket, random.below(3) - 1);
    return forge(to, {
      sequence: near(socket.receiver.next),
      acknowledgment: near(socket.sender.next),
      flags,
      window: random.below(0x10000),
      options,
      payload: pattern(random.below(3) === 0 ? random.below(1400) : 0, random.below(99)),
      sourcePort: socket.remotePort,
      destinationPort: socket.localPort,
    });
  }

  function assertSane(socket: TcpSocket): void {
    const { sender, receiver } = socket;
    expect((sender.next - sender.una) | 0).toBeGreaterThanOrEqual(0);
    expect(sender.sent.inFlight).toBeGreaterThanOrEqual(0);
    expect(receiver.early.bytes).toBeGreaterThanOrEqual(0);
    expect(receiver.readable).toBeLessThanOrEqual(4 * 65_536);
    for (let i = 0; i < receiver.early.count; i++) {
      expect((receiver.early.start(i) - receiver.next) | 0).toBeGreaterThan(0);
    }
  }

  it('near the window, in every state, break nothing, and both sides come to an end', () => {
    const states = new Set<string>();
    for (let seed = 1; seed <= 150; seed++) {
      const random = new RandomStream(seed, 'hostile');
      const pair = new WirePair(seed);
      const { client, server } = pair.connection();
      const sockets = [client, server];
      for (let round = 0; round < 60; round++) {
        const side = random.below(2);
        const socket = sockets[side]!;
        states.add(socket.state);
        switch (random.below(12)) {
          case 0:
            socket.send(pattern(3000), 0, random.below(3000), pair.now);
            break;
          case 1:
            readAll(socket, pair.now);
            break;
          case 2:
            if (random.below(4) === 0) socket.shutdown(pair.now);
            break;
          case 3:
            if (random.below(8) === 0) socket.close(pair.now);
            break;
          default:
            pair.inject(side, wild(random, side, socket), pair.now + random.below(PS_PER_MS));
        }
        pair.run(pair.now + random.below(5) * PS_PER_MS);
        for (const each of sockets) assertSane(each);
      }
      for (const socket of sockets) {
        readAll(socket, pair.now);
        socket.close(pair.now);
      }
      let steps = 0;
      while (pair.step(Infinity)) if (++steps > 20_000) throw new Error(`seed ${seed}: no end`);
      for (const socket of sockets) {
        expect(['CLOSED', 'TIME_WAIT', 'FIN_WAIT_2'], `seed ${seed}`).toContain(socket.state);
      }
    }
    expect([...states].sort()).toEqual(
      expect.arrayContaining([
        'CLOSE_WAIT',
        'CLOSED',
        'ESTABLISHED',
        'FIN_WAIT_1',
        'FIN_WAIT_2',
        'LAST_ACK',
        'TIME_WAIT',
      ]),
    );
  });

  it('without data, or beyond the window, leave the stream what it was', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new RandomStream(seed, 'blind');
      const pair = new WirePair(seed);
      const { client, server } = pair.connection();
      const bytes = pattern(100_000, seed);
      let received = 0;
      let wrong = 0;
      pair.onReadable = (side) => {
        if (side === 0) return;
        for (const byte of readAll(server, pair.now)) if (byte !== bytes[received++]) wrong++;
      };
      let sent = 0;
      const feed = (): void => {
        sent += client.send(bytes, sent, bytes.length - sent, pair.now);
      };
      pair.onWritable = feed;
      feed();
      for (let round = 0; round < 300; round++) {
        const side = random.below(2);
        const socket = side === 0 ? client : server;
        const hasData = random.below(2) === 0;
        // A blind attacker: of 2^32 sequence numbers, those beyond the window, or in it without data, RST at its edge
        // or FIN.
        const beyond = 8_000_000 + random.below(2 ** 31 - 16_000_000);
        const sequence = (socket.receiver.next + (hasData ? beyond : 1 + random.below(30_000))) | 0;
        let flags: number = TCP_FLAG.ACK;
        if (random.below(4) === 0) flags |= TCP_FLAG.SYN;
        if (random.below(4) === 0) flags |= TCP_FLAG.RST;
        const forged = forge(side, {
          sequence,
          acknowledgment: (socket.sender.next + 1 + random.below(2 ** 31 - 2)) | 0,
          flags,
          options: stamp(socket),
          payload: hasData ? pattern(random.below(1400)) : new Uint8Array(0),
          sourcePort: socket.remotePort,
          destinationPort: socket.localPort,
        });
        pair.inject(side, forged, pair.now + random.below(100) * 1_000_000);
        pair.run(pair.now + PS_PER_MS);
      }
      pair.run(pair.now + 30 * PS_PER_S);
      expect({ received, wrong, state: server.state }, `seed ${seed}`).toEqual({
        received: 100_000,
        wrong: 0,
        state: 'ESTABLISHED',
      });
    }
  });

  it('of any bytes, at any length, from Ethernet up, do not throw', () => {
    const random = new RandomStream(1, 'bytes');
    const pair = new WirePair();
    const { client, server } = pair.connection();
    ok(pair.stacks[1].openUdp(5000)).join(0xe0000001);
    client.send(pattern(3000), 0, 3000, pair.now);
    pair.run(pair.now + PS_PER_S);
    const templates = pair.sent.map(({ bytes }) => bytes);
    let inputs = 0;
    for (let round = 0; round < 30_000; round++) {
      const template = templates[random.below(templates.length)]!;
      const bytes = template.slice(0, random.below(template.length + 1));
      for (let i = random.below(6); i > 0 && bytes.length > 0; i--) {
        bytes[random.below(Math.min(bytes.length, 80))] = random.word() & 0xff;
      }
      const view = new DataView(bytes.buffer);
      // As from a device that has found the checksums right: nothing is known to be wrong.
      for (const stack of pair.stacks) {
        const id = stack.input(bytes, view, 0, bytes.length, pair.now, random.below(2) === 0);
        expect(id).toBeGreaterThanOrEqual(-1);
        inputs++;
      }
    }
    expect(inputs).toBe(60_000);
    for (const each of [client, server]) assertSane(each);
  });
});
