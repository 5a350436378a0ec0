/** The responder against a peer that asks by hand: packets in the wrong order, of the wrong length, twice, or for nothing. */
import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS, type MemoryRegion, type WorkCompletion } from '../../../node/verbs.js';
import { ACK_NO_CREDIT, NAK, rnrNakSyndrome } from '../../../wire/aeth.js';
import type { Extensions } from '../../../wire/extension.js';
import { opcodeName, type OpcodeName } from '../../../wire/opcode-table.js';
import { EVERYTHING, toInit, toRtr, toRts } from './pair.js';
import { FIRST_QP, packetBytes, ScriptedPeer } from './scripted-peer.js';

const PSN = 0xfffffd;
const MTU = 256;

let peer: ScriptedPeer;
let region: MemoryRegion;
let received: WorkCompletion[];
afterEach(async () => {
  await peer.close();
});

interface Setting {
  readonly receives?: readonly number[];
  readonly qpAccess?: number;
  readonly access?: number;
  readonly maxDestRdAtomic?: number;
  readonly overrides?: readonly string[];
  /** Deregisters the region so many picoseconds after the queue pair is ready. */
  readonly deregisterAfter?: number;
}

/** A host that answers, with receives of these lengths posted at byte 32768 of its region, 1024 bytes apart. */
async function listens(setting: Setting = {}): Promise<void> {
  received = [];
  const attributes = {
    accessFlags: setting.qpAccess ?? EVERYTHING,
    pathMtu: MTU,
    timeout: 14,
    retryCnt: 7,
    rnrRetry: 7,
    minRnrTimer: 14,
    maxRdAtomic: 4,
    maxDestRdAtomic: setting.maxDestRdAtomic ?? 4,
    sqPsn: 5,
    rqPsn: PSN,
  };
  peer = await ScriptedPeer.start(
    async (core) => {
      const context = await core.openDevice();
      const pd = await context.allocatePd();
      const cq = await context.createCq(64);
      const memory = await core.allocate(65536);
      region = await pd.registerMemory(memory, setting.access ?? EVERYTHING);
      const local = await pd.registerMemory(memory, ACCESS.LOCAL_WRITE);
      const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
      await qp.modify(toInit(attributes));
      setting.receives?.forEach((length, i) => {
        const sges = length === 0 ? [] : [local.sge(32768 + i * 1024, length)];
        qp.postRecv({ wrId: i, sges });
      });
      await qp.modify(toRtr(attributes, { host: 1, qpNum: FIRST_QP }));
      await qp.modify(toRts(attributes));
      if (setting.deregisterAfter !== undefined) {
        await core.sleep(setting.deregisterAfter as never);
        await region.deregister();
        await local.deregister();
      }
      for (;;) received.push(...(await cq.busyPoll()));
    },
    { memory: 4 << 20, overrides: setting.overrides ?? [] },
  );
}

/** Extension headers that name `offset` of the host's region. */
const reth = (offset: number, dmaLength: number, rkey: number = region.rkey): Extensions => ({
  reth: { ...halves(region.address + offset), rkey, dmaLength },
});
const halves = (address: number): { vaHigh: number; vaLow: number } => ({
  vaHigh: Math.floor(address / 2 ** 32),
  vaLow: address >>> 0,
});
const atomic = (offset: number, add: number, rkey: number = region.rkey): Extensions => ({
  atomic: {
    ...halves(region.address + offset),
    rkey,
    swapHigh: 0,
    swapLow: add,
    compareHigh: 0,
    compareLow: 0,
  },
});

const request = (
  opcode: OpcodeName,
  offset: number,
  payload: number | Uint8Array,
  extensions: Extensions = {},
  ackReq = /ONLY|LAST|READ|SWAP|FETCH/.test(opcode),
): Promise<void> => peer.send({ opcode, psn: PSN + offset, payload, extensions, ackReq });

/** What came back since the last look: opcode, PSN from the first one on, syndrome and MSN. */
const answers = (): string[] =>
  peer.news().map(({ bth, extensions: { aeth } }) => {
    const psn = (bth.psn - PSN) & 0xffffff;
    const offset = psn < 2 ** 23 ? psn : psn - 2 ** 24;
    const what = aeth === undefined ? '' : ` ${aeth.syndrome.toString(16)} msn ${aeth.msn}`;
    return `${opcodeName(bth.opcode)} ${offset}${what}`;
  });
const ack = (offset: number, msn: number, syndrome = ACK_NO_CREDIT): string =>
  `RC ACK ${offset} ${syndrome.toString(16)} msn ${msn}`;
