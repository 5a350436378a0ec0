/**
 * Queues of raw frames that are given bus addresses. Without an IOMMU everything in memory can be reached, and what was
 * is named byte by byte; with one, nothing outside the domain is.
 */
import { describe, expect, it } from 'vitest';
import {
  ACCESS,
  type Core,
  type DmaHazard,
  type QueuePair,
  type Region,
  type Sge,
  type WcStatus,
} from '../../../../node/program/verbs.js';
import { hostMac } from '../../../../units/address.js';
import type { MachineRequest } from '../../../../workloads/authoring/workload.js';
import { runEmbedded, type EmbeddedRun } from '../../../embedded.js';
import { openRaw, type RawSide } from './raw-pair.js';

const DRIVER = 0;
const VICTIM = 1;
const PEER = 2;
/** Host 0's processes: the driver's, then the victim's. */
const PROGRAMS = [
  { host: 0, core: 0, role: '', process: 0 },
  { host: 0, core: 1, role: '', process: 1 },
  { host: 1, core: 0, role: '' },
];
const MEMORY = 2 ** 22;
const PAGE = 4096;
const PAYLOAD = 900;
const HEADER = 14;

interface Parts {
  driver: (core: Core) => Promise<unknown>;
  victim?: (core: Core) => Promise<unknown>;
  peer?: (side: RawSide) => Promise<unknown>;
}

async function run(machine: MachineRequest, parts: Parts): Promise<EmbeddedRun> {
  const outcome = await runEmbedded({
    noise: false,
    hosts: 2,
    programs: PROGRAMS,
    machine: { memory: MEMORY, ...machine },
    program: async (core) => {
      if (core.rank === DRIVER) return parts.driver(core);
      if (core.rank === VICTIM) return parts.victim?.(core);
      return parts.peer?.(await openRaw(core, { regionLength: 2 ** 19, meets: false }));
    },
  });
  if (outcome.failure !== null) throw new Error(outcome.failure.stack);
  if (outcome.blocked.length > 0) throw new Error(outcome.blocked.join('; '));
  return outcome;
}

/** The driver's queue, by bus address, and a header for frames to the peer that the device may read. */
async function openDriver(core: Core) {
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const cq = await context.createCq(64);
  const options = { sendCq: cq, recvCq: cq, cap: { maxSendSge: 2 }, busAddresses: true };
  const qp = await pd.createQp({ type: 'RAW_PACKET', ...options });
  await restart(qp);
  await qp.attachFlow({});
  const header = await core.mmap(PAGE);
  await core.write(header.address, Uint8Array.of(...hostMac(1), ...hostMac(0), 0x88, 0xb6));
  return { qp, cq, header };
}

async function restart(qp: QueuePair): Promise<void> {
  await qp.modify({ state: 'RESET' });
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
}

const sge = (address: number, length: number): Sge => ({ address, length, lkey: 0 as never });

/** Bytes that differ by page and place, never 0. */
const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => 1 + ((i * 13 + (i >> 12) * 31 + seed) % 255));

async function patterned(core: Core, pages: number, seed: number): Promise<Region> {
  const region = await core.mmap(pages * PAGE);
  await core.write(region.address, pattern(pages * PAGE, seed));
  return region;
}

const pagesOf = (region: Region): number[] =>
  Array.from({ length: region.length / PAGE }, (_, i) => region.address + i * PAGE);

async function physicalPages(core: Core, region: Region): Promise<number[]> {
  const physical: number[] = [];
  for (const address of pagesOf(region)) physical.push((await core.pagemap(address))!);
  return physical;
}

/** Sends `count` frames to host 0, one each time the driver asks. */
const sends = (count: number) => async (side: RawSide) => {
  const { core, qp, frame, completions } = side;
  for (let i = 0; i < count; i++) {
    await core.hear(DRIVER);
    qp.postSend({ opcode: 'SEND', sges: [frame(0, HEADER + PAYLOAD)] });
    await completions(1);
  }
};

/** Receives frames until the driver says that it has sent them all; their payloads. */
const receives = (most: number) => async (side: RawSide) => {
  const { core, qp, cq, region } = side;
  for (let i = 0; i < most; i++) qp.postRecv({ wrId: i, sges: [region.sge(i * 2048, 2048)] });
  await core.tell(DRIVER, 'ready');
  await core.hear(DRIVER);
  const done = await cq.poll(most);
  return done.map(({ wrId, byteLen }) =>
    region.bytes.slice(wrId * 2048 + HEADER, wrId * 2048 + byteLen),
  );
};

const MICROSECOND = 1_000_000;

