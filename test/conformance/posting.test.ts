/** Posting and completion: rules 65-68, 70-72, 74-82, 85, 86. */
import { describe, expect, it } from 'vitest';
import { VerbsError, type SendWr, type Sge } from '../../node/program/verbs.js';
import { answers, fill, pair, type PairOptions, type Side } from '../node/model/rdma/pair.js';
import { expectErrno } from './errno.js';

async function alone(
  does: (side: Side) => Promise<void>,
  options: PairOptions = {},
): Promise<void> {
  await pair(
    options,
    async (side) => {
      await does(side);
      await side.meet();
    },
    answers,
  );
}

describe('what cannot be posted', () => {
  it('rule 65: a receive past max_recv_wr fails ENOMEM, until one is taken', async () => {
    await pair(
      { cap: { maxRecvWr: 2 } },
      async ({ receive, meet, completions, recvCq }) => {
        receive();
        receive();
        await expectErrno('ENOMEM', () => {
          receive();
        });
        await meet();
        await completions(1, recvCq);
        receive();
        await expectErrno('ENOMEM', () => {
          receive();
        });
        await meet();
      },
      async ({ meet, send, message }) => {
        await meet();
        await send(message(0, 0));
        await meet();
      },
    );
  });

  it('rule 67: a send on a full queue fails ENOMEM; unsignalled ones hold their slots until a completion', () =>
    alone(
      async ({ qp, write, completions }) => {
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 3; i++) qp.postSend({ ...write(0, 8), signaled: false });
          qp.postSend(write(0, 8));
          await expectErrno('ENOMEM', () => {
            qp.postSend(write(0, 8));
          });
          await completions(1);
        }
      },
      { cap: { maxSendWr: 4 } },
    ));

  it('a READ or an atomic where max_rd_atomic is 0 fails EINVAL, and a WRITE does not', () =>
    alone(
      async ({ qp, read, write, completions }) => {
        const word = { ...write(0, 8), opcode: 'ATOMIC_FETCH_AND_ADD', add: 1n } as SendWr;
        for (const request of [read(0, 8), word]) {
          await expectErrno('EINVAL', () => {
            qp.postSend(request);
          });
        }
        qp.postSend(write(0, 8));
        expect((await completions(1)).map(({ status }) => status)).toEqual(['SUCCESS']);
      },
      { qp: { maxRdAtomic: 0 } },
    ));

  it('rule 66: more SGEs than the queue pair has fail EINVAL', () =>
    alone(
      async ({ qp, write, region }) => {
        const sges = [0, 1, 2].map((i) => region.sge(i, 1));
        await expectErrno('EINVAL', () => {
          qp.postSend({ ...write(0, 1), sges });
        });
        await expectErrno('EINVAL', () => {
          qp.postRecv({ sges });
        });
      },
      { cap: { maxSendSge: 2, maxRecvSge: 2 } },
    ));

  it('rule 68: a list stops at the first bad request, those before it stay posted, and it is named', () =>
    alone(async ({ qp, write, message, completions }) => {
      const list = [
        { ...write(0, 8), wrId: 1 },
        { ...write(0, 8), wrId: 2 },
        {
          ...write(0, 8),
          wrId: 3,
          inline: true,
          sges: [{ address: 5, length: 8, lkey: 0 as never }],
        },
        { ...message(0, 8), wrId: 4 },
      ] as SendWr[];
      let error: unknown;
      try {
        qp.postSendList(list);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(VerbsError);
      expect(error).toMatchObject({ code: 'EFAULT', index: 2 });
      expect((await completions(2)).map(({ wrId }) => wrId)).toEqual([1, 2]);
    }));

  it('rule 68: so does a list of receives', () =>
    alone(
      async ({ qp }) => {
        let error: unknown;
        try {
          qp.postRecvList([{ sges: [] }, { sges: [] }, { sges: [] }]);
        } catch (caught) {
          error = caught;
        }
        expect(error).toMatchObject({ code: 'ENOMEM', index: 2 });
      },
      { cap: { maxRecvWr: 2 } },
    ));

  it.each<[string, (side: Side) => unknown]>([
    ['an opcode that RC has not', ({ write }) => ({ ...write(0, 8), opcode: 'BIND_MW' })],
    ['an opcode that is none', ({ write }) => ({ ...write(0, 8), opcode: 'toString' })],
    ['an inline READ', ({ read }) => ({ ...read(0, 8), inline: true })],
    ['more inline than max_inline_data', ({ write }) => ({ ...write(0, 201), inline: true })],
    ['a message longer than 2^31', ({ write }) => longer(write(0, 8))],
    ['an SGE of less than nothing', ({ write }) => ({ ...write(0, 8), sges: [sge(0, -8)] })],
    ['an SGE of half bytes', ({ write }) => ({ ...write(0, 8), sges: [sge(0, 7.5)] })],
    ['an SGE at no address', ({ write }) => ({ ...write(0, 8), sges: [sge(NaN, 8)] })],
    ['a wr_id of one half', ({ write }) => ({ ...write(0, 8), wrId: 0.5 })],
    ['a remote address beyond 2^53', ({ write }) => ({ ...write(0, 8), remoteAddress: 2 ** 60 })],
    ['an atomic of 4 bytes', ({ read }) => atomic(read(0, 4))],
    ['an atomic of 16 bytes', ({ read }) => atomic(read(0, 16))],
  ])('rules 70, 71, 72, 74: %s fails EINVAL', (_what, request) =>
    alone(async (side) => {
      await expectErrno('EINVAL', () => {
        side.qp.postSend(request(side) as SendWr);
      });
      // Nothing of it was posted.
      expect(await side.send(side.write(0, 8))).toMatchObject({ status: 'SUCCESS' });
    }),
  );

  const sge = (address: number, length: number): Sge => ({ address, length, lkey: 1 as never });
  const longer = (request: SendWr): SendWr => ({
    ...request,
    sges: [sge(0, 2 ** 31), sge(0, 1)],
  });
  const atomic = (request: SendWr): SendWr =>
    ({ ...request, opcode: 'ATOMIC_FETCH_AND_ADD', add: 1n }) as SendWr;
});

