/** Queues of raw frames: what is sent arrives byte for byte, what is wrong completes so, and what each way costs. */
import { describe, expect, it } from 'vitest';
import { noiseFree, loadProfile } from '../../../../coordinator/profiles/profiles.js';
import {
  stageTimes,
  VerbsError,
  type SendWr,
  type WorkCompletion,
} from '../../../../node/program/verbs.js';
import { readPcapng } from '../../../../wire/pcapng.js';
import { rawHosts } from './raw-pair.js';
import { expectErrno } from '../../../conformance/errno.js';

const BROADCAST = new Uint8Array(6).fill(0xff);
const MTU = 1500;

const framesOf = (pieces: readonly Uint8Array[]): Uint8Array[] =>
  Array.from(readPcapng(Buffer.concat(pieces)), ({ bytes }) => Uint8Array.from(bytes));

describe('a raw frame', () => {
  it('arrives as it was posted, is captured so on both sides, and short ones are padded to 60 bytes', async () => {
    const lengths = [
      14,
      15,
      59,
      60,
      61,
      64,
      128,
      129,
      200,
      201,
      1000,
      1024,
      1500,
      MTU + 14,
      MTU + 18,
    ];
    const captured: Uint8Array[][] = [[], []];
    const { values: results } = await rawHosts(
      { capture: (host, bytes) => captured[host]!.push(bytes.slice()) },
      async ({ qp, frame, meet, completions, region }) => {
        const sent: Uint8Array[] = [];
        await meet();
        for (const length of lengths) {
          const sge = frame(1, length);
          sent.push(region.bytes.slice(0, length));
          qp.postSend({ opcode: 'SEND', sges: [sge], inline: length <= 200 && length % 2 === 0 });
          expect((await completions(1))[0]).toMatchObject({ status: 'SUCCESS', opcode: 'SEND' });
        }
        await meet();
        return sent;
      },
      async ({ receive, meet, completions, region }) => {
        for (let i = 0; i < lengths.length; i++) receive(i * 2048);
        await meet();
        const done = await completions(lengths.length);
        await meet();
        return done.map(({ wrId, byteLen, status, opcode }) => {
          expect({ status, opcode }).toEqual({ status: 'SUCCESS', opcode: 'RECV' });
          return region.bytes.slice(32768 + wrId, 32768 + wrId + byteLen);
        });
      },
    );
    const [sent, received] = results as [Uint8Array[], Uint8Array[]];
    const padded = sent.map((frame) => {
      const whole = new Uint8Array(Math.max(60, frame.length));
      whole.set(frame);
      return whole;
    });
    expect(received).toEqual(padded);
    for (const host of [0, 1]) expect(framesOf(captured[host]!)).toEqual(padded);
  });

  it('is gathered from several SGEs and scattered over several', async () => {
    const { values: results } = await rawHosts(
      { cap: { maxSendSge: 3, maxRecvSge: 3 } },
      async ({ qp, frame, meet, completions, region }) => {
        frame(1, 700);
        const sent = region.bytes.slice(0, 700);
        await meet();
        const sges = [region.sge(0, 5), region.sge(5, 300), region.sge(305, 395)];
        qp.postSend({ opcode: 'SEND', sges });
        await completions(1);
        await meet();
        return sent;
      },
      async ({ qp, meet, completions, region }) => {
        const pieces = [region.sge(100, 10), region.sge(9000, 400), region.sge(20000, 500)];
        qp.postRecv({ sges: pieces });
        await meet();
        const [{ byteLen }] = (await completions(1)) as [WorkCompletion];
        await meet();
        expect(byteLen).toBe(700);
        return Uint8Array.from([
          ...region.bytes.subarray(100, 110),
          ...region.bytes.subarray(9000, 9400),
          ...region.bytes.subarray(20000, 20290),
        ]);
      },
    );
    expect(results[1]).toEqual(results[0]);
  });

  it('to a group address reaches every other host once, to an unknown one nobody', async () => {
    const sides = [0, 1, 2].map(
      () => async (side: Parameters<Parameters<typeof rawHosts>[1]>[0]) => {
        const { qp, core, frame, meet, receive, completions } = side;
        for (let i = 0; i < 4; i++) receive(i * 2048);
        await meet();
        if (core.rank !== 0) return (await completions(1)).length;
        qp.postSend({ opcode: 'SEND', sges: [frame(BROADCAST, 100)] });
        qp.postSend({ opcode: 'SEND', sges: [frame(Uint8Array.of(2, 9, 9, 9, 9, 9), 100, 200)] });
        return (await completions(2)).length;
      },
    );
    const { values: results, counters, left } = await rawHosts({}, ...sides);
    expect(results).toEqual([2, 1, 1]);
    expect(Object.values(counters).map(({ rx_packets: packets }) => packets)).toEqual([0, 1, 1]);
    expect(left.frames).toBe(0);
  });

  it('that finds no receive is lost and counted', async () => {
    const { counters, left } = await rawHosts(
      {},
      async ({ qp, frame, meet, completions }) => {
        await meet();
        for (let i = 0; i < 5; i++) qp.postSend({ opcode: 'SEND', sges: [frame(1, 100)] });
        await completions(5);
        await meet();
      },
      async ({ receive, meet, completions }) => {
        receive(0);
        receive(2048);
        await meet();
        await completions(2);
        await meet();
      },
    );
    expect(counters['host1']!['rx_no_buffer']).toBe(3);
    expect(left.frames).toBe(0);
  });
});

