/** When a call has ended a queue pair or a region, not a byte of it lands any more, and no completion comes. */
import { describe, expect, it } from 'vitest';
import type { Core, MemoryRegion, QueuePair, SendWr } from '../../../../node/program/verbs.js';
import { us } from '../../../../units/durations.js';
import { picoseconds } from '../../../../units/time.js';
import { connect, openDevice, sharedRegion } from '../../../../workloads/authoring/workload.js';
import { runEmbedded } from '../../../embedded.js';

const LENGTH = 65536;
const TRIES = 40;
const LEAST = 5;

type End = (qp: QueuePair, region: MemoryRegion) => Promise<void>;

const ENDS: readonly (readonly [string, End])[] = [
  ['destroying its queue pair', (qp) => qp.destroy()],
  ['a change of its queue pair to RESET', (qp) => qp.modify({ state: 'RESET' })],
  ['a change of its queue pair to ERR', (qp) => qp.modify({ state: 'ERR' })],
  ['deregistering its region', (_qp, region) => region.deregister()],
];

interface Try {
  /** Bytes that differ from when the call was made, and from when it had returned. */
  readonly during: number;
  readonly after: number;
  readonly completions: number;
}

const differing = (one: Uint8Array, other: Uint8Array): number =>
  one.reduce((sum, byte, i) => sum + (byte === other[i] ? 0 : 1), 0);

/** Host 0 does `requests` of what host 1 ends at a time of its own, in the middle of them. */
async function tries(
  end: End,
  requestOf: (
    region: MemoryRegion,
    remote: { remoteAddress: number; rkey: never },
    i: number,
  ) => SendWr,
  ender: 0 | 1,
): Promise<Try[]> {
  const program = async (core: Core): Promise<Try[] | undefined> => {
    const all: Try[] = [];
    const device = await openDevice(core);
    for (let i = 0; i < TRIES; i++) {
      const region = await sharedRegion(core, device.pd, 2 * LENGTH);
      const cq = await device.context.createCq(64);
      const queues = { sendCq: cq, recvCq: cq, cap: {} };
      const { qp, remote } = await connect(core, device, {
        peer: 1 - core.rank,
        region,
        ...queues,
      });
      const bytes = region.bytes.subarray(0, LENGTH);
      region.bytes.fill(0, 0, LENGTH);
      region.bytes.fill(i + 1, LENGTH);
      await core.tell(1 - core.rank, 'go');
      await core.hear(1 - core.rank);
      if (core.rank === 0) {
        // The other one may hear of it 20 us later.
        await core.sleep(us(25));
        const to = { remoteAddress: remote.address, rkey: remote.rkey as never };
        for (let n = 0; n < 4; n++) qp.postSend(requestOf(region, to, n));
      }
      if (core.rank === ender) {
        await core.sleep(picoseconds(Math.floor(core.random() * (ender === 0 ? 12e6 : 40e6))));
        const before = bytes.slice();
        await end(qp, region);
        await cq.poll(64);
        const then = bytes.slice();
        await core.sleep(us(100));
        const late = (await cq.poll(64)).filter(({ status }) => status !== 'WR_FLUSH_ERR');
        all.push({
          during: differing(before, then),
          after: differing(then, bytes),
          completions: late.length,
        });
      }
      await core.tell(1 - core.rank, 'next');
      await core.hear(1 - core.rank);
    }
    return core.rank === ender ? all : undefined;
  };
  const run = await runEmbedded({ program, hosts: 2, cores: 1, memory: 2 ** 25 });
  expect(run.failure).toBeNull();
  return run.values[ender] as Try[];
}

describe.each(ENDS)('after %s nothing lands', (_name, end) => {
  it.each([
    [
      'of WRITEs to it',
      1 as const,
      (region: MemoryRegion, to: object, i: number) => ({
        opcode: 'RDMA_WRITE',
        sges: [region.sge(LENGTH + 16384 * i, 16384)],
        ...to,
        remoteAddress: (to as { remoteAddress: number }).remoteAddress + 16384 * i,
      }),
    ],
    [
      'of READs by it',
      0 as const,
      (region: MemoryRegion, to: object, i: number) => ({
        opcode: 'RDMA_READ',
        sges: [region.sge(16384 * i, 16384)],
        ...to,
        remoteAddress: (to as { remoteAddress: number }).remoteAddress + LENGTH + 16384 * i,
      }),
    ],
  ])('%s', async (_what, ender, requestOf) => {
    const all = await tries(end, requestOf as never, ender);
    expect(all.map(({ after }) => after)).toEqual(all.map(() => 0));
    expect(all.map(({ completions }) => completions)).toEqual(all.map(() => 0));
    // Often enough something was on its way when the call was made.
    expect(all.filter(({ during }) => during > 0).length).toBeGreaterThanOrEqual(LEAST);
  });
});
