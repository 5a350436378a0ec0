/** The requester against a peer that answers by hand: what a right one never would, and what it says once too often. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  ACCESS,
  type QueuePair,
  type SendWr,
  type Sge,
  type WorkCompletion,
} from '../../../../node/program/verbs.js';
import { ACK_NO_CREDIT, NAK, rnrNakSyndrome } from '../../../../wire/aeth.js';
import { OPCODE, type OpcodeName } from '../../../../wire/opcode-table.js';
import { FIRST_QP, ScriptedPeer } from './scripted-peer.js';
import type { Extensions } from '../../../../wire/extension.js';
import { EVERYTHING, toInit, toRtr, toRts } from './pair.js';

const PSN = 0xfffffe;
const MTU = 256;
const ATTRIBUTES = {
  accessFlags: EVERYTHING,
  pathMtu: MTU,
  timeout: 8,
  retryCnt: 2,
  rnrRetry: 2,
  minRnrTimer: 1,
  maxRdAtomic: 4,
  maxDestRdAtomic: 4,
  sqPsn: PSN,
  rqPsn: 100,
};

const REMOTE = { remoteAddress: 0x7000_0000_0000, rkey: 0x4711 as never };

let peer: ScriptedPeer;
let seen: WorkCompletion[];
let answers: Uint8Array;
afterEach(async () => {
  await peer.close();
});

/** A host that posts `requests` to us; `seen` are its completions, `answers` its region from byte 32768 on. */
async function posts(
  requests: (sge: (offset: number, length: number) => Sge) => SendWr[],
  { region: length = 65536, ...change }: Partial<typeof ATTRIBUTES> & { region?: number } = {},
): Promise<void> {
  seen = [];
  const attributes = { ...ATTRIBUTES, ...change };
  peer = await ScriptedPeer.start(
    async (core) => {
      const context = await core.openDevice();
      const pd = await context.allocatePd();
      const cq = await context.createCq(64);
      const region = await pd.registerMemory(await core.allocate(length), ACCESS.LOCAL_WRITE);
      for (let i = 0; i < 32768; i++) region.bytes[i] = i * 7;
      answers = region.bytes.subarray(32768);
      const qp: QueuePair = await pd.createQp({ sendCq: cq, recvCq: cq });
      await qp.modify(toInit(attributes));
      await qp.modify(toRtr(attributes, { host: 1, qpNum: FIRST_QP }));
      await qp.modify(toRts(attributes));
      qp.postSendList(requests((offset, length) => region.sge(offset, length)));
      // Completions are looked for until there are no more to come.
      for (;;) seen.push(...(await cq.busyPoll()));
    },
    { memory: (4 << 20) + length, overrides: ['nic.max_rd_atomic=16'] },
  );
}

const statuses = (): string[] => seen.map(({ status }) => status);
/** What was sent since the last look: PSNs from the first one on. */
const sentPsns = (): number[] => peer.news().map(({ bth }) => (bth.psn - PSN) & 0xffffff);
const respond = (
  opcode: OpcodeName,
  offset: number,
  extensions: Extensions = {},
  payload = 0,
): Promise<void> =>
  peer.send({
    opcode,
    psn: PSN + offset,
    extensions,
    payload: new Uint8Array(payload).fill(offset + 1),
  });
const ack = (offset: number, syndrome = ACK_NO_CREDIT): Promise<void> =>
  respond('RC_ACK', offset, { aeth: { syndrome, msn: 0 } });
const READ_LAST = { aeth: { syndrome: ACK_NO_CREDIT, msn: 0 } };
const write = (sge: Sge): SendWr => ({ opcode: 'RDMA_WRITE', sges: [sge], ...REMOTE });
const read = (sge: Sge): SendWr => ({ opcode: 'RDMA_READ', sges: [sge], ...REMOTE });
const fetchAdd = (sge: Sge): SendWr => ({
  opcode: 'ATOMIC_FETCH_AND_ADD',
  sges: [sge],
  add: 1n,
  ...REMOTE,
});

