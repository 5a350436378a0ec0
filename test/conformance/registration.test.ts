/** Registration against quotas, and re-registration: rules 29-34. */
import { describe, expect, it } from 'vitest';
import { ACCESS, type MemoryRegion, type Rkey, type SendWr } from '../../node/program/verbs.js';
import { answers, EVERYTHING, pair, type Side } from '../node/model/rdma/pair.js';
import { expectErrno } from './errno.js';

const PAGE = 4096;

/** Where the other side's memory is. */
interface Target {
  readonly remoteAddress: number;
  readonly rkey: Rkey;
}

describe('quotas', () => {
  it('rule 34: registration pins, is charged to RLIMIT_MEMLOCK, and fails ENOMEM past it', () =>
    pair(
      { machine: { memlock: 100 * PAGE } },
      async ({ core, pd, meet }) => {
        expect((await core.usage()).pinned).toBe(16);
        const memory = await core.mmap(90 * PAGE);
        const most = { ...memory, length: 84 * PAGE };
        const region = await pd.registerMemory(most, 0);
        expect(await core.usage()).toMatchObject({
          pinned: 100,
          resident: 16 + 84,
          minorFaults: 84,
        });
        await expectErrno('ENOMEM', () => pd.registerMemory({ ...memory, length: 1 }, 0));
        // Locked pages have the limit for themselves, as in Linux.
        await core.mlock(memory);
        await core.munlock(memory);
        await region.deregister();
        await pd.registerMemory({ ...memory, length: 1 }, 0);
        await core.setrlimitMemlock(17 * PAGE);
        await expectErrno('ENOMEM', () => pd.registerMemory({ ...memory, length: 1 }, 0));
        await expectErrno('EPERM', () => core.setrlimitMemlock(101 * PAGE));
        await core.setrlimitMemlock(0);
        await expectErrno('EPERM', () => core.mlock(memory));
        await meet();
      },
      answers,
    ).then(({ counters }) => expect(counters['memlock_refusals']).toBe(2)));

  it('of the host hold for all its processes together', () =>
    pair(
      { machine: { hostMemlock: 20 * PAGE } },
      async ({ core, pd, meet }) => {
        const memory = await core.mmap(8 * PAGE);
        await core.mlock({ ...memory, length: 3 * PAGE });
        await expectErrno('ENOMEM', () => pd.registerMemory({ ...memory, length: 2 * PAGE }, 0));
        await expectErrno('ENOMEM', () => core.pin({ ...memory, length: 2 * PAGE }));
        await pd.registerMemory({ ...memory, length: PAGE }, 0);
        await meet();
      },
      answers,
    ).then(() => undefined));
});

describe('re-registration', () => {
  /** The peer does `request` before and after this side has changed its region. */
  const change = async (
    request: (side: Side, target: Target) => SendWr,
    does: (side: Side, region: MemoryRegion) => Promise<void>,
    receives = false,
  ): Promise<string[]> => {
    const { a } = await pair(
      {},
      async (side) => {
        const { core, send, meet } = side;
        const target = (await core.hear(1)) as Target;
        const seen: string[] = [];
        for (let round = 0; round < 2; round++) {
          await meet();
          seen.push((await send(request(side, target))).status);
          await meet();
        }
        return seen;
      },
      async (side) => {
        const { core, pd, qp, meet } = side;
        const region = await pd.registerMemory(await core.allocate(PAGE), EVERYTHING);
        await core.tell(0, { remoteAddress: region.address, rkey: region.rkey });
        for (let round = 0; round < 2; round++) {
          if (receives) qp.postRecv({ sges: [region.sge(0, 64)] });
          if (round === 1) await does(side, region);
          await meet();
          await meet();
        }
      },
    );
    return a;
  };
  const write = ({ write: of }: Side, target: Target): SendWr => ({ ...of(0, 8), ...target });
  const message = ({ message: of }: Side): SendWr => of(0, 64);
  const add = ({ region }: Side, target: Target): SendWr => ({
    ...{ opcode: 'ATOMIC_FETCH_AND_ADD', sges: [region.sge(0, 8)], add: 1n, ...target },
  });

  it('rule 29: without remote write the next WRITE completes REM_ACCESS_ERR', async () => {
    const seen = await change(write, (_side, region) =>
      region.reregister({ access: ACCESS.LOCAL_WRITE | ACCESS.REMOTE_READ }),
    );
    expect(seen).toEqual(['SUCCESS', 'REM_ACCESS_ERR']);
  });

  it('rule 30: in another PD than the queue pair’s a SEND into it completes REM_OP_ERR', async () => {
    const away = async ({ context }: Side, region: MemoryRegion): Promise<void> =>
      region.reregister({ pd: await context.allocatePd() });
    expect(await change(message, away, true)).toEqual(['SUCCESS', 'REM_OP_ERR']);
  });

  it('rule 31: with other memory, a receive posted before completes REM_OP_ERR at the sender', async () => {
    const move = async ({ core }: Side, region: MemoryRegion): Promise<void> => {
      const { pinned } = await core.usage();
      await region.reregister({ region: await core.allocate(PAGE) });
      expect((await core.usage()).pinned).toBe(pinned);
    };
    expect(await change(message, move, true)).toEqual(['SUCCESS', 'REM_OP_ERR']);
  });

  it('rule 32: without remote atomic a FETCH_ADD completes REM_ACCESS_ERR', async () => {
    const seen = await change(add, (_side, region) =>
      region.reregister({ access: EVERYTHING & ~ACCESS.REMOTE_ATOMIC }),
    );
    expect(seen).toEqual(['SUCCESS', 'REM_ACCESS_ERR']);
    const restored = await change(add, async (_side, region) => {
      await region.reregister({ access: EVERYTHING & ~ACCESS.REMOTE_ATOMIC });
      await region.reregister({ access: EVERYTHING });
    });
    expect(restored).toEqual(['SUCCESS', 'SUCCESS']);
  });

  it.each([
    ['ZERO_BASED', EVERYTHING | ACCESS.ZERO_BASED, undefined],
    ['an I/O virtual address of 0', EVERYTHING, 0],
  ])('rule 33: %s names the bytes from 0 on', async (_what, access, iova) => {
    const { b } = await pair(
      {},
      async ({ core, send, write: of, region, meet }) => {
        const { rkey } = (await core.hear(1)) as Target;
        region.bytes.fill(9, 0, 4);
        expect((await send({ ...of(0, 4), remoteAddress: 5, rkey } as SendWr)).status).toBe(
          'SUCCESS',
        );
        await meet();
        expect((await send({ ...of(0, 4), remoteAddress: PAGE, rkey } as SendWr)).status).toBe(
          'REM_ACCESS_ERR',
        );
        await meet();
      },
      async ({ core, pd, meet }) => {
        const { address } = await core.allocate(2 * PAGE);
        // Zero-based memory may begin anywhere; else its offset in the page is that of its address.
        const memory = { address: address + (iova === undefined ? 100 : 0), length: PAGE };
        const region = await pd.registerMemory(memory, access, iova === undefined ? {} : { iova });
        expect(region.address).toBe(0);
        await core.tell(0, { remoteAddress: 0, rkey: region.rkey });
        await meet();
        const seen = [...region.bytes.slice(4, 10)];
        await meet();
        return seen;
      },
    );
    expect(b).toEqual([0, 9, 9, 9, 9, 0]);
  });
});
