/** UDP, groups and neighbours. */
import { describe, expect, it } from 'vitest';
import type { UdpSocket } from '../../../../node/model/net/udp-socket.js';
import { PS_PER_MS, PS_PER_S } from '../../../../units/time.js';
import { ADDRESS, MAC, ok, pattern, WirePair } from './wire-pair.js';

const GROUP = 0xe8010203;

function receive(socket: UdpSocket, max = 2000): Uint8Array | undefined {
  const bytes = new Uint8Array(max);
  const length = socket.receive(bytes, 0, max);
  return length < 0 ? undefined : bytes.subarray(0, Math.min(length, max));
}

describe('a UDP socket', () => {
  it('keeps datagrams apart and in order, and says who sent each', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    const receiver = ok(pair.stacks[1].openUdp(5000));
    const sizes = [0, 1, 100, 1472, 7];
    for (const size of sizes) {
      expect(sender.sendTo(ADDRESS[1], 5000, pattern(1500), 3, size, 0)).toBe(0);
    }
    pair.run(PS_PER_S);
    for (const size of sizes) {
      expect(receiver.nextLength).toBe(size);
      expect(receive(receiver)).toEqual(pattern(1500).slice(3, 3 + size));
      expect(receiver.lastSource).toEqual({ ipv4: ADDRESS[0], port: sender.localPort });
    }
    expect(receive(receiver)).toBeUndefined();
  });

  it('writes its frame byte for byte, and pads it with zeros', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(1234));
    sender.sendTo(ADDRESS[1], 5678, Uint8Array.of(1, 2, 3), 0, 3, 0);
    pair.run(PS_PER_S);
    const { bytes, headerLength, socket } = pair.sent.at(-1)!;
    expect({ headerLength, socket }).toEqual({ headerLength: 42, socket: sender.id });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '020000000001' +
        '020000000000' +
        '0800' +
        '4500001f00004000401126cc0a0000010a000002' +
        '04d2162e000bccd3' +
        '010203' +
        '00'.repeat(15),
    );
  });

  it('cuts what does not fit the reader, refuses what does not fit a packet', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    const receiver = ok(pair.stacks[1].openUdp(5000));
    expect(sender.sendTo(ADDRESS[1], 5000, pattern(1500), 0, 1473, 0)).toBe('EMSGSIZE');
    expect(sender.sendTo(ADDRESS[1], 0, pattern(1500), 0, 1, 0)).toBe('EINVAL');
    sender.sendTo(ADDRESS[1], 5000, pattern(100), 0, 100, 0);
    sender.sendTo(ADDRESS[1], 5000, pattern(5), 0, 5, 0);
    pair.run(PS_PER_S);
    const bytes = new Uint8Array(20);
    expect(receiver.receive(bytes, 2, 10)).toBe(100);
    expect(bytes).toEqual(Uint8Array.of(0, 0, ...pattern(10), ...new Uint8Array(8)));
    expect(receive(receiver)).toEqual(pattern(5));
  });

  it('drops what its receive buffer has no room for, and counts it', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    const receiver = ok(pair.stacks[1].openUdp(5000));
    receiver.receiveBuffer = 4000;
    for (let i = 0; i < 10; i++) sender.sendTo(ADDRESS[1], 5000, pattern(200), 0, 200, 0);
    pair.run(PS_PER_S);
    expect(receiver.pending).toBe(4);
    expect(receiver.dropped).toBe(6);
    expect(pair.stacks[1].counters).toMatchObject({
      udp_in_datagrams: 4,
      udp_receive_buffer_errors: 6,
      udp_in_errors: 6,
    });
  });

  it('counts datagrams to ports that nobody has', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    sender.sendTo(ADDRESS[1], 9, pattern(1), 0, 1, 0);
    pair.run(PS_PER_S);
    expect(pair.stacks[1].counters.udp_no_port).toBe(1);
  });

  it('has its port for itself, unless all say that they share it', () => {
    const [stack] = new WirePair().stacks;
    ok(stack.openUdp(5000));
    expect(stack.openUdp(5000)).toBe('EADDRINUSE');
    expect(stack.openUdp(5000, true)).toBe('EADDRINUSE');
    const first = ok(stack.openUdp(6000, true));
    ok(stack.openUdp(6000, true));
    expect(stack.openUdp(6000)).toBe('EADDRINUSE');
    expect(stack.openUdp(70_000)).toBe('EINVAL');
    first.close();
    expect(stack.socket(first.id)).toBeUndefined();
    const any = new Set(Array.from({ length: 200 }, () => ok(stack.openUdp(0)).localPort));
    expect(any.size).toBe(200);
  });

  it('says ENOBUFS when the device has no room', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    sender.sendTo(ADDRESS[1], 9, pattern(1), 0, 1, 0);
    pair.run(PS_PER_S);
    pair.deviceRoom[0] = 0;
    expect(sender.sendTo(ADDRESS[1], 9, pattern(1), 0, 1, pair.now)).toBe('ENOBUFS');
  });
});

