/**
 * The programs that the benches run: as little of a workload as there can be, so that the emulator is what is timed.
 */
import { openNetwork } from '../node/program/sockets.js';
import { ACCESS, type Core, type Task } from '../node/program/verbs.js';
import { defineWorkload } from '../workloads/authoring/workload.js';
import { connect, openDevice, sharedRegion } from '../workloads/authoring/connect.js';

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

/** Rank 0 writes to rank 1, with this number of requests outstanding. */
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

const FRAMES_POSTED = 512;

/** Rank 0 sends raw frames to rank 1, which takes them out of its queue; both post and poll in lists. */
async function frames(core: Core, { params }: Task<BenchParams>): Promise<void> {
  const { size, iterations, outstanding } = params;
  const { context, pd } = await openDevice(core);
  const region = await pd.registerMemory(await core.allocate(size), ACCESS.LOCAL_WRITE);
  const cq = await context.createCq(FRAMES_POSTED + outstanding);
  const cap = { maxSendWr: outstanding, maxRecvWr: FRAMES_POSTED };
  const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap });
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
  await qp.attachFlow({});
  region.bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0x88, 0xb6]);
  const sges = [region.sge()];
  const receives = Array.from({ length: FRAMES_POSTED }, () => ({ sges }));
  if (core.rank === 1) qp.postRecvList(receives);
  await core.tell(1 - core.rank, 'ready');
  await core.hear(1 - core.rank);
  const batch = Math.max(1, outstanding >> 2);
  const list = Array.from({ length: batch }, (_, i) => ({
    opcode: 'SEND' as const,
    sges,
    signaled: i === batch - 1,
  }));
  let posted = 0;
  for (let done = 0; done < iterations;) {
    if (core.rank === 1) {
      const taken = (await cq.busyPoll(FRAMES_POSTED)).length;
      qp.postRecvList(receives.slice(0, taken));
      done += taken;
      continue;
    }
    for (; posted < iterations && posted - done + batch <= outstanding; posted += batch) {
      qp.postSendList(list);
    }
    done += (await cq.busyPoll(outstanding)).length * batch;
  }
  await core.tell(1 - core.rank, 'done');
  await core.hear(1 - core.rank);
}

const PORT = 7;

/** Rank 0 sends datagrams to rank 1 over both kernels, which lets it go on now and then, so that none is lost. */
async function datagrams(core: Core, { params }: Task<BenchParams>): Promise<void> {
  const { size, iterations, outstanding } = params;
  const network = await openNetwork(core);
  const socket = await network.udp(PORT);
  const { address } = await core.allocate(2 * size);
  const peer = { host: 1 - core.host, port: PORT };
  const batch = Math.max(1, outstanding >> 2);
  await core.tell(1 - core.rank, 'ready');
  await core.hear(1 - core.rank);
  if (core.rank === 0) {
    let credit = outstanding;
    for (let sent = 0; sent < iterations; sent++) {
      await socket.sendTo(peer, address, size);
      if (--credit > 0) continue;
      await socket.receive(address + size, size);
      credit += batch;
    }
  } else {
    for (let received = 1; received <= iterations; received++) {
      const { length } = await socket.receive(address, size);
      if (length !== size) throw new Error(`a datagram of ${length} bytes`);
      if (received % batch === 0) await socket.sendTo(peer, address + size, 1);
    }
  }
  await core.tell(1 - core.rank, 'done');
  await core.hear(1 - core.rank);
}

/** Every core of the cluster runs a program that only waits: what a process needs when all its threads are there. */
async function idle(core: Core): Promise<void> {
  await core.tell((core.rank + 1) % core.ranks, 'here');
  await core.hear((core.rank + core.ranks - 1) % core.ranks);
  await core.compute({ flops: 1 }, () => {
    const until = process.hrtime.bigint() + 1_500_000_000n;
    while (process.hrtime.bigint() < until) continue;
  });
}

export default defineWorkload({
  name: 'bench',
  summary: 'what npm run bench times',
  parameters: {
    kind: {
      type: 'choice',
      choices: ['ping-pong', 'stream', 'frames', 'datagrams', 'idle'],
      default: 'ping-pong',
      help: 'what to do',
    },
    size: { type: 'size', default: 64, help: 'bytes of a message' },
    iterations: { type: 'integer', default: 1000, min: 1, help: 'messages' },
    outstanding: { type: 'integer', default: 64, min: 1, help: 'messages under way at once' },
  },
  hosts: 2,
  place: ({ kind }, { cores }) =>
    kind === 'idle'
      ? [0, 1].flatMap((host) =>
          Array.from({ length: cores }, (_, core) => ({ host, core, role: 'idle' })),
        )
      : [0, 1].map((host) => ({ host, core: 0, role: host === 0 ? 'client' : 'server' })),
  program: (core: Core, task: Task<BenchParams>): Promise<void> => {
    if (task.params.kind === 'idle') return idle(core);
    if (task.params.kind === 'frames') return frames(core, task);
    if (task.params.kind === 'datagrams') return datagrams(core, task);
    return task.params.kind === 'ping-pong' ? pingPong(core, task) : stream(core, task);
  },
  summarise: (results) => ({
    verified: null,
    note: 'a bench times the emulator; its programs check completions only',
    metrics: [{ name: 'programs', unit: 'count', value: results.length }],
  }),
});
