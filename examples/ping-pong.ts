/** Two hosts write a byte into each other's memory in turn; half the round trip is the latency. */
import type { Core } from 'pinwire';
import {
  connect,
  defineWorkload,
  latencySummary,
  openDevice,
  sharedRegion,
} from 'pinwire/workload';

async function program(core: Core): Promise<{ latencies: number[]; last: number }> {
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, 4096);
  const cq = await device.context.createCq(16);
  const peer = 1 - core.rank;
  const options = { peer, region, sendCq: cq, recvCq: cq, cap: {} };
  const { qp, remote } = await connect(core, device, options);
  const latencies: number[] = [];
  let last = 0;
  for (let round = 1; round <= 100; round++) {
    const start = core.now;
    if (core.rank === 1) last = await core.watch(region.address, last);
    region.bytes[64] = round;
    qp.postSend({
      opcode: 'RDMA_WRITE',
      sges: [region.sge(64, 1)],
      remoteAddress: remote.address,
      rkey: remote.rkey,
    });
    if (core.rank === 0) last = await core.watch(region.address, last);
    latencies.push(Math.ceil((core.now - start) / 2));
    await cq.busyPoll();
  }
  await core.tell(peer, 'done');
  await core.hear(peer);
  return { latencies, last };
}

export default defineWorkload({
  name: 'ping-pong',
  summary: 'a byte, there and back, by RDMA WRITE',
  parameters: {},
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  program,
  summarise(results) {
    const [first, second] = results as Awaited<ReturnType<typeof program>>[];
    const verified = first!.last === 100 && second!.last === 100;
    return { verified, metrics: [latencySummary(first!.latencies)] };
  },
});
