/** Latency explained, also when packets are lost: an operation's stages sum to its latency in whole picoseconds. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../coordinator/profiles/profiles.js';
import { STAGES, type Core, type SendWr } from '../../node/program/verbs.js';
import { answers, pair, type PairOptions, type Side } from '../node/model/rdma/pair.js';

interface Told {
  readonly latency: number;
  readonly sum: number;
  readonly whole: boolean;
  readonly retry: number;
}

/** What the core's current operation says of itself now. */
function told(core: Core): Told {
  const stages = core.operationStages();
  return {
    latency: core.now - core.operationStart,
    sum: stages.reduce((sum, ps) => sum + ps, 0),
    whole: stages.every((ps) => Number.isInteger(ps) && ps >= 0),
    retry: stages[STAGES.indexOf('retry')]!,
  };
}

const FAULTS = {
  loss: 0.05,
  duplicate: 0.02,
  corrupt: 0.005,
  icrc: 0.005,
  delayed: 0.02,
  delay: 3e6,
};
const OPERATIONS = 120;

function expectExact(all: readonly Told[], lossy: boolean): void {
  for (const { latency, sum, whole } of all) {
    expect(sum).toBe(latency);
    expect(whole).toBe(true);
    expect(latency).toBeGreaterThan(0);
  }
  const retried = all.filter(({ retry }) => retry > 0).length;
  if (lossy) expect(retried).toBeGreaterThan(5);
  else expect(retried).toBe(0);
}

const KINDS = ['WRITE', 'READ', 'atomic'] as const;

function request(side: Side, n: number): SendWr {
  const length = Math.floor(side.core.random() * 5000);
  switch (KINDS[n % KINDS.length]!) {
    case 'WRITE':
      return side.write(0, length);
    case 'READ':
      return side.read(0, length);
    case 'atomic': {
      const { address: remoteAddress, rkey } = side.remote;
      const sges = [side.region.sge(0, 8)];
      return { opcode: 'ATOMIC_FETCH_AND_ADD', add: 1n, sges, remoteAddress, rkey };
    }
  }
}

const CASES: [string, PairOptions, boolean][] = [
  ['without faults', {}, false],
  ['with faults', { faults: FAULTS }, true],
  ['with faults and noise', { faults: FAULTS, noise: true, topology: 'switch' }, true],
];

describe.each(CASES)('stages sum to the latency %s', (_name, options, lossy) => {
  it('of WRITEs, READs and atomics one by one', async () => {
    const { a } = await pair(
      { ...options, qp: { timeout: 4 } },
      async (side) => {
        const { core, send, meet } = side;
        const all: Told[] = [];
        for (let n = 0; n < OPERATIONS; n++) {
          core.beginOperation();
          expect(await send(request(side, n))).toMatchObject({ status: 'SUCCESS' });
          all.push(told(core));
          core.endOperation();
        }
        await meet();
        return all;
      },
      answers,
    );
    expectExact(a, lossy);
  });

  it('of WRITEs, READs and atomics sixteen at a time, each begun before it is posted', async () => {
    const { a } = await pair(
      { ...options, qp: { timeout: 4 } },
      async (side) => {
        const { core, qp, sendCq, meet } = side;
        const all: Told[] = [];
        const began: number[] = [];
        let posted = 0;
        let seen = 0;
        while (seen < OPERATIONS) {
          while (posted < OPERATIONS && posted - seen < 16) {
            core.beginOperation();
            began.push(core.operationStart);
            qp.postSend({ ...request(side, posted), wrId: posted++ });
            core.endOperation();
          }
          for (const completion of await sendCq.busyPoll(1)) {
            core.follow(completion);
            // Its own operation, and no other's.
            expect(core.operationStart).toBe(began[completion.wrId]);
            all.push(told(core));
            core.endOperation();
            seen++;
          }
        }
        await meet();
        return all;
      },
      answers,
    );
    expectExact(a, lossy);
  });

  it('of SENDs there and back', async () => {
    const half = async (side: Side): Promise<Told[]> => {
      const { core, qp, message, receive, recvCq, completions, meet } = side;
      const all: Told[] = [];
      for (let n = 0; n < 32; n++) receive(4096, 2000);
      await meet();
      for (let n = 0; n < OPERATIONS; n++) {
        if (core.rank === 0) {
          core.beginOperation();
          qp.postSend({ ...message(0, 1500), signaled: n % 16 === 15 });
        }
        await completions(1, recvCq);
        receive(4096, 2000);
        if (core.rank === 0) all.push(told(core));
        else qp.postSend({ ...message(0, 1500), signaled: n % 16 === 15 });
        core.endOperation();
        if (n % 16 === 15) await completions(1);
      }
      await meet();
      return all;
    };
    const { a } = await pair({ ...options, qp: { timeout: 4, minRnrTimer: 1 } }, half, half);
    expectExact(a, lossy);
  });
});

describe('two runs of one seed', () => {
  it('are the same to the picosecond, faults and all; another seed’s is another', async () => {
    const run = (seed: number): Promise<unknown> =>
      pair(
        { seed, faults: FAULTS, noise: true, qp: { timeout: 4 } },
        async (side) => {
          const times: number[] = [];
          for (let n = 0; n < 60; n++) {
            await side.send(request(side, n));
            times.push(side.core.now);
          }
          await side.meet();
          return times;
        },
        answers,
      );
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
  });
});

describe('a WRITE of whose end its acknowledgement tells', () => {
  it('has been on the wire there and back', async () => {
    const { link, switch: device } = loadProfile('roce-100g', []);
    const { a } = await pair(
      { noise: false, topology: 'switch' },
      async ({ core, send, write, meet }) => {
        core.beginOperation();
        await send(write(0, 8));
        const stages = core.operationStages();
        await meet();
        return STAGES.map((name, index) => [name, stages[index]!] as const);
      },
      answers,
    );
    const stages = Object.fromEntries(a);
    expect(stages['propagate']).toBe(4 * (link.propagation + link.fec));
    expect(stages['switch']).toBe(2 * device.latency.ps);
    // Of the acknowledgement's wait for the completion nothing is left that the wire took.
    expect(stages['ack']).toBe(0);
  });
});