describe('acknowledgements', () => {
  it('rule 108: PSNs wrap at 2^24, and one ACK covers all requests up to its PSN', async () => {
    await posts((sge) => [write(sge(0, 600)), write(sge(0, 10)), write(sge(0, 10))]);
    expect(sentPsns()).toEqual([0, 1, 2, 3, 4]);
    await ack(3);
    expect(statuses()).toEqual(['SUCCESS', 'SUCCESS']);
    await ack(4);
    expect(statuses()).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  it('one in mid-message completes nothing, and a time-out goes on behind it', async () => {
    await posts((sge) => [write(sge(0, 1000))]);
    expect(sentPsns()).toEqual([0, 1, 2, 3]);
    await ack(1);
    expect(statuses()).toEqual([]);
    await peer.run(1.2e9);
    expect(sentPsns()).toEqual([2, 3]);
  });

  it('one for a PSN that was never sent, or that is complete already, is ignored', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10))]);
    await ack(2);
    await ack(2 ** 23);
    expect(statuses()).toEqual([]);
    await ack(0);
    await ack(0, NAK.REMOTE_ACCESS);
    expect(statuses()).toEqual(['SUCCESS']);
    expect(peer.counter('dropped')).toBe(3);
  });

  it('reserved syndromes say nothing', async () => {
    await posts((sge) => [write(sge(0, 10))]);
    for (const syndrome of [0x40, 0x5f, 0x65, 0x7f, 0x80, 0xff]) await ack(0, syndrome);
    expect(statuses()).toEqual([]);
    await ack(0);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('rule 64: one from another address than the peer’s is dropped silently', async () => {
    await posts((sge) => [write(sge(0, 10))]);
    const answer = { opcode: 'RC_ACK', psn: PSN, extensions: READ_LAST } as const;
    await peer.send({ ...answer, source: 7 });
    expect(statuses()).toEqual([]);
    await peer.send(answer);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('rule 76: an ACK of a signalled request completes the unsignalled ones before it silently', async () => {
    await posts((sge) => [
      { ...write(sge(0, 10)), wrId: 1, signaled: false },
      { ...write(sge(0, 10)), wrId: 2, signaled: false },
      { ...write(sge(0, 10)), wrId: 3 },
    ]);
    await ack(2);
    expect(seen.map(({ wrId }) => wrId)).toEqual([3]);
  });
});

describe('NAKs', () => {
  it('rule 112: a PSN sequence error acknowledges all before its PSN, and sends from there on again', async () => {
    await posts((sge) => [write(sge(0, 600)), write(sge(0, 600)), write(sge(0, 10))]);
    expect(sentPsns()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await ack(4, NAK.PSN_SEQUENCE);
    expect(statuses()).toEqual(['SUCCESS']);
    const again = peer.news();
    expect(again.map(({ bth }) => (bth.psn - PSN) & 0xffffff)).toEqual([4, 5, 6]);
    expect(again[0]!.bth.opcode).toBe(OPCODE.RC_WRITE_MIDDLE);
  });

  it('as many without progress as retry_cnt end in RETRY_EXC_ERR; progress in mid-message counts anew', async () => {
    await posts((sge) => [write(sge(0, 2000))]);
    for (const psn of [1, 1, 2, 2, 3, 3]) await ack(psn, NAK.PSN_SEQUENCE);
    expect(statuses()).toEqual([]);
    await ack(3, NAK.PSN_SEQUENCE);
    expect(statuses()).toEqual(['RETRY_EXC_ERR']);
  });

  it('one that is older than an acknowledgement goes back no further than that', async () => {
    await posts((sge) => [write(sge(0, 1000))]);
    peer.news();
    await ack(2);
    await ack(1, NAK.PSN_SEQUENCE);
    expect(sentPsns()).toEqual([3]);
  });

  it('rule 93: what is before a request with a bad lkey is sent again as ever, then it fails', async () => {
    await posts((sge) => [write(sge(0, 600)), write({ ...sge(0, 8), lkey: 1 as never })]);
    expect(sentPsns()).toEqual([0, 1, 2]);
    await ack(1, NAK.PSN_SEQUENCE);
    expect(sentPsns()).toEqual([1, 2]);
    expect(statuses()).toEqual([]);
    await ack(2);
    expect(statuses()).toEqual(['SUCCESS', 'LOC_PROT_ERR']);
  });

  it.each([
    ['invalid request', NAK.INVALID_REQUEST, 'REM_INV_REQ_ERR'],
    ['remote access', NAK.REMOTE_ACCESS, 'REM_ACCESS_ERR'],
    ['remote operation', NAK.REMOTE_OPERATIONAL, 'REM_OP_ERR'],
    ['invalid RD request', NAK.INVALID_RD, 'REM_OP_ERR'],
  ])('rule 94: %s ends its request, and flushes all behind it', async (_name, syndrome, status) => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10)), write(sge(0, 10))]);
    await ack(1, syndrome);
    expect(statuses()).toEqual(['SUCCESS', status, 'WR_FLUSH_ERR']);
  });

  it('behind a READ whose answer was lost, they wait for the READ', async () => {
    await posts((sge) => [read(sge(32768, 10)), write(sge(0, 10))]);
    expect(sentPsns()).toEqual([0, 1]);
    await ack(1, NAK.REMOTE_ACCESS);
    expect(statuses()).toEqual([]);
    expect(sentPsns()).toEqual([0, 1]);
    await respond('RC_READ_RESP_ONLY', 0, READ_LAST, 10);
    await ack(1);
    expect(statuses()).toEqual(['SUCCESS', 'SUCCESS']);
  });
});