describe('without an IOMMU', () => {
  it('bus addresses are physical, and pinned memory is sent and filled as registered memory is', async () => {
    const { values: results, counters } = await run(
      {},
      {
        driver: async (core) => {
          const { qp, cq, header } = await openDriver(core);
          const own = await patterned(core, 2, 5);
          const pinned = await core.pin(own);
          const head = (await core.pin(header)).pages[0]!;
          await core.hear(PEER);
          qp.postSend({
            opcode: 'SEND',
            sges: [sge(head, HEADER), sge(pinned.pages[0]! + 50, PAYLOAD)],
          });
          const status = (await cq.busyPoll())[0]!.status;
          await core.sleep((20 * MICROSECOND) as never);
          await core.tell(PEER, 'sent');
          return { status, hazards: await core.dmaHazards() };
        },
        peer: receives(1),
      },
    );
    expect(results[DRIVER]).toEqual({ status: 'SUCCESS', hazards: [] });
    expect(results[PEER]).toEqual([pattern(2 * PAGE, 5).slice(50, 50 + PAYLOAD)]);
    expect(counters['host0']!).toMatchObject({ dma_wrong_bytes: 0, dma_ruined_bytes: 0 });
  });

  it('a receive into somebody else’s page ruins exactly the bytes that the records name', async () => {
    const rounds = 60;
    const { values: results, counters } = await run(
      {},
      {
        driver: async (core) => {
          const { qp, cq } = await openDriver(core);
          const stolen = (await core.hear(VICTIM)) as number[];
          const own = await patterned(core, 4, 9);
          const all = [...stolen, ...(await physicalPages(core, own))];
          for (let round = 0; round < rounds; round++) {
            const page = all[Math.floor(core.random() * all.length)]!;
            const address = page + Math.floor(core.random() * PAGE);
            qp.postRecv({ wrId: round, sges: [sge(address, 2048)] });
            await core.tell(PEER, 'send');
            expect((await cq.busyPoll())[0]).toMatchObject({ status: 'SUCCESS', wrId: round });
          }
          await core.tell(VICTIM, 'done');
          return { number: qp.qpNum, hazards: await core.dmaHazards() };
        },
        victim: async (core) => {
          const region = await patterned(core, 32, 77);
          await core.tell(DRIVER, await physicalPages(core, region));
          await core.hear(DRIVER);
          return { address: region.address, bytes: await core.read(region.address, region.length) };
        },
        peer: sends(rounds),
      },
    );
    const { hazards, number } = results[DRIVER] as { hazards: DmaHazard[]; number: number };
    const { address, bytes } = results[VICTIM] as { address: number; bytes: Uint8Array };
    const before = pattern(bytes.length, 77);
    const named = new Set<number>();
    let ruined = 0;
    for (const hazard of hazards) {
      expect(hazard).toMatchObject({ kind: 'write', process: 0, qpNum: number });
      if (hazard.victim !== -1) ruined += hazard.length;
      if (hazard.victim !== 1) continue;
      for (let i = 0; i < hazard.length; i++) named.add(hazard.address - address + i);
    }
    expect(named.size).toBeGreaterThan(5000);
    const changed: number[] = [];
    // A written byte may happen to be what was there: every named byte may change, and no other one did.
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== before[i]) changed.push(i);
    expect(changed.every((at) => named.has(at))).toBe(true);
    expect(changed.length).toBeGreaterThan(0.95 * named.size);
    expect(counters['host0']!['dma_ruined_bytes']).toBe(ruined);
  });

  it('a send out of another process’s page is reported, with the owner of the bytes', async () => {
    const { values: results, counters } = await run(
      {},
      {
        driver: async (core) => {
          const { qp, cq, header } = await openDriver(core);
          const [stolen] = (await core.hear(VICTIM)) as [number];
          const head = (await core.pin(header)).pages[0]!;
          await core.hear(PEER);
          qp.postSend({
            wrId: 4,
            opcode: 'SEND',
            sges: [sge(head, HEADER), sge(stolen + 100, PAYLOAD)],
          });
          await cq.busyPoll();
          await core.sleep((20 * MICROSECOND) as never);
          await core.tell(PEER, 'sent');
          await core.tell(VICTIM, 'done');
          return core.dmaHazards();
        },
        victim: async (core) => {
          const region = await patterned(core, 1, 3);
          await core.tell(DRIVER, await physicalPages(core, region));
          await core.hear(DRIVER);
          return region.address;
        },
        peer: receives(1),
      },
    );
    expect(results[PEER]).toEqual([pattern(PAGE, 3).slice(100, 100 + PAYLOAD)]);
    expect(results[DRIVER]).toMatchObject([
      {
        kind: 'read',
        process: 0,
        victim: 1,
        address: (results[VICTIM] as number) + 100,
        offset: HEADER,
        length: PAYLOAD,
        wrId: 4,
      },
    ]);
    expect(counters['host0']!).toMatchObject({
      dma_wrong_bytes: PAYLOAD,
      dma_ruined_bytes: 0,
    });
  });

  it('an address where there is no memory ends the request and not the emulator', async () => {
    await run(
      {},
      {
        driver: async (core) => {
          const { qp, cq, header } = await openDriver(core);
          const head = (await core.pin(header)).pages[0]!;
          for (const address of [
            MEMORY,
            MEMORY - 100,
            2 ** 47,
            2 ** 48 - PAYLOAD,
            2 ** 48,
            2 ** 52,
            -1,
          ]) {
            qp.postSend({ opcode: 'SEND', sges: [sge(head, HEADER), sge(address, PAYLOAD)] });
            expect((await cq.busyPoll())[0]!.status).toBe('LOC_PROT_ERR');
            await qp.modify({ state: 'RTS' });
            qp.postRecv({ sges: [sge(address, 2048)] });
            await core.tell(PEER, 'send');
            expect((await cq.busyPoll())[0]!.status).toBe('LOC_PROT_ERR');
            await restart(qp);
          }
        },
        peer: sends(7),
      },
    );
  });

  it('frames written anywhere, queues of the kernel included, end no run by an exception', async () => {
    const rounds = 200;
    const { counters } = await run(
      {},
      {
        driver: async (core) => {
          const { qp } = await openDriver(core);
          for (let round = 0; round < rounds; round++) {
            qp.postRecv({ sges: [sge(Math.floor(core.random() * MEMORY * 1.01), 2048)] });
            await core.tell(PEER, 'send');
            await core.sleep((30 * MICROSECOND) as never);
            if ((await qp.query()).state === 'ERR') await restart(qp);
          }
        },
        peer: sends(rounds),
      },
    );
    expect(counters['host0']!['dma_wrong_bytes']).toBeGreaterThan(50_000);
  });
});

