/** The queue pair state machine: rules 50, 51, 54-63, 103. */
import { describe, expect, it } from 'vitest';
import {
  QP_ATTR,
  type QpAttributes,
  type QpState,
  type QueuePair,
} from '../../node/program/verbs.js';
import {
  answers,
  EVERYTHING,
  pair,
  toInit,
  toRtr,
  toRts,
  type Side,
} from '../node/model/rdma/pair.js';
import { errnoOf, expectErrno } from './errno.js';

const STATES: readonly QpState[] = ['RESET', 'INIT', 'RTR', 'RTS', 'SQD', 'SQE', 'ERR'];

/** Those that a program can bring an RC queue pair to: SQE is of other types. */
const REACHABLE = STATES.filter((state) => state !== 'SQE');

/** Rule 50, in the words of the kernel's table. */
const LEGAL: Readonly<Record<QpState, readonly QpState[]>> = {
  RESET: ['RESET', 'INIT'],
  INIT: ['RESET', 'ERR', 'INIT', 'RTR'],
  RTR: ['RESET', 'ERR', 'RTS'],
  RTS: ['RESET', 'ERR', 'RTS', 'SQD'],
  SQD: ['RESET', 'ERR', 'RTS', 'SQD'],
  SQE: ['RESET', 'ERR', 'RTS'],
  ERR: ['RESET', 'ERR'],
};

const { ACCESS_FLAGS, PKEY_INDEX, PORT, AV, PATH_MTU, TIMEOUT, RETRY_CNT, RNR_RETRY } = QP_ATTR;
const { RQ_PSN, SQ_PSN, MAX_QP_RD_ATOMIC, MAX_DEST_RD_ATOMIC, MIN_RNR_TIMER } = QP_ATTR;
const { DEST_QPN, CUR_STATE, ALT_PATH, PATH_MIG_STATE, EN_SQD_ASYNC_NOTIFY, STATE } = QP_ATTR;

/** Rule 51: what each transition must be given. */
const REQUIRED: Readonly<Record<string, readonly number[]>> = {
  'RESET INIT': [PKEY_INDEX, PORT, ACCESS_FLAGS],
  'INIT RTR': [AV, PATH_MTU, DEST_QPN, RQ_PSN, MAX_DEST_RD_ATOMIC, MIN_RNR_TIMER],
  'RTR RTS': [TIMEOUT, RETRY_CNT, RNR_RETRY, SQ_PSN, MAX_QP_RD_ATOMIC],
};
/** Rule 54: what it may be given besides. */
const RUNNING = [CUR_STATE, ALT_PATH, ACCESS_FLAGS, MIN_RNR_TIMER, PATH_MIG_STATE];
const OPTIONAL: Readonly<Record<string, readonly number[]>> = {
  'INIT INIT': [PKEY_INDEX, PORT, ACCESS_FLAGS],
  'INIT RTR': [ALT_PATH, ACCESS_FLAGS, PKEY_INDEX],
  'RTR RTS': RUNNING,
  'RTS RTS': RUNNING,
  'SQD RTS': RUNNING,
  'RTS SQD': [EN_SQD_ASYNC_NOTIFY],
  'SQD SQD': [
    ...[PORT, AV, TIMEOUT, RETRY_CNT, RNR_RETRY, MAX_QP_RD_ATOMIC, MAX_DEST_RD_ATOMIC, ALT_PATH],
    ...[ACCESS_FLAGS, PKEY_INDEX, MIN_RNR_TIMER, PATH_MIG_STATE],
  ],
};

/** A value for every attribute. */
const values = ({ attributes, remote }: Side, curState: QpState): QpAttributes => ({
  ...toInit(attributes),
  ...toRtr(attributes, remote),
  ...toRts(attributes),
  enSqdAsyncNotify: true,
  qkey: 1,
  cap: { maxSendWr: 1, maxRecvWr: 1, maxSendSge: 1, maxRecvSge: 1, maxInlineData: 0 },
  curState,
});

async function newQp({ pd, sendCq, recvCq }: Side): Promise<QueuePair> {
  return pd.createQp({ sendCq, recvCq, cap: { maxSendWr: 1, maxRecvWr: 1 } });
}

/** Brings a new queue pair to `state`. */
async function qpIn(side: Side, state: QpState): Promise<QueuePair> {
  const qp = await newQp(side);
  const { attributes, remote } = side;
  if (state === 'RESET') return qp;
  await qp.modify(toInit(attributes));
  if (state === 'INIT') return qp;
  await qp.modify(toRtr(attributes, remote));
  if (state === 'RTR') return qp;
  await qp.modify(toRts(attributes));
  if (state !== 'RTS') await qp.modify({ state });
  return qp;
}

