/** Regions over memory that is paged: scattered frames, on-demand paging. Rule 35. */
import { describe, expect, it } from 'vitest';
import {
  ACCESS,
  type Core,
  type MemoryRegion,
  type Region,
  type Rkey,
  type SendWr,
} from '../../node/program/verbs.js';
import { answers, EVERYTHING, pair, type PairOptions, type Side } from '../node/model/rdma/pair.js';
import { expectErrno } from './errno.js';

const PAGE = 4096;
const LENGTH = 5 * PAGE;
const ON_DEMAND = EVERYTHING | ACCESS.ON_DEMAND;

/** Memory of which no two pages lie next to each other: another mapping got every second frame. */
async function scattered(core: Core, length: number): Promise<Region> {
  const mine = await core.mmap(length);
  const other = await core.mmap(length);
  for (let at = 0; at < length; at += PAGE) {
    for (const { address } of [mine, other])
      await core.touch({ address: address + at, length: 1 }, { write: true });
  }
  return mine;
}

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (seed + i * 7 + (i >> 8)) & 0xff);

/** Where the other side's memory is. */
interface Target {
  readonly remoteAddress: number;
  readonly rkey: Rkey;
}

/**
 * Every operation from and into the two regions, crossing page borders at odd places; before each, `upset` may do to
 * the memory what it likes. The bytes must be right.
 */