describe('data', () => {
  it('rule 71: inline data may be changed as soon as post returns, and its lkey is not looked at', async () => {
    const { b } = await pair(
      {},
      async ({ qp, write, region, completions, meet }) => {
        for (let i = 0; i < 4; i++) {
          region.bytes.fill(i + 1, 0, 200);
          const sges = [{ address: region.address, length: 200, lkey: 0x123456 as never }];
          qp.postSend({ ...write(i * 200, 200), sges, inline: true } as SendWr);
        }
        region.bytes.fill(0xff, 0, 200);
        await completions(4);
        await meet();
      },
      async ({ region, meet }) => {
        await meet();
        return [0, 199, 200, 400, 799, 800].map((i) => region.bytes[i]);
      },
    );
    expect(b).toEqual([1, 1, 2, 3, 4, 0]);
  });

  it('rule 72: SEND, WRITE and READ of nothing are legal and complete', async () => {
    const { a, b } = await pair(
      {},
      async ({ qp, write, read, message, completions, meet }) => {
        await meet();
        qp.postSendList([message(0, 0), { ...write(0, 0), sges: [] }, { ...read(0, 0), sges: [] }]);
        const seen = await completions(3);
        await meet();
        return seen.map(({ status, byteLen }) => [status, byteLen]);
      },
      async ({ receive, meet, completions, recvCq }) => {
        receive();
        await meet();
        const seen = await completions(1, recvCq);
        await meet();
        return seen.map(({ status, byteLen }) => [status, byteLen]);
      },
    );
    expect(a).toEqual([
      ['SUCCESS', 0],
      ['SUCCESS', 0],
      ['SUCCESS', 0],
    ]);
    expect(b).toEqual([['SUCCESS', 0]]);
  });

  it.each([256, 1024])(
    'every length round the borders of an MTU of %i is cut, gathered and scattered right',
    async (pathMtu) => {
      const lengths = [1, 2, 3].flatMap((n) => [-3, -1, 0, 1, 2].map((d) => n * pathMtu + d));
      // SGE borders before, at and behind packet borders, and empty SGEs between.
      const cut = (side: Side, at: number, length: number): Sge[] => {
        const first = Math.min(length, pathMtu - 1);
        const second = Math.min(length - first, 2);
        return [
          ...[side.region.sge(at, first), side.region.sge(at, 0)],
          ...[
            side.region.sge(at + first, second),
            side.region.sge(at + first + second, length - first - second),
          ],
        ];
      };
      const { a, b } = await pair(
        { qp: { pathMtu } },
        async (side) => {
          const { region, qp, write, read, message, completions, meet } = side;
          fill(region, 0, 4096);
          await meet();
          for (const length of lengths) {
            const sges = cut(side, 0, length);
            qp.postSend({ ...message(0, 0), sges });
            qp.postSend({ ...write(0, length, 8192), sges });
            qp.postSend({ ...read(0, length, 8192), sges: cut(side, 16384, length) });
            await completions(3);
            expect(
              Buffer.compare(
                region.bytes.subarray(16384, 16384 + length),
                region.bytes.subarray(0, length),
              ),
            ).toBe(0);
            expect(region.bytes[16384 + length]).toBe(0);
            region.bytes.fill(0, 16384, 16384 + length);
            await meet();
          }
          return lengths.length;
        },
        async (side) => {
          const { region, qp, completions, recvCq, meet } = side;
          const wanted = new Uint8Array(4096);
          fill({ bytes: wanted } as never, 0, 4096);
          for (let i = 0; i < lengths.length; i++) {
            const length = lengths[i]!;
            qp.postRecv({ sges: cut(side, 32768, length + 10) });
            if (i === 0) await meet();
            const [receive] = await completions(1, recvCq);
            expect(receive).toMatchObject({ status: 'SUCCESS', byteLen: length });
            await meet();
            for (const at of [8192, 32768]) {
              const got = region.bytes.subarray(at, at + length);
              expect(Buffer.compare(got, wanted.subarray(0, length))).toBe(0);
              expect(region.bytes[at + length]).toBe(0);
              region.bytes.fill(0, at, at + length);
            }
          }
          return true;
        },
      );
      expect([a, b]).toEqual([lengths.length, true]);
    },
  );
});