async function alone(does: (side: Side) => Promise<void>, options = {}): Promise<void> {
  await pair(
    options,
    async (side) => {
      await does(side);
      await side.meet();
    },
    answers,
  );
}

const bitsOf = (bits: readonly number[]): number => bits.reduce((mask, bit) => mask | bit, STATE);
const requiredOf = (from: QpState, to: QpState): readonly number[] =>
  REQUIRED[`${from} ${to}`] ?? [];

describe('transitions', () => {
  it.each(REACHABLE)(
    'rules 50 and 56: from %s exactly the table’s are legal, others fail EINVAL',
    (from) =>
      alone(async (side) => {
        const legal: QpState[] = [];
        for (const to of STATES) {
          const qp = await qpIn(side, from);
          const attributes = { ...values(side, from), state: to };
          const errno = await errnoOf(() => qp.modify(attributes, bitsOf(requiredOf(from, to))));
          const { state } = await qp.query();
          expect(errno).toBeOneOf([undefined, 'EINVAL']);
          // A failed modify changes nothing.
          expect(state).toBe(errno === undefined ? to : from);
          if (errno === undefined) legal.push(to);
          await qp.destroy();
        }
        expect(legal.sort()).toEqual([...LEGAL[from]].sort());
      }),
  );

  const legal = REACHABLE.flatMap((from) => LEGAL[from].map((to) => [from, to] as const));
  it.each(legal)(
    'rules 51, 54, 55: %s to %s needs what it needs, and takes nothing else',
    (from, to) =>
      alone(async (side) => {
        const required = requiredOf(from, to);
        const attributes = { ...values(side, from), state: to };
        const attempt = async (mask: number): Promise<boolean> => {
          const qp = await qpIn(side, from);
          const errno = await errnoOf(() => qp.modify(attributes, mask));
          if (errno !== undefined) {
            expect(errno).toBe('EINVAL');
            expect((await qp.query()).state).toBe(from);
          }
          await qp.destroy();
          return errno === undefined;
        };
        for (const missing of required)
          expect(await attempt(bitsOf(required) & ~missing)).toBe(false);
        const taken: number[] = [];
        for (const extra of Object.values(QP_ATTR)) {
          if (required.includes(extra) || extra === STATE) continue;
          if (await attempt(bitsOf(required) | extra)) taken.push(extra);
        }
        const optional = OPTIONAL[`${from} ${to}`] ?? [];
        expect(taken.sort((a, b) => a - b)).toEqual([...optional].sort((a, b) => a - b));
      }),
  );

  it('rule 55: CUR_STATE must be the current state', () =>
    alone(async ({ qp }) => {
      await qp.modify({ curState: 'RTS', minRnrTimer: 3 });
      expect((await qp.query()).minRnrTimer).toBe(3);
      await expectErrno('EINVAL', () => qp.modify({ curState: 'SQD', minRnrTimer: 4 }));
      expect((await qp.query()).minRnrTimer).toBe(3);
    }));

  it.each<[string, QpState, QpAttributes]>([
    ['timeout 32', 'RTS', { timeout: 32 }],
    ['retryCnt 8', 'RTS', { retryCnt: 8 }],
    ['rnrRetry 8', 'RTS', { rnrRetry: 8 }],
    ['minRnrTimer 32', 'RTR', { minRnrTimer: 32 }],
    ['port 2', 'INIT', { port: 2 }],
    ['port 0', 'INIT', { port: 0 }],
    ['pkeyIndex 1', 'INIT', { pkeyIndex: 1 }],
    ['access flags that there are not', 'INIT', { accessFlags: 64 }],
    ['an MTU above the port’s', 'RTR', { pathMtu: 2048 }],
    ['an MTU that there is not', 'RTR', { pathMtu: 1000 }],
    ['an MTU below 256', 'RTR', { pathMtu: 128 }],
    ['a host that there is not', 'RTR', { ahHost: 2 }],
    ['a PSN of 25 bits', 'RTR', { rqPsn: 2 ** 24 }],
    ['a QP number of 25 bits', 'RTR', { destQpNum: 2 ** 24 }],
    ['maxRdAtomic above the device’s', 'RTS', { maxRdAtomic: 17 }],
    ['maxDestRdAtomic above the device’s', 'RTR', { maxDestRdAtomic: 17 }],
    ['half a time-out', 'RTS', { timeout: 1.5 }],
  ])('rule 57: %s fails EINVAL', (_what, to, wrong) =>
    alone(
      async (side) => {
        const qp = await qpIn(
          side,
          { INIT: 'RESET', RTR: 'INIT', RTS: 'RTR' }[to as 'INIT'] as QpState,
        );
        const before = await qp.query();
        const good =
          to === 'INIT'
            ? toInit(side.attributes)
            : to === 'RTR'
              ? toRtr(side.attributes, side.remote)
              : toRts(side.attributes);
        await expectErrno('EINVAL', () => qp.modify({ ...good, ...wrong }));
        expect(await qp.query()).toEqual(before);
        await qp.modify(good);
      },
      { overrides: ['nic.max_rd_atomic=16'] },
    ),
  );

  it('rule 58: what was asked for is what is queried, or more', () =>
    alone(async (side) => {
      const qp = await qpIn(side, 'RTS');
      const { maxRdAtomic, maxDestRdAtomic, ...rest } = await qp.query();
      expect(maxRdAtomic).toBeGreaterThanOrEqual(side.attributes.maxRdAtomic);
      expect(maxDestRdAtomic).toBeGreaterThanOrEqual(side.attributes.maxDestRdAtomic);
      const { timeout, retryCnt, rnrRetry, minRnrTimer, pathMtu, sqPsn, rqPsn } = side.attributes;
      const asked = { timeout, retryCnt, rnrRetry, minRnrTimer, pathMtu, sqPsn, rqPsn };
      expect(rest).toMatchObject({ ...asked, state: 'RTS', accessFlags: EVERYTHING });
      expect(rest).toMatchObject({ destQpNum: side.remote.qpNum, ahHost: 1 });
    }));
});

