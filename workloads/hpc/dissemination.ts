/**
 * Dissemination: in ceil(log2 n) rounds every rank hears, directly or not, from every other. In round k rank r sends
 * to r + 2^k and receives from r - 2^k. Idempotent reductions such as a largest value work for any number of ranks.
 */
import type { Instant } from '../../node/verbs.js';
import type { Communicator, MessageBuffer } from './communicator.js';

/** Tags of this file: one per round, above those of the algorithms that run between. */
const FIRST_TAG = 0x100000;

/** Two values of 8 bytes: to send, and received. */
export const SCRATCH_BYTES = 16;

export function disseminationRounds(ranks: number): number {
  let rounds = 0;
  while (2 ** rounds < ranks) rounds++;
  return rounds;
}

/** Whom rank `rank` sends to or receives from. */
export function disseminationPeers(rank: number, ranks: number): number[] {
  const peers: number[] = [];
  for (let round = 0; round < disseminationRounds(ranks); round++) {
    peers.push((rank + 2 ** round) % ranks, (rank - 2 ** round + ranks) % ranks);
  }
  return peers;
}

/** Returns once every rank has called it; answers the latest of the instants that they gave. */
export async function agreeOnLatest(
  communicator: Communicator,
  at: Instant,
  scratch: MessageBuffer,
): Promise<Instant> {
  const { rank, size } = communicator;
  const { region, offset } = scratch;
  const outgoing = { region, offset, length: 8 };
  const incoming = { region, offset: offset + 8, length: 8 };
  let latest = at;
  for (let round = 0; round < disseminationRounds(size); round++) {
    const to = (rank + 2 ** round) % size;
    const from = (rank - 2 ** round + size) % size;
    const tag = FIRST_TAG + round;
    region.data.setFloat64(outgoing.offset, latest, true);
    await communicator.sendrecv(outgoing, to, tag, incoming, from, tag);
    const heard = region.data.getFloat64(incoming.offset, true) as Instant;
    if (heard > latest) latest = heard;
  }
  return latest;
}
