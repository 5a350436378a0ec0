/**
 * Allreduce by recursive doubling: in step k ranks that differ in bit k exchange their whole vectors and add them, so
 * that log2 n steps do for a power of two.
 *
 * Other numbers are folded: of the first 2 r ranks, where n = 2^m + r, each even one gives its vector to the next and
 * sits out until that one sends the result back. That is one step before and one behind, which partly overlap with the
 * others.
 */
import type { Communicator } from './communicator.js';
import type { Vector } from './vector.js';

const FOLD_TAG = 64;
const UNFOLD_TAG = 65;

interface Fold {
  /** The largest power of two up to n, and how many ranks there are beyond it. */
  readonly power: number;
  readonly rest: number;
}

function foldOf(ranks: number): Fold {
  let power = 1;
  while (2 * power <= ranks) power *= 2;
  return { power, rest: ranks - power };
}

/** A rank's number among those that exchange; undefined for one that sits out. */
const insideOf = (rank: number, { rest }: Fold): number | undefined => {
  if (rank >= 2 * rest) return rank - rest;
  return rank % 2 === 0 ? undefined : rank >> 1;
};

const outsideOf = (inside: number, { rest }: Fold): number =>
  inside < rest ? 2 * inside + 1 : inside + rest;

export function doublingPeers(rank: number, ranks: number): number[] {
  const fold = foldOf(ranks);
  const inside = insideOf(rank, fold);
  if (inside === undefined) return [rank + 1];
  const peers = rank < 2 * fold.rest ? [rank - 1] : [];
  for (let bit = 1; bit < fold.power; bit *= 2) peers.push(outsideOf(inside ^ bit, fold));
  return peers;
}

/** Steps one behind the other, the fold's two included. */
export function doublingSteps(ranks: number): number {
  const { power, rest } = foldOf(ranks);
  return Math.log2(power) + (rest === 0 ? 0 : 2);
}

export async function doublingAllreduce(communicator: Communicator, vector: Vector): Promise<void> {
  const { rank, size } = communicator;
  const fold = foldOf(size);
  const inside = insideOf(rank, fold);
  const whole = vector.part(0, vector.length);
  const room = vector.room(0, vector.length);
  if (inside === undefined) {
    await communicator.send(whole, rank + 1, FOLD_TAG);
    await communicator.recv(whole, rank + 1, UNFOLD_TAG);
    return;
  }
  const folded = rank < 2 * fold.rest;
  if (folded) {
    await communicator.recv(room, rank - 1, FOLD_TAG);
    await vector.add(0, vector.length);
  }
  for (let step = 0; 2 ** step < fold.power; step++) {
    const partner = outsideOf(inside ^ (2 ** step), fold);
    await communicator.sendrecv(whole, partner, step, room, partner, step);
    await vector.add(0, vector.length);
  }
  if (folded) await communicator.send(whole, rank - 1, UNFOLD_TAG);
}