describe('what is wrong with a raw frame', () => {
  it('shows in its completion, and the queue goes on after SQE to RTS', async () => {
    await rawHosts(
      {},
      async ({ qp, frame, meet, completions, region }) => {
        await meet();
        const wrong: [SendWr, string][] = [
          [{ opcode: 'SEND', sges: [frame(1, 13)] }, 'LOC_LEN_ERR'],
          [{ opcode: 'SEND', sges: [] }, 'LOC_LEN_ERR'],
          [{ opcode: 'SEND', sges: [frame(1, MTU + 19)] }, 'LOC_LEN_ERR'],
          [{ opcode: 'SEND', sges: [{ ...frame(1, 100), lkey: 77 as never }] }, 'LOC_PROT_ERR'],
          [
            { opcode: 'SEND', sges: [region.sge(0, 36), { ...region.sge(65500), length: 100 }] },
            'LOC_PROT_ERR',
          ],
        ];
        for (const [request, status] of wrong) {
          const good = frame(1, 300, 4096);
          qp.postSend({ opcode: 'SEND', sges: [good], wrId: 1 });
          qp.postSend({ ...request, wrId: 2 });
          qp.postSend({ opcode: 'SEND', sges: [good], wrId: 3, signaled: false });
          const done = await completions(3);
          expect(done.map(({ wrId, status: each }) => [wrId, each])).toEqual([
            [1, 'SUCCESS'],
            [2, status],
            [3, 'WR_FLUSH_ERR'],
          ]);
          expect((await qp.query()).state).toBe('SQE');
          await qp.modify({ state: 'RTS' });
        }
        for (const opcode of ['RDMA_WRITE', 'SEND_WITH_IMM', 'NONSENSE']) {
          const request = { opcode, sges: [frame(1, 100)] } as unknown as SendWr;
          await expectErrno('EINVAL', () => {
            qp.postSend(request);
          });
        }
        await meet();
      },
      async ({ receive, meet, completions }) => {
        for (let i = 0; i < 5; i++) receive(i * 2048);
        await meet();
        await completions(5);
        await meet();
      },
    );
  });

  it('too long for its receive ends that one with LOC_LEN_ERR, and the next is filled', async () => {
    await rawHosts(
      {},
      async ({ qp, frame, meet, completions }) => {
        await meet();
        for (let i = 0; i < 2; i++) qp.postSend({ opcode: 'SEND', sges: [frame(1, 500)] });
        await completions(2);
        await meet();
      },
      async ({ receive, meet, completions }) => {
        receive(0, 499, 1);
        receive(2048, 500, 2);
        await meet();
        const done = await completions(2);
        expect(done.map(({ wrId, status }) => [wrId, status])).toEqual([
          [1, 'LOC_LEN_ERR'],
          [2, 'SUCCESS'],
        ]);
        await meet();
      },
    );
  });

  it('has the state machine of its kind: no SQD, no attributes of a connection, EINVAL before RTS', async () => {
    await rawHosts({}, async ({ qp, pd, cq, frame }) => {
      await expectErrno('EINVAL', () => qp.modify({ state: 'SQD' }));
      await expectErrno('EINVAL', () => qp.modify({ state: 'RTS', sqPsn: 0 }));
      const other = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq });
      await expectErrno('EINVAL', () => other.modify({ state: 'INIT' }));
      await other.modify({ state: 'INIT', port: 1 });
      expect(() => {
        other.postSend({ opcode: 'SEND', sges: [frame(0, 64)] });
      }).toThrow(VerbsError);
      await expectErrno('EINVAL', () => other.modify({ state: 'RTS' }));
      await expectErrno('EBUSY', () => cq.destroy());
      await expectErrno('EBUSY', () => pd.deallocate());
      await other.destroy();
      await qp.destroy();
      await cq.destroy();
    });
  });
});

