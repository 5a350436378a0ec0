/** A sender whose receiver never posts a receive, with as many retries as it takes: it retries until the run is over. */
import { connect, defineWorkload, openDevice, sharedRegion } from 'pinwire/workload';

export default defineWorkload({
  name: 'test/never-ready',
  summary: 'sends to a queue pair without receives',
  parameters: {},
  hosts: 2,
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  async program(core) {
    const device = await openDevice(core);
    const region = await sharedRegion(core, device.pd, 4096);
    const cq = await device.context.createCq(8);
    const queues = { sendCq: cq, recvCq: cq, cap: { maxSendWr: 8 } };
    const { qp } = await connect(core, device, { peer: 1 - core.rank, region, ...queues });
    if (core.rank === 0) qp.postSend({ opcode: 'SEND', sges: [region.sge(0, 8)] });
    await cq.busyPoll();
  },
  summarise: () => ({ verified: true, metrics: [] }),
});
