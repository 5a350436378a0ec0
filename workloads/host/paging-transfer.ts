/** What became of one transfer of host/paging, held byte by byte against what had to become of it. */
import type { DmaHazard, WcStatus } from '../../node/program/verbs.js';
import {
  beforeByte,
  DRIVER_PROCESS,
  HEADER,
  messageByte,
  NEIGHBOUR_PROCESS,
  neighbourByte,
  OFFSET,
  type Damage,
} from './paging-plan.js';

/** Everything that the three programs saw of it. */
export interface Evidence {
  readonly direction: 'read' | 'write';
  readonly round: number;
  readonly size: number;
  readonly qpNum: number;
  readonly status: WcStatus;
  /** What the peer received of it (read; null: nothing), or what is in the driver's buffer (write). */
  readonly bytes: ArrayLike<number> | null;
  readonly damage: Damage;
  /** What the emulator told of it. */
  readonly hazards: readonly DmaHazard[];
  /** Where the IOMMU turned the device away: the byte of the buffer, or undefined if it did not. */
  readonly faultAt: number | undefined;
}

export interface Verdict {
  /**
   * Bytes sent, or left in the driver's buffer by a transfer that is said to have succeeded, that are not the
   * message's.
   */
  readonly wrong: number;
  /** Bytes of the neighbour's that are not as it had written them. */
  readonly ruined: number;
  /** Bytes of the message that were where they belong before something happened. */
  readonly right: number;
  readonly faulted: boolean;
  /** What is not as it had to be, for people; nothing if all is. */
  readonly problems: readonly string[];
}

export function judge(evidence: Evidence): Verdict {
  const { direction, round, size, status, bytes, damage, hazards, faultAt } = evidence;
  const problems: string[] = [];
  const wrong: number[] = [];
  let misplaced = 0;
  for (let place = 0; bytes !== null && place < size; place++) {
    const is = bytes[place]!;
    if (is === messageByte(round, place)) continue;
    wrong.push(place);
    // What is there instead: the page's new bytes were sent, or the buffer's old ones are still there.
    const instead =
      direction === 'read' ? neighbourByte(damage.page, OFFSET + place) : beforeByte(round, place);
    if (is !== instead) misplaced++;
  }
  if (misplaced > 0)
    problems.push(`${misplaced} bytes are neither the message's nor what was there`);

  const told = new Set<number>();
  for (const hazard of hazards) {
    if (!isOurs(hazard, evidence))
      problems.push(`a record of somebody else: ${JSON.stringify(hazard)}`);
    for (let i = 0; i < hazard.length; i++) told.add(hazard.offset + i - HEADER);
  }
  if (status === 'SUCCESS') {
    if (bytes === null) problems.push('what was sent did not arrive');
    if (wrong.length !== told.size || !wrong.every((place) => told.has(place))) {
      problems.push(`${wrong.length} bytes are wrong, ${told.size} others are named`);
    }
  } else {
    if (direction === 'read' && bytes !== null) problems.push('what failed was sent');
    if (faultAt === undefined) problems.push(`${status} without a fault`);
    if (told.size > 0) problems.push('something was touched through the IOMMU');
  }
  // Bytes move in order: once the page has gone, nothing of it comes right any more.
  const first = wrong[0] ?? size;
  if (wrong.length > 0 && wrong.length !== size - first) problems.push('a hole in what is right');

  const expected = direction === 'write' && status === 'SUCCESS' ? wrong : [];
  problems.push(...blame(damage, expected, round));
  return {
    wrong: status === 'SUCCESS' ? wrong.length : 0,
    ruined: damage.wrong.length,
    right: faultAt ?? first,
    faulted: faultAt !== undefined,
    problems,
  };
}

/**
 * The neighbour has lost exactly the bytes of the message that did not reach the buffer, in the page that took its
 * frame.
 */
function blame({ address, wrong }: Damage, expected: readonly number[], round: number): string[] {
  const lost = new Map(wrong.map((each) => [each.address - address - OFFSET, each.is]));
  const same =
    lost.size === expected.length &&
    expected.every((place) => lost.get(place) === messageByte(round, place));
  return same ? [] : [`the neighbour lost ${lost.size} bytes, ${expected.length} had to be`];
}

function isOurs(hazard: DmaHazard, { direction, round, qpNum, damage }: Evidence): boolean {
  return (
    hazard.kind === direction &&
    hazard.process === DRIVER_PROCESS &&
    hazard.victim === NEIGHBOUR_PROCESS &&
    hazard.qpNum === qpNum &&
    hazard.wrId === round &&
    hazard.address === damage.address + OFFSET + hazard.offset - HEADER
  );
}
