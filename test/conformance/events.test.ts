/** Atomics between queue pairs, completion events, and full completion queues: rules 104, 105, 123-126. */
import { describe, expect, it } from 'vitest';
import type { SendWr } from '../../node/program/verbs.js';
import { runEmbedded } from '../embedded.js';
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

const WHILE = 100e6 as never;

describe('atomics', () => {
  it('rule 104: CMP_SWP stores only where it finds what it compares, FETCH_ADD adds modulo 2^64', async () => {
    const { a } = await pair(
      {},
      async ({ send, region, remote, meet }) => {
        const base = {
          sges: [region.sge(0, 8)],
          remoteAddress: remote.address + 8,
          rkey: remote.rkey,
        };
        const old: bigint[] = [];
        const requests: SendWr[] = [
          { ...base, opcode: 'ATOMIC_FETCH_AND_ADD', add: 0xffff_ffff_ffff_ffffn },
          { ...base, opcode: 'ATOMIC_FETCH_AND_ADD', add: 0x1_0000_0002n },
          { ...base, opcode: 'ATOMIC_CMP_AND_SWP', compare: 0x1_0000_0002n, swap: 5n },
          { ...base, opcode: 'ATOMIC_CMP_AND_SWP', compare: 0x1_0000_0001n, swap: 7n },
          { ...base, opcode: 'ATOMIC_CMP_AND_SWP', compare: 0x1_0000_0001n, swap: 8n },
          { ...base, opcode: 'ATOMIC_FETCH_AND_ADD', add: 0n },
        ];
        for (const request of requests) {
          expect(await send(request)).toMatchObject({ status: 'SUCCESS', byteLen: 8 });
          old.push(region.data.getBigUint64(0, true));
        }
        await meet();
        return old;
      },
      answers,
    );
    const sum = 0x1_0000_0001n;
    expect(a).toEqual([0n, 0xffff_ffff_ffff_ffffn, sum, sum, 7n, 7n]);
  });

  it('atomics that a reset queue pair had begun with say nothing in its new life', async () => {
    const overrides = ['nic.atomic=900us', 'nic.atomic_occupancy=20us'];
    const { a, b } = await pair(
      { overrides, qp: { timeout: 12 } },
      async ({ core, qp, region, remote, connect, statuses, meet }) => {
        const base = { remoteAddress: remote.address, rkey: remote.rkey } as const;
        const add = (n: number): SendWr => ({
          ...base,
          ...{ opcode: 'ATOMIC_FETCH_AND_ADD', add: BigInt(n), sges: [region.sge(n * 8, 8)] },
        });
        qp.postSendList([add(1), add(2)]);
        await core.sleep(200e6 as never);
        await qp.modify({ state: 'RESET' });
        await meet();
        await connect();
        await meet();
        const since = core.now;
        qp.postSendList([add(3), add(4)]);
        const seen = await statuses(2);
        // The unit takes its time: the ends of the old ones have not been taken for theirs.
        expect(core.now - since).toBeGreaterThan(900e6);
        await meet();
        return { seen, found: [3, 4].map((n) => region.data.getBigUint64(n * 8, true)) };
      },
      async ({ qp, core, connect, region, meet }) => {
        await core.sleep(200e6 as never);
        await qp.modify({ state: 'RESET' });
        await meet();
        await connect();
        await meet();
        await meet();
        return region.data.getBigUint64(0, true);
      },
    );
    expect(a).toEqual({ seen: ['SUCCESS', 'SUCCESS'], found: [0n, 3n] });
    expect(b).toBe(7n);
  });

  it('rule 105: five requesters that add one 40 times leave 200, and each sees another number', async () => {
    const requesters = 5;
    const times = 40;
    const run = await runEmbedded({
      hosts: requesters + 1,
      memory: 4 << 20,
      program: async (core) => {
        const context = await core.openDevice();
        const pd = await context.allocatePd();
        const cq = await context.createCq(64);
        const region = await pd.registerMemory(await core.allocate(4096), EVERYTHING);
        const attributes = {
          ...{ accessFlags: EVERYTHING, pathMtu: 1024, timeout: 8, retryCnt: 7, rnrRetry: 7 },
          ...{ minRnrTimer: 1, maxRdAtomic: 4, maxDestRdAtomic: 4, sqPsn: 1, rqPsn: 1 },
        };
        const join = async (peer: number): Promise<{ address: number; rkey: never }> => {
          const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
          const own = { address: region.address, rkey: region.rkey, qpNum: qp.qpNum };
          await core.tell(peer, own);
          const remote = (await core.hear(peer)) as { address: number; rkey: never; qpNum: number };
          await qp.modify(toInit(attributes));
          await qp.modify(toRtr(attributes, { host: peer, qpNum: remote.qpNum }));
          await qp.modify(toRts(attributes));
          await core.tell(peer, 'ready');
          await core.hear(peer);
          if (peer !== 0) return remote;
          for (let i = 0; i < times; i++) {
            const sges = [region.sge(8 + i * 8, 8)];
            const target = { remoteAddress: remote.address, rkey: remote.rkey };
            qp.postSend({ opcode: 'ATOMIC_FETCH_AND_ADD', sges, add: 1n, ...target });
          }
          for (let done = 0; done < times;) done += (await cq.busyPoll()).length;
          await core.tell(0, 'done');
          return remote;
        };
        if (core.rank > 0) {
          await join(0);
          return Array.from({ length: times }, (_, i) => region.data.getBigUint64(8 + i * 8, true));
        }
        for (let peer = 1; peer <= requesters; peer++) await join(peer);
        for (let peer = 1; peer <= requesters; peer++) await core.hear(peer);
        return [region.data.getBigUint64(0, true)];
      },
    });
    expect(run.blocked).toEqual([]);
    const [sum, ...seen] = run.values as bigint[][];
    expect(sum).toEqual([BigInt(requesters * times)]);
    expect(new Set(seen.flat()).size).toBe(requesters * times);
  });
});