async function exercise(
  side: Side,
  memory: Region,
  region: MemoryRegion,
  upset: (write: boolean) => Promise<void>,
): Promise<void> {
  const { core, qp, completions, meet } = side;
  const peer = 1 - core.rank;
  await core.tell(peer, { remoteAddress: region.address, rkey: region.rkey });
  const target = (await core.hear(peer)) as Target;
  const at = (offset: number): Target => ({
    ...target,
    remoteAddress: target.remoteAddress + offset,
  });
  const done = async (): Promise<void> => {
    const [completion] = await completions(1);
    expect(completion!.status).toBe('SUCCESS');
  };
  const post = async (request: SendWr): Promise<void> => {
    qp.postSend(request);
    await done();
  };
  const bytes = pattern(2 * PAGE + 100, 3 + core.rank);
  const fresh = pattern(2 * PAGE + 100, 90);

  // 1. WRITE from 50 into 3000.
  await core.write(memory.address, new Uint8Array(LENGTH));
  await upset(true);
  if (core.rank === 0) {
    await core.write(memory.address + 50, bytes);
    await meet();
    await post({ opcode: 'RDMA_WRITE', sges: [region.sge(50, bytes.length)], ...at(3000) });
    await meet();
  } else {
    await meet();
    await meet();
    expect(await core.read(memory.address + 3000, bytes.length)).toEqual(pattern(bytes.length, 3));
  }
  // 2. READ of 777 into 4000.
  await upset(true);
  if (core.rank === 1) await core.write(memory.address + 777, fresh);
  await meet();
  if (core.rank === 0) {
    await post({ opcode: 'RDMA_READ', sges: [region.sge(4000, fresh.length)], ...at(777) });
    expect(await core.read(memory.address + 4000, fresh.length)).toEqual(fresh);
  }
  await meet();
  // 3. SEND of two pieces into a receive of two pieces.
  await upset(true);
  if (core.rank === 1) {
    qp.postRecv({ sges: [region.sge(12_282, 10), region.sge(100, bytes.length)] });
    await meet();
    const [received] = await completions(1, side.recvCq);
    expect(received).toMatchObject({ status: 'SUCCESS', byteLen: bytes.length });
    const sent = pattern(bytes.length, 3);
    expect(await core.read(memory.address + 12_282, 10)).toEqual(sent.subarray(0, 10));
    expect(await core.read(memory.address + 100, bytes.length - 10)).toEqual(sent.subarray(10));
  } else {
    await core.write(memory.address + 50, bytes);
    await meet();
    await post({
      opcode: 'SEND',
      sges: [region.sge(50, 4500), region.sge(4550, bytes.length - 4500)],
    });
  }
  await meet();
  // 4. Atomics on 8 bytes of the peer, their result across a page border here.
  await upset(true);
  if (core.rank === 1)
    await core.write(memory.address + 8192, Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
  await meet();
  if (core.rank === 0) {
    await post({
      opcode: 'ATOMIC_FETCH_AND_ADD',
      sges: [region.sge(4092, 8)],
      add: 3n,
      ...at(8192),
    });
    expect((await core.read(memory.address + 4092, 8))[0]).toBe(5);
    await post({
      opcode: 'ATOMIC_CMP_AND_SWP',
      sges: [region.sge(4092, 8)],
      compare: 8n,
      swap: 77n,
      ...at(8192),
    });
    expect((await core.read(memory.address + 4092, 8))[0]).toBe(8);
  }
  await meet();
  if (core.rank === 1) expect((await core.read(memory.address + 8192, 8))[0]).toBe(77);
  await meet();
}

describe('a region of scattered frames', () => {
  const both = async (side: Side): Promise<void> => {
    const memory = await scattered(side.core, LENGTH);
    const region = await side.pd.registerMemory(memory, EVERYTHING);
    expect(() => region.bytes).toThrow(/EFAULT.*core\.read/);
    await exercise(side, memory, region, async () => undefined);
  };

  it('is read and written at the right places by every operation', () =>
    pair({}, both, both).then(() => undefined));

  it('gives inline data across a page border', async () => {
    const { b } = await pair(
      {},
      async (side) => {
        const memory = await scattered(side.core, LENGTH);
        const region = await side.pd.registerMemory(memory, 0);
        await side.core.write(memory.address + 4000, pattern(180, 9));
        await side.send({
          ...side.write(0, 180),
          sges: [region.sge(4000, 180)],
          inline: true,
        } as SendWr);
        await region.deregister();
        // What nobody keeps in its place may be anywhere when the core looks.
        const inline = {
          ...side.write(0, 180),
          sges: [region.sge(4000, 180)],
          inline: true,
        } as SendWr;
        await expectErrno('EFAULT', () => side.qp.postSend(inline));
        await side.meet();
      },
      async ({ meet, region }) => {
        await meet();
        return region.bytes.slice(0, 180);
      },
    );
    expect(b).toEqual(pattern(180, 9));
  });

  it('of a few huge pages is adjacent: it can be seen as an array', async () => {
    await pair(
      { memory: 32 << 20 },
      async ({ core, pd, meet }) => {
        const memory = await core.mmap(3 << 20, { huge: true });
        expect(memory.length).toBe(4 << 20);
        await core.write(memory.address + 5000, Uint8Array.of(42));
        const region = await pd.registerMemory(memory, EVERYTHING);
        expect(region.bytes[5000]).toBe(42);
        await expectErrno('EINVAL', () => core.munmap({ address: memory.address, length: PAGE }));
        await meet();
      },
      answers,
    );
  });
});

describe('on demand', () => {
  const options: PairOptions = { qp: { minRnrTimer: 1 } };

  it('rule 35: after madvise(DONTNEED) on the buffer every operation still delivers the right bytes', async () => {
    const both = async (side: Side): Promise<void> => {
      const { core, pd } = side;
      const memory = await core.mmap(LENGTH);
      const region = await pd.registerMemory(memory, ON_DEMAND);
      expect((await core.usage()).pinned).toBe(16);
      expect(() => region.bytes).toThrow(/EFAULT/);
      await exercise(side, memory, region, () => core.madvise(memory, 'DONTNEED'));
    };
    const { counters } = await pair(options, both, both);
    expect(counters['nic_page_faults']).toBeGreaterThan(8);
    expect(counters['rnr_naks_sent']).toBeGreaterThan(3);
  });

  it('and while the pager takes pages all the time', async () => {
    const both = async (side: Side): Promise<void> => {
      const { core, pd } = side;
      const memory = await core.mmap(LENGTH);
      const region = await pd.registerMemory(memory, ON_DEMAND);
      const greedy = await core.mmap(3 << 20);
      await exercise(side, memory, region, () => core.touch(greedy, { write: true }));
      expect((await core.usage()).swapped).toBeGreaterThan(0);
    };
    const { counters } = await pair({ ...options, machine: { memory: 2 << 20 } }, both, both);
    expect(counters['page_replacements']).toBeGreaterThan(100);
    expect(counters['swap_reads']).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 4])(
    'and while frames are lost, doubled and late as well (seed %i)',
    async (seed) => {
      const both = async (side: Side): Promise<void> => {
        const { core, pd } = side;
        const memory = await core.mmap(LENGTH);
        const region = await pd.registerMemory(memory, ON_DEMAND);
        const greedy = await core.mmap(3 << 20);
        for (let round = 0; round < 3; round++) {
          await exercise(side, memory, region, async (write) => {
            await (round === 1 ? core.madvise(memory, 'DONTNEED') : core.touch(greedy, { write }));
          });
        }
        await region.deregister();
      };
      const { counters } = await pair(
        {
          ...options,
          seed,
          machine: { memory: 2 << 20, pager: seed % 2 === 0 ? 'lru' : 'clock' },
          faults: { loss: 0.04, duplicate: 0.04, delayed: 0.04, delay: 300e6 },
        },
        both,
        both,
      );
      expect(counters['nic_page_faults']).toBeGreaterThan(20);
      expect(counters['timeouts']).toBeGreaterThan(0);
    },
  );

  it('takes a page fault of memory.odp_fault at the requester, and one at the responder with RNR NAKs', async () => {
    const { a, counters } = await pair(
      options,
      async ({ core, pd, send, write, meet }) => {
        const memory = await core.mmap(PAGE);
        const region = await pd.registerMemory(memory, ON_DEMAND);
        const request = { ...write(0, 64), sges: [region.sge(0, 64)] } as SendWr;
        const times: number[] = [];
        for (let i = 0; i < 2; i++) {
          const before = core.now;
          expect(await send(request)).toMatchObject({ status: 'SUCCESS' });
          times.push(core.now - before);
        }
        await meet();
        return times;
      },
      answers,
    );
    expect(a[0]! - a[1]!).toBeGreaterThan(219e6);
    expect(a[0]! - a[1]!).toBeLessThan(223e6);
    expect(counters['nic_page_faults']).toBe(1);
    expect(counters['rnr_naks_sent']).toBe(0);
  });

  it('a request under way keeps the pages it began with, whatever its process does with them', async () => {
    const long = 64 * PAGE;
    const { b } = await pair(
      { ...options, regionLength: long },
      async ({ core, pd, qp, write, read, completions, meet }) => {
        const memory = await core.mmap(long);
        const region = await pd.registerMemory(memory, ON_DEMAND);
        const sges = [region.sge(0, long)];
        const bytes = pattern(long, 5);
        const done = async (): Promise<void> => {
          expect((await completions(1))[0]).toMatchObject({ status: 'SUCCESS' });
        };
        for (const request of [write(0, long), read(0, long)]) {
          await core.write(memory.address, bytes);
          // The first time the NIC has to find the pages.
          qp.postSend({ ...request, sges });
          await done();
          await core.write(memory.address, bytes);
          qp.postSend({ ...request, sges });
          // In the middle of its packets.
          await core.sleep(8e6 as never);
          await core.madvise(memory, 'DONTNEED');
          await done();
          expect((await core.read(memory.address, 1))[0]).toBe(0);
        }
        await meet();
      },
      async ({ region, meet }) => {
        await meet();
        return region.bytes.slice();
      },
    );
    expect(b).toEqual(pattern(long, 5));
  });

  it('a READ of what the process has unmapped ends in REM_ACCESS_ERR, as soon as the page fault has failed', async () => {
    const { a, b } = await pair(
      options,
      async ({ core, qp, read, statuses, meet }) => {
        const target = (await core.hear(1)) as Target;
        qp.postSend({ ...read(0, 64), ...target });
        const seen = await statuses(1);
        await meet();
        return seen;
      },
      async ({ core, pd, qp, meet }) => {
        const memory = await core.mmap(PAGE);
        const { address, rkey } = await pd.registerMemory(memory, ON_DEMAND);
        await core.munmap(memory);
        await core.tell(0, { remoteAddress: address, rkey });
        await meet();
        return (await qp.query()).state;
      },
    );
    expect([a, b]).toEqual([['REM_ACCESS_ERR'], 'ERR']);
  });

  it('an address that the process has unmapped ends in LOC_PROT_ERR here, and in REM_ACCESS_ERR there', async () => {
    const { a, b } = await pair(
      options,
      async ({ core, pd, qp, write, statuses, meet }) => {
        const target = (await core.hear(1)) as Target;
        qp.postSend({ ...write(0, 64), ...target });
        const seen = await statuses(1);
        await meet();
        const memory = await core.mmap(PAGE);
        const region = await pd.registerMemory(memory, ON_DEMAND);
        await core.munmap(memory);
        await region.deregister();
        return seen;
      },
      async ({ core, pd, qp, meet }) => {
        const memory = await core.mmap(PAGE);
        const { address, rkey } = await pd.registerMemory(memory, ON_DEMAND);
        await core.munmap(memory);
        await core.tell(0, { remoteAddress: address, rkey });
        await meet();
        return (await qp.query()).state;
      },
    );
    expect([a, b]).toEqual([['REM_ACCESS_ERR'], 'ERR']);
    const local = await pair(
      options,
      async ({ core, pd, qp, write, statuses, meet }) => {
        const memory = await core.mmap(PAGE);
        const region = await pd.registerMemory(memory, ON_DEMAND);
        await core.munmap(memory);
        qp.postSend({ ...write(0, 64), sges: [region.sge(0, 64)] });
        const seen = await statuses(1);
        await meet();
        return seen;
      },
      answers,
    );
    expect(local.a).toEqual(['LOC_PROT_ERR']);
  });
});
