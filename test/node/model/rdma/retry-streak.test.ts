/** A queue pair that sends the same again for long is noted once, and the run goes on. */
import { describe, expect, it } from 'vitest';
import {
  LONG_STREAK,
  RetryStreak,
  type LongStreak,
} from '../../../../node/model/rdma/retry-streak.js';
import { Machine } from '../../../../node/process/machine.js';
import type { Core } from '../../../../node/program/verbs.js';
import { picoseconds } from '../../../../units/time.js';
import { connect, openDevice, sharedRegion } from '../../../../workloads/authoring/workload.js';
import { specOf } from '../../../embedded.js';

describe('a streak of retries', () => {
  it('is noted at its thousandth, once, with when it began', () => {
    const noted: LongStreak[] = [];
    const streak = new RetryStreak(17, noted);
    for (let each = 1; each < LONG_STREAK; each++) streak.retried('RNR', each * 10);
    expect(noted).toEqual([]);
    for (let each = 0; each < LONG_STREAK; each++) streak.retried('RNR', 1e6);
    expect(noted).toEqual([{ qp: 17, why: 'RNR', since: 10 }]);
  });

  it('is over when something new is acknowledged', () => {
    const noted: LongStreak[] = [];
    const streak = new RetryStreak(17, noted);
    for (let each = 0; each < 3 * LONG_STREAK; each++) {
      if (each % (LONG_STREAK - 1) === 0) streak.progressed();
      streak.retried('no answer', each);
    }
    expect(noted).toEqual([]);
  });
});

it('a receiver that posts no receive for a second is noted, and what was sent arrives', async () => {
  const late = picoseconds(1e12);
  const program = async (core: Core): Promise<unknown> => {
    const device = await openDevice(core);
    const region = await sharedRegion(core, device.pd, 4096);
    const cq = await device.context.createCq(8);
    const queues = { sendCq: cq, recvCq: cq, cap: { maxSendWr: 8 } };
    const { qp } = await connect(core, device, { peer: 1 - core.rank, region, ...queues });
    if (core.rank === 0) qp.postSend({ opcode: 'SEND', sges: [region.sge(0, 8)] });
    else {
      await core.sleep(late);
      qp.postRecv({ sges: [region.sge(0, 8)] });
    }
    return (await cq.busyPoll())[0]!.status;
  };
  const spec = await specOf({ program, hosts: 2, cores: 1, memory: 2 ** 22 });
  const machine = await Machine.create(spec, { remote: null, program });
  try {
    while ((await machine.advance({ horizon: Infinity }, 50)) !== 'drained') continue;
    expect(machine.failure).toBeNull();
    expect(machine.outcome().results.map(({ value }) => value)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(machine.notes).toHaveLength(1);
    expect(machine.notes[0]).toMatch(
      /^host0 QP \d+ has retransmitted the same request 1000 times in a row \(RNR: the receiver has no receive posted\) since \d+\.\d{3} us; the run continues$/,
    );
  } finally {
    await machine.close();
  }
});
