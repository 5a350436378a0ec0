/**
 * Programs that own a queue of raw frames, on the bed that AMD publishes half round trips of 4 B of (UG1586): ef_vi,
 * TCPDirect, Onload.
 */
import { describe, expect, it } from 'vitest';
import { openNetwork, receiveAll } from '../../node/program/sockets.js';
import type { Core, Picoseconds } from '../../node/program/verbs.js';
import { runEmbedded } from '../embedded.js';
import { rawHosts, type RawSide } from '../node/model/rdma/raw-pair.js';

/** Ethernet, IPv4, UDP and 4 B. */
const FRAME = 14 + 20 + 8 + 4;
const PUBLISHED_NS = 590;
const ROUNDS = 200;
const RECEIVES = 64;

/** Half round trips in ns, sorted; receives are posted anew in the shadow of the flight, as eflatency does. */
async function halfRoundTrips(noise: boolean, length: number): Promise<number[]> {
  const halves: number[] = [];
  const run = async (side: RawSide): Promise<void> => {
    const { core, qp, cq } = side;
    const request = { opcode: 'SEND', sges: [side.frame(1 - core.host, length)] } as const;
    for (let i = 0; i < RECEIVES; i++) side.receive(0);
    await side.meet();
    const heard = async (): Promise<void> => {
      for (let seen = false; !seen;) {
        for (const { opcode } of await cq.busyPoll()) seen ||= opcode === 'RECV';
      }
    };
    for (let i = 0; i < ROUNDS; i++) {
      const start = core.now;
      if (core.host === 1) await heard();
      qp.postSend({ ...request, signaled: i % 32 === 0 });
      side.receive(0);
      if (core.host === 0) {
        await heard();
        halves.push((core.now - start) / 2e3);
      }
    }
    await side.meet();
  };
  await rawHosts({ profile: 'sfc-25g', topology: 'direct', noise }, run, run);
  return halves.sort((a, b) => a - b);
}

describe('ef_vi UDP of 4 B on sfc-25g', () => {
  it.each([
    ['with noise', true],
    ['without noise', false],
  ])(
    '%s: the median lies within 18 ns of the 590 that the profile was solved from',
    async (_how, noise) => {
      const halves = await halfRoundTrips(noise, FRAME);
      const median = halves[halves.length >> 1]!;
      expect(Math.abs(median - PUBLISHED_NS)).toBeLessThan(18);
    },
  );
});

/** The same with a library's TCP above the queue; the stages of the median round trip's two directions together. */
async function tcpHalfRoundTrips(noise: boolean, library: 'direct' | 'socket'): Promise<number[]> {
  const run = await runEmbedded({
    profile: 'sfc-25g',
    topology: 'direct',
    noise,
    program: async (core: Core) => {
      const network = await openNetwork(core, { path: 'bypass', library });
      const { address } = await core.allocate(4096);
      const halves: number[] = [];
      if (core.rank === 0) await core.sleep(1e9 as Picoseconds);
      const socket =
        core.rank === 0
          ? await network.connect({ host: 1, port: 5000 })
          : await (await network.listen(5000)).accept();
      await socket.setNoDelay(true);
      for (let i = 0; i < ROUNDS; i++) {
        const start = core.now;
        if (core.rank === 1) await receiveAll(socket, address, 4);
        await socket.send(address, 4);
        if (core.rank === 1) continue;
        await receiveAll(socket, address, 4);
        halves.push((core.now - start) / 2e3);
      }
      await socket.close();
      return halves;
    },
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  return (run.values[0] as number[]).sort((a, b) => a - b);
}

describe('TCP of 4 B by a library, which follows from ef_vi and the library’s own work', () => {
  it.each([
    ['TCPDirect', 'direct', 640],
    ['Onload', 'socket', 794],
  ] as const)(
    '%s: the median lies within 6 %% of what is published',
    async (_name, library, ns) => {
      for (const noise of [true, false]) {
        const halves = await tcpHalfRoundTrips(noise, library);
        const median = halves[halves.length >> 1]!;
        expect(Math.abs(median - ns) / ns).toBeLessThan(0.06);
      }
    },
  );
});
