/**
 * An instant that all ranks agree on, by a binomial tree: the latest of what each gives goes up to rank 0, and the
 * result down again. A rank's parent is the rank without its lowest bit; for a power of two, these are some of the
 * pairs that recursive doubling connects anyway.
 */
import type { Instant } from '../../node/program/verbs.js';
import type { Communicator, MessageBuffer } from './communicator.js';

/** Tags of this file, above those of the algorithms that run between. */
const UP_TAG = 0x100000;
const DOWN_TAG = 0x100001;

export const INSTANT_BYTES = 8;

/** Undefined for rank 0. */
const parentOf = (rank: number): number | undefined => (rank === 0 ? undefined : rank & (rank - 1));

function childrenOf(rank: number, ranks: number): number[] {
  const children: number[] = [];
  const lowest = rank === 0 ? ranks : rank & -rank;
  for (let bit = 1; bit < lowest && rank + bit < ranks; bit *= 2) children.push(rank + bit);
  return children;
}

/** Whom a rank talks to here. */
export function treePeers(rank: number, ranks: number): number[] {
  const parent = parentOf(rank);
  const children = childrenOf(rank, ranks);
  return parent === undefined ? children : [parent, ...children];
}

/**
 * Returns once every rank has called it; answers the latest of the instants that they gave. `buffer` has room for one.
 */
export async function agreeOnLatest(
  communicator: Communicator,
  at: Instant,
  buffer: MessageBuffer,
): Promise<Instant> {
  const { rank, size } = communicator;
  const { data } = buffer.region;
  const parent = parentOf(rank);
  const children = childrenOf(rank, size);
  const heard = (): Instant => data.getFloat64(buffer.offset, true) as Instant;
  let latest = at;
  for (const child of children) {
    await communicator.recv(buffer, child, UP_TAG);
    if (heard() > latest) latest = heard();
  }
  data.setFloat64(buffer.offset, latest, true);
  if (parent !== undefined) {
    await communicator.send(buffer, parent, UP_TAG);
    await communicator.recv(buffer, parent, DOWN_TAG);
    latest = heard();
  }
  // The farthest child has the deepest subtree below it.
  for (const child of children.reverse()) await communicator.send(buffer, child, DOWN_TAG);
  return latest;
}