const statuses = (): string[] => received.map(({ status }) => status);

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

  it('a requester that asks for more at once than agreed gets no answer that is another’s', async () => {
    const overrides = ['nic.atomic=100us', 'nic.atomic_occupancy=50us'];
    await listens({ maxDestRdAtomic: 1, overrides });
    region.data.setBigUint64(0, 40n, true);
    const fetchAdd = (offset: number): void => {
      const sent = { opcode: 'RC_FETCH_ADD', psn: PSN + offset, extensions: atomic(0, 2) } as const;
      const bytes = packetBytes(sent);
      peer.inject(bytes, bytes.length - 4);
    };
    fetchAdd(0);
    fetchAdd(1);
    // The first is done, the second is not.
    await peer.run(130e6);
    fetchAdd(1);
    await peer.run();
    const results = peer.news().map(({ extensions }) => extensions.atomicAck!.originalLow);
    expect(results).toEqual([40, 42]);
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

describe('access', () => {
  it.each<[string, () => Promise<void>]>([
    ['WRITE with a bad rkey', () => request('RC_WRITE_ONLY', 0, 4, reth(0, 4, 0x777777))],
    [
      'WRITE with the next tag (rule 26)',
      () =>
        request(
          'RC_WRITE_ONLY',
          0,
          4,
          reth(0, 4, (region.rkey & ~0xff) | ((region.rkey + 1) & 0xff)),
        ),
    ],
    ['WRITE beyond the end', () => request('RC_WRITE_ONLY', 0, 4, reth(65533, 4))],
    ['WRITE before the beginning', () => request('RC_WRITE_ONLY', 0, 4, reth(-1, 4))],
    ['READ beyond the end', () => request('RC_READ_REQ', 0, 0, reth(65536, 1))],
    [
      'READ whose range wraps round 64 bits (rule 25)',
      () =>
        request('RC_READ_REQ', 0, 0, {
          reth: { vaHigh: 0xffffffff, vaLow: 0xfffffff0, rkey: region.rkey, dmaLength: 0x100 },
        }),
    ],
    ['atomic beyond the end', () => request('RC_FETCH_ADD', 0, 0, atomic(65536, 1))],
    ['atomic with a bad rkey', () => request('RC_CMP_SWAP', 0, 0, atomic(0, 1, 0x777777))],
  ])('rules 24 and 88: a %s is NAK remote access', async (_what, ask) => {
    await listens({ receives: [64] });
    await ask();
    expect(answers()).toEqual([ack(0, 0, NAK.REMOTE_ACCESS)]);
    expect(statuses()).toEqual(['WR_FLUSH_ERR']);
    expect(region.bytes.every((byte) => byte === 0)).toBe(true);
    // In ERR it answers nothing any more.
    await request('RC_WRITE_ONLY', 0, 4, reth(0, 4));
    expect(answers()).toEqual([]);
  });

  it('rule 73: a WRITE or READ of nothing looks at neither key nor address', async () => {
    await listens();
    await request('RC_WRITE_ONLY', 0, 0, reth(1e9, 0, 0x777777));
    await request('RC_READ_REQ', 1, 0, reth(1e9, 0, 0x777777));
    expect(answers()).toEqual([ack(0, 1), 'RC READ_RESP_ONLY 1 1f msn 2']);
  });

  it.each<[string, number, () => Promise<void>]>([
    [
      'WRITE',
      ACCESS.LOCAL_WRITE | ACCESS.REMOTE_READ,
      () => request('RC_WRITE_ONLY', 0, 4, reth(0, 4)),
    ],
    [
      'READ',
      ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE,
      () => request('RC_READ_REQ', 0, 0, reth(0, 4)),
    ],
    [
      'atomic',
      ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE,
      () => request('RC_FETCH_ADD', 0, 0, atomic(0, 4)),
    ],
  ])(
    'rule 24: a %s that the region does not allow is NAK remote access',
    async (_what, access, ask) => {
      await listens({ access });
      await ask();
      expect(answers()).toEqual([ack(0, 0, NAK.REMOTE_ACCESS)]);
    },
  );

  it.each([
    ['invalid_request', NAK.INVALID_REQUEST],
    ['remote_access', NAK.REMOTE_ACCESS],
  ])(
    'rule 89: what the queue pair does not allow is NAK, by the profile %s',
    async (nak, syndrome) => {
      await listens({ qpAccess: ACCESS.REMOTE_READ, overrides: [`nic.qp_access_nak=${nak}`] });
      await request('RC_READ_REQ', 0, 0, reth(0, 4));
      await request('RC_WRITE_ONLY', 1, 4, reth(0, 4));
      expect(answers()).toEqual(['RC READ_RESP_ONLY 0 1f msn 1', ack(1, 1, syndrome)]);
    },
  );

  it('rule 90: an atomic on an address that is not 8-byte aligned is NAK invalid request', async () => {
    await listens();
    await request('RC_FETCH_ADD', 0, 0, atomic(4, 1));
    expect(answers()).toEqual([ack(0, 0, NAK.INVALID_REQUEST)]);
  });

  it.each<[string, () => Promise<void>]>([
    ['READ', () => request('RC_READ_REQ', 0, 0, reth(0, 4))],
    ['atomic', () => request('RC_FETCH_ADD', 0, 0, atomic(0, 1))],
  ])('rule 101: a %s where max_dest_rd_atomic is 0 is NAK invalid request', async (_what, ask) => {
    await listens({ maxDestRdAtomic: 0 });
    await ask();
    expect(answers()).toEqual([ack(0, 0, NAK.INVALID_REQUEST)]);
  });

  it('a SEND that would invalidate a key is NAK invalid request: there are no memory windows', async () => {
    await listens({ receives: [64] });
    await request('RC_SEND_ONLY_INV', 0, 4, { ieth: { rkey: region.rkey } });
    expect(answers()).toEqual([ack(0, 0, NAK.INVALID_REQUEST)]);
  });

  it('rule 28: when a region goes in mid-message, the rest of the WRITE is NAK remote access', async () => {
    await listens({ deregisterAfter: 1e9 });
    await request('RC_WRITE_FIRST', 0, MTU, reth(0, 600));
    await peer.run(2e9);
    await request('RC_WRITE_MIDDLE', 1, MTU);
    expect(answers()).toEqual([ack(1, 0, NAK.REMOTE_ACCESS)]);
  });

  it('rule 28: when a receive’s region goes in mid-message, the rest of the SEND is NAK remote operation', async () => {
    await listens({ deregisterAfter: 1e9, receives: [1000] });
    await request('RC_SEND_FIRST', 0, MTU);
    await peer.run(2e9);
    await request('RC_SEND_LAST', 1, 8);
    expect(answers()).toEqual([ack(1, 0, NAK.REMOTE_OPERATIONAL)]);
    expect(statuses()).toEqual(['LOC_PROT_ERR']);
  });

  it('rule 28: a READ is not replayed from a region that has gone', async () => {
    await listens({ deregisterAfter: 1e9 });
    await request('RC_READ_REQ', 0, 0, reth(0, 600));
    expect(answers()).toHaveLength(3);
    await peer.run(2e9);
    await request('RC_READ_REQ', 0, 0, reth(0, 600));
    expect(answers()).toEqual([]);
  });
});

describe('receives', () => {
  it('rule 98: a SEND without one gets an RNR NAK with min_rnr_timer, and goes on when it is there', async () => {
    await listens();
    await request('RC_SEND_ONLY', 0, 4);
    await request('RC_WRITE_ONLY', 1, 4, reth(0, 4));
    expect(answers()).toEqual([ack(0, 0, rnrNakSyndrome(14))]);
    expect(region.bytes[0]).toBe(0);
  });

  it('rule 82: a WRITE with immediate takes one at its last packet, even for no bytes', async () => {
    await listens({ receives: [0, 0] });
    const immediate = { immediate: { immediate: 0xfedcba98 } };
    await request('RC_WRITE_FIRST', 0, MTU, reth(0, MTU + 8));
    expect(received).toEqual([]);
    await request('RC_WRITE_LAST_IMM', 1, 8, immediate);
    await request('RC_WRITE_ONLY_IMM', 2, 0, { ...reth(0, 0), ...immediate });
    await request('RC_WRITE_ONLY_IMM', 3, 0, { ...reth(0, 0), ...immediate });
    expect(answers()).toEqual([ack(1, 1), ack(2, 2), ack(3, 2, rnrNakSyndrome(14))]);
    expect(received).toMatchObject([
      { wrId: 0, opcode: 'RECV_RDMA_WITH_IMM', byteLen: MTU + 8, immediate: 0xfedcba98 },
      { wrId: 1, opcode: 'RECV_RDMA_WITH_IMM', byteLen: 0, immediate: 0xfedcba98 },
    ]);
  });
});

describe('what is not for this queue pair', () => {
  it.each([
    ['rule 64: from another address', { source: 5 }],
    ['rule 64: for another address', { destination: 5 }],
    ['rule 117: with another P_Key', { pkey: 0x7fff }],
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
