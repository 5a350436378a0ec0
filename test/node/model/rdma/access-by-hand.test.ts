/** The responder against a peer that asks for what is not granted, or not there. */
import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS } from '../../../../node/program/verbs.js';
import { NAK, rnrNakSyndrome } from '../../../../wire/aeth.js';
import {
  ack,
  answers,
  atomic,
  listens,
  MTU,
  peer,
  received,
  region,
  request,
  reth,
  statuses,
} from './listening-host.js';

afterEach(async () => {
  await peer.close();
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
