/** The memory calls as a program makes them: what they do, which errno they fail with, and whom they reach. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import type { ProgramPort } from '../../../../node/program/program-port.js';
import { ACCESS, VerbsError, type Core, type Region } from '../../../../node/program/verbs.js';
import type { MachineRequest } from '../../../../workloads/authoring/workload.js';
import { expectErrno } from '../../../conformance/errno.js';
import { runEmbedded } from '../../../embedded.js';
import { pair } from '../rdma/pair.js';

const PAGE = 4096;

async function alone<T>(
  program: (core: Core) => Promise<T>,
  machine: MachineRequest = {},
): Promise<T> {
  const run = await runEmbedded({ hosts: 1, noise: false, machine, program });
  if (run.failure !== null) throw new Error(run.failure.stack);
  expect([run.left.memoryFrames, run.left.pinnedPages]).toEqual([0, 0]);
  return run.values[0] as T;
}

const part = ({ address }: Region, from: number, length: number): Region => ({
  address: address + from,
  length,
});

describe('mapped memory', () => {
  it('is zeros, made page by page as it is used, and costs a minor fault each', () =>
    alone(async (core) => {
      const memory = await core.mmap(10 * PAGE);
      expect(await core.pagemap(memory.address)).toBeUndefined();
      expect(await core.usage()).toMatchObject({ resident: 0, minorFaults: 0 });
      const before = core.now;
      expect(await core.read(memory.address + PAGE - 2, 4)).toEqual(new Uint8Array(4));
      // Two traps of 100 ns and two faults of 250 ns; four bytes at 7 GB/s.
      expect(core.now - before).toBe(2 * 100_000 + 2 * 250_000 + Math.ceil(4e3 / 7));
      expect(await core.usage()).toMatchObject({ resident: 2, minorFaults: 2 });
      const again = core.now;
      await core.read(memory.address, 7);
      expect(core.now - again).toBe(1000);
      await core.touch(memory, { write: true });
      expect(await core.usage()).toMatchObject({ resident: 10, minorFaults: 10 });
      expect(await core.pagemap(memory.address + 5)).toBe(
        (await core.pagemap(memory.address))! + 5,
      );
    }));

  it('goes to swap and comes back when memory is short, and the core waits for both', () =>
    alone(
      async (core) => {
        const memory = await core.mmap(100 * PAGE);
        for (let page = 0; page < 100; page++) {
          await core.write(memory.address + page * PAGE, Uint8Array.of(page + 1));
        }
        expect(await core.usage()).toMatchObject({ resident: 63, swapped: 37, majorFaults: 0 });
        const before = core.now;
        expect(await core.read(memory.address, 1)).toEqual(Uint8Array.of(1));
        // A dirty page is written first, then its own is read.
        expect(core.now - before).toBe(100_000 + 20e6 + 250_000 + 85e6 + 143);
        for (let page = 0; page < 100; page++) {
          expect((await core.read(memory.address + page * PAGE, 2))[0]).toBe(page + 1);
        }
      },
      { memory: 64 * PAGE },
    ));

  it('is EFAULT outside, and zeros again after madvise(DONTNEED)', () =>
    alone(async (core) => {
      const memory = await core.mmap(3 * PAGE);
      await core.write(memory.address, new Uint8Array(3 * PAGE).fill(7));
      for (const [address, length] of [
        [memory.address - 1, 1],
        [memory.address, 3 * PAGE + 1],
        [0, 1],
        [2 ** 50, 1],
      ] as const) {
        await expectErrno('EFAULT', () => core.read(address, length));
        await expectErrno('EFAULT', () => core.write(address, new Uint8Array(length)));
        await expectErrno('EFAULT', () => core.touch({ address, length }));
        await expectErrno('EFAULT', () => core.pin({ address, length }));
      }
      await core.madvise(part(memory, PAGE, PAGE), 'DONTNEED');
      const seen = await core.read(memory.address, 3 * PAGE);
      expect([seen[PAGE - 1], seen[PAGE], seen[2 * PAGE - 1], seen[2 * PAGE]]).toEqual([
        7, 0, 0, 7,
      ]);
      await core.munmap(part(memory, PAGE, PAGE));
      await expectErrno('EFAULT', () => core.read(memory.address, 2 * PAGE));
      expect(await core.read(memory.address + 2 * PAGE, 1)).toEqual(Uint8Array.of(7));
      expect((await core.usage()).resident).toBe(2);
    }));

  it('fails as Linux does', () =>
    alone(
      async (core) => {
        const memory = await core.mmap(4 * PAGE);
        const given = await core.allocate(PAGE);
        for (const length of [0, -1, NaN, 1.5])
          await expectErrno('EINVAL', () => core.mmap(length));
        await expectErrno('ENOMEM', () => core.mmap(2 ** 40));
        await expectErrno('EINVAL', () => core.munmap(part(memory, 1, PAGE)));
        await expectErrno('EINVAL', () => core.munmap(part(memory, 0, 0)));
        await expectErrno('EINVAL', () => core.munmap(given));
        await expectErrno('ENOMEM', () => core.mlock(part(memory, 0, 5 * PAGE)));
        await expectErrno('ENOMEM', () => core.munlock(part(memory, 0, 5 * PAGE)));
        await expectErrno('ENOMEM', () => core.madvise(part(memory, 0, 5 * PAGE), 'DONTNEED'));
        await expectErrno('EINVAL', () => core.madvise(part(memory, 1, 1), 'DONTNEED'));
        await expectErrno('EINVAL', () => core.madvise(memory, 'HOPE' as never));
        await core.mlock(part(memory, 0, 1));
        await expectErrno('EINVAL', () => core.madvise(memory, 'DONTNEED'));
        await expectErrno('EINVAL', () => core.pin(part(memory, 0, 0)));
        await expectErrno('EINVAL', () => core.setrlimitMemlock(-2));
        const greedy = await core.mmap(70 * PAGE);
        await expectErrno('EAGAIN', () => core.mlock(greedy));
        await expectErrno('ENOMEM', () => core.touch(memory));
        await core.munmap(greedy);
        await core.touch(memory);
      },
      { memory: 64 * PAGE, swap: 64 * PAGE },
    ));
});

describe('pages pinned for a driver', () => {
  it('stay where they are whatever the pager needs, also when the process gives them up', () =>
    alone(
      async (core) => {
        const memory = await core.mmap(8 * PAGE);
        await core.write(memory.address, new Uint8Array(8 * PAGE).fill(3));
        const pinned = await core.pin(part(memory, 100, 7 * PAGE));
        expect(pinned.pages).toHaveLength(8);
        expect((await core.usage()).locked).toBe(8);
        const other = await core.mmap(100 * PAGE);
        await core.touch(other, { write: true });
        for (const [index, page] of pinned.pages.entries()) {
          expect(await core.pagemap(memory.address + index * PAGE)).toBe(page);
        }
        await core.munmap(memory);
        const { resident } = await core.usage();
        await pinned.unpin();
        await core.touch(other);
        expect((await core.usage()).resident).toBe(resident + 8);
        await expectErrno('EINVAL', () => pinned.unpin());
        expect((await core.usage()).locked).toBe(0);
      },
      { memory: 64 * PAGE },
    ));
});

describe('registration', () => {
  const GIB = 2 ** 30;
  const { cpu, memory: paging } = loadProfile('roce-100g', []);

  it('costs a fixed part and one per page, more for cold tables, less for huge pages; on demand only the fixed part', async () => {
    const run = await runEmbedded({
      hosts: 1,
      noise: false,
      memory: 1.25 * GIB,
      program: async (core) => {
        const pd = await (await core.openDevice()).allocatePd();
        const costs: number[][] = [];
        const measure = async (memory: Region, access = 0): Promise<void> => {
          const start = core.now;
          const region = await pd.registerMemory(memory, access);
          const registered = core.now;
          await region.deregister();
          costs.push([registered - start, core.now - registered].map((ps) => ps - cpu.syscall.ps));
        };
        await measure(await core.allocate(4 * PAGE));
        await measure(await core.mmap(4 * PAGE));
        await measure(await core.mmap(4 * PAGE, { populate: true }));
        await measure(part(await core.allocate(4 * PAGE), 4000, 200));
        await measure(await core.mmap(4 << 20, { huge: true, populate: true }));
        await measure(await core.mmap(4 * PAGE), ACCESS.ON_DEMAND);
        await measure(await core.allocate(GIB));
        return costs;
      },
    });
    expect(run.failure).toBeNull();
    const { register, registerPage, deregisterPage, registerHugePage, registerPageCold } = cpu;
    expect(run.values[0]).toEqual([
      [register + 4 * registerPage, 4 * deregisterPage],
      [register + 4 * registerPage + 4 * paging.minorFault.ps, 4 * deregisterPage],
      [register + 4 * registerPage, 4 * deregisterPage],
      [register + 2 * registerPage, 2 * deregisterPage],
      [register + 2 * registerHugePage, 2 * deregisterPage],
      [register, 0],
      [register + (GIB / PAGE) * registerPageCold, (GIB / PAGE) * deregisterPage],
    ]);
    expect([run.left.memoryFrames, run.left.pinnedPages]).toEqual([0, 0]);
  }, 30_000);
});

describe('fork', () => {
  it('gives a child the memory as it is, and the first writer a page of its own', () =>
    alone(async (core) => {
      const memory = await core.mmap(3 * PAGE);
      await core.write(memory.address, new Uint8Array(3 * PAGE).fill(1));
      const child = await core.fork();
      const before = await core.pagemap(memory.address);
      await core.write(memory.address, Uint8Array.of(2));
      expect(await core.pagemap(memory.address)).not.toBe(before);
      await child.write(memory.address + PAGE, Uint8Array.of(3));
      expect((await child.read(memory.address, 1))[0]).toBe(1);
      expect((await core.read(memory.address + PAGE, 1))[0]).toBe(1);
      expect((await child.read(memory.address + 2 * PAGE, 1))[0]).toBe(1);
      await child.exit();
      await expectErrno('ESRCH', () => child.read(memory.address, 1));
      // The last one to have a page keeps its frame.
      const last = await core.pagemap(memory.address + 2 * PAGE);
      await core.write(memory.address + 2 * PAGE, Uint8Array.of(4));
      expect(await core.pagemap(memory.address + 2 * PAGE)).toBe(last);
    }));

  it('leaves a registered page to the parent: the NIC sees what it writes afterwards, the child does not', async () => {
    const { a } = await pair(
      {},
      async ({ core, pd, send, write, meet }) => {
        const memory = await core.mmap(2 * PAGE);
        await core.write(memory.address, new Uint8Array(2 * PAGE).fill(1));
        const region = await pd.registerMemory(part(memory, 0, PAGE), ACCESS.LOCAL_WRITE);
        const child = await core.fork();
        const frame = await core.pagemap(memory.address);
        await core.write(memory.address, Uint8Array.of(2));
        expect(await core.pagemap(memory.address)).toBe(frame);
        // Without a pin the NIC would go on with the frame that is now the child's.
        const late = await pd.registerMemory(part(memory, PAGE, PAGE), ACCESS.LOCAL_WRITE);
        await core.write(memory.address + PAGE, Uint8Array.of(3));
        await send({ ...write(0, 1), sges: [region.sge(0, 1)] });
        await send({ ...write(1, 1), sges: [late.sge(0, 1)] });
        await meet();
        return [
          (await child.read(memory.address, 1))[0],
          (await child.read(memory.address + PAGE, 1))[0],
        ];
      },
      async ({ region, meet }) => {
        await meet();
        expect([...region.bytes.slice(0, 2)]).toEqual([2, 3]);
      },
    );
    expect(a).toEqual([1, 1]);
  });

  it('keeps from the child what madvise(DONTFORK) says, and shares memory of allocate()', () =>
    alone(async (core) => {
      const kept = await core.mmap(PAGE);
      await core.touch(kept, { write: true });
      await core.madvise(kept, 'DONTFORK');
      const shared = await core.allocate(PAGE);
      const child = await core.fork();
      await expectErrno('EFAULT', () => child.read(kept.address, 1));
      await core.write(shared.address, Uint8Array.of(9));
      expect((await child.read(shared.address, 1))[0]).toBe(9);
    }));
});

/** Numbers that handles, addresses and lengths are drawn from: own ones, the victim's, and wild ones. */
type Draw = () => number | null;

