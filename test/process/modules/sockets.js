/**
 * Every kind of socket at once: a TCP stream to each of two servers, datagrams to a group, and answers waited for
 * together.
 */
import { openNetwork, receiveAll } from 'pinwire/sockets';
import { defineWorkload } from 'pinwire/workload';

const GROUP = '239.1.2.3';
const ROUNDS = 12;
const SIZE = 3000;

const fill = (core, memory, seed) =>
  core.write(
    memory.address,
    Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + seed) & 0xff),
  );

async function isRight(core, memory, seed) {
  const bytes = await core.read(memory.address, SIZE);
  return bytes.every((byte, i) => byte === ((i * 7 + seed) & 0xff));
}

async function serve(core, network, memory) {
  const listener = await network.listen(5000);
  const group = await network.udp(6000);
  await group.join(GROUP);
  await core.tell(0, 'ready');
  const socket = await listener.accept();
  let right = 0;
  let datagrams = 0;
  for (let round = 0; round < ROUNDS;) {
    const { index } = await core.any([socket.readable(), group.readable()]);
    if (index === 1) {
      while ((await group.tryReceive(memory.address, 2048)) !== undefined) datagrams++;
      continue;
    }
    if (!(await receiveAll(socket, memory.address, SIZE))) break;
    if (await isRight(core, memory, round)) right++;
    await core.work(700_000);
    await fill(core, memory, round + 1);
    await socket.send(memory.address, SIZE);
    round++;
  }
  await socket.close();
  return { right, datagrams };
}

async function ask(core, network, memory) {
  for (const rank of [1, 2]) await core.hear(rank);
  const sockets = [];
  for (const host of [1, 2]) sockets.push(await network.connect({ host, port: 5000 }));
  const group = await network.udp();
  let right = 0;
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = core.now;
    await fill(core, memory, round);
    await group.sendTo({ address: GROUP, port: 6000 }, memory.address, 500);
    for (const socket of sockets) await socket.send(memory.address, SIZE);
    const left = [...sockets];
    while (left.length > 0) {
      const { index } = await core.any(left.map((socket) => socket.readable()));
      const [socket] = left.splice(index, 1);
      if (!(await receiveAll(socket, memory.address, SIZE))) throw new Error('the server has gone');
      if (await isRight(core, memory, round + 1)) right++;
    }
    times.push(core.now - began);
  }
  for (const socket of sockets) await socket.close();
  return { right, times };
}

export default defineWorkload({
  name: 'test/sockets',
  summary: 'sockets of every kind',
  parameters: { path: { default: 'kernel', type: 'text', help: 'the path to the wire' } },
  hosts: 3,
  place: () => [0, 1, 2].map((host) => ({ host, core: 0, role: '' })),
  async program(core, { params }) {
    const network = await openNetwork(core, { path: params.path });
    const memory = await core.allocate(65_536);
    return core.rank === 0 ? ask(core, network, memory) : serve(core, network, memory);
  },
  summarise: ([client, ...servers]) => ({
    verified: client.right === 2 * ROUNDS && servers.every(({ right }) => right === ROUNDS),
    metrics: [
      ...client.times.map((value, round) => ({ name: `round_${round}`, unit: 'ps', value })),
      ...servers.map(({ datagrams }, i) => ({
        name: `datagrams_${i}`,
        unit: 'count',
        value: datagrams,
      })),
    ],
  }),
});
