/** Error completions on both sides of a connection: rules 88-99, 101. */
import { describe, expect, it } from 'vitest';
import { ACCESS, type QpState, type SendWr, type WcStatus } from '../../node/program/verbs.js';
import { answers, pair, type PairOptions, type Side } from '../node/model/rdma/pair.js';

interface Ends {
  /** Of the bad request and of two good ones posted behind it. */
  readonly requester: { readonly statuses: readonly WcStatus[]; readonly state: QpState };
  /** Of the receives that the responder has posted, and of a SEND it posts afterwards. */
  readonly responder: { readonly statuses: readonly WcStatus[]; readonly state: QpState };
}

/** Posts a bad request, and looks at what becomes of both sides. */
async function failing(
  request: (side: Side) => SendWr | Promise<SendWr>,
  options: PairOptions = {},
  receives: (side: Side) => Promise<void> | void = (side) => {
    side.receive(0, 64);
    side.receive(0, 64);
  },
): Promise<Ends> {
  const { a, b } = await pair(
    options,
    async (side) => {
      const { qp, write, statuses, meet } = side;
      await meet();
      qp.postSendList([await request(side), write(0, 8), { ...write(0, 8), signaled: false }]);
      const seen = await statuses(3);
      const { state } = await qp.query();
      await meet();
      return { statuses: seen, state };
    },
    async (side) => {
      const { qp, message, statuses, recvCq, meet } = side;
      await receives(side);
      await meet();
      await meet();
      const { state } = await qp.query();
      if (state !== 'ERR') return { statuses: [], state };
      const seen = await statuses(2, recvCq);
      // Rule 95: posting in ERR succeeds, and is flushed.
      qp.postSend(message(0, 8));
      qp.postRecv({ sges: [] });
      seen.push(...(await statuses(1)), ...(await statuses(1, recvCq)));
      return { statuses: seen, state };
    },
  );
  return { requester: a, responder: b };
}

const flushed = (status: WcStatus): Ends['requester'] => ({
  statuses: [status, 'WR_FLUSH_ERR', 'WR_FLUSH_ERR'],
  state: 'ERR',
});
const flushedResponder = (first: WcStatus = 'WR_FLUSH_ERR'): Ends['responder'] => ({
  statuses: [first, 'WR_FLUSH_ERR', 'WR_FLUSH_ERR', 'WR_FLUSH_ERR'],
  state: 'ERR',
});
const atomic = (side: Side, offset = 0): SendWr => ({
  opcode: 'ATOMIC_FETCH_AND_ADD',
  add: 1n,
  sges: [side.region.sge(0, 8)],
  remoteAddress: side.remote.address + offset,
  rkey: side.remote.rkey,
});

