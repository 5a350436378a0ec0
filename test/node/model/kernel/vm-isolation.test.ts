/** What one virtual machine cannot do to another, whatever it tries; and what it can where there is no IOMMU. */
import { describe, expect, it } from 'vitest';
import type { ProgramPort } from '../../../../node/program/program-port.js';
import { openNetwork } from '../../../../node/program/sockets.js';
import {
  ACCESS,
  VerbsError,
  type Core,
  type DmaHazard,
  type Picoseconds,
  type QueuePair,
} from '../../../../node/program/verbs.js';
import { RandomStream } from '../../../../sim/random.js';
import { hostMac, vmMac } from '../../../../units/address.js';
import { IN_VMS, ON_HOSTS, PORT, run, US, VMS } from './virtual-machines.js';

const ETHER_TYPE = 0x88b6;
const HEADER = 14;
const PAGE = 4096;

interface RawQueue {
  readonly qp: QueuePair;
  /** Sends `bytes` as a frame; when it is done. */
  send(bytes: Uint8Array): Promise<void>;
  /** Payloads that came within `wait`. */
  received(wait: number): Promise<string[]>;
}

/** A queue of raw frames in registered memory that gets all of its function's. */
async function openQueue(core: Core): Promise<RawQueue> {
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const region = await pd.registerMemory(await core.allocate(64 * 2048), ACCESS.LOCAL_WRITE);
  const [sendCq, recvCq] = [await context.createCq(64), await context.createCq(64)];
  const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq, recvCq, cap: { maxRecvWr: 32 } });
  await start(qp);
  await qp.attachFlow({});
  for (let i = 1; i < 32; i++) qp.postRecv({ wrId: i, sges: [region.sge(i * 2048, 2048)] });
  return {
    qp,
    send: async (bytes) => {
      region.bytes.set(bytes);
      qp.postSend({ opcode: 'SEND', sges: [region.sge(0, bytes.length)] });
      expect((await sendCq.busyPoll())[0]!.status).toBe('SUCCESS');
    },
    received: async (wait) => {
      await core.sleep(wait as Picoseconds);
      const done = await recvCq.poll(32);
      return done.map(({ wrId }) => {
        const at = wrId * 2048;
        const tagged = region.data.getUint16(at + 12) === 0x8100 ? 4 : 0;
        return String.fromCharCode(region.bytes[at + HEADER + tagged]!);
      });
    },
  };
}

async function start(qp: QueuePair): Promise<void> {
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
}

/** An Ethernet frame whose payload is one letter, over and over. */
function frame(to: Uint8Array, from: Uint8Array, letter: string, vlan?: number): Uint8Array {
  const tag = vlan === undefined ? [] : [0x81, 0, vlan >> 8, vlan & 255];
  const head = [...to, ...from, ...tag, ETHER_TYPE >> 8, ETHER_TYPE & 255];
  return Uint8Array.from([...head, ...Array.from({ length: 60 }, () => letter.charCodeAt(0))]);
}