describe('posting by state', () => {
  it('rule 59: post_recv fails EINVAL in RESET, and is accepted from INIT on', () =>
    alone(async (side) => {
      for (const state of REACHABLE) {
        const qp = await qpIn(side, state);
        const errno = await errnoOf(() => {
          qp.postRecv({ sges: [] });
        });
        expect(errno).toBe(state === 'RESET' ? 'EINVAL' : undefined);
      }
    }));

  it('rule 61: post_send fails EINVAL in RESET, INIT and RTR', () =>
    alone(async (side) => {
      for (const state of REACHABLE) {
        const qp = await qpIn(side, state);
        const errno = await errnoOf(() => {
          qp.postSend(side.write(0, 0));
        });
        const early = state === 'RESET' || state === 'INIT' || state === 'RTR';
        expect(errno).toBe(early ? 'EINVAL' : undefined);
      }
    }));

  it('rule 60: in INIT receives wait and packets are dropped silently; RTR takes both up', async () => {
    const { b, counters } = await pair(
      { unconnected: true },
      async ({ connect, qp, message, statuses, meet }) => {
        await connect();
        await meet();
        qp.postSend(message(0, 8));
        await meet();
        expect(await statuses(1)).toEqual(['SUCCESS']);
        await meet();
      },
      async ({ qp, attributes, remote, core, recvCq, receive, meet, completions }) => {
        await qp.modify(toInit(attributes));
        receive(0, 8);
        await meet();
        await core.sleep(500e6 as never);
        const early = await recvCq.poll();
        await qp.modify(toRtr(attributes, remote));
        await meet();
        const late = await completions(1, recvCq);
        await meet();
        return [early.length, late.length];
      },
    );
    expect(b).toEqual([0, 1]);
    expect(counters).toMatchObject({ dropped: 1, timeouts: 1, rnr_naks_sent: 0 });
  });
});

describe('SQD', () => {
  it('rule 62: what is begun goes on to its end, sq_draining until then; later requests wait for RTS', async () => {
    const { a } = await pair(
      {},
      async ({ qp, read, completions, core, sendCq, meet }) => {
        qp.postSend({ ...read(0, 65536), wrId: 1 });
        await core.sleep(1e6 as never);
        await qp.modify({ state: 'SQD' });
        const during = await qp.query();
        qp.postSend({ ...read(0, 8), wrId: 2 });
        const first = await completions(1);
        await core.sleep(100e6 as never);
        const waiting = await sendCq.poll();
        const after = await qp.query();
        await qp.modify({ state: 'RTS' });
        const second = await completions(1);
        await meet();
        const draining = [during, after].map(
          (each) => (each as { sqDraining?: boolean }).sqDraining,
        );
        return {
          draining,
          seen: [first, waiting, second].map((each) => each.map(({ wrId }) => wrId)),
        };
      },
      answers,
    );
    expect(a).toEqual({ draining: [true, false], seen: [[1], [], [2]] });
  });

  it('attributes may change there: max_rd_atomic, time-outs, the remote window', async () => {
    const { a } = await pair(
      {},
      async ({ qp, read, statuses, meet }) => {
        await qp.modify({ state: 'SQD' });
        await qp.modify({ maxRdAtomic: 1, maxDestRdAtomic: 2, timeout: 9, ahHost: 1 });
        await qp.modify({ state: 'RTS' });
        for (let i = 0; i < 4; i++) qp.postSend(read(0, 8));
        const seen = await statuses(4);
        const { maxRdAtomic, maxDestRdAtomic, timeout } = await qp.query();
        await meet();
        return { seen, maxRdAtomic, maxDestRdAtomic, timeout };
      },
      answers,
    );
    const seen = ['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS'];
    expect(a).toEqual({ seen, maxRdAtomic: 1, maxDestRdAtomic: 2, timeout: 9 });
  });
});

