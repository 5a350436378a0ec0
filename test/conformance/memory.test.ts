/** Memory registration and keys: rules 20-26, 28. */
import { describe, expect, it } from 'vitest';
import { ACCESS, type Lkey, type Rkey, type SendWr } from '../../node/program/verbs.js';
import { answers, EVERYTHING, pair, type Side } from '../node/model/rdma/pair.js';
import { expectErrno } from './errno.js';

const asks = (does: (side: Side) => Promise<void>, options = {}): Promise<unknown> =>
  pair(
    options,
    async (side) => {
      await does(side);
      await side.meet();
    },
    answers,
  );

describe('registration', () => {
  it('rule 20: REMOTE_WRITE or REMOTE_ATOMIC without LOCAL_WRITE fails EINVAL', () =>
    asks(async ({ pd, core }) => {
      const memory = await core.allocate(4096);
      for (const access of [ACCESS.REMOTE_WRITE, ACCESS.REMOTE_ATOMIC]) {
        await expectErrno('EINVAL', () => pd.registerMemory(memory, access));
        await expectErrno('EINVAL', () => pd.registerMemory(memory, access | ACCESS.REMOTE_READ));
        await pd.registerMemory(memory, access | ACCESS.LOCAL_WRITE);
      }
      await pd.registerMemory(memory, ACCESS.REMOTE_READ);
    }));

  it('rule 22: unsupported access bits fail EOPNOTSUPP', () =>
    asks(async ({ pd, core }) => {
      const memory = await core.allocate(4096);
      for (const bit of [16, 128, 1 << 19, 1 << 30]) {
        await expectErrno('EOPNOTSUPP', () => pd.registerMemory(memory, bit));
      }
    }));

  it('optional access bits, relaxed ordering among them, are accepted', () =>
    asks(async ({ pd, core }) => {
      const memory = await core.allocate(4096);
      for (let bit = 20; bit < 30; bit++) {
        const region = await pd.registerMemory(memory, ACCESS.LOCAL_WRITE | (1 << bit));
        await region.deregister();
      }
      await pd.registerMemory(memory, ACCESS.RELAXED_ORDERING);
    }));

  it('no bytes at all fail EINVAL, pinned or on demand', () =>
    asks(async ({ pd, core }) => {
      const { address } = await core.allocate(4096);
      for (const access of [0, ACCESS.ON_DEMAND]) {
        await expectErrno('EINVAL', () => pd.registerMemory({ address, length: 0 }, access));
      }
    }));

  it('where RLIMIT_MEMLOCK is 0 nothing can be pinned: EPERM', () =>
    asks(async ({ pd, core }) => {
      const memory = await core.allocate(4096);
      await core.setrlimitMemlock(0);
      await expectErrno('EPERM', () => pd.registerMemory(memory, 0));
      await pd.registerMemory(memory, ACCESS.ON_DEMAND);
    }));

  it('an I/O virtual address with another offset in its page fails EINVAL', () =>
    asks(async ({ pd, core }) => {
      const { address } = await core.allocate(8192);
      const memory = { address: address + 100, length: 4096 };
      for (const iova of [0, 99, 4096, 2 ** 40 + 101, -100, 100.5]) {
        await expectErrno('EINVAL', () => pd.registerMemory(memory, 0, { iova }));
      }
      const region = await pd.registerMemory(memory, 0, { iova: 2 ** 40 + 100 });
      expect(region.address).toBe(2 ** 40 + 100);
    }));

  it('memory that is not the process’s fails EFAULT, in part or whole', () =>
    asks(async ({ pd, core }) => {
      const { address } = await core.allocate(4096);
      for (const region of [
        { address: 4096, length: 8 },
        { address: address - 1, length: 8 },
        { address: address + 4090, length: 8 },
        { address, length: 2 ** 40 },
      ]) {
        await expectErrno('EFAULT', () => pd.registerMemory(region, 0));
      }
      await expectErrno('EINVAL', () => pd.registerMemory({ address, length: -1 }, 0));
    }));

  it('rule 26: keys are an index and a tag that changes when the index is used again', () =>
    asks(async ({ pd, core }) => {
      const memory = await core.allocate(4096);
      const first = await pd.registerMemory(memory, EVERYTHING);
      await first.deregister();
      const second = await pd.registerMemory(memory, EVERYTHING);
      expect(second.rkey >>> 8).toBe(first.rkey >>> 8);
      expect(second.rkey & 0xff).toBe(((first.rkey & 0xff) + 1) & 0xff);
      await expectErrno('EINVAL', () => first.deregister());
    }));
});

