/** The responder against a peer that asks by hand: packets in the wrong order, of the wrong length, or twice. */
import { afterEach, describe, expect, it } from 'vitest';
import { NAK } from '../../../../wire/aeth.js';
import type { Extensions } from '../../../../wire/extension.js';
import type { OpcodeName } from '../../../../wire/opcode-table.js';
import {
  ack,
  answers,
  atomic,
  listens,
  MTU,
  peer,
  PSN,
  received,
  region,
  request,
  reth,
  statuses,
} from './listening-host.js';
import { packetBytes } from './scripted-peer.js';

afterEach(async () => {
  await peer.close();
});

/** A request that comes now, without waiting for what answers it. */
function inject(
  opcode: OpcodeName,
  offset: number,
  payload: Uint8Array | number,
  extensions: Extensions,
): void {
  peer.put({ opcode, psn: PSN + offset, payload, extensions, ackReq: true });
}

describe('the order of PSNs', () => {
  it('rule 111: a gap gets one NAK until it closes', async () => {
    await listens();
    await request('RC_WRITE_ONLY', 1, 4, reth(0, 4));
    await request('RC_WRITE_ONLY', 2, 4, reth(0, 4));
    expect(answers()).toEqual([ack(0, 0, NAK.PSN_SEQUENCE)]);
    await request('RC_WRITE_ONLY', 0, 4, reth(0, 4));
    await request('RC_WRITE_ONLY', 2, 4, reth(0, 4));
    await request('RC_WRITE_ONLY', 3, 4, reth(0, 4));
    expect(answers()).toEqual([ack(0, 1), ack(1, 1, NAK.PSN_SEQUENCE)]);
    expect(peer.counter('out_of_sequence')).toBe(4);
  });

  it('rule 111: a duplicate SEND or WRITE is acknowledged with the last good PSN, and not executed', async () => {
    await listens({ receives: [64, 64] });
    await request('RC_SEND_ONLY', 0, Uint8Array.of(1));
    await request('RC_WRITE_ONLY', 1, Uint8Array.of(1), reth(0, 1));
    await request('RC_WRITE_ONLY', 2, Uint8Array.of(2), reth(0, 1));
    answers();
    await request('RC_WRITE_ONLY', 1, Uint8Array.of(1), reth(0, 1));
    await request('RC_SEND_ONLY', 0, Uint8Array.of(9));
    expect(answers()).toEqual([ack(2, 3), ack(2, 3)]);
    expect(region.bytes[0]).toBe(2);
    expect(region.bytes[32768]).toBe(1);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('rule 111: a duplicate READ is replayed, also from a later response on', async () => {
    await listens();
    await request('RC_READ_REQ', 0, 0, reth(0, 700));
    expect(answers()).toEqual([
      'RC READ_RESP_FIRST 0 1f msn 1',
      'RC READ_RESP_MIDDLE 1',
      'RC READ_RESP_LAST 2 1f msn 1',
    ]);
    await request('RC_READ_REQ', 1, 0, reth(256, 444));
    expect(answers()).toEqual(['RC READ_RESP_FIRST 1 1f msn 1', 'RC READ_RESP_LAST 2 1f msn 1']);
    await request('RC_READ_REQ', 2, 0, reth(512, 100));
    expect(answers()).toEqual(['RC READ_RESP_ONLY 2 1f msn 1']);
  });

  it.each([
    ['of other memory', () => reth(512, 444)],
    ['of more', () => reth(256, 445)],
    ['with another key', () => reth(256, 444, region.rkey ^ 1)],
  ])('rule 111: a duplicate READ %s is dropped', async (_what, extensions) => {
    await listens();
    await request('RC_READ_REQ', 0, 0, reth(0, 700));
    answers();
    await request('RC_READ_REQ', 1, 0, extensions());
    expect(answers()).toEqual([]);
    await request('RC_WRITE_ONLY', 3, 4, reth(0, 4));
    expect(answers()).toEqual([ack(3, 2)]);
  });

  it('rule 106: a duplicate atomic is answered with the first answer, and not done again', async () => {
    await listens();
    region.data.setBigUint64(0, 40n, true);
    await request('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    await request('RC_FETCH_ADD', 1, 0, atomic(0, 2));
    peer.news();
    await request('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    const [again] = peer.news();
    expect(again!.extensions.atomicAck).toEqual({ originalHigh: 0, originalLow: 40 });
    expect(region.data.getBigUint64(0, true)).toBe(44n);
  });

  it('rule 106: as many READs and atomics as max_dest_rd_atomic are remembered', async () => {
    await listens({ maxDestRdAtomic: 2 });
    for (let i = 0; i < 3; i++) await request('RC_FETCH_ADD', i, 0, atomic(0, 1));
    answers();
    await request('RC_FETCH_ADD', 0, 0, atomic(0, 1));
    expect(answers()).toEqual([]);
    await request('RC_FETCH_ADD', 1, 0, atomic(0, 1));
    expect(answers()).toEqual(['RC ATOMIC_ACK 1 1f msn 3']);
    expect(region.data.getBigUint64(0, true)).toBe(3n);
  });

  it.each([
    ['atomic', 'RC_FETCH_ADD', () => atomic(0, 2)],
    ['READ', 'RC_READ_REQ', () => reth(0, 8)],
  ] as const)(
    'rule 101: a further %s while max_dest_rd_atomic are not answered is NAK invalid request',
    async (_what, opcode, extensions) => {
      await listens({ maxDestRdAtomic: 2, overrides: ['nic.atomic=20us'] });
      region.data.setBigUint64(0, 40n, true);
      for (let i = 0; i < 2; i++) inject('RC_FETCH_ADD', i, 0, atomic(0, 2));
      inject(opcode, 2, 0, extensions());
      await peer.run();
      expect(answers()).toEqual([
        'RC ATOMIC_ACK 0 1f msn 1',
        'RC ATOMIC_ACK 1 1f msn 2',
        ack(2, 2, NAK.INVALID_REQUEST),
      ]);
      expect(region.data.getBigUint64(0, true)).toBe(44n);
    },
  );

  it('rule 101: what was answered makes room for another', async () => {
    await listens({ maxDestRdAtomic: 1 });
    for (let i = 0; i < 3; i++) await request('RC_FETCH_ADD', i, 0, atomic(0, 2));
    expect(answers()).toEqual([
      'RC ATOMIC_ACK 0 1f msn 1',
      'RC ATOMIC_ACK 1 1f msn 2',
      'RC ATOMIC_ACK 2 1f msn 3',
    ]);
  });

  it('a duplicate of an atomic that is not done yet gets no answer of its own', async () => {
    await listens({ maxDestRdAtomic: 1, overrides: ['nic.atomic=20us'] });
    for (let i = 0; i < 2; i++) inject('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    await peer.run();
    expect(answers()).toEqual(['RC ATOMIC_ACK 0 1f msn 1']);
  });

  it('rule 115: an ACK in mid-message repeats the old MSN', async () => {
    await listens();
    await request('RC_WRITE_FIRST', 0, MTU, reth(0, 600), true);
    await request('RC_WRITE_MIDDLE', 1, MTU, {}, true);
    await request('RC_WRITE_LAST', 2, 88);
    await request('RC_WRITE_ONLY', 3, 4, reth(0, 4));
    expect(answers()).toEqual([ack(0, 0), ack(1, 0), ack(2, 1), ack(3, 2)]);
  });
});

describe('behind an atomic that is not done yet', () => {
  const slowly = ['nic.atomic=20us'];

  it('a WRITE waits: the atomic finds what was there before, and the WRITE stays', async () => {
    await listens({ overrides: slowly });
    region.data.setBigUint64(0, 40n, true);
    inject('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    inject('RC_WRITE_ONLY', 1, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0), reth(0, 8));
    await peer.run(10e6);
    expect(region.data.getBigUint64(0, true)).toBe(40n);
    await peer.run();
    const [result, ...others] = peer.news();
    expect(result!.extensions.atomicAck!.originalLow).toBe(40);
    expect(others.map(({ bth }) => bth.psn)).toEqual([PSN + 1]);
    expect(region.data.getBigUint64(0, true)).toBe(7n);
  });

  it('a SEND waits: when it completes, the atomic is done', async () => {
    await listens({ overrides: slowly, receives: [64] });
    inject('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    inject('RC_SEND_ONLY', 1, Uint8Array.of(9), {});
    await peer.run(10e6);
    expect(statuses()).toEqual([]);
    await peer.run();
    expect(statuses()).toEqual(['SUCCESS']);
    expect(region.data.getBigUint64(0, true)).toBe(2n);
  });

  it('everything behind what waits waits too, and is executed in order', async () => {
    await listens({ overrides: slowly });
    const one = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    inject('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    inject('RC_WRITE_ONLY', 1, one, reth(0, 8));
    inject('RC_FETCH_ADD', 2, 0, atomic(0, 2));
    inject('RC_READ_REQ', 3, 0, reth(0, 8));
    await peer.run();
    const results = peer.news();
    expect(results.map(({ bth }) => bth.psn & 0xffffff)).toEqual(
      [0, 1, 2, 3].map((i) => (PSN + i) & 0xffffff),
    );
    expect(results[2]!.extensions.atomicAck!.originalLow).toBe(1);
    expect(results[3]!.payload[0]).toBe(3);
  });

  it('what waits is given up when the connection fails', async () => {
    await listens({ overrides: slowly });
    inject('RC_FETCH_ADD', 0, 0, atomic(0, 2));
    inject('RC_WRITE_ONLY', 1, Uint8Array.of(7), reth(0, 1));
    inject('RC_WRITE_ONLY', 2, Uint8Array.of(8), reth(1, 1, region.rkey ^ 1));
    inject('RC_WRITE_ONLY', 3, Uint8Array.of(9), reth(2, 1));
    await peer.run();
    expect([...region.bytes.subarray(0, 3)]).toEqual([7, 0, 0]);
    expect(answers().at(-1)).toBe(ack(2, 2, NAK.REMOTE_ACCESS));
  });
});

describe('the order of opcodes', () => {
  it.each<[string, [OpcodeName, number, boolean][]]>([
    ['a MIDDLE without FIRST', [['RC_WRITE_MIDDLE', MTU, false]]],
    ['a LAST without FIRST', [['RC_SEND_LAST', 4, false]]],
    [
      'an ONLY before LAST',
      [
        ['RC_WRITE_FIRST', MTU, true],
        ['RC_WRITE_ONLY', 4, true],
      ],
    ],
    [
      'a FIRST before LAST',
      [
        ['RC_SEND_FIRST', MTU, false],
        ['RC_SEND_FIRST', MTU, false],
      ],
    ],
    [
      'a READ before LAST',
      [
        ['RC_WRITE_FIRST', MTU, true],
        ['RC_READ_REQ', 0, true],
      ],
    ],
    [
      'a WRITE MIDDLE in a SEND',
      [
        ['RC_SEND_FIRST', MTU, false],
        ['RC_WRITE_MIDDLE', MTU, false],
      ],
    ],
  ])('rule 113: %s is NAK invalid request', async (_what, packets) => {
    await listens({ receives: [1024] });
    for (const [i, [opcode, length, named]] of packets.entries()) {
      await request(opcode, i, length, named ? reth(0, 1000) : {}, false);
    }
    expect(answers()).toEqual([ack(packets.length - 1, 0, NAK.INVALID_REQUEST)]);
    // The receive in progress, or not used, is flushed (rule 94).
    expect(statuses()).toEqual(['WR_FLUSH_ERR']);
  });
});

describe('lengths', () => {
  it.each<[string, [OpcodeName, number, number | undefined][]]>([
    ['a FIRST shorter than the MTU', [['RC_SEND_FIRST', MTU - 4, undefined]]],
    ['a FIRST longer than the MTU', [['RC_SEND_FIRST', MTU + 4, undefined]]],
    ['an ONLY longer than the MTU', [['RC_WRITE_ONLY', MTU + 4, MTU + 4]]],
    [
      'a MIDDLE of another length',
      [
        ['RC_WRITE_FIRST', MTU, 1000],
        ['RC_WRITE_MIDDLE', 8, undefined],
      ],
    ],
    [
      'a LAST of nothing',
      [
        ['RC_WRITE_FIRST', MTU, MTU],
        ['RC_WRITE_LAST', 0, undefined],
      ],
    ],
    ['an ONLY that is not what its RETH says', [['RC_WRITE_ONLY', 8, 12]]],
    ['a WRITE that goes on beyond its RETH', [['RC_WRITE_FIRST', MTU, MTU]]],
    [
      'a WRITE that ends before it',
      [
        ['RC_WRITE_FIRST', MTU, 1000],
        ['RC_WRITE_LAST', 8, undefined],
      ],
    ],
    ['a READ request with a payload', [['RC_READ_REQ', 8, 8]]],
    ['a READ of more than 2^31 bytes', [['RC_READ_REQ', 0, 2 ** 31 + 1]]],
  ])('rule 109: %s is NAK invalid request', async (_what, packets) => {
    await listens({ receives: [4096] });
    for (const [i, [opcode, length, dmaLength]] of packets.entries()) {
      await request(opcode, i, length, dmaLength === undefined ? {} : reth(0, dmaLength), false);
    }
    expect(answers().at(-1)).toMatch(/^RC ACK \d+ 61 msn 0$/);
    expect(statuses()).toEqual(['WR_FLUSH_ERR']);
  });

  it('rule 91: a SEND longer than its receive is refused at the packet that does not fit', async () => {
    await listens({ receives: [300, 64] });
    await request('RC_SEND_FIRST', 0, MTU, {}, false);
    await request('RC_SEND_LAST', 1, 45);
    expect(answers()).toEqual([ack(1, 0, NAK.INVALID_REQUEST)]);
    expect(received.map(({ wrId, status }) => [wrId, status])).toEqual([
      [0, 'LOC_LEN_ERR'],
      [1, 'WR_FLUSH_ERR'],
    ]);
  });
});

describe('what is not for this queue pair', () => {
  it.each([
    ['rule 64: from another address', { source: 5 }],
    ['rule 64: for another address', { destination: 5 }],
    ['rule 117: with another P_Key', { pkey: 0xfffe }],
    ['with another transport version', { tver: 1 }],
    ['for a queue pair that is not there', { destQp: 0x99 }],
    ['for the management queue pair', { destQp: 1 }],
  ])('%s: dropped silently, and counted', async (_what, change) => {
    await listens();
    const write = { opcode: 'RC_WRITE_ONLY', psn: PSN, payload: 4, ackReq: true } as const;
    await peer.send({ ...write, extensions: reth(0, 4), ...change });
    expect(answers()).toEqual([]);
    expect(peer.counter('dropped')).toBe(1);
    await peer.send({ ...write, extensions: reth(0, 4) });
    expect(answers()).toEqual([ack(0, 1)]);
  });

  it('rule 117: P_Keys are compared by 15 bits, one of the two being a full member; others are counted', async () => {
    await listens();
    const write = { opcode: 'RC_WRITE_ONLY', payload: 4, ackReq: true } as const;
    for (const pkey of [0x7ffe, 0x8000, 0]) {
      await peer.send({ ...write, psn: PSN, extensions: reth(0, 4), pkey });
      expect(answers()).toEqual([]);
    }
    expect(peer.counter('bad_pkey_cntr')).toBe(3);
    // A limited member of the same partition.
    await peer.send({ ...write, psn: PSN, extensions: reth(0, 4), pkey: 0x7fff });
    expect(answers()).toEqual([ack(0, 1)]);
    expect(peer.counter('bad_pkey_cntr')).toBe(3);
  });

  it('rule 119: a payload that is not padded to 4 bytes is dropped silently', async () => {
    await listens();
    const sent = { opcode: 'RC_WRITE_ONLY', psn: PSN, extensions: reth(0, 6), payload: 8 } as const;
    const whole = packetBytes(sent);
    const bytes = whole.slice(0, whole.length - 2);
    const view = new DataView(bytes.buffer);
    view.setUint16(16, view.getUint16(16) - 2);
    peer.inject(bytes, whole.length - 12);
    await peer.run();
    expect(answers()).toEqual([]);
    expect(peer.counter('dropped')).toBe(1);
  });

  it('rule 120: a bit flipped anywhere behind the Ethernet header is found, and the packet dropped silently', async () => {
    await listens();
    const sent = {
      opcode: 'RC_WRITE_ONLY',
      psn: PSN,
      extensions: reth(0, 12),
      payload: 12,
    } as const;
    const good = packetBytes({ ...sent, ackReq: true });
    // Left to routers, and without a check of its own: the UDP checksum, and congestion bits.
    const free = [40, 41, 46];
    for (let bit = 14 * 8; bit < good.length * 8; bit++) {
      if (free.includes(bit >> 3)) continue;
      const bytes = good.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      peer.inject(bytes, good.length - 16, true);
      await peer.run(5e6);
    }
    expect(answers()).toEqual([]);
    expect(region.bytes.every((byte) => byte === 0)).toBe(true);
    peer.inject(good, good.length - 16, true);
    await peer.run();
    expect(answers()).toEqual([ack(0, 1)]);
  });

  it.each<OpcodeName>(['UD_SEND_ONLY', 'UC_WRITE_ONLY', 'CNP'])(
    '%s is no request on a reliable connection: dropped',
    async (opcode) => {
      await listens();
      const extensions = { deth: { qkey: 0, srcQp: 17 }, ...reth(0, 16) } as Extensions;
      await request(opcode, 0, 16, extensions);
      expect(answers()).toEqual([]);
      expect(peer.counter('dropped')).toBe(1);
    },
  );
});
