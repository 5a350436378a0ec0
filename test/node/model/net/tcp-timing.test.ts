/** When TCP's segments leave: acknowledgments, retransmissions, probes. */
import { describe, expect, it } from 'vitest';
import type { TcpSocket } from '../../../../node/model/net/tcp-socket.js';
import { PS_PER_MS, PS_PER_S, PS_PER_US } from '../../../../units/time.js';
import { isTcp, pattern, readAll, readSegment, WirePair, type SentFrame } from './wire-pair.js';

const MSS = 1448;

const lengthOf = (frame: SentFrame): number =>
  isTcp(frame) ? readSegment(frame).payload.length : 0;

/** Sends `count` requests of `size` bytes from client to server, a pause apart. */
function send(pair: WirePair, socket: TcpSocket, size: number, count: number, pause: number): void {
  for (let i = 0; i < count; i++) {
    socket.send(pattern(size), 0, size, pair.now);
    pair.run(pair.now + pause);
  }
}

/** Pure ACKs of side 1 since the frames were cleared. */
const acksOf = (pair: WirePair): number[] =>
  pair
    .segments()
    .filter(({ from, flags, payload }) => from === 1 && flags === 'ACK' && payload.length === 0)
    .map(({ at }) => at);

describe('acknowledgments', () => {
  it('leave at once for the first 16 segments, then for every second full one', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    pair.run(PS_PER_S);
    pair.sent.length = 0;
    client.setNoDelay(true, pair.now);
    send(pair, client, MSS, 16, PS_PER_MS);
    expect(acksOf(pair).length).toBe(16);
    pair.sent.length = 0;
    for (let i = 0; i < 6; i++) client.send(pattern(MSS), 0, MSS, pair.now);
    const start = pair.now;
    pair.run(pair.now + PS_PER_MS);
    expect(acksOf(pair)).toEqual(Array(3).fill(start + pair.delay));
  });

  it('wait 40 ms for an answer once the program answers, and travel with it if it comes', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.run(PS_PER_S);
    // The first answer makes the conversation interactive.
    for (let i = 0; i < 3; i++) {
      send(pair, client, 100, 1, PS_PER_MS);
      readAll(server, pair.now);
      server.send(pattern(50), 0, 50, pair.now);
      pair.run(pair.now + PS_PER_MS);
      readAll(client, pair.now);
    }
    pair.sent.length = 0;
    const start = pair.now;
    send(pair, client, 100, 1, 30 * PS_PER_MS);
    expect(acksOf(pair)).toEqual([]);
    readAll(server, pair.now);
    server.send(pattern(50), 0, 50, pair.now);
    pair.run(pair.now + 5 * PS_PER_MS);
    expect(acksOf(pair)).toEqual([]);
    const asked = pair.now;
    expect(asked).toBeLessThan(start + 40 * PS_PER_MS);
    send(pair, client, 100, 1, PS_PER_S);
    expect(acksOf(pair)).toEqual([asked + pair.delay + 40 * PS_PER_MS]);
    expect(pair.stacks[1].counters.tcp_delayed_acks).toBe(1);
  });

  it('leave when the program has read all of a short segment', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    send(pair, client, 400, 20, PS_PER_MS);
    readAll(server, pair.now);
    // A pause longer than the RTO would begin with quick ACKs again.
    pair.run(pair.now + 100 * PS_PER_MS);
    pair.sent.length = 0;
    client.send(pattern(100), 0, 100, pair.now);
    pair.run(pair.now + PS_PER_MS);
    expect(acksOf(pair)).toEqual([]);
    readAll(server, pair.now);
    expect(acksOf(pair)).toEqual([pair.now]);
  });

  it('do not wait when a gap is filled', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    client.setNoDelay(true, pair.now);
    for (let i = 0; i < 3; i++) {
      send(pair, client, 1000, 1, PS_PER_MS);
      readAll(server, pair.now);
      server.send(pattern(50), 0, 50, pair.now);
      pair.run(pair.now + PS_PER_MS);
    }
    let number = 0;
    pair.filter = (frame) => frame.from === 1 || ++number !== 1;
    pair.sent.length = 0;
    client.send(pattern(200), 0, 100, pair.now);
    client.send(pattern(200), 100, 100, pair.now);
    pair.run(pair.now + PS_PER_S);
    const again = pair.segments().filter(({ from }) => from === 0)[2]!;
    expect(acksOf(pair)[1]).toBe(again.at + pair.delay);
  });

  it('never wait with TCP_QUICKACK', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    server.setQuickAck(true, pair.now);
    pair.sent.length = 0;
    send(pair, client, 100, 40, PS_PER_MS);
    expect(acksOf(pair).length).toBe(40);
  });
});

