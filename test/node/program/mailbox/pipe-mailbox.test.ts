/**
 * What a host knows of a core is its mailbox: a process at the other end of a pipe is as good a core as a program in
 * this thread.
 */
import { describe, expect, it } from 'vitest';
import { Machine } from '../../../../node/process/machine.js';
import { ACCESS, type Core } from '../../../../node/program/verbs.js';
import { SOCKET_ERRNO } from '../../../../node/spec/verbs-error.js';
import type { RunOutcome } from '../../../../node/spec/run-spec.js';
import { specOf } from '../../../embedded.js';
import { PipeRuntime } from './pipe-runtime.js';

const ACCESS_FLAGS = ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE;
const WR_ID = 0x1234_5678_9abc;
const CLOSED = [0, -SOCKET_ERRNO.EBADF];

/** What `pipe-program.js` does, in this thread. */
async function program(core: Core): Promise<unknown> {
  const peer = 1 - core.rank;
  const network = await core.openNetwork();
  const socket = await network.udp(5000);
  await socket.close();
  const again = await socket.close().then(
    () => 0,
    (error: unknown) => -SOCKET_ERRNO[(error as { code: 'EBADF' }).code],
  );
  const closed = [0, again];
  const region = await core.allocate(4096);
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const memory = await pd.registerMemory(region, ACCESS_FLAGS);
  const cq = await context.createCq(16);
  const cap = { maxSendWr: 4, maxRecvWr: 4, maxSendSge: 1, maxRecvSge: 1, maxInlineData: 0 };
  const qp = await pd.createQp({ sendCq: cq, recvCq: cq, cap });
  await core.tell(peer, { qpNum: qp.qpNum, address: region.address, rkey: memory.rkey });
  const other = (await core.hear(peer)) as { qpNum: number; address: number; rkey: never };
  await qp.modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: ACCESS_FLAGS });
  const toPeer = { ahHost: peer, pathMtu: 1024, destQpNum: other.qpNum, rqPsn: 5 };
  await qp.modify({ state: 'RTR', ...toPeer, maxDestRdAtomic: 1, minRnrTimer: 12 });
  const limits = { timeout: 14, retryCnt: 7, rnrRetry: 7, maxRdAtomic: 1 };
  await qp.modify({ state: 'RTS', sqPsn: 5, ...limits });
  await core.tell(peer, 'ready');
  await core.hear(peer);
  if (core.rank === 1) {
    await core.watch(region.address + 7, 0);
    return { closed, bytes: [...memory.bytes.subarray(0, 8)], now: core.now };
  }
  memory.bytes.set([1, 2, 3, 4, 5, 6, 7, 99]);
  core.beginOperation();
  qp.postSend({
    opcode: 'RDMA_WRITE',
    sges: [memory.sge(0, 8)],
    remoteAddress: other.address,
    rkey: other.rkey,
    wrId: WR_ID,
  });
  const { index } = await core.any<unknown>([core.until((core.now + 1e9) as never), cq.polled()]);
  return { closed, alternative: index, wrId: WR_ID.toString(16), status: 0, now: core.now };
}

/** Runs all of it, and leaves nothing running. */
async function outcomeOf(machine: Machine): Promise<RunOutcome> {
  try {
    while ((await machine.advance({ horizon: Infinity }, 50)) !== 'drained') continue;
    expect([machine.failure, machine.blocked]).toEqual([null, []]);
    return machine.outcome();
  } finally {
    await machine.close();
  }
}

const ofOutcome = ({ results, hosts, packets }: RunOutcome): unknown => ({
  results,
  packets,
  hosts: hosts.map(({ digest, counters }) => ({ digest, counters })),
});

describe('a program at the other end of a pipe', () => {
  it('is the same to its host as one in this thread: answers, frames, counters and times', async () => {
    const spec = await specOf({ program, hosts: 2, noise: false });
    const inThread = await outcomeOf(await Machine.create(spec, { remote: null, program }));
    const machine = await Machine.create(spec, { remote: null }, new PipeRuntime());
    const outcome = await outcomeOf(machine);
    const results = [...outcome.results].sort((a, b) => a.rank - b.rank);
    expect(results.map(({ value }) => value)).toEqual([
      expect.objectContaining({ closed: CLOSED, alternative: 1, wrId: WR_ID.toString(16) }),
      expect.objectContaining({ closed: CLOSED, bytes: [1, 2, 3, 4, 5, 6, 7, 99] }),
    ]);
    expect(ofOutcome(outcome)).toEqual(ofOutcome(inThread));
  });
});