describe('completions', () => {
  it('rule 75: unsignalled requests make none; with sq_sig_all every one does', async () => {
    for (const sqSigAll of [false, true]) {
      const { a } = await pair(
        { sqSigAll },
        async ({ qp, write, sendCq, core, meet }) => {
          qp.postSendList(
            [1, 2, 3].map((wrId) => ({ ...write(0, 8), wrId, signaled: wrId === 2 })),
          );
          await core.sleep(1e9 as never);
          const seen = await sendCq.poll();
          await meet();
          return seen.map(({ wrId }) => wrId);
        },
        answers,
      );
      expect(a).toEqual(sqSigAll ? [1, 2, 3] : [2]);
    }
  });

  it('rules 75 and 79: one that fails always makes one, which names the request, its status and its queue pair', async () => {
    const { a } = await pair(
      {},
      async ({ qp, write, completions, meet }) => {
        const bad = { ...write(0, 8), wrId: 2, rkey: 9, signaled: false } as SendWr;
        qp.postSendList([
          { ...write(0, 8), signaled: false },
          bad,
          { ...write(0, 8), wrId: 3, signaled: false },
        ]);
        const seen = await completions(2);
        await meet();
        return seen.map(({ wrId, status, qpNum }) => [wrId, status, qpNum === qp.qpNum]);
      },
      answers,
    );
    expect(a).toEqual([
      [2, 'REM_ACCESS_ERR', true],
      [3, 'WR_FLUSH_ERR', true],
    ]);
  });

  it('rules 77 and 78: in posting order, at most as many as asked for, never one twice', async () => {
    const { a } = await pair(
      {},
      async ({ qp, write, read, sendCq, core, meet }) => {
        const empty = await sendCq.poll();
        for (let wrId = 0; wrId < 20; wrId++) {
          qp.postSend({ ...(wrId % 3 === 0 ? read(0, 5000) : write(0, 8)), wrId });
        }
        await core.sleep(1e9 as never);
        const seen: number[] = [];
        const counts: number[] = [];
        for (;;) {
          const some = await sendCq.poll(7);
          if (some.length === 0) break;
          counts.push(some.length);
          seen.push(...some.map(({ wrId }) => wrId));
        }
        await meet();
        return { empty, seen, counts };
      },
      answers,
    );
    expect(a).toEqual({
      empty: [],
      seen: Array.from({ length: 20 }, (_, i) => i),
      counts: [7, 7, 6],
    });
  });

  it('rule 80: what a receive says of SEND, SEND_WITH_IMM and WRITE_WITH_IMM', async () => {
    const { b } = await pair(
      {},
      async ({ qp, message, write, completions, meet }) => {
        await meet();
        qp.postSend(message(0, 1500));
        qp.postSend({
          ...message(0, 10),
          opcode: 'SEND_WITH_IMM',
          immediate: 0xffffffff,
        });
        qp.postSend({ ...write(0, 2500), opcode: 'RDMA_WRITE_WITH_IMM', immediate: 7 } as SendWr);
        await completions(3);
      },
      async ({ receive, meet, completions, recvCq, qp }) => {
        for (let wrId = 1; wrId <= 3; wrId++) receive(0, 2000, wrId);
        await meet();
        const seen = await completions(3, recvCq);
        expect(seen.every(({ qpNum }) => qpNum === qp.qpNum)).toBe(true);
        return seen.map(({ wrId, opcode, byteLen, immediate }) => [
          wrId,
          opcode,
          byteLen,
          immediate,
        ]);
      },
    );
    expect(b).toEqual([
      [1, 'RECV', 1500, undefined],
      [2, 'RECV', 10, 0xffffffff],
      [3, 'RECV_RDMA_WITH_IMM', 2500, 7],
    ]);
  });

  it('rules 81 and 82: WRITE and READ take no receive and tell the responder nothing; WRITE_WITH_IMM takes one', async () => {
    const { b } = await pair(
      {},
      async ({ qp, write, read, completions, meet }) => {
        await meet();
        qp.postSendList([write(0, 3000), read(0, 3000)]);
        await completions(2);
        await meet();
        await meet();
        const immediate = { opcode: 'RDMA_WRITE_WITH_IMM', immediate: 1 } as const;
        qp.postSend({ ...write(0, 0), ...immediate } as SendWr);
        await completions(1);
        await meet();
      },
      async ({ receive, meet, recvCq, sendCq, completions }) => {
        receive(0, 0, 1);
        receive(0, 0, 2);
        await meet();
        await meet();
        const before = [...(await recvCq.poll()), ...(await sendCq.poll())];
        await meet();
        const seen = await completions(1, recvCq);
        await meet();
        return { before, seen: seen.map(({ wrId }) => wrId), after: await recvCq.poll() };
      },
    );
    expect(b).toEqual({ before: [], seen: [1], after: [] });
  });
});