describe('completion events', () => {
  it('rule 123: one event per request, however many completions follow', async () => {
    const { a } = await pair(
      {},
      async ({ core, qp, write, sendCq, meet }) => {
        await sendCq.requestNotify();
        const since = core.now;
        qp.postSendList([write(0, 8), write(0, 8), write(0, 8)]);
        await sendCq.event();
        const first = core.now - since;
        await core.sleep(WHILE);
        qp.postSend(write(0, 8));
        await core.sleep(WHILE);
        // No second event has been raised: only a new request brings one, with the next completion.
        await sendCq.requestNotify();
        await core.sleep(WHILE);
        const armed = core.now;
        qp.postSend(write(0, 8));
        await sendCq.event();
        await meet();
        return { first, second: core.now - armed, seen: (await sendCq.poll()).length };
      },
      answers,
    );
    expect(a.first).toBeGreaterThan(1e6);
    expect(a.second).toBeGreaterThan(1e6);
    expect(a.seen).toBe(5);
  });

  it('rule 123: without a request there is no event', async () => {
    const run = pair(
      {},
      async ({ qp, write, sendCq, meet }) => {
        qp.postSend(write(0, 8));
        await sendCq.event();
        await meet();
      },
      answers,
    );
    await expect(run).rejects.toThrow('has waited for a completion event');
  });

  it('rule 124: solicited_only wakes for a solicited receive, or an error, and for nothing else', async () => {
    const { a, b } = await pair(
      {},
      async ({ core, send, message, qp, sendCq, write, meet }) => {
        await meet();
        for (const solicited of [false, false, true]) {
          await send({ ...message(0, 8), opcode: 'SEND', solicited });
          await core.sleep(WHILE);
        }
        await meet();
        await sendCq.requestNotify(true);
        const since = core.now;
        qp.postSend(write(0, 8));
        await core.sleep(WHILE);
        qp.postSend({ ...write(0, 8), rkey: 4 as never } as SendWr);
        await sendCq.event();
        const waited = core.now - since;
        await meet();
        return waited;
      },
      async ({ core, receive, recvCq, meet }) => {
        for (let i = 0; i < 3; i++) receive(0, 8);
        await recvCq.requestNotify(true);
        await meet();
        const since = core.now;
        await recvCq.event();
        const waited = core.now - since;
        const seen = (await recvCq.poll()).length;
        await meet();
        await meet();
        return { waited, seen };
      },
    );
    expect(a).toBeGreaterThan(100e6);
    expect(b.waited).toBeGreaterThan(200e6);
    expect(b.seen).toBe(3);
  });

  it('a request for solicited ones does not narrow a pending one for any', async () => {
    await pair(
      {},
      async ({ qp, write, sendCq, meet }) => {
        await sendCq.requestNotify();
        await sendCq.requestNotify(true);
        qp.postSend(write(0, 8));
        await sendCq.event();
        await meet();
      },
      answers,
    );
  });

  it('rule 125: no completion is lost to a receiver that re-arms, then polls until there is none', async () => {
    const total = 300;
    const { b } = await pair(
      { noise: true },
      async ({ core, qp, message, completions }) => {
        for (let i = 0; i < total; i++) {
          qp.postSend(message(0, 8));
          await completions(1);
          await core.sleep(Math.floor(core.random() * 3e6) as never);
        }
      },
      async ({ receive, recvCq, core }) => {
        let posted = 0;
        let seen = 0;
        let events = 0;
        const post = (): void => {
          while (posted < total && posted - seen < 32) {
            receive(0, 8);
            posted++;
          }
        };
        post();
        await recvCq.requestNotify();
        while (seen < total) {
          await recvCq.event();
          events++;
          await core.sleep(Math.floor(core.random() * 5e6) as never);
          await recvCq.requestNotify();
          for (;;) {
            const some = await recvCq.poll(2);
            if (some.length === 0) break;
            seen += some.length;
            post();
          }
        }
        return { seen, events };
      },
    );
    expect(b.seen).toBe(total);
    expect(b.events).toBeGreaterThan(20);
    expect(b.events).toBeLessThan(total);
  });
});

