/** The programs that the benches run: as little of a workload as there can be, so that the emulator is what is timed. */
import type { Core, Task } from '../node/verbs.js';
import { connect, openDevice, sharedRegion } from '../workloads/micro/connect.js';

interface BenchParams extends Readonly<Record<string, number | string | boolean>> {
  readonly kind: string;
  readonly size: number;
  readonly iterations: number;
  readonly outstanding: number;
}

const RECEIVES = 64;

async function pingPong(core: Core, { params }: Task<BenchParams>): Promise<void> {
  const { size, iterations } = params;
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, 2 * size);
  const cq = await device.context.createCq(4 * RECEIVES);
  const receive = { sges: [region.sge(0, size)] };
  const { qp } = await connect(core, device, {
    peer: 1 - core.rank,
    sendCq: cq,
    recvCq: cq,
    cap: { maxInlineData: size, maxRecvWr: 2 * RECEIVES },
    region,
    receives: (pair) => {
      for (let i = 0; i < RECEIVES; i++) pair.postRecv(receive);
    },
  });
  const send = { opcode: 'SEND', sges: [region.sge(size, size)], inline: true } as const;
  const quiet = { ...send, signaled: false };
  for (let i = 1; i <= iterations; i++) {
    const request = i % RECEIVES === 0 ? send : quiet;
    if (core.rank === 0) qp.postSend(request);
    for (let seen = false; !seen;) {
      for (const { opcode } of await cq.busyPoll()) {
        if (opcode !== 'RECV') continue;
        seen = true;
        qp.postRecv(receive);
      }
    }
    if (core.rank === 1) qp.postSend(request);
  }
  await core.tell(1 - core.rank, 'done');
  await core.hear(1 - core.rank);
}

/** Rank 0 writes to rank 1, with so many requests outstanding. */
async function stream(core: Core, { params }: Task<BenchParams>): Promise<void> {
  const { size, iterations, outstanding } = params;
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, size);
  const cq = await device.context.createCq(outstanding + 1);
  const { qp, remote } = await connect(core, device, {
    peer: 1 - core.rank,
    sendCq: cq,
    recvCq: cq,
    cap: { maxSendWr: outstanding },
    region,
  });
  if (core.rank === 0) {
    const write = {
      opcode: 'RDMA_WRITE',
      sges: [region.sge()],
      remoteAddress: remote.address,
      rkey: remote.rkey,
    } as const;
    // As perftest does: posted in lists, and one completion for a quarter of the queue.
    const batch = Math.max(1, outstanding >> 2);
    const list = Array.from({ length: batch }, (_, i) => ({ ...write, signaled: i === batch - 1 }));
    let posted = 0;
    let done = 0;
    while (done < iterations) {
      while (posted < iterations && posted - done + batch <= outstanding) {
        qp.postSendList(list);
        posted += batch;
      }
      for (const { status } of await cq.busyPoll(outstanding)) {
        if (status !== 'SUCCESS') throw new Error(`a write ended with ${status}`);
        done += batch;
      }
    }
  }
  await core.tell(1 - core.rank, 'done');
  await core.hear(1 - core.rank);
}

export default {
  program: (core: Core, task: Task<BenchParams>): Promise<void> =>
    task.params.kind === 'ping-pong' ? pingPong(core, task) : stream(core, task),
};