describe('with an IOMMU', () => {
  it('bus addresses are the process’s own, as far as they are mapped, each for what it was', async () => {
    const { values: results, counters } = await run(
      { iommu: true },
      {
        driver: async (core) => {
          const { qp, cq, header } = await openDriver(core);
          const own = await patterned(core, 2, 5);
          await core.mapDma(header, { write: false });
          const mapping = await core.mapDma(own);
          const head = sge(header.address, HEADER);
          const post = async (address: number): Promise<WcStatus> => {
            qp.postSend({ opcode: 'SEND', sges: [head, sge(address, PAYLOAD)] });
            return (await cq.busyPoll())[0]!.status;
          };
          await core.hear(PEER);
          // Over the border of its two pages, and beyond them.
          const statuses = [
            await post(own.address + PAGE - 300),
            await post(own.address + 2 * PAGE - 300),
          ];
          await qp.modify({ state: 'RTS' });
          await mapping.unmap();
          statuses.push(await post(own.address));
          await qp.modify({ state: 'RTS' });
          await core.mapDma(own, { write: false });
          statuses.push(await post(own.address));
          await core.sleep((20 * MICROSECOND) as never);
          await core.tell(PEER, 'sent');
          const faults = await core.iommuFaults();
          return { statuses, faults, base: own.address, hazards: await core.dmaHazards() };
        },
        peer: receives(4),
      },
    );
    const { statuses, faults, base, hazards } = results[DRIVER] as {
      statuses: WcStatus[];
      faults: object[];
      base: number;
      hazards: unknown[];
    };
    expect(statuses).toEqual(['SUCCESS', 'LOC_PROT_ERR', 'LOC_PROT_ERR', 'SUCCESS']);
    const bytes = pattern(2 * PAGE, 5);
    expect(results[PEER]).toEqual([
      bytes.slice(PAGE - 300, PAGE - 300 + PAYLOAD),
      bytes.slice(0, PAYLOAD),
    ]);
    expect(faults).toMatchObject([
      { address: base + 2 * PAGE, write: false, permission: false },
      { address: base, write: false, permission: false },
    ]);
    expect(hazards).toEqual([]);
    expect(counters['host0']!).toMatchObject({ iommu_faults: 2, dma_aborted: 2 });
  });

  it('no address that a driver can think of reaches memory outside its domain', async () => {
    const rounds = 150;
    const { values: results, counters } = await run(
      { iommu: true },
      {
        driver: async (core) => {
          const { qp, cq } = await openDriver(core);
          const [stolen, foreign] = (await core.hear(VICTIM)) as [number[], number];
          const open = await patterned(core, 1, 1);
          const readable = await patterned(core, 1, 2);
          const closed = await patterned(core, 4, 3);
          await core.mapDma(open);
          await core.mapDma(readable, { write: false });
          const kinds = [
            () => stolen[Math.floor(core.random() * stolen.length)]! + core.random() * PAGE,
            () => foreign + core.random() * 8 * PAGE,
            () => readable.address + core.random() * PAGE,
            () => closed.address + (core.random() - 0.2) * 5 * PAGE,
            () => core.random() * 2 ** 48,
            () => core.random() * MEMORY,
          ];
          let refused = 0;
          for (let round = 0; round < rounds; round++) {
            const address = Math.floor(kinds[round % kinds.length]!());
            qp.postRecv({ sges: [sge(address, 2048)] });
            await core.tell(PEER, 'send');
            if ((await cq.busyPoll())[0]!.status === 'LOC_PROT_ERR') refused++;
            await restart(qp);
          }
          await core.tell(VICTIM, 'done');
          return {
            refused,
            hazards: await core.dmaHazards(),
            readable: await core.read(readable.address, PAGE),
            closed: await core.read(closed.address, 4 * PAGE),
          };
        },
        victim: async (core) => {
          const region = await patterned(core, 8, 77);
          const context = await core.openDevice();
          const pd = await context.allocatePd();
          const registered = await pd.registerMemory(await core.allocate(PAGE), ACCESS.LOCAL_WRITE);
          registered.bytes.set(pattern(PAGE, 8));
          const physical = await physicalPages(core, region);
          physical.push((await core.pagemap(registered.address))!);
          await core.tell(DRIVER, [physical, region.address]);
          await core.hear(DRIVER);
          return [await core.read(region.address, region.length), registered.bytes.slice()];
        },
        peer: sends(rounds),
      },
    );
    const driver = results[DRIVER] as Record<string, unknown>;
    expect(results[VICTIM]).toEqual([pattern(8 * PAGE, 77), pattern(PAGE, 8)]);
    expect(driver['hazards']).toEqual([]);
    expect(driver['readable']).toEqual(pattern(PAGE, 2));
    expect(driver['closed']).toEqual(pattern(4 * PAGE, 3));
    expect(driver['refused']).toBeGreaterThan(rounds * 0.7);
    expect(counters['host0']!['iommu_faults']).toBe(driver['refused']);
  });
});