describe('receivers that are not ready', () => {
  it('rule 98: an RNR NAK waits its time, then goes on at its PSN, in mid-message too', async () => {
    await posts((sge) => [write(sge(0, 600))]);
    expect(sentPsns()).toEqual([0, 1, 2]);
    // Code 12 is 0.64 ms.
    await ack(2, rnrNakSyndrome(12));
    const since = peer.now - 300e6;
    expect(sentPsns()).toEqual([]);
    await peer.run(400e6);
    expect(peer.times[0]! - since).toBeGreaterThan(640e6);
    expect(peer.times[0]! - since).toBeLessThan(643e6);
    expect(sentPsns()).toEqual([2]);
  });

  it('rule 98: as many as rnr_retry are waited for, then RNR_RETRY_EXC_ERR', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10))]);
    for (let i = 0; i < 2; i++) {
      await ack(0, rnrNakSyndrome(1));
      expect(statuses()).toEqual([]);
    }
    await ack(0, rnrNakSyndrome(1));
    expect(statuses()).toEqual(['RNR_RETRY_EXC_ERR', 'WR_FLUSH_ERR']);
  });

  it('rule 99: rnr_retry 7 waits without end', async () => {
    await posts((sge) => [write(sge(0, 10))], { rnrRetry: 7 });
    for (let i = 0; i < 30; i++) await ack(0, rnrNakSyndrome(1));
    expect(statuses()).toEqual([]);
    expect(sentPsns()).toHaveLength(31);
    await ack(0);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('an ACK that comes during the wait makes the rest of it needless', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10))]);
    peer.news();
    await ack(0, rnrNakSyndrome(12));
    await ack(1);
    expect(statuses()).toEqual(['SUCCESS', 'SUCCESS']);
    await peer.run(2e9);
    expect(peer.news()).toEqual([]);
  });
});