describe('a full completion queue', () => {
  const overrun = async (side: Side): Promise<unknown> => {
    const { qp, write, core, sendCq, meet } = side;
    await meet();
    qp.postSendList([1, 2, 3, 4, 5].map((wrId) => ({ ...write(0, 8), wrId })));
    await core.sleep(WHILE);
    const { state } = await qp.query();
    const seen = (await sendCq.poll()).map(({ wrId }) => wrId);
    const errnos = [await errnoOf(() => sendCq.poll()), await errnoOf(() => sendCq.busyPoll())];
    await meet();
    return { state, seen, errnos };
  };

  it('rule 126: is of no more use, and the queue pairs on it are in error', async () => {
    const { a, counters } = await pair({ cqCapacity: 3 }, overrun, async ({ meet }) => {
      await meet();
      await meet();
    });
    expect(a).toEqual({ state: 'ERR', seen: [1, 2, 3], errnos: ['EINVAL', 'EINVAL'] });
    expect(counters['cq_overruns']).toBeGreaterThan(0);
  });

  it('rule 126: so are those that only receive through it, and a poller is woken', async () => {
    const { b } = await pair(
      { cqCapacity: 2 },
      async ({ qp, message, meet, core }) => {
        await meet();
        qp.postSendList([0, 1, 2].map(() => ({ ...message(0, 8), signaled: false })));
        await core.sleep(WHILE);
        await meet();
      },
      async ({ receive, recvCq, qp, core, meet }) => {
        for (let i = 0; i < 3; i++) receive(0, 8);
        await meet();
        await core.sleep(WHILE);
        const seen = await recvCq.busyPoll();
        await expectErrno('EINVAL', () => recvCq.busyPoll());
        const { state } = await qp.query();
        await meet();
        return { seen: seen.length, state };
      },
    );
    expect(b).toEqual({ seen: 2, state: 'ERR' });
  });

  it('as many as it holds, taken in time, never overrun it', async () => {
    const { a, counters } = await pair(
      { cqCapacity: 3 },
      async ({ qp, write, completions, meet }) => {
        for (let round = 0; round < 20; round++) {
          qp.postSendList([write(0, 8), write(0, 8), write(0, 8)]);
          await completions(3);
        }
        await meet();
        return (await qp.query()).state;
      },
      answers,
    );
    expect(a).toBe('RTS');
    expect(counters['cq_overruns']).toBe(0);
  });
});
