/** Objects and lifetimes: rules 1-3, 8-12, 15, 16. */
import { describe, expect, it } from 'vitest';
import type { CompletionQueue, QpOptions, QueuePair } from '../../node/program/verbs.js';
import {
  answers,
  EVERYTHING,
  pair,
  toInit,
  toRtr,
  toRts,
  type Side,
} from '../node/model/rdma/pair.js';
import { expectErrno } from './errno.js';

/** What one side does, alone. */
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

describe('protection domains', () => {
  it('rule 1: each allocation is another, usable one', () =>
    alone(async ({ context, core, sendCq, recvCq }) => {
      const memory = await core.allocate(4096);
      const [one, two] = [await context.allocatePd(), await context.allocatePd()];
      const regions = [
        await one.registerMemory(memory, EVERYTHING),
        await two.registerMemory(memory, EVERYTHING),
      ];
      expect(regions[0]!.lkey).not.toBe(regions[1]!.lkey);
      for (const pd of [one, two]) await (await pd.createQp({ sendCq, recvCq })).destroy();
      for (const region of regions) await region.deregister();
      await one.deallocate();
      await two.deallocate();
    }));

  it('rule 2: deallocation fails EBUSY while a region or a queue pair refers to it', () =>
    alone(async ({ context, core, sendCq, recvCq }) => {
      const pd = await context.allocatePd();
      const region = await pd.registerMemory(await core.allocate(4096), 0);
      await expectErrno('EBUSY', () => pd.deallocate());
      await region.deregister();
      const qp = await pd.createQp({ sendCq, recvCq });
      await expectErrno('EBUSY', () => pd.deallocate());
      await qp.destroy();
      await pd.deallocate();
      await expectErrno('EINVAL', () => pd.deallocate());
      await expectErrno('EINVAL', () => pd.createQp({ sendCq, recvCq }));
    }));
});

describe('completion queues', () => {
  it('rule 3: destruction fails EBUSY while a queue pair sends or receives through it', () =>
    alone(async ({ context, pd, sendCq }) => {
      const mine = await context.createCq(4);
      for (const options of [
        { sendCq: mine, recvCq: sendCq },
        { sendCq, recvCq: mine },
      ]) {
        const qp = await pd.createQp(options);
        await expectErrno('EBUSY', () => mine.destroy());
        await qp.destroy();
      }
      await mine.destroy();
      await expectErrno('EINVAL', () => mine.destroy());
      await expectErrno('EINVAL', () => pd.createQp({ sendCq: mine, recvCq: mine }));
    }));

  it.each([0, -1, 1.5, NaN])('rule 16: capacity %s fails EINVAL', (capacity) =>
    alone(({ context }) => expectErrno('EINVAL', () => context.createCq(capacity))),
  );

  it('rule 16: as many entries as the device has, and not one more', () =>
    alone(
      async ({ context }) => {
        const { maxCqe } = context.attributes;
        expect((await context.createCq(maxCqe)).capacity).toBeGreaterThanOrEqual(maxCqe);
        await expectErrno('EINVAL', () => context.createCq(maxCqe + 1));
      },
      { overrides: ['nic.max_cqe=1000'] },
    ));

  it('what is still on its way to a destroyed one is dropped: its memory may be somebody else’s', () =>
    alone(
      async ({ context, pd, core, remote, attributes }) => {
        const memory = await core.allocate(4096);
        const cq = await context.createCq(8);
        const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
        await qp.modify(toInit(attributes));
        await qp.modify(toRtr(attributes, remote));
        await qp.modify(toRts(attributes));
        qp.postSend({ opcode: 'SEND', sges: [{ ...memory, lkey: 1 as never }] });
        await core.sleep(5e6 as never);
        await qp.destroy();
        await cq.destroy();
        const regions = [];
        for (let i = 0; i < 4; i++) {
          regions.push(await pd.registerMemory(await core.allocate(4096), 0));
        }
        await core.sleep(300e6 as never);
        expect(regions.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true);
      },
      { overrides: ['nic.cqe=200us'] },
    ));

  it('memory of destroyed queues is given back: a thousand come and go where four fit', () =>
    alone(
      async ({ context, pd }) => {
        for (let i = 0; i < 1000; i++) {
          const cq = await context.createCq(2000);
          const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
          await qp.destroy();
          await cq.destroy();
        }
      },
      { memory: 2 << 20 },
    ));
});