describe('time-outs', () => {
  it('rules 96 and 97: 4.096 us * 2^timeout apart, retry_cnt times, then RETRY_EXC_ERR', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10))]);
    await peer.run(10e9);
    expect(peer.times).toHaveLength(6);
    for (const n of [2, 4]) {
      const wait = peer.times[n]! - peer.times[n - 2]!;
      expect(wait).toBeGreaterThanOrEqual(4.096e6 * 2 ** 8);
      expect(wait).toBeLessThan(4.096e6 * 2 ** 8 + 5e6);
    }
    expect(sentPsns()).toEqual([0, 1, 0, 1, 0, 1]);
    expect(statuses()).toEqual(['RETRY_EXC_ERR', 'WR_FLUSH_ERR']);
    expect(peer.counter('timeouts')).toBe(3);
  });

  it('rule 97: timeout 0 waits without end', async () => {
    await posts((sge) => [write(sge(0, 10))], { timeout: 0 });
    await peer.run(3600e12);
    expect(sentPsns()).toEqual([0]);
    await ack(0);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('an acknowledgement starts the clock and the count anew', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10))]);
    await peer.run(2.5e9);
    expect(peer.counter('timeouts')).toBe(2);
    await ack(0);
    await peer.run(2.5e9);
    expect(statuses()).toEqual(['SUCCESS']);
    await peer.run(2e9);
    expect(statuses()).toEqual(['SUCCESS', 'RETRY_EXC_ERR']);
  });
});

