/**
 * A program that makes the mistake that `slip` names, on rank 0; rank 1 waits to hear that it did not. Each is a
 * mistake that once ended otherwise over processes than embedded: silently, with the process, or as a deadlock.
 */
import { connect, defineWorkload, openDevice, sharedRegion } from 'pinwire/workload';

async function postWithoutAwait(core) {
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, 4096);
  const cq = await device.context.createCq(8);
  const queues = { sendCq: cq, recvCq: cq, cap: { maxSendWr: 8 } };
  const { qp } = await connect(core, device, { peer: 1 - core.rank, region, ...queues });
  if (core.rank !== 0) return;
  core.sleep(1000);
  qp.postSend({ opcode: 'SEND', sges: [region.sge(0, 8)] });
}

const unreadable = () => {
  const error = new Error('unreadable');
  Object.defineProperty(error, 'stack', {
    get() {
      throw new Error('no stack');
    },
  });
  return error;
};

const SLIPS = {
  nothing: (core) => core.sleep(1000),
  'two awaits': (core) => Promise.all([core.work(1000), core.sleep(2000)]),
  'a race': (core) => Promise.race([core.work(1000), core.hear(1)]).catch(() => undefined),
  'no await at the end': (core) => {
    core.tell(1, 'a word');
    return 'done';
  },
  'a lost rejection': async (core) => {
    Promise.reject(new Error('lost on the way'));
    await core.sleep(1000);
  },
  'a lost rejection and a deadlock': async (core) => {
    Promise.reject(new Error('lost before the wait'));
    await core.hear(1);
  },
  'a foreign await': async () => (await import('node:fs/promises')).readFile('/etc/hostname'),
  'a foreign await after a call': async (core) => {
    await core.allocate(64);
    await (await import('node:fs/promises')).readFile('/etc/hostname');
  },
  'process.exit': () => process.exit(0),
  'a function told': (core) => core.tell(1, () => 1),
  'a Map returned': () => new Map([[1, 2]]),
  'an error of megabytes': () => {
    throw new Error('much '.repeat(1e6));
  },
  'an error without a stack': () => {
    throw unreadable();
  },
  'no such rank': (core) => core.hear(7),
  'no time': (core) => core.work(NaN),
};

export default defineWorkload({
  name: 'test/slips',
  summary: 'makes a mistake',
  parameters: { slip: { type: 'text', default: 'nothing', help: 'which mistake' } },
  hosts: 2,
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  async program(core, { params: { slip } }) {
    if (slip === 'a post without an await') return postWithoutAwait(core);
    if (core.rank === 1) return slip === 'a lost rejection and a deadlock' ? core.hear(0) : 'well';
    return SLIPS[slip](core);
  },
  summarise: () => ({ verified: true, metrics: [] }),
});