describe('queue pairs', () => {
  it('rule 8: creation tells what was really given, each at least what was asked for', () =>
    alone(async ({ pd, sendCq, recvCq }) => {
      const cap = {
        maxSendWr: 7,
        maxRecvWr: 9,
        maxSendSge: 3,
        maxRecvSge: 2,
        maxInlineData: 33,
      };
      const qp = await pd.createQp({ sendCq, recvCq, cap });
      for (const [name, asked] of Object.entries(cap)) {
        expect(qp.cap[name as keyof typeof cap]).toBeGreaterThanOrEqual(asked);
      }
    }));

  it('rules 9 and 10: more than the device has fails EINVAL, exactly as much does not', () =>
    alone(async ({ pd, sendCq, recvCq, context }) => {
      const { maxQpWr, maxSge, maxInlineData } = context.attributes;
      const limits = {
        ...{ maxSendWr: maxQpWr, maxRecvWr: maxQpWr },
        ...{ maxSendSge: maxSge, maxRecvSge: maxSge, maxInlineData },
      };
      for (const [name, limit] of Object.entries(limits)) {
        const cap = { maxSendWr: 1, maxRecvWr: 1, [name]: limit };
        await (await pd.createQp({ sendCq, recvCq, cap })).destroy();
        for (const wrong of [limit + 1, -1, 0.5]) {
          const options = { sendCq, recvCq, cap: { ...cap, [name]: wrong } };
          await expectErrno('EINVAL', () => pd.createQp(options));
        }
      }
    }));

  it('rule 11: without a send CQ or a receive CQ it fails EINVAL', () =>
    alone(async ({ pd, sendCq, recvCq }) => {
      const none = undefined as unknown as CompletionQueue;
      await expectErrno('EINVAL', () => pd.createQp({ sendCq: none, recvCq }));
      await expectErrno('EINVAL', () => pd.createQp({ sendCq, recvCq: none }));
    }));

  it('rule 12: an unsupported type fails EOPNOTSUPP', () =>
    alone(async ({ pd, sendCq, recvCq }) => {
      const options = { sendCq, recvCq, type: 'XRC_SEND' } as unknown as QpOptions;
      await expectErrno('EOPNOTSUPP', () => pd.createQp(options));
    }));

  it('rule 15: a new one is in RESET', () =>
    alone(async ({ pd, sendCq, recvCq }) => {
      const qp = await pd.createQp({ sendCq, recvCq });
      expect((await qp.query()).state).toBe('RESET');
    }));

  it('there are as many as the device has: the next fails ENOMEM, until one is destroyed', () =>
    alone(
      async ({ pd, sendCq, recvCq }) => {
        const cap = { maxSendWr: 1, maxRecvWr: 1 };
        const qps: QueuePair[] = [];
        for (let i = 1; i < 5; i++) qps.push(await pd.createQp({ sendCq, recvCq, cap }));
        await expectErrno('ENOMEM', () => pd.createQp({ sendCq, recvCq, cap }));
        await qps[0]!.destroy();
        const qp = await pd.createQp({ sendCq, recvCq, cap });
        expect(new Set([...qps, qp].map(({ qpNum }) => qpNum)).size).toBe(5);
        await expectErrno('EINVAL', () => qps[0]!.destroy());
      },
      { overrides: ['nic.max_qp=5'] },
    ));

  it('and memory: a host without room for the rings fails ENOMEM, and nothing of it stays', () =>
    alone(
      async ({ pd, sendCq, recvCq, core }) => {
        const small = { maxSendWr: 1, maxRecvWr: 1 };
        const large = { maxSendWr: 1, maxRecvWr: 16000 };
        await expectErrno('ENOMEM', () => pd.createQp({ sendCq, recvCq, cap: large }));
        await (await pd.createQp({ sendCq, recvCq, cap: small })).destroy();
        await core.allocate(600 << 10);
      },
      { memory: 1 << 20 },
    ));
});