describe('what the responder refuses ends both queue pairs (rules 88, 94, 95)', () => {
  it.each<[string, (side: Side) => SendWr]>([
    ['a WRITE with a bad rkey', (side) => ({ ...side.write(0, 8), rkey: 77 }) as SendWr],
    ['a READ with a bad rkey', (side) => ({ ...side.read(0, 8), rkey: 77 }) as SendWr],
    ['an atomic with a bad rkey', (side) => ({ ...atomic(side), rkey: 77 }) as SendWr],
    ['a WRITE out of bounds', (side) => side.write(0, 5000, 65530)],
    ['a READ out of bounds', (side) => side.read(0, 5000, 65530)],
    ['an atomic out of bounds', (side) => atomic(side, 65536)],
  ])('rule 88: %s completes REM_ACCESS_ERR', async (_what, request) => {
    const ends = await failing(request);
    expect(ends).toEqual({ requester: flushed('REM_ACCESS_ERR'), responder: flushedResponder() });
  });

  it('rule 88: so does what the region does not allow', async () => {
    for (const request of [
      (side: Side) => side.write(0, 8),
      (side: Side) => side.read(0, 8),
      atomic,
    ]) {
      const { requester } = await failing(request, { regionAccess: ACCESS.LOCAL_WRITE });
      expect(requester).toEqual(flushed('REM_ACCESS_ERR'));
    }
  });

  it.each([
    ['invalid_request', 'REM_INV_REQ_ERR'],
    ['remote_access', 'REM_ACCESS_ERR'],
  ] as const)(
    'rule 89: what qp_access_flags forbid completes by the profile: %s',
    async (nak, status) => {
      const overrides = [`nic.qp_access_nak=${nak}`];
      for (const request of [
        (side: Side) => side.write(0, 8),
        (side: Side) => side.read(0, 8),
        atomic,
      ]) {
        const ends = await failing(request, { qp: { accessFlags: 0 }, overrides });
        expect(ends).toEqual({ requester: flushed(status), responder: flushedResponder() });
      }
    },
  );

  it('rule 90: an atomic that is not aligned to 8 bytes completes REM_INV_REQ_ERR', async () => {
    const ends = await failing((side) => atomic(side, 4));
    expect(ends).toEqual({ requester: flushed('REM_INV_REQ_ERR'), responder: flushedResponder() });
  });

  it('rule 91: a SEND longer than its receive: REM_INV_REQ_ERR here, LOC_LEN_ERR there', async () => {
    for (const length of [65, 3000]) {
      const ends = await failing((side) => side.message(0, length));
      const responder = flushedResponder('LOC_LEN_ERR');
      expect(ends).toEqual({ requester: flushed('REM_INV_REQ_ERR'), responder });
    }
  });

  it('rule 92: a receive whose SGE is bad: REM_OP_ERR here, LOC_PROT_ERR there', async () => {
    const bad: ((side: Side) => Promise<void> | void)[] = [
      ({ qp, region }) => {
        qp.postRecv({ sges: [{ ...region.sge(0, 64), lkey: 5 as never }] });
      },
      ({ qp, region }) => {
        qp.postRecv({ sges: [region.sge(0, 8), region.sge(65530, 56)] });
      },
      async ({ qp, pd, core }) => {
        const readOnly = await pd.registerMemory(await core.allocate(4096), 0);
        qp.postRecv({ sges: [readOnly.sge(0, 64)] });
      },
    ];
    for (const post of bad) {
      const ends = await failing(
        (side) => side.message(0, 64),
        {},
        async (side) => {
          await post(side);
          side.receive(0, 64);
        },
      );
      const responder = flushedResponder('LOC_PROT_ERR');
      expect(ends).toEqual({ requester: flushed('REM_OP_ERR'), responder });
    }
  });

  it('rule 101: a READ or atomic where max_dest_rd_atomic is 0 completes REM_INV_REQ_ERR', async () => {
    for (const request of [(side: Side) => side.read(0, 8), atomic]) {
      const ends = await failing(request, { qp: { maxDestRdAtomic: 0 } });
      expect(ends).toEqual({
        requester: flushed('REM_INV_REQ_ERR'),
        responder: flushedResponder(),
      });
    }
  });
});

