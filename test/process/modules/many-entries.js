/** A host with more completion queue entries than 65,536, and an operation that completes in the last queue. */
import { ACCESS } from 'pinwire';
import { connect, defineWorkload, openDevice } from 'pinwire/workload';

export default defineWorkload({
  name: 'test/many-entries',
  summary: 'stages of a WRITE that completes in a late completion queue',
  parameters: {
    entries: { default: 40_000, type: 'integer', help: 'of each of three completion queues' },
  },
  hosts: 2,
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  async program(core, { params }) {
    const device = await openDevice(core);
    const region = await device.pd.registerMemory(
      await core.allocate(4096),
      ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE,
    );
    let cq;
    for (let i = 0; i < 3; i++) cq = await device.context.createCq(params.entries);
    const options = { peer: 1 - core.rank, region, sendCq: cq, recvCq: cq, cap: {} };
    const { qp, remote } = await connect(core, device, options);
    if (core.rank === 1) {
      await core.hear(0);
      return [];
    }
    core.beginOperation();
    const sges = [region.sge(0, 8)];
    qp.postSend({ opcode: 'RDMA_WRITE', sges, remoteAddress: remote.address, rkey: remote.rkey });
    await cq.busyPoll();
    const stages = [...core.operationStages()];
    await core.tell(1, 'done');
    return stages;
  },
  summarise: ([stages]) => ({
    verified: true,
    metrics: stages.map((value, stage) => ({ name: `stage_${stage}`, unit: 'ps', value })),
  }),
});