describe('groups', () => {
  it('reach the sockets that joined them, each with its own copy, and no others', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    const members = [
      ok(pair.stacks[1].openUdp(5000, true)),
      ok(pair.stacks[1].openUdp(5000, true)),
    ];
    const other = ok(pair.stacks[1].openUdp(5000, true));
    for (const member of members) expect(member.join(GROUP)).toBe(0);
    expect(members[0]!.join(GROUP)).toBe('EADDRINUSE');
    expect(members[0]!.join(ADDRESS[1])).toBe('EINVAL');
    sender.sendTo(GROUP, 5000, pattern(10), 0, 10, 0);
    pair.run(PS_PER_MS);
    expect(pair.sent.at(-1)!.bytes.subarray(0, 6)).toEqual(
      Uint8Array.of(0x01, 0x00, 0x5e, 0x01, 0x02, 0x03),
    );
    expect(members.map((member) => receive(member))).toEqual([pattern(10), pattern(10)]);
    expect(other.pending).toBe(0);
    members[0]!.leave(GROUP);
    expect(members[0]!.leave(GROUP)).toBe('EADDRNOTAVAIL');
    sender.sendTo(GROUP, 5000, pattern(10), 0, 10, pair.now);
    pair.run(2 * PS_PER_MS);
    expect(members.map((member) => member.pending)).toEqual([0, 1]);
    members[1]!.close();
    sender.sendTo(GROUP, 5000, pattern(10), 0, 10, pair.now);
    pair.run(3 * PS_PER_MS);
    expect(pair.stacks[1].counters.ip_in_address_errors).toBe(1);
  });

  it('are reported with IGMPv3 when the first joins and the last leaves', () => {
    const pair = new WirePair();
    const [first, second] = [
      ok(pair.stacks[1].openUdp(1, true)),
      ok(pair.stacks[1].openUdp(1, true)),
    ];
    first.join(GROUP);
    second.join(GROUP);
    first.close();
    second.leave(GROUP);
    const reports = pair.sent.map(({ bytes }) =>
      Buffer.from(bytes.subarray(46, 54)).toString('hex'),
    );
    expect(reports).toEqual(['04000000e8010203', '03000000e8010203']);
  });
});

describe('neighbours', () => {
  it('are asked for once while datagrams wait, and heard of from requests', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    const receiver = ok(pair.stacks[1].openUdp(5000));
    for (let i = 0; i < 3; i++) sender.sendTo(ADDRESS[1], 5000, pattern(i + 1), 0, i + 1, 0);
    pair.run(PS_PER_MS);
    expect(receiver.pending).toBe(3);
    receiver.sendTo(ADDRESS[0], sender.localPort, pattern(1), 0, 1, pair.now);
    pair.run(PS_PER_S);
    expect(sender.pending).toBe(1);
    expect(pair.stacks.map(({ counters }) => counters.arp_requests)).toEqual([1, 0]);
  });

  it('lose what waits for them when nobody answers', () => {
    const pair = new WirePair();
    const sender = ok(pair.stacks[0].openUdp(0));
    for (let i = 0; i < 70; i++) {
      // Beyond 64 the oldest gives way: a program that sends must not wait for what may never come.
      expect(sender.sendTo(0x0a000063, 5000, pattern(1), 0, 1, 0)).toBe(0);
      expect(pair.stacks[0].counters.ip_out_no_neighbour).toBe(Math.max(0, i - 63));
    }
    pair.run();
    expect(pair.stacks[0].counters).toMatchObject({
      arp_requests: 3,
      arp_failures: 1,
      ip_out_no_neighbour: 70,
      udp_out_datagrams: 0,
    });
    expect(sender.sendTo(0x0a000063, 5000, pattern(1), 0, 1, pair.now)).toBe(0);
  });

  it('come from another table where one is given, and nothing is asked on the wire', () => {
    const pair = new WirePair(1, {
      neighbour: (ipv4) => (ipv4 === ADDRESS[1] ? MAC[1] : -1),
    });
    const sender = ok(pair.stacks[0].openUdp(0));
    const receiver = ok(pair.stacks[1].openUdp(5000));
    expect(sender.sendTo(0x0a000063, 5000, pattern(1), 0, 1, 0)).toBe('EHOSTUNREACH');
    expect(pair.stacks[0].connect(0x0a000063, 80, 0)).toBe('EHOSTUNREACH');
    expect(sender.sendTo(ADDRESS[1], 5000, pattern(1), 0, 1, 0)).toBe(0);
    // Side 1's table has nobody; it goes by the frames that came.
    const { client, server } = pair.connection();
    expect([client.state, server.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
    expect(receiver.pending).toBe(1);
    expect(pair.sent.filter(({ bytes }) => bytes[13] === 6)).toEqual([]);
  });
});