describe('what never gets there', () => {
  it('rule 93: a local error ends this side only', async () => {
    const { requester, responder } = await failing((side) => ({
      ...side.write(0, 8),
      sges: [{ ...side.region.sge(0, 8), lkey: 3 as never }],
    }));
    expect(requester).toEqual(flushed('LOC_PROT_ERR'));
    expect(responder.state).toBe('RTS');
  });

  it('rule 96: without an answer RETRY_EXC_ERR after retry_cnt time-outs', async () => {
    const { a, counters } = await pair(
      { qp: { retryCnt: 3, timeout: 4 } },
      async ({ meet, qp, write, statuses }) => {
        await meet();
        await meet();
        qp.postSendList([write(0, 8), write(0, 8)]);
        const seen = await statuses(2);
        await meet();
        return seen;
      },
      async ({ qp, meet }) => {
        await meet();
        await qp.destroy();
        await meet();
        await meet();
      },
    );
    expect(a).toEqual(['RETRY_EXC_ERR', 'WR_FLUSH_ERR']);
    expect(counters).toMatchObject({ timeouts: 4, dropped: 8 });
  });

  it('a shorter time-out counts at once, although a longer one was running', async () => {
    const { a } = await pair(
      { qp: { retryCnt: 1, timeout: 20 } },
      async ({ core, meet, qp, send, write }) => {
        const first = await send(write(0, 8));
        await qp.modify({ state: 'SQD' });
        await qp.modify({ timeout: 4 });
        await qp.modify({ state: 'RTS' });
        await meet();
        await meet();
        const since = core.now;
        const second = await send(write(0, 8));
        await meet();
        return { seen: [first.status, second.status], waited: core.now - since };
      },
      async ({ qp, meet }) => {
        await meet();
        await qp.destroy();
        await meet();
        await meet();
      },
    );
    expect(a.seen).toEqual(['SUCCESS', 'RETRY_EXC_ERR']);
    expect(a.waited).toBeLessThan(2 * 65.536e6 + 20e6);
  });

  it('rule 98: without a receive RNR_RETRY_EXC_ERR after rnr_retry waits of the peer’s min_rnr_timer', async () => {
    const { a } = await pair(
      { qpOf: [{ rnrRetry: 3 }, { minRnrTimer: 8 }] },
      async ({ core, qp, message, statuses, meet }) => {
        const since = core.now;
        qp.postSendList([message(0, 8), message(0, 8)]);
        const seen = await statuses(2);
        const waited = core.now - since;
        await meet();
        return { seen, waited };
      },
      answers,
    );
    expect(a.seen).toEqual(['RNR_RETRY_EXC_ERR', 'WR_FLUSH_ERR']);
    // Code 8 is 160 us.
    expect(a.waited).toBeGreaterThan(3 * 160e6);
    expect(a.waited).toBeLessThan(3 * 160e6 + 20e6);
  });

  it.each([
    [0, 655.36],
    [1, 0.01],
    [12, 0.64],
    [14, 1.28],
    [31, 491.52],
  ])('rule 100: min_rnr_timer %i is %f ms', async (minRnrTimer, ms) => {
    const { a } = await pair(
      { qp: { minRnrTimer, timeout: 0 } },
      async ({ core, send, message, meet }) => {
        const since = core.now;
        await meet();
        const { status } = await send(message(0, 8));
        return { status, waited: (core.now - since) / 1e9 };
      },
      async ({ core, meet, receive, completions, recvCq }) => {
        await meet();
        await core.sleep(5e6 as never);
        receive(0, 8);
        await completions(1, recvCq);
      },
    );
    expect(a.status).toBe('SUCCESS');
    expect(a.waited).toBeGreaterThan(ms);
    expect(a.waited).toBeLessThan(ms + 0.05);
  });

  it('rule 99: rnr_retry 7 waits until there is a receive', async () => {
    const { a, counters } = await pair(
      { qp: { minRnrTimer: 1, rnrRetry: 7 } },
      async ({ send, message }) => (await send(message(0, 8))).status,
      async ({ core, receive, completions, recvCq }) => {
        await core.sleep(1e9 as never);
        receive(0, 8);
        await completions(1, recvCq);
      },
    );
    expect(a).toBe('SUCCESS');
    expect(counters['rnr_naks_received']).toBeGreaterThan(50);
  });

  it('a receive that a message has begun to fill is flushed too, if the message never ends', async () => {
    const { b } = await pair(
      { regionLength: 1 << 20, qp: { timeout: 4, retryCnt: 1 } },
      async ({ core, qp, message, meet, statuses }) => {
        await meet();
        qp.postSend(message(0, 1 << 20));
        await core.sleep(20e6 as never);
        await qp.modify({ state: 'ERR' });
        await meet();
        await statuses(1);
      },
      async ({ qp, receive, meet, completions, recvCq }) => {
        receive(0, 1 << 20, 1);
        receive(0, 8, 2);
        await meet();
        await meet();
        await qp.modify({ state: 'ERR' });
        return (await completions(2, recvCq)).map(({ wrId, status }) => [wrId, status]);
      },
    );
    expect(b).toEqual([
      [1, 'WR_FLUSH_ERR'],
      [2, 'WR_FLUSH_ERR'],
    ]);
  });
});
