import { describe, expect, it } from 'vitest';
import { ACCESS, type Core, type Picoseconds } from '../../../node/program/verbs.js';
import { connect, openDevice, sharedRegion } from '../../../workloads/authoring/connect.js';
import { runEmbedded } from '../../embedded.js';

const US = 1e6 as Picoseconds;

/** Rank 0 waits for three things at once; rank 1 has one of them come. */
async function awaited(come: 'write' | 'send' | 'word', late: boolean): Promise<unknown> {
  const {
    values: results,
    blocked,
    failure,
  } = await runEmbedded({
    noise: false,
    program: async (core: Core) => {
      const device = await openDevice(core);
      const region = await sharedRegion(core, device.pd, 4096);
      const cq = await device.context.createCq(16);
      const { qp, remote } = await connect(core, device, {
        peer: 1 - core.rank,
        sendCq: cq,
        recvCq: cq,
        cap: {},
        region,
        receives: (each) => each.postRecv({ wrId: 7, sges: [region.sge(64, 64)] }),
      });
      if (core.rank === 1) {
        if (late) await core.sleep((20 * US) as Picoseconds);
        region.bytes[1024] = 5;
        const sges = [region.sge(1024, 1)];
        if (come === 'word') await core.tell(0, 'a word');
        else if (come === 'send') qp.postSend({ opcode: 'SEND', sges });
        else {
          qp.postSend({
            opcode: 'RDMA_WRITE',
            sges,
            remoteAddress: remote.address,
            rkey: remote.rkey,
          });
        }
        return core.hear(0);
      }
      if (!late) await core.sleep((100 * US) as Picoseconds);
      const { index, value } = await core.any<unknown>([
        core.watched(region.address, 0),
        cq.polled(),
        core.heard(1),
      ]);
      await core.tell(1, 'bye');
      return { index, value };
    },
  });
  expect(failure).toBeNull();
  expect(blocked).toEqual([]);
  return results[0];
}

describe.each([
  ['after the wait began', true],
  ['before it', false],
])('core.any, %s', (_, late) => {
  it('sees a byte that changed', async () => {
    expect(await awaited('write', late)).toEqual({ index: 0, value: 5 });
  });

  it('sees a completion', async () => {
    const { index, value } = (await awaited('send', late)) as { index: number; value: unknown[] };
    expect(index).toBe(1);
    expect(value).toEqual([expect.objectContaining({ wrId: 7, status: 'SUCCESS', byteLen: 1 })]);
  });

  it('hears a word', async () => {
    expect(await awaited('word', late)).toEqual({ index: 2, value: 'a word' });
  });
});

describe('core.any', () => {
  it('goes on with the operation that wrote the byte, stage by stage', async () => {
    const { values: results } = await runEmbedded({
      noise: false,
      program: async (core: Core) => {
        const device = await openDevice(core);
        const region = await device.pd.registerMemory(
          await core.allocate(4096),
          ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE,
        );
        const cq = await device.context.createCq(16);
        const { qp, remote } = await connect(core, device, {
          peer: 1 - core.rank,
          sendCq: cq,
          recvCq: cq,
          cap: {},
          region,
        });
        if (core.rank === 1) {
          region.bytes[1024] = 1;
          core.beginOperation();
          qp.postSend({
            opcode: 'RDMA_WRITE',
            sges: [region.sge(1024, 1)],
            remoteAddress: remote.address,
            rkey: remote.rkey,
          });
          await core.hear(0);
          return null;
        }
        await core.any<unknown>([core.watched(region.address, 0), cq.polled()]);
        const stages = core.operationStages();
        const latency = core.now - core.operationStart;
        await core.tell(1, 'bye');
        return { latency, sum: stages.reduce((total, ps) => total + ps, 0) };
      },
    });
    const { latency, sum } = results[0] as { latency: number; sum: number };
    expect(sum).toBe(latency);
    expect(latency).toBeGreaterThan(1 * US);
    expect(latency).toBeLessThan(3 * US);
  });

  it('waits for no more than the page has room for', async () => {
    const { failure } = await runEmbedded({
      hosts: 1,
      program: async (core: Core) =>
        core.any(Array.from({ length: 2000 }, () => core.until(core.now))),
    });
    expect(failure!.message).toContain('core.any waits for at most 1024 things');
  });
});
