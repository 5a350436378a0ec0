/** Programs that own a queue of raw frames, on the bed that AMD publishes half round trips of (UG1586): ef_vi UDP, 4 B. */
import { describe, expect, it } from 'vitest';
import { rawHosts, type RawSide } from '../node/rdma/raw-pair.js';

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