describe('leaving', () => {
  it('rule 63: to RESET discards what is queued without completions, to ERR flushes it with them', async () => {
    const { a } = await pair(
      {},
      async ({ qp, write, receive, core, sendCq, recvCq, connect, statuses, meet }) => {
        const post = (): void => {
          for (let i = 0; i < 3; i++) qp.postSend(write(0, 20000));
          receive();
          receive();
        };
        post();
        await qp.modify({ state: 'RESET' });
        await core.sleep(1e9 as never);
        const discarded = [...(await sendCq.poll()), ...(await recvCq.poll())];
        await connect();
        post();
        await qp.modify({ state: 'ERR' });
        const flushed = [...(await statuses(3)), ...(await statuses(2, recvCq))];
        await meet();
        return { discarded, flushed: [...new Set(flushed)] };
      },
      answers,
    );
    expect(a).toEqual({ discarded: [], flushed: ['WR_FLUSH_ERR'] });
  });

  it('rule 103: from ERR it works again by way of RESET, whatever the old life left behind', async () => {
    const half = async (side: Side): Promise<string[]> => {
      const { qp, message, receive, connect, meet, statuses, recvCq, region } = side;
      const all: string[] = [];
      for (let life = 0; life < 3; life++) {
        receive(1024, 100);
        receive(2048, 100);
        await meet();
        region.bytes[0] = life + 1;
        qp.postSend(message(0, 100));
        all.push(...(await statuses(1)), ...(await statuses(1, recvCq)));
        all.push(String(region.bytes[1024]));
        await meet();
        // More than the queue holds, if the old life's completions freed slots of the new one.
        for (let i = 0; i < 3; i++) qp.postSend(message(0, 100));
        await qp.modify({ state: 'ERR' });
        await qp.modify({ state: 'RESET' });
        await meet();
        await connect();
        await meet();
        all.push(...(await side.sendCq.poll(64)).map(({ status }) => status));
        await recvCq.poll(64);
      }
      return all;
    };
    const { a, b } = await pair({ cap: { maxSendWr: 4, maxRecvWr: 2 } }, half, half);
    for (const all of [a, b]) {
      expect(all.filter((each) => each !== 'WR_FLUSH_ERR' && each !== 'RETRY_EXC_ERR')).toEqual([
        ...['SUCCESS', 'SUCCESS', '1', 'SUCCESS', 'SUCCESS', '2', 'SUCCESS', 'SUCCESS', '3'],
      ]);
    }
  });

  it('a doorbell of an old life that comes late rings nothing in the new one', async () => {
    const { a } = await pair(
      { overrides: ['nic.posted_write=300us'], unconnected: true, qp: { timeout: 14 } },
      async ({ qp, write, connect, meet, completions, sendCq, core }) => {
        await connect();
        for (let wrId = 1; wrId <= 3; wrId++) qp.postSend({ ...write(0, 8), wrId });
        await qp.modify({ state: 'RESET' });
        await connect();
        await meet();
        qp.postSend({ ...write(0, 8), wrId: 4 });
        const [first] = await completions(1);
        await core.sleep(1e9 as never);
        const more = await sendCq.poll();
        await meet();
        return { first: [first!.wrId, first!.status], more };
      },
      async ({ connect, meet }) => {
        await connect();
        await meet();
        await meet();
      },
    );
    expect(a).toEqual({ first: [4, 'SUCCESS'], more: [] });
  });

  it('completions of an old life that are polled in the new one free no slots of it', () =>
    alone(
      async ({ qp, write, connect, sendCq, core }) => {
        await qp.modify({ state: 'ERR' });
        qp.postSendList([write(0, 8), write(0, 8)]);
        await core.sleep(1e9 as never);
        await qp.modify({ state: 'RESET' });
        await connect();
        expect(await sendCq.poll(1)).toHaveLength(1);
        qp.postSendList([write(0, 8), write(0, 8)]);
        expect(await sendCq.poll(1)).toHaveLength(1);
        await expectErrno('ENOMEM', () => {
          qp.postSend(write(0, 8));
        });
      },
      { cap: { maxSendWr: 2 } },
    ));
});