describe('Nagle', () => {
  it('lets one short segment be out, and collects what follows', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.run(PS_PER_S);
    pair.sent.length = 0;
    for (let i = 0; i < 10; i++) client.send(pattern(100), 0, 100, pair.now);
    pair.run(pair.now + PS_PER_S);
    expect(pair.sent.map(lengthOf).filter((length) => length > 0)).toEqual([100, 900]);
    expect(readAll(server, pair.now).length).toBe(1000);
    // Full segments do not wait, and the short one behind them may go (Minshall).
    pair.sent.length = 0;
    client.send(pattern(2 * MSS + 10), 0, 2 * MSS + 10, pair.now);
    expect(pair.sent.map(lengthOf)).toEqual([MSS, MSS, 10]);
  });

  it('is off with TCP_NODELAY', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    client.setNoDelay(true, pair.now);
    pair.sent.length = 0;
    for (let i = 0; i < 5; i++) client.send(pattern(100), 0, 100, pair.now);
    expect(pair.sent.map(lengthOf)).toEqual([100, 100, 100, 100, 100]);
  });
});

describe('the retransmission timer', () => {
  it('expires 200 ms beyond the round trip, and doubles up to 120 s until ETIMEDOUT', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    // While ACKs come at once, the round trip is the wire's.
    send(pair, client, 100, 15, PS_PER_MS);
    pair.run(pair.now + PS_PER_S);
    pair.sent.length = 0;
    pair.filter = () => false;
    const start = pair.now;
    client.send(pattern(100), 0, 100, pair.now);
    pair.run();
    const times = pair.segments().map(({ at }) => at - start);
    expect(times.length).toBe(16);
    expect(times[1]! / PS_PER_US).toBeCloseTo(200_000 + 20, 0);
    const intervals = times.slice(1).map((at, i) => at - times[i]!);
    for (let i = 1; i < intervals.length; i++) {
      expect(intervals[i]).toBe(Math.min(2 * intervals[i - 1]!, 120 * PS_PER_S));
    }
    expect(client.error).toBe('ETIMEDOUT');
    // RFC 1122 4.2.3.5 asks for at least 100 s; Linux's 15 retries make 924.6 s.
    expect((pair.now - start) / PS_PER_S).toBeCloseTo(924.6, 0);
    expect(pair.stacks[0].counters).toMatchObject({
      tcp_timeouts: 15,
      tcp_retransmitted_segments: 15,
      tcp_abort_on_timeout: 1,
    });
  });

  it('follows the round trip: srtt + max(200 ms, 4 rttvar)', () => {
    const pair = new WirePair();
    pair.delay = 150 * PS_PER_MS;
    const { client } = pair.connection();
    // The SYN's sample: srtt 300, rttvar 150 ms; so 300 + 600.
    expect(client.sender.rtt.rto / PS_PER_MS).toBe(900);
    send(pair, client, 100, 1, PS_PER_S);
    // The next is the same: rttvar falls by a quarter.
    expect(client.sender.rtt.rto / PS_PER_MS).toBe(750);
    pair.delay = 50 * PS_PER_MS;
    send(pair, client, 100, 1, PS_PER_S);
    // srtt 300 + (100 - 300) / 8; rttvar 112.5 + (200 - 112.5) / 4.
    expect(client.sender.rtt.rto / PS_PER_MS).toBe(275 + 4 * 134.375);
  });

  it('slow-starts from one segment, and sends again what was lost', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.filter = (frame) => lengthOf(frame) === 0;
    const bytes = pattern(10 * MSS);
    client.send(bytes, 0, bytes.length, pair.now);
    pair.run(pair.now + 100 * PS_PER_MS);
    expect(client.sender.sent.inFlight).toBe(10);
    pair.filter = () => true;
    pair.run(pair.now + 150 * PS_PER_MS);
    expect(readAll(server, pair.now)).toEqual(bytes);
    expect(client.sender.recovery.state).toBe('open');
    expect(pair.stacks[0].counters).toMatchObject({
      tcp_timeouts: 1,
      tcp_retransmitted_segments: 10,
    });
  });

  it('begins anew with every ACK of something new (RFC 6298 5.3)', () => {
    const pair = new WirePair();
    pair.delay = 90 * PS_PER_MS;
    const { client } = pair.connection();
    client.setNoDelay(true, pair.now);
    // Something is always under way, for longer than the timer runs.
    send(pair, client, 100, 60, 50 * PS_PER_MS);
    expect(pair.stacks[0].counters.tcp_timeouts).toBe(0);
  });

  it('halves the window once for what is lost together (RFC 5681 3.1)', () => {
    const pair = new WirePair(1, { congestion: 'reno' });
    const { client } = pair.connection();
    pair.filter = () => false;
    client.send(pattern(10 * MSS), 0, 10 * MSS, pair.now);
    pair.run(pair.now + 10 * PS_PER_S);
    expect(pair.stacks[0].counters.tcp_timeouts).toBeGreaterThan(3);
    expect(client.sender.congestion.threshold).toBe(5);
  });

  it('takes no sample from what was sent twice, but for its timestamp', () => {
    for (const timestamps of [true, false]) {
      const pair = new WirePair(1, { tuning: { timestamps } });
      const { client } = pair.connection();
      const before = client.sender.rtt.smoothed;
      let lost = 0;
      pair.filter = (frame) => lengthOf(frame) === 0 || ++lost > 1;
      send(pair, client, 100, 1, PS_PER_S);
      // The SYN and ACK's round trip of 20 us is all there is; the echo says 0 ms or so.
      expect(client.sender.rtt.smoothed).toBeLessThanOrEqual(before);
      expect(client.sender.rtt.rto > 400 * PS_PER_MS).toBe(!timestamps);
    }
  });
});

