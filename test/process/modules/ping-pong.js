/**
 * The programs that the process tests run: a ping-pong of 8-byte WRITEs between neighbouring hosts, which can be made
 * to go wrong. `wrong`: throw in iteration `at`, never end, or await something that is not the emulator's.
 */
import { ACCESS } from 'pinwire';
import { defineWorkload } from 'pinwire/workload';

export default defineWorkload({
  name: 'test/ping-pong',
  summary: 'WRITE ping-pong between neighbours',
  parameters: {
    iterations: { type: 'integer', default: 20, min: 1, max: 1e7, help: 'round trips' },
    wrong: {
      type: 'choice',
      default: 'nothing',
      choices: ['nothing', 'throw', 'hang', 'foreign', 'verify'],
      help: 'what goes wrong',
    },
    at: { type: 'integer', default: 10, help: 'in which iteration' },
    first: { type: 'integer', default: 0, help: 'round trips of a configuration before' },
    feed: { type: 'file', default: '', help: 'a file that begins with ok' },
  },
  hosts: 2,
  minHosts: 2,
  configurations: (params) =>
    params.first > 0 ? [{ ...params, iterations: params.first }, params] : [params],
  check(inputs) {
    const feed = inputs.get('feed');
    return feed === undefined || feed[0] === 0x6f ? undefined : 'feed: no ok at offset 0';
  },
  place: (_params, { hosts }) =>
    Array.from({ length: hosts - (hosts % 2) }, (_, host) => ({ host, core: 0, role: 'peer' })),
  async program(core, { params }) {
    const peer = core.rank ^ 1;
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const cq = await context.createCq(16);
    const region = await core.allocate(4096);
    const mr = await pd.registerMemory(region, ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE);
    const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
    await core.tell(peer, { qpNum: qp.qpNum, address: region.address, rkey: mr.rkey });
    const remote = await core.hear(peer);
    await qp.modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: ACCESS.REMOTE_WRITE });
    await qp.modify({
      state: 'RTR',
      pathMtu: context.attributes.activeMtu,
      destQpNum: remote.qpNum,
      rqPsn: 0,
      maxDestRdAtomic: 1,
      minRnrTimer: 12,
      ahHost: peer,
    });
    await qp.modify({
      state: 'RTS',
      timeout: 14,
      retryCnt: 7,
      rnrRetry: 7,
      sqPsn: 0,
      maxRdAtomic: 1,
    });
    await core.tell(peer, 'ready');
    await core.hear(peer);
    if (core.rank === 0) console.log(`starts on ${params.iterations} iterations`);
    const ours = Object.keys(process.env).filter((name) => name.startsWith('PINWIRE'));
    if (core.rank === 0) console.log(`knows of us: ${ours.join(' ')}.`);
    const latencies = [];
    for (let i = 1; i <= params.iterations; i++) {
      if (i === params.at && core.rank === 0) {
        if (params.wrong === 'throw') throw new Error('thrown on purpose');
        if (params.wrong === 'hang') await core.hear(peer);
        if (params.wrong === 'foreign') await new Promise(() => undefined);
      }
      const started = core.now;
      const value = (i & 0x7f) + 1;
      // Known, not read: the peer's answer may be here before this iteration begins.
      const seen = i === 1 ? 0 : ((i - 1) & 0x7f) + 1;
      const write = async () => {
        mr.bytes.fill(value, 64, 72);
        qp.postSend({
          opcode: 'RDMA_WRITE',
          sges: [mr.sge(64, 8)],
          remoteAddress: remote.address,
          rkey: remote.rkey,
        });
        await cq.busyPoll();
      };
      if (core.rank % 2 === 0) await write();
      await core.watch(region.address + 7, seen);
      if (core.rank % 2 === 1) await write();
      latencies.push(core.now - started);
    }
    return { sum: latencies.reduce((sum, each) => sum + each, 0), last: mr.bytes[7] };
  },
  summarise(results, params) {
    const last = (params.iterations & 0x7f) + 1;
    const verified = results.every((result) => result.last === last) && params.wrong !== 'verify';
    const metrics = [{ name: 'total', unit: 'ns', value: results[0].sum / 1000 }];
    return { verified, metrics };
  },
});