describe('the way of a raw frame', () => {
  const noiseless = noiseFree(loadProfile('roce-100g', []));

  /** Stages from post until the receiver's poll, of a frame on an idle queue. */
  async function stagesOf(length: number, inline: boolean, overrides: string[] = []) {
    const { values: results } = await rawHosts(
      { overrides, noise: false },
      async ({ core, qp, frame, meet }) => {
        const sge = frame(1, length);
        await meet();
        core.beginOperation();
        qp.postSend({ opcode: 'SEND', sges: [sge], inline, signaled: false });
        await meet();
      },
      async ({ core, receive, meet, completions }) => {
        receive(0);
        await meet();
        await completions(1);
        const stages = core.operationStages();
        const whole = core.now - core.operationStart;
        await meet();
        return { whole, stages: Object.fromEntries(stageTimes(stages).map((s) => [s.name, s.ps])) };
      },
    );
    const { whole, stages } = results[1] as { whole: number; stages: Record<string, number> };
    expect(Object.values(stages).reduce((a, b) => a + b)).toBe(whole);
    return stages;
  }

  it('has one payload fetch by DMA, blocks of the doorbell inline, and the core’s own when pushed', async () => {
    const { pcie, nic, cpu } = noiseless;
    const ring = cpu.doorbell.ps + pcie.postedWrite.ps;
    const dma = await stagesOf(200, false);
    const inline = await stagesOf(200, true);
    const pushed = await stagesOf(200, false, ['bypass.push=on', 'bypass.push_block=7ns']);
    expect(dma['payload_fetch']).toBe(
      pcie.dmaRead.ps + Math.ceil((200 + pcie.completionOverhead) * pcie.rate),
    );
    expect(dma['doorbell']).toBe(ring);
    expect(inline['payload_fetch']).toBeUndefined();
    // 16 B of control, 4 of inline header and the frame: 220 B, four blocks.
    expect(inline['doorbell']).toBe(ring + 3 * nic.inlineBlock);
    expect(pushed['payload_fetch']).toBeUndefined();
    expect(pushed['doorbell']).toBe(ring + 3 * 7_000);
    for (const stages of [dma, inline, pushed]) {
      expect(stages['post']).toBe(cpu.post.ps);
      expect(stages['nic_tx']).toBe(nic.tx.ps);
      expect(stages['nic_rx']).toBe(nic.rx.ps);
      expect(stages['payload_write']).toBe(
        pcie.memoryWrite.ps + Math.ceil((200 + pcie.writeOverhead) * pcie.rate),
      );
    }
  });

  it('goes through the IOMMU where there is one: payload, buffer and CQE, each a page not seen before', async () => {
    const [off, on] = [await stagesOf(200, false), await stagesOf(200, false, ['iommu.mode=on'])];
    expect(off['translate']).toBeUndefined();
    expect(on).toEqual({ ...off, translate: 3 * noiseless.iommu.miss });
  });

  it('is pushed whole when it is long, with no read of memory', async () => {
    const { counters } = await rawHosts(
      { overrides: ['bypass.push=on'] },
      async ({ qp, frame, meet, completions, region }) => {
        await meet();
        const sges = [frame(1, MTU + 14)];
        qp.postSend({ opcode: 'SEND', sges });
        // The buffer is free again when postSend returns.
        region.bytes.fill(0, 0, MTU + 14);
        await completions(1);
        await meet();
      },
      async ({ core, receive, meet, completions, region }) => {
        receive(0);
        await meet();
        const [{ byteLen }] = (await completions(1)) as [WorkCompletion];
        expect(byteLen).toBe(MTU + 14);
        expect(region.bytes[32768 + 1000]).toBe((1000 * 7) & 0xff);
        expect(core.rank).toBe(1);
        await meet();
      },
    );
    expect(counters['host0']!['dma_read_bytes']).toBe(0);
  });
});