describe('the calls about it', () => {
  it('give the errno that Linux gives', async () => {
    const refusals = async (core: Core): Promise<unknown> => {
      const region = await core.mmap(2 * PAGE);
      const errno = async (call: () => Promise<unknown>): Promise<string> => {
        try {
          await call();
          return 'none';
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      const seen = [
        await errno(() => core.mapDma(region)),
        await errno(() => core.mapDma(region)),
        await errno(() => core.mapDma({ address: region.address + 2 * PAGE, length: PAGE })),
        await errno(() => core.mapDma({ address: 0.5, length: 1 })),
        await errno(() => core.mapDma({ address: region.address, length: 0 })),
      ];
      const context = await core.openDevice();
      const pd = await context.allocatePd();
      const cq = await context.createCq(1);
      const options = { sendCq: cq, recvCq: cq, busAddresses: true };
      seen.push(await errno(() => pd.createQp(options)));
      return seen;
    };
    const on = await run({ iommu: true }, { driver: refusals });
    expect(on.values[DRIVER]).toEqual(['none', 'EEXIST', 'EFAULT', 'EINVAL', 'EINVAL', 'EINVAL']);
    const off = await run({ iommu: false }, { driver: refusals });
    const [first] = off.values[DRIVER] as string[];
    expect(first).toBe('EOPNOTSUPP');
  });

  it('a page that a device may use costs its unmapping when the pager takes it', async () => {
    // Much more than there is memory for, used once in order: the pages used first are taken last.
    const longest = async (iommu: boolean, unmap: string, mapped: boolean): Promise<number> => {
      const outcome = await runEmbedded({
        noise: false,
        hosts: 1,
        overrides: [`iommu.unmap_page=${unmap}`],
        machine: { memory: 64 * PAGE, iommu, pager: 'lru' },
        program: async (core: Core) => {
          const region = await core.mmap(PAGE);
          await core.touch(region, { write: true });
          if (mapped) await core.mapDma(region, { pin: false });
          const rest = await core.mmap(96 * PAGE);
          const start = core.now;
          await core.touch(rest, { write: true });
          return core.now - start;
        },
      });
      if (outcome.failure !== null) throw new Error(outcome.failure.stack);
      return outcome.values[0] as number;
    };
    const cheap = await longest(true, '1us', true);
    const dear = await longest(true, '5us', true);
    expect(dear - cheap).toBe(4_000_000);
    expect(await longest(true, '5us', false)).toBe(await longest(false, '5us', false));
  });

  it('a process that ends leaves no page pinned and nothing mapped', async () => {
    const outcome = await run(
      { iommu: true },
      {
        driver: async (core) => {
          await openDriver(core);
          await core.mapDma(await core.mmap(8 * PAGE));
          await core.mapDma(await core.mmap(8 * PAGE), { pin: false });
        },
      },
    );
    expect(outcome.left.pinnedPages).toBe(0);
    expect(outcome.left.frames).toBe(0);
  });
});