describe('local buffers', () => {
  it('rule 21: reading one is always allowed', () =>
    asks(async ({ pd, core, send, write }) => {
      const readOnly = await pd.registerMemory(await core.allocate(4096), 0);
      const request = { ...write(0, 8), sges: [readOnly.sge(0, 8)] } as SendWr;
      expect(await send(request)).toMatchObject({ status: 'SUCCESS' });
    }));

  it.each<[string, (side: Side) => Promise<Partial<SendWr>>]>([
    [
      'whose lkey is wrong',
      async ({ region }) => ({
        sges: [{ ...region.sge(0, 8), lkey: 0x999999 as Lkey }],
      }),
    ],
    [
      'of another PD',
      async ({ context, core }) => {
        const pd = await context.allocatePd();
        const region = await pd.registerMemory(await core.allocate(4096), EVERYTHING);
        return { sges: [region.sge(0, 8)] };
      },
    ],
    ['beyond the end', async ({ region }) => ({ sges: [region.sge(65530, 8)] })],
    ['before the beginning', async ({ region }) => ({ sges: [region.sge(-1, 8)] })],
    ['far away', async ({ region }) => ({ sges: [region.sge(2 ** 52, 8)] })],
    [
      'of which the second is wrong',
      async ({ region }) => ({
        sges: [region.sge(0, 8), region.sge(65530, 8)],
      }),
    ],
    [
      'that is gone (rule 28)',
      async ({ pd, core }) => {
        const region = await pd.registerMemory(await core.allocate(4096), EVERYTHING);
        await region.deregister();
        return { sges: [region.sge(0, 8)] };
      },
    ],
    [
      'that may only be read, for what a READ brings',
      async ({ pd, core, read }) => {
        const region = await pd.registerMemory(await core.allocate(4096), 0);
        return { ...read(0, 8), sges: [region.sge(0, 8)] };
      },
    ],
  ])(
    'rules 23 and 93: one %s completes LOC_PROT_ERR, and nothing reaches the peer',
    async (_w, of) => {
      const { a, counters } = await pair(
        {},
        async (side) => {
          const { qp, write, statuses, meet } = side;
          const bad = { ...write(0, 8), wrId: 2, ...(await of(side)) } as SendWr;
          qp.postSendList([{ ...write(0, 8), wrId: 1 }, bad, { ...write(0, 8), wrId: 3 }]);
          const seen = await statuses(3);
          const { state } = await qp.query();
          await meet();
          return { seen, state };
        },
        answers,
      );
      expect(a).toEqual({ seen: ['SUCCESS', 'LOC_PROT_ERR', 'WR_FLUSH_ERR'], state: 'ERR' });
      expect(counters['rx_packets']).toBe(2);
    },
  );

  it('rule 28: one that goes while a long message is sent ends it with LOC_PROT_ERR', async () => {
    const { a, b } = await pair(
      {},
      async ({ pd, core, qp, statuses, write, meet }) => {
        const region = await pd.registerMemory(await core.allocate(65536), 0);
        qp.postSend({ ...write(0, 65536), sges: [region.sge(0, 65536)] });
        await core.sleep(2e6 as never);
        await region.deregister();
        const seen = await statuses(1);
        await meet();
        return seen;
      },
      async ({ region, meet }) => {
        region.bytes.fill(0xee);
        await meet();
        return region.bytes.at(-1);
      },
    );
    expect(a).toEqual(['LOC_PROT_ERR']);
    expect(b).toBe(0xee);
  });
});

describe('remote access', () => {
  it('rule 28: a READ whose region goes while it is answered completes REM_ACCESS_ERR', async () => {
    const { a, b } = await pair(
      { regionLength: 1 << 20 },
      async ({ qp, read, statuses, meet }) => {
        await meet();
        qp.postSend(read(0, 1 << 20));
        const seen = await statuses(1);
        await meet();
        return seen;
      },
      async ({ region, meet, core, qp }) => {
        await meet();
        await core.sleep(20e6 as never);
        await region.deregister();
        await meet();
        return (await qp.query()).state;
      },
    );
    expect(a).toEqual(['REM_ACCESS_ERR']);
    expect(b).toBe('ERR');
  });

  it('rule 28: a key that was good is refused after deregistration', async () => {
    const { a } = await pair(
      {},
      async ({ write, send, meet }) => {
        const before = await send(write(0, 8));
        await meet();
        await meet();
        const after = await send(write(0, 8));
        await meet();
        return [before.status, after.status];
      },
      async ({ region, meet }) => {
        await meet();
        await region.deregister();
        await meet();
        await meet();
      },
    );
    expect(a).toEqual(['SUCCESS', 'REM_ACCESS_ERR']);
  });

  it('rule 24: a region of another PD than the queue pair’s is refused', async () => {
    const { a } = await pair(
      {},
      async ({ core, write, send, meet }) => {
        const other = (await core.hear(1)) as { remoteAddress: number; rkey: Rkey };
        const { status } = await send({ ...write(0, 8), ...other });
        await meet();
        return status;
      },
      async ({ core, context, meet }) => {
        const pd = await context.allocatePd();
        const region = await pd.registerMemory(await core.allocate(4096), EVERYTHING);
        await core.tell(0, { remoteAddress: region.address, rkey: region.rkey });
        await meet();
      },
    );
    expect(a).toBe('REM_ACCESS_ERR');
  });
});
