/**
 * Allreduce on a ring: 2 (n - 1) steps, 2 (n - 1) / n of the vector sent per rank, which is the least there can be.
 *
 * The vector is cut into n chunks. For n - 1 steps each rank passes one on to its right and adds what comes from its
 * left; then it holds one chunk of the sum. For n - 1 further steps the finished chunks go round.
 */
import type { Communicator } from './communicator.js';
import type { Vector } from './vector.js';

export const ringPeers = (rank: number, ranks: number): number[] =>
  ranks === 1 ? [] : [(rank + 1) % ranks, (rank + ranks - 1) % ranks];

export const ringSteps = (ranks: number): number => 2 * (ranks - 1);

export async function ringAllreduce(communicator: Communicator, vector: Vector): Promise<void> {
  const { rank, size } = communicator;
  const right = (rank + 1) % size;
  const left = (rank + size - 1) % size;
  const chunk = (index: number): [number, number] => {
    const which = ((index % size) + size) % size;
    return [
      Math.floor((which * vector.length) / size),
      Math.floor(((which + 1) * vector.length) / size),
    ];
  };
  for (let step = 0; step < size - 1; step++) {
    const outgoing = vector.part(...chunk(rank - step));
    const mine = chunk(rank - step - 1);
    await communicator.sendrecv(outgoing, right, step, vector.room(...mine), left, step);
    await vector.add(...mine);
  }
  for (let step = 0; step < size - 1; step++) {
    const tag = size + step;
    const outgoing = vector.part(...chunk(rank + 1 - step));
    const incoming = vector.part(...chunk(rank - step));
    await communicator.sendrecv(outgoing, right, tag, incoming, left, tag);
  }
}