describe('fast retransmission', () => {
  /** Ten segments, of which the listed are lost once; the segments sent until half the RTO has passed. */
  function lose(lost: readonly number[], sack: boolean): { pair: WirePair; resent: number[] } {
    const pair = new WirePair(1, { tuning: { sack } });
    const { client, server } = pair.connection();
    const size = sack ? MSS : MSS;
    let number = 0;
    const first = client.sender.next;
    pair.filter = (frame) => lengthOf(frame) === 0 || !lost.includes(++number);
    pair.sent.length = 0;
    client.send(pattern(10 * size), 0, 10 * size, pair.now);
    const start = pair.now;
    pair.run(pair.now + 100 * PS_PER_MS);
    const data = pair.segments().filter(({ payload }) => payload.length > 0);
    const resent = data.slice(10).map(({ tcp }) => 1 + ((tcp.sequence - first) | 0) / MSS);
    expect(readAll(server, pair.now)).toEqual(pattern(10 * size));
    expect(data.at(10)!.at - start).toBe(2 * pair.delay);
    return { pair, resent };
  }

  it.each([
    [[1], true],
    [[1], false],
    [[3], true],
    [[3], false],
    [[2, 5], true],
    [[2, 5], false],
    [[1, 2, 3, 4], true],
    [[1, 2, 3, 4], false],
  ])('sends exactly the lost segments again at the third duplicate: %j, SACK %s', (lost, sack) => {
    const { pair, resent } = lose(lost, sack);
    expect(resent).toEqual(lost);
    expect(pair.stacks[0].counters).toMatchObject({ tcp_fast_retransmits: 1, tcp_timeouts: 0 });
  });

  /** Ten segments, of which the listed are lost the first time; when each of them left again, in ps from the start. */
  function loseTail(lost: readonly number[], sack: boolean): { again: number[]; pair: WirePair } {
    const pair = new WirePair(1, { tuning: { sack } });
    const { client, server } = pair.connection();
    let number = 0;
    pair.filter = (frame) => lengthOf(frame) === 0 || !lost.includes(++number);
    pair.sent.length = 0;
    client.send(pattern(10 * MSS), 0, 10 * MSS, pair.now);
    const start = pair.now;
    pair.run(pair.now + PS_PER_S);
    expect(readAll(server, pair.now)).toEqual(pattern(10 * MSS));
    const data = pair.segments().filter(({ payload }) => payload.length > 0);
    return { pair, again: data.slice(10).map(({ at }) => at - start) };
  }

  it('comes a quarter of a round trip after what was sent later has arrived (RACK)', () => {
    const { pair, again } = loseTail([9], true);
    expect(again).toEqual([2.25 * 2 * pair.delay - 2 * pair.delay]);
    expect(pair.stacks[0].counters).toMatchObject({ tcp_fast_retransmits: 1, tcp_timeouts: 0 });
  });

  it('of the last segments comes by a probe after two round trips and 2 ms (TLP)', () => {
    const { pair, again } = loseTail([7, 8, 9, 10], true);
    // The probe is the last one; what it tells brings the three before it.
    const probe = again[0]! / PS_PER_US;
    expect(probe).toBeGreaterThan(2000 + 2 * 20);
    expect(probe).toBeLessThan(2000 + 3 * 20 + 1);
    expect(again.length).toBe(4);
    expect(again.at(-1)! - again[0]!).toBeLessThan(4 * pair.delay);
    expect(pair.stacks[0].counters).toMatchObject({ tcp_loss_probes: 1, tcp_timeouts: 0 });
  });

  it('of the last segments needs the timer without SACK', () => {
    const { pair, again } = loseTail([9], false);
    expect(again[0]).toBeGreaterThan(200 * PS_PER_MS);
    expect(pair.stacks[0].counters).toMatchObject({ tcp_fast_retransmits: 0, tcp_timeouts: 1 });
  });

  it('is itself found lost by what was sent after it', () => {
    const pair = new WirePair();
    const { client, server } = pair.connection();
    pair.onReadable = (_side, socket) => {
      readAll(socket as TcpSocket, pair.now);
    };
    const first = client.sender.next;
    let times = 0;
    pair.filter = (frame) => {
      if (frame.from === 1 || !isTcp(frame) || readSegment(frame).tcp.sequence !== first)
        return true;
      return ++times > 3;
    };
    client.send(pattern(28_000), 0, 28_000, pair.now);
    for (let i = 0; i < 20; i++) {
      pair.run(pair.now + 20 * PS_PER_US);
      client.send(pattern(MSS), 0, MSS, pair.now);
    }
    pair.run(pair.now + 100 * PS_PER_MS);
    expect(times).toBe(4);
    expect(client.sender.sent.count).toBe(0);
    expect(server.receiver.early.count).toBe(0);
    expect(pair.stacks[0].counters.tcp_timeouts).toBe(0);
  });

  it('tells of ranges in SACK blocks, the newest first, and of duplicates by D-SACK', () => {
    const pair = new WirePair();
    const { client } = pair.connection();
    const first = client.sender.next;
    let number = 0;
    const lost = [1, 3, 5, 7, 8];
    pair.filter = (frame) => lengthOf(frame) === 0 || !lost.includes(++number);
    pair.sent.length = 0;
    client.send(pattern(10 * MSS), 0, 10 * MSS, pair.now);
    pair.run(pair.now + pair.delay);
    const blocks = pair
      .segments()
      .filter(({ from }) => from === 1)
      .map(({ options }) =>
        Array.from(
          options.sack.subarray(0, options.sackBlocks * 2),
          (edge) => ((edge - first) | 0) / MSS,
        ),
      );
    expect(blocks).toEqual([
      [1, 2],
      [3, 4, 1, 2],
      [5, 6, 3, 4, 1, 2],
      [8, 9, 5, 6, 3, 4],
      [8, 10, 5, 6, 3, 4],
    ]);
    pair.run(pair.now + PS_PER_S);
    // Again what has long been acknowledged.
    const again = pair.sent.find((frame) => lengthOf(frame) > 0)!;
    pair.sent.length = 0;
    pair.inject(1, again.bytes);
    pair.run(pair.now + PS_PER_MS);
    const { options, tcp } = pair.segments()[0]!;
    expect(options.sackBlocks).toBe(1);
    expect([...options.sack.subarray(0, 2)]).toEqual([first, (first + MSS) | 0]);
    expect(tcp.acknowledgment).toBe((first + 10 * MSS) | 0);
  });
});
