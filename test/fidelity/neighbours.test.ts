/** What one queue pair's traffic does to another's on the same NIC: share what is scarce, and nothing else. */
import { describe, expect, it } from 'vitest';
import type { Core, Instant } from '../../node/program/verbs.js';
import { connect, openDevice, sharedRegion } from '../../workloads/authoring/connect.js';
import { runEmbedded } from '../embedded.js';

const PINGS = 20;
const BEGINS = 1e9;
const BETWEEN = 20e6;

/** Rank 0 writes 256 B to rank 1 now and then; meanwhile rank 2 keeps 100 WRITEs of `size` posted, or is silent. */
const beside =
  (size: number) =>
  async (core: Core): Promise<number> => {
    const device = await openDevice(core);
    const region = await sharedRegion(core, device.pd, 65536);
    const cq = await device.context.createCq(1024);
    const options = {
      peer: core.rank ^ 1,
      region,
      sendCq: cq,
      recvCq: cq,
      cap: { maxSendWr: 128 },
    };
    const { qp, remote } = await connect(core, device, options);
    const write = (length: number): void => {
      const { address: remoteAddress, rkey } = remote;
      qp.postSend({ opcode: 'RDMA_WRITE', sges: [region.sge(0, length)], remoteAddress, rkey });
    };
    await core.sleepUntil(BEGINS as Instant);
    let sum = 0;
    for (let ping = 1; core.rank === 0 && ping <= PINGS; ping++) {
      await core.sleepUntil((BEGINS + ping * BETWEEN) as Instant);
      const started = core.now;
      write(256);
      await cq.busyPoll();
      sum += core.now - started;
    }
    if (core.rank === 2 && size > 0) {
      for (let free = 100; core.now < BEGINS + PINGS * BETWEEN;) {
        for (; free > 0; free--) write(size);
        free = (await cq.busyPoll()).length;
      }
    }
    await core.tell(core.rank ^ 1, 'done');
    await core.hear(core.rank ^ 1);
    return sum / PINGS / 1000;
  };

async function latencyBeside(size: number): Promise<number> {
  const { values: results, failure } = await runEmbedded({
    noise: false,
    hosts: 2,
    programs: [0, 1, 2, 3].map((rank) => ({ host: rank & 1, core: rank >> 1, role: '' })),
    program: beside(size),
  });
  expect(failure).toBeNull();
  return results[0] as number;
}

describe('a lone WRITE beside a queue pair with a hundred posted', () => {
  it('does not wait for the fetches of small ones, whose pace leaves the NIC mostly idle', async () => {
    const alone = await latencyBeside(0);
    expect(await latencyBeside(256)).toBeLessThan(alone + 100);
  });

  it('takes turns with large ones: it waits for about one packet at the port', async () => {
    const alone = await latencyBeside(0);
    expect(await latencyBeside(8192)).toBeLessThan(alone + 300);
  });
});