describe('a virtual machine that sends raw frames', () => {
  it('sends under its own MAC and VLAN alone; the rest is lost, and counted', async () => {
    const { values: results, counters } = await run({
      machine: { vms: VMS.map((vm) => ({ ...vm, vlan: 5 })) },
      programs: [IN_VMS[0]!, IN_VMS[2]!, ON_HOSTS[1]!],
      program: async (core: Core) => {
        const queue = await openQueue(core);
        if (core.rank > 0) return queue.received(200 * US);
        await core.sleep((50 * US) as Picoseconds);
        const own = vmMac(0, 0);
        const peer = vmMac(1, 2);
        await queue.send(frame(peer, own, 'a', 5));
        await queue.send(frame(peer, vmMac(0, 1), 'b', 5));
        await queue.send(frame(peer, hostMac(0), 'c', 5));
        await queue.send(frame(peer, own, 'd', 6));
        await queue.send(frame(peer, own, 'e'));
        await queue.send(frame(hostMac(1), own, 'f'));
        await queue.send(frame(hostMac(1), hostMac(0), 'g'));
        await queue.send(frame(peer, own, 'h', 5));
        return undefined;
      },
    });
    expect(results.slice(1)).toEqual([['a', 'h'], []]);
    expect(counters['host0']!['vm_spoofed_frames']).toBe(6);
  });

  it('keeps to its rate, with what its kernel sends', async () => {
    const { values: results } = await run({
      machine: { vms: VMS.map((vm) => ({ ...vm, rateGbps: 0.1 })) },
      programs: [IN_VMS[1]!],
      program: async (core: Core) => {
        const queue = await openQueue(core);
        const began = core.now;
        for (let i = 0; i < 100; i++) await queue.send(frame(hostMac(1), vmMac(0, 1), 'a'));
        return core.now - began;
      },
    });
    const frames = 99 * (HEADER + 60) * 80_000;
    expect(results[0]).toBeGreaterThan(frames - 5 * US);
    expect(results[0]).toBeLessThan(frames + 5 * US);
  });

  it('has no queue of raw frames where it shares the host’s', async () => {
    const { values: results } = await run({
      machine: { vms: VMS, vmQueues: 'shared' },
      programs: [IN_VMS[0]!, ON_HOSTS[0]!],
      program: (core: Core) => openQueue(core).then(() => 'a queue', code),
    });
    expect(results).toEqual(['EOPNOTSUPP', 'a queue']);
  });
});

const code = (error: unknown): string => (error instanceof VerbsError ? error.code : String(error));

describe('DMA of one virtual machine into another', () => {
  /** VM 0 has its device write a frame of 60 z's over VM 1's page, and read from it. */
  async function attack(iommu: boolean) {
    const { values: results, counters } = await run({
      machine: { vms: VMS, iommu },
      programs: [IN_VMS[0]!, IN_VMS[1]!],
      program: async (core: Core) => (core.rank === 0 ? attacker(core, iommu) : victim(core)),
    });
    const [attacks, page] = results as [Awaited<ReturnType<typeof attacker>>, number[]];
    return { ...attacks, page, counters: counters['host0']! };
  }

  async function victim(core: Core): Promise<number[]> {
    const memory = await core.mmap(PAGE);
    await core.write(memory.address, new Uint8Array(PAGE).fill(7));
    await core.tell(0, { physical: await core.pagemap(memory.address), address: memory.address });
    await core.hear(0);
    return [...(await core.read(memory.address, PAGE))];
  }

  async function attacker(core: Core, iommu: boolean) {
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const cq = await context.createCq(16);
    const options = { sendCq: cq, recvCq: cq, busAddresses: true };
    const qp = await pd.createQp({ type: 'RAW_PACKET', ...options });
    await start(qp);
    await qp.attachFlow({});
    const own = await core.mmap(PAGE);
    await core.write(own.address, frame(vmMac(0, 0), vmMac(0, 0), 'z'));
    if (iommu) await core.mapDma(own);
    const here = iommu ? own.address : (await core.pin(own)).pages[0]!;
    const { physical, address } = (await core.hear(1)) as { physical: number; address: number };
    const sge = (at: number, length: number) => ({ address: at, length, lkey: 0 as never });
    const statuses: string[] = [];
    qp.postRecv({ wrId: 1, sges: [sge(physical + 100, 2000)] });
    qp.postSend({ opcode: 'SEND', wrId: 2, sges: [sge(here, HEADER + 60)] });
    while (statuses.length < 2) {
      for (const { status } of await cq.busyPoll()) statuses.push(status);
    }
    const hazards = await core.dmaHazards();
    const faults = await core.iommuFaults();
    await core.tell(1, 'done');
    return { statuses, hazards, faults, physical, address };
  }

  it('ruins its page without an IOMMU, and is found out', async () => {
    const { statuses, hazards, page, address, counters } = await attack(false);
    expect(statuses).toEqual(['SUCCESS', 'SUCCESS']);
    const length = HEADER + 60;
    expect(page.filter((byte) => byte !== 7)).toHaveLength(length);
    expect(page.slice(100 + HEADER, 100 + length)).toEqual(Array(60).fill('z'.charCodeAt(0)));
    expect(
      hazards.map(({ kind, process, victim: whose, length: bytes }: DmaHazard) => [
        kind,
        process,
        whose,
        bytes,
      ]),
    ).toEqual([['write', 0, 1, length]]);
    expect(hazards[0]!.address).toBe(address + 100);
    expect(counters).toMatchObject({ dma_ruined_bytes: length });
  });

  it('is turned away by an IOMMU, and the driver hears of it', async () => {
    const { statuses, hazards, faults, page, physical, counters } = await attack(true);
    expect(statuses.sort()).toEqual(['LOC_PROT_ERR', 'SUCCESS']);
    expect(page.every((byte) => byte === 7)).toBe(true);
    expect(hazards).toEqual([]);
    expect(faults.map(({ address, write }) => [address, write])).toEqual([[physical + 100, true]]);
    expect(counters).toMatchObject({ dma_ruined_bytes: 0, iommu_faults: 1 });
  });
});