describe('a process', () => {
  const SECRET = 0x5a;
  const ROUNDS = 4000;

  it('cannot reach another’s memory, regions or queues by any call, and only ever gets an errno', async () => {
    const run = await runEmbedded({
      hosts: 1,
      noise: false,
      memory: 4 << 20,
      machine: { memlock: 64 * PAGE },
      programs: [
        { host: 0, core: 0, role: 'attacker', process: 0 },
        { host: 0, core: 1, role: 'victim', process: 1 },
      ],
      program: (core: Core) => (core.rank === 0 ? attack(core) : endure(core)),
    });
    expect(run.failure).toBeNull();
    expect(run.blocked).toEqual([]);
    expect(run.values[1]).toEqual({ wrong: 0, state: 'INIT' });
    expect(run.values[0]).toMatchObject({ seen: 0 });
    expect((run.values[0] as { errnos: number }).errnos).toBeGreaterThan(ROUNDS / 4);
    expect(run.left.memoryFrames).toBe(0);
  });

  async function endure(core: Core): Promise<unknown> {
    const memory = await core.mmap(40 * PAGE);
    await core.write(memory.address, new Uint8Array(memory.length).fill(SECRET));
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const cq = await context.createCq(8);
    const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
    await qp.modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: 0 });
    const region = await pd.registerMemory(part(memory, 0, 10 * PAGE), ACCESS.LOCAL_WRITE);
    await core.tell(0, { address: memory.address, key: region.lkey });
    await core.hear(0);
    const bytes = await core.read(memory.address, memory.length);
    const wrong = bytes.filter((byte) => byte !== SECRET).length;
    const { state } = await qp.query();
    await region.deregister();
    await cq.poll();
    return { wrong, state };
  }

  async function attack(core: Core): Promise<unknown> {
    const { port } = core as unknown as { port: ProgramPort };
    const told = (await core.hear(1)) as { address: number; key: number };
    const own = await core.mmap(8 * PAGE);
    const some = [
      0,
      1,
      2,
      3,
      4,
      -1,
      1.5,
      2 ** 31,
      2 ** 40,
      2 ** 53,
      -4096,
      null,
      4096,
      100,
      8 * PAGE,
    ];
    const pick = <T>(from: readonly T[]): T => from[Math.floor(core.random() * from.length)]!;
    const handle: Draw = () => pick([...some, told.key, told.key + 1, 17, 18]);
    const address: Draw = () =>
      pick([
        own.address,
        told.address,
        told.address + PAGE * Math.floor(core.random() * 40),
        ...some,
      ]);
    const length: Draw = () => pick([PAGE, 1, 9 * PAGE, ...some]);
    const flag = (): boolean => core.random() < 0.5;
    const range = () => ({ address: address(), length: length() });
    const cap = { maxSendWr: 1, maxRecvWr: 1, maxSendSge: 1, maxRecvSge: 1, maxInlineData: 0 };
    const calls: Readonly<Record<string, () => unknown>> = {
      allocate: () => ({ length: length() }),
      translate: range,
      mmap: () => ({ length: length(), huge: flag(), populate: flag() }),
      munmap: range,
      mlock: range,
      munlock: range,
      madvise: () => ({ ...range(), advice: pick(['DONTNEED', 'DONTFORK', 'x']) }),
      setrlimitMemlock: () => ({ bytes: length() }),
      access: () => ({ ...range(), write: flag(), child: handle() }),
      touch: () => ({ ...range(), write: flag(), child: handle() }),
      pin: range,
      unpin: () => ({ handle: handle() }),
      pagemap: () => ({ address: address() }),
      fork: () => ({}),
      exitChild: () => ({ child: handle() }),
      deallocatePd: () => ({ pd: handle() }),
      registerMemory: () => ({ pd: handle(), ...range(), access: handle(), iova: address() }),
      reregisterMemory: () => ({ key: handle(), pd: handle(), access: handle(), ...range() }),
      deregisterMemory: () => ({ key: handle() }),
      destroyCq: () => ({ cq: handle() }),
      requestNotify: () => ({ cq: handle(), solicitedOnly: flag() }),
      createQp: () => ({
        ...{ pd: handle(), sendCq: handle(), recvCq: handle(), cap, sqSigAll: false, type: 'RC' },
      }),
      modifyQp: () => ({
        qp: handle(),
        attributes: { state: 'ERR' },
        mask: 1,
        sends: 0,
        receives: 0,
      }),
      queryQp: () => ({ qp: handle() }),
      destroyQp: () => ({ qp: handle() }),
      mapDma: () => ({ ...range(), write: flag(), pin: flag() }),
      unmapDma: () => ({ mapping: handle() }),
    };
    let errnos = 0;
    let seen = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const name = pick(Object.keys(calls));
      try {
        const answer = (await port.call(name as never, calls[name]!() as never)) as unknown;
        const { pieces = [] } = (answer ?? {}) as { pieces?: number[] };
        for (let i = 0; i < pieces.length; i += 2) {
          const bytes = port.bytes.subarray(pieces[i], pieces[i]! + pieces[i + 1]!);
          seen += bytes.filter((byte) => byte === SECRET).length;
        }
      } catch (error) {
        if (!(error instanceof VerbsError)) throw error;
        errnos++;
      }
    }
    await core.tell(1, 'enough');
    return { errnos, seen };
  }
});