describe('READ responses and atomic results', () => {
  it('rule 110: a READ asks with one packet and takes as many PSNs as answers come', async () => {
    await posts((sge) => [read(sge(32768, 1000)), read(sge(0, 0)), write(sge(0, 10))]);
    expect(sentPsns()).toEqual([0, 4, 5]);
  });

  it('what is missing is asked for again from the first missing PSN, address and length advanced', async () => {
    await posts((sge) => [read(sge(32768, 1000))]);
    peer.news();
    await respond('RC_READ_RESP_FIRST', 0, READ_LAST, 256);
    await respond('RC_READ_RESP_MIDDLE', 2, {}, 256);
    const [again, ...more] = peer.news();
    expect(more).toEqual([]);
    expect((again!.bth.psn - PSN) & 0xffffff).toBe(1);
    expect(again!.extensions.reth).toMatchObject({ vaLow: 256, dmaLength: 744, rkey: 0x4711 });
    // A second answer that comes too early asks no second time.
    await respond('RC_READ_RESP_LAST', 3, READ_LAST, 232);
    expect(peer.news()).toEqual([]);
    await respond('RC_READ_RESP_FIRST', 1, READ_LAST, 256);
    await respond('RC_READ_RESP_MIDDLE', 2, {}, 256);
    await respond('RC_READ_RESP_LAST', 3, READ_LAST, 232);
    expect(statuses()).toEqual(['SUCCESS']);
    expect([0, 255, 256, 511, 512, 768, 999].map((i) => answers[i])).toEqual([1, 1, 2, 2, 3, 4, 4]);
  });

  it('an ACK is no answer to a READ or an atomic: they are asked for again', async () => {
    for (const request of [read, fetchAdd]) {
      await posts((sge) => [request(sge(32768, 8))]);
      expect(sentPsns()).toEqual([0]);
      await ack(0);
      expect(statuses()).toEqual([]);
      expect(sentPsns()).toEqual([0]);
      await peer.close();
    }
  });

  it('a response acknowledges the requests before its own', async () => {
    await posts((sge) => [write(sge(0, 10)), write(sge(0, 10)), read(sge(32768, 8))]);
    await respond('RC_READ_RESP_ONLY', 2, READ_LAST, 8);
    expect(statuses()).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  it.each([
    ['too short', 'RC_READ_RESP_ONLY', 9],
    ['too long', 'RC_READ_RESP_ONLY', 11],
    ['FIRST where one packet is all', 'RC_READ_RESP_FIRST', 256],
    ['LAST where one packet is all', 'RC_READ_RESP_LAST', 10],
    ['MIDDLE where one packet is all', 'RC_READ_RESP_MIDDLE', 256],
  ] as const)(
    'a READ response that is %s completes BAD_RESP_ERR',
    async (_what, opcode, length) => {
      await posts((sge) => [read(sge(32768, 10)), write(sge(0, 10))]);
      await respond(opcode, 0, READ_LAST, length);
      expect(statuses()).toEqual(['BAD_RESP_ERR', 'WR_FLUSH_ERR']);
    },
  );

  it.each([
    ['begins with MIDDLE', [['RC_READ_RESP_MIDDLE', 256]]],
    [
      'begins anew without having been asked again',
      [
        ['RC_READ_RESP_FIRST', 256],
        ['RC_READ_RESP_FIRST', 256],
      ],
    ],
    [
      'ends with ONLY',
      [
        ['RC_READ_RESP_FIRST', 256],
        ['RC_READ_RESP_MIDDLE', 256],
        ['RC_READ_RESP_ONLY', 88],
      ],
    ],
  ] as const)(
    'an answer of three packets that %s completes BAD_RESP_ERR',
    async (_what, packets) => {
      await posts((sge) => [read(sge(32768, 600))]);
      for (const [i, [opcode, length]] of packets.entries()) {
        expect(statuses()).toEqual([]);
        await respond(opcode, i, opcode === 'RC_READ_RESP_MIDDLE' ? {} : READ_LAST, length);
      }
      expect(statuses()).toEqual(['BAD_RESP_ERR']);
    },
  );

  it('an answer of the wrong kind, or with a NAK in it, is no answer', async () => {
    await posts((sge) => [read(sge(32768, 8))]);
    const atomicAck = { originalHigh: 0, originalLow: 1 };
    await respond('RC_ATOMIC_ACK', 0, { ...READ_LAST, atomicAck });
    await respond('RC_READ_RESP_ONLY', 0, { aeth: { syndrome: NAK.REMOTE_ACCESS, msn: 0 } }, 8);
    expect(statuses()).toEqual([]);
    await respond('RC_READ_RESP_ONLY', 0, READ_LAST, 8);
    expect(statuses()).toEqual(['SUCCESS']);
  });

  it('rule 104: an atomic’s old value lies in memory as a number of the host', async () => {
    await posts((sge) => [fetchAdd(sge(32768, 8))]);
    const atomicAck = { originalHigh: 0x01020304, originalLow: 0x05060708 };
    await respond('RC_ATOMIC_ACK', 0, { ...READ_LAST, atomicAck });
    expect(statuses()).toEqual(['SUCCESS']);
    expect([...answers.subarray(0, 8)]).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('rule 86: at most max_rd_atomic are outstanding, the others wait', async () => {
    await posts((sge) => Array.from({ length: 6 }, (_, i) => read(sge(32768 + i * 8, 8))), {
      maxRdAtomic: 2,
    });
    expect(sentPsns()).toEqual([0, 1]);
    await respond('RC_READ_RESP_ONLY', 0, READ_LAST, 8);
    expect(sentPsns()).toEqual([2]);
    await respond('RC_READ_RESP_ONLY', 1, READ_LAST, 8);
    await respond('RC_READ_RESP_ONLY', 2, READ_LAST, 8);
    expect(sentPsns()).toEqual([3, 4]);
  });

  it('PSNs that are not acknowledged are never more than half of all', async () => {
    const length = 2 ** 27;
    await posts((sge) => Array.from({ length: 16 }, () => read(sge(0, length))), {
      maxRdAtomic: 16,
      timeout: 0,
      region: length,
    });
    // Pinning that many pages takes its time.
    await peer.run(20e9);
    // Each takes 2^19 PSNs; the sixteenth would make 2^23.
    expect(sentPsns()).toEqual(Array.from({ length: 15 }, (_, i) => i * 2 ** 19));
  });

  it('rule 85: a fence holds a request until all earlier READs and atomics are complete', async () => {
    await posts((sge) => [
      read(sge(32768, 8)),
      write(sge(0, 10)),
      { ...write(sge(0, 10)), fence: true },
      write(sge(0, 10)),
    ]);
    expect(sentPsns()).toEqual([0, 1]);
    await ack(1);
    // The READ's answer is missing: it is asked for again, and the fence still holds.
    expect(sentPsns()).toEqual([0, 1]);
    await respond('RC_READ_RESP_ONLY', 0, READ_LAST, 8);
    expect(sentPsns()).toEqual([2, 3]);
  });
});
