/** How connections begin: the bytes of a handshake, refusals, backlogs, calls that cross. */
import { describe, expect, it } from 'vitest';
import { PS_PER_MS, PS_PER_S } from '../../../../units/time.js';
import { ADDRESS, ok, pattern, readAll, WirePair } from './wire-pair.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const word = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
const half = (value: number): string => value.toString(16).padStart(4, '0');

describe('the handshake', () => {
  it('has the bytes that Linux would send', () => {
    const pair = new WirePair(5);
    pair.connection(80);
    const [request, reply, syn, synAck, ack] = pair.sent.map(({ bytes }) => hex(bytes));
    const [first, second] = ['020000000000', '020000000001'];
    expect(request).toBe(
      `ffffffffffff${first}0806` +
        `0001080006040001${first}0a000001${'0'.repeat(12)}0a000002${'0'.repeat(36)}`,
    );
    expect(reply).toBe(
      `${first}${second}0806` +
        `0001080006040002${second}0a000002${first}0a000001${'0'.repeat(36)}`,
    );
    const [client, server] = pair.segments();
    const port = half(client!.tcp.sourcePort);
    const isn = [word(client!.tcp.sequence), word(server!.tcp.sequence)] as const;
    const clock = [
      word(client!.options.timestampValue),
      word(server!.options.timestampValue),
    ] as const;
    const ip = (frame: string, length: number, from: string, to: string): string =>
      `4500${half(length)}${frame.slice(36, 40)}40004006${frame.slice(48, 52)}${from}${to}`;
    const checksum = (frame: string): string => frame.slice(100, 104);
    const [near, far] = ['0a000001', '0a000002'];
    // SYN: offset 10 words, window 64240, MSS 1460, SACK permitted and timestamps, NOP, window scale 7.
    expect(syn).toBe(
      `${second}${first}0800${ip(syn!, 60, near, far)}` +
        `${port}0050${isn[0]}00000000a002faf0${checksum(syn!)}0000` +
        `020405b40402080a${clock[0]}0000000001030307`,
    );
    const next = word(client!.tcp.sequence + 1);
    expect(synAck).toBe(
      `${first}${second}0800${ip(synAck!, 60, far, near)}` +
        `0050${port}${isn[1]}${next}a012faf0${checksum(synAck!)}0000` +
        `020405b40402080a${clock[1]}${clock[0]}01030307`,
    );
    // The window of an ACK is scaled: 502 * 128 = 64256.
    expect(ack).toBe(
      `${second}${first}0800${ip(ack!, 52, near, far)}` +
        `${port}0050${next}${word(server!.tcp.sequence + 1)}801001f6${checksum(ack!)}0000` +
        `0101080a${clock[0]}${clock[1]}`,
    );
  });

  it('takes up only what both sides offer', () => {
    const pair = new WirePair(6, { tuning: { timestamps: false, sack: false } });
    pair.connection();
    const [syn, synAck, ack] = pair.segments();
    expect(syn!.tcp.headerLength).toBe(28);
    expect(synAck!.options).toMatchObject({ mss: 1460, scale: 7, sackPermitted: false });
    expect(ack!.tcp.headerLength).toBe(20);
  });

  it('is tried again after 1, 3, 7, ... 63 s, and given up after 127 s', () => {
    const pair = new WirePair(7);
    pair.connection(80);
    pair.run(PS_PER_S);
    const start = pair.now;
    pair.sent.length = 0;
    pair.filter = () => false;
    const client = pair.connect(80);
    pair.run();
    expect(pair.sent.map(({ at }) => (at - start) / PS_PER_S)).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect((pair.now - start) / PS_PER_S).toBe(127);
    expect(client.error).toBe('ETIMEDOUT');
    expect(client.state).toBe('CLOSED');
  });

  it('is refused where nobody listens', () => {
    const pair = new WirePair(8);
    const client = pair.connect(81);
    pair.run();
    expect(client.error).toBe('ECONNREFUSED');
    expect(pair.events).toEqual(['0 failed ECONNREFUSED']);
    const reset = pair.segments()[1]!;
    expect(reset.flags).toBe('RST ACK');
    expect(reset.tcp.acknowledgment).toBe((pair.segments()[0]!.tcp.sequence + 1) | 0);
    expect(pair.stacks[1].counters.tcp_out_resets).toBe(1);
  });

  it('fails with EHOSTUNREACH after three requests for an address that nobody has', () => {
    const pair = new WirePair(9);
    const client = ok(pair.stacks[0].connect(0x0a000063, 80, 0));
    pair.run();
    expect(client.error).toBe('EHOSTUNREACH');
    expect(pair.sent.map(({ at }) => at / PS_PER_S)).toEqual([0, 1, 2]);
    expect(pair.now).toBe(3 * PS_PER_S);
  });

  it('lets a backlog of n hold n + 1 connections; one more finds room when one is accepted', () => {
    const pair = new WirePair(10);
    const listener = ok(pair.stacks[1].listen(80, 1));
    const clients = [0, 1, 2].map(() => pair.connect(80));
    pair.run(500 * PS_PER_MS);
    expect(listener.pending).toBe(2);
    expect(pair.stacks[1].counters.tcp_listen_overflows).toBeGreaterThan(0);
    while (listener.accept() !== undefined);
    // The third believes itself connected; its server side comes with the next SYN and ACK.
    pair.run(2 * PS_PER_S);
    expect(listener.pending).toBe(1);
    expect(clients.map(({ state }) => state)).toEqual(Array(3).fill('ESTABLISHED'));
    const last = listener.accept()!;
    const lastClient = clients.find(({ localPort }) => localPort === last.remotePort)!;
    lastClient.send(pattern(10), 0, 10, pair.now);
    pair.run(3 * PS_PER_S);
    expect(readAll(last, pair.now)).toEqual(pattern(10));
  });

  it('connects two that call each other at once', () => {
    const pair = new WirePair(11);
    pair.connection(80);
    const first = ok(pair.stacks[0].connect(ADDRESS[1], 2000, pair.now, 1000));
    const second = ok(pair.stacks[1].connect(ADDRESS[0], 1000, pair.now, 2000));
    pair.run(pair.now + PS_PER_S);
    expect([first.state, second.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
    first.send(pattern(3000), 0, 3000, pair.now);
    second.send(pattern(2000), 0, 2000, pair.now);
    pair.run(pair.now + PS_PER_S);
    expect(readAll(second, pair.now)).toEqual(pattern(3000));
    expect(readAll(first, pair.now)).toEqual(pattern(2000));
  });

  it('keeps ports apart: EADDRINUSE for a second listener and a second equal connection', () => {
    const pair = new WirePair(12);
    ok(pair.stacks[1].listen(80, 1));
    expect(pair.stacks[1].listen(80, 1)).toBe('EADDRINUSE');
    ok(pair.stacks[0].connect(ADDRESS[1], 80, 0, 1234));
    expect(pair.stacks[0].connect(ADDRESS[1], 80, 0, 1234)).toBe('EADDRINUSE');
    expect(pair.stacks[0].connect(ADDRESS[1], 0, 0)).toBe('EINVAL');
    ok(pair.stacks[0].connect(ADDRESS[1], 81, 0, 1234));
  });

  it('waits for room in the device, first come first served', () => {
    const pair = new WirePair(13);
    pair.connection(80);
    pair.run(PS_PER_S);
    pair.sent.length = 0;
    pair.deviceRoom[0] = 0;
    const clients = [0, 1, 2].map(() => pair.connect(80));
    pair.giveRoom(0, 2);
    expect(pair.segments().map(({ tcp }) => tcp.sourcePort)).toEqual(
      clients.slice(0, 2).map(({ localPort }) => localPort),
    );
    pair.giveRoom(0, 100);
    pair.run(pair.now + PS_PER_S);
    expect(clients.map(({ state }) => state)).toEqual(Array(3).fill('ESTABLISHED'));
  });
});

describe('the end of a connection', () => {
  it('takes four segments and leaves TIME_WAIT where it began', () => {
    const pair = new WirePair(14);
    const { client, server } = pair.connection();
    pair.sent.length = 0;
    client.close(pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect([client.state, server.state]).toEqual(['FIN_WAIT_1', 'CLOSE_WAIT']);
    expect(server.peerClosed).toBe(true);
    server.close(pair.now);
    pair.run(pair.now + PS_PER_S);
    expect([client.state, server.state]).toEqual(['TIME_WAIT', 'CLOSED']);
    // The second FIN takes along the ACK of the first.
    expect(pair.segments().map(({ flags }) => flags)).toEqual(['FIN ACK', 'FIN ACK', 'ACK']);
    expect(pair.stacks[1].socket(server.id)).toBeUndefined();
  });

  it('acknowledges a FIN alone after 40 ms, and lets the other side go on sending', () => {
    const pair = new WirePair(15);
    const { client, server } = pair.connection();
    client.shutdown(pair.now);
    pair.run(pair.now + 50 * PS_PER_MS);
    expect([client.state, server.state]).toEqual(['FIN_WAIT_2', 'CLOSE_WAIT']);
    server.send(pattern(5000), 0, 5000, pair.now);
    server.close(pair.now);
    pair.run(pair.now + PS_PER_S);
    expect(readAll(client, pair.now)).toEqual(pattern(5000));
    expect(client.peerClosed).toBe(true);
    expect([client.state, server.state]).toEqual(['TIME_WAIT', 'CLOSED']);
    expect(client.send(pattern(1), 0, 1, pair.now)).toBe(0);
    expect(client.sendError).toBe('EPIPE');
  });

  it('ends both sides in TIME_WAIT when they close at once', () => {
    const pair = new WirePair(16);
    const { client, server } = pair.connection();
    client.close(pair.now);
    server.close(pair.now);
    pair.run(pair.now + PS_PER_S);
    expect([client.state, server.state]).toEqual(['TIME_WAIT', 'TIME_WAIT']);
  });

  it('frees the port after 60 s of TIME_WAIT, for which nothing is scheduled', () => {
    const pair = new WirePair(17);
    ok(pair.stacks[1].listen(80, 1));
    const client = ok(pair.stacks[0].connect(ADDRESS[1], 80, 0, 1234));
    pair.run(PS_PER_S);
    client.close(pair.now);
    const server = ok(pair.stacks[1].listen(81, 1));
    server.close(pair.now);
    pair.run(pair.now + PS_PER_S);
    expect(pair.stacks[0].nextTimer()).toBe(Infinity);
    expect(pair.stacks[0].connect(ADDRESS[1], 80, pair.now, 1234)).toBe('EADDRINUSE');
    pair.now += 60 * PS_PER_S;
    ok(pair.stacks[0].connect(ADDRESS[1], 80, pair.now, 1234));
  });

  it('resets what is closed with unread data, and what is sent to a closed socket', () => {
    const pair = new WirePair(18);
    const { client, server } = pair.connection();
    client.send(pattern(100), 0, 100, pair.now);
    pair.run(pair.now + PS_PER_MS);
    server.close(pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect(pair.segments().at(-1)!.flags).toBe('RST ACK');
    expect(client.error).toBe('ECONNRESET');
    const other = pair.connection(81);
    other.server.close(pair.now);
    pair.run(pair.now + 50 * PS_PER_MS);
    other.client.send(pattern(100), 0, 100, pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect(other.client.error).toBe('EPIPE');
    expect(pair.stacks[1].counters.tcp_abort_on_data).toBe(1);
  });

  it('aborts with a reset that the peer reads as ECONNRESET', () => {
    const pair = new WirePair(19);
    const { client, server } = pair.connection();
    client.abort(pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect([client.state, server.state, server.error]).toEqual(['CLOSED', 'CLOSED', 'ECONNRESET']);
    expect(pair.stacks[0].socket(client.id)).toBeUndefined();
    expect(pair.stacks[1].socket(server.id)).toBe(server);
    server.close(pair.now);
    expect(pair.stacks[1].socket(server.id)).toBeUndefined();
  });
});