describe('numbers of things that are another machine’s', () => {
  const CALLS = 600;

  it.each([1, 2, 3])('name nothing, in any call: seed %i', async (seed) => {
    const { values: results } = await run({
      machine: { vms: VMS, iommu: true },
      programs: [IN_VMS[0]!, IN_VMS[1]!, IN_VMS[2]!],
      program: async (core: Core) => {
        if (core.rank === 0) return attackByNumber(core, seed);
        return core.rank === 1 ? holdsOn(core) : speaks(core);
      },
    });
    expect(results[0]).toEqual([]);
    expect(results[1]).toEqual({ received: ['v'], kept: true, closed: 'closed' });
  });

  /** VM 1 has one of everything, and finds it as it left it. */
  async function holdsOn(core: Core) {
    const queue = await openQueue(core);
    const socket = await (await openNetwork(core)).udp(PORT);
    const memory = await core.mmap(4 * PAGE);
    await core.write(memory.address, new Uint8Array(4 * PAGE).fill(7));
    await core.mapDma(memory);
    await core.pin(memory);
    await core.sleep((20_000 * US) as Picoseconds);
    await core.tell(2, 'now');
    const received = await queue.received(500 * US);
    const bytes = await core.read(memory.address, 4 * PAGE);
    const closed = await socket.close().then(() => 'closed', code);
    return { received, kept: bytes.every((byte) => byte === 7), closed };
  }

  async function speaks(core: Core): Promise<void> {
    const queue = await openQueue(core);
    await core.hear(1);
    await queue.send(frame(vmMac(0, 1), vmMac(1, 2), 'v'));
  }

  /** Random calls with random small numbers; whatever was not answered with an errno or on the caller's own things. */
  async function attackByNumber(core: Core, seed: number): Promise<string[]> {
    const { port } = core as unknown as { readonly port: ProgramPort };
    const random = new RandomStream(seed, 'attack');
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random.unit() * from.length)]!;
    const number = (): number =>
      pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 256, 257, 512, -1, 0.5, 1e9]);
    const names = [
      ...[
        'destroyQp',
        'queryQp',
        'modifyQp',
        'detachFlow',
        'attachFlow',
        'destroyCq',
        'requestNotify',
      ],
      ...['deallocatePd', 'deregisterMemory', 'reregisterMemory', 'unmapDma', 'unpin', 'exitChild'],
      ...['createQp', 'registerMemory', 'takePort', 'givePort', 'nothing', 'toString'],
    ];
    const wrong: string[] = [];
    for (let i = 0; i < CALLS; i++) {
      const name = pick(names);
      const args = {
        ...{ qp: number(), cq: number(), pd: number(), flow: number(), mapping: number() },
        ...{ key: number(), handle: number(), child: number(), sendCq: number(), recvCq: number() },
        ...{
          address: number() * PAGE,
          length: number(),
          access: 1,
          rule: {},
          solicitedOnly: false,
        },
        ...{ attributes: { state: 'ERR' }, mask: 1, sends: 0, receives: 0, type: 'RAW_PACKET' },
        ...{ protocol: 'udp', port: number() },
        ...{ cap: {}, sqSigAll: false, busAddresses: true },
      };
      try {
        await port.call(name as never, args as never);
        // It owns nothing, so nothing it names can be its own.
        wrong.push(`${name}(${JSON.stringify(args)})`);
      } catch (error) {
        if (!(error instanceof VerbsError)) throw error;
      }
    }
    return wrong;
  }
});
