import { describe, expect, it } from 'vitest';
import type { Instant, Picoseconds, Program } from '../../../node/program/verbs.js';
import { VerbsCommunicator } from '../../../workloads/hpc/verbs-communicator.js';
import { runEmbedded } from '../../embedded.js';

const START = 1e9 as Instant;

/** Rank 0 sends within operation `sender`, rank 1 receives within `receiver`; answers what rank 1's is then. */
async function receiveWithin(
  sender: number | undefined,
  receiver: number | undefined,
  busy: number,
): Promise<{ start: number; compute: number; sum: number; elapsed: number }> {
  const program: Program = async (core) => {
    const communicator = await VerbsCommunicator.open(core);
    await communicator.connect([1 - core.rank]);
    const buffer = { region: await communicator.allocate(8), offset: 0, length: 8 };
    await core.sleepUntil(START);
    const collective = core.rank === 0 ? sender : receiver;
    // Operations of different starts, so that one cannot be taken for the other.
    core.beginOperation((START - (collective === 1 ? 0 : 1000)) as Instant, collective);
    if (core.rank === 0) {
      await communicator.send(buffer, 1, 0);
    } else {
      await core.work(busy as Picoseconds);
      await communicator.recv(buffer, 0, 0);
    }
    const stages = core.operationStages();
    const began = core.operationStart;
    const answer = {
      start: began,
      compute: stages[1],
      sum: stages.reduce((sum, each) => sum + each, 0),
      elapsed: core.now - began,
    };
    core.endOperation();
    await communicator.close();
    return answer;
  };
  const { values: results, failure } = await runEmbedded({ program, noise: false });
  expect(failure).toBeNull();
  return results[1] as Awaited<ReturnType<typeof receiveWithin>>;
}

describe('an operation that several ranks take part in', () => {
  it('goes on with the message where that came last', async () => {
    const { start, compute, sum, elapsed } = await receiveWithin(1, 1, 1000);
    expect(start).toBe(START);
    expect(compute).toBeLessThan(5000);
    expect(sum).toBe(elapsed);
  });

  it('goes on with what its own core did where the message waited for that', async () => {
    const { compute, sum, elapsed } = await receiveWithin(1, 1, 50e6);
    expect(compute).toBeGreaterThanOrEqual(50e6);
    expect(sum).toBe(elapsed);
  });

  it('is not left for a message of another operation', async () => {
    for (const other of [undefined, 2]) {
      const { start, sum, elapsed } = await receiveWithin(other, 1, 1000);
      expect(start).toBe(START);
      expect(sum).toBe(elapsed);
    }
  });

  it('is left by a core that takes part in none', async () => {
    const { start, sum, elapsed } = await receiveWithin(1, undefined, 1000);
    expect(start).toBe(START);
    expect(sum).toBe(elapsed);
  });
});
