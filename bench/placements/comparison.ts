/** One draw in all its placements: which of them differ from the serial order, and where. */
import { firstDifference, type Difference } from './first-difference.js';
import {
  describePlacement,
  repeatingCommand,
  type PlacedDraw,
  type Placement,
} from './placed-draw.js';
import type { Outcome, Places } from './places.js';

export interface Deviation {
  readonly placement: Placement;
  readonly difference: Difference;
}

/** A run that takes longer has failed; the longest draws take seconds. */
const LEAST_SECONDS = 120;
const SLOWER = 60;

/** The serial order comes first: what it cannot do either, no other is asked for. */
export async function deviations(
  { draw, serial, others }: PlacedDraw,
  places: Pick<Places, 'run'>,
): Promise<Deviation[]> {
  const begun = performance.now();
  const right = compared(await places.run(draw, serial, LEAST_SECONDS));
  // Slower is not different: a window of virtual time over processes takes a hundred times an event.
  const seconds = Math.max(LEAST_SECONDS, (SLOWER * (performance.now() - begun)) / 1000);
  const found: Deviation[] = [];
  for (const placement of others) {
    const outcome = compared(await places.run(draw, placement, seconds));
    const difference = firstDifference(right, outcome);
    if (difference !== undefined) found.push({ placement, difference });
  }
  return found;
}

/** In the order in which a reader wants to hear of a difference: a failure explains results that are missing. */
const compared = ({ results, cluster, error, captures, packets, events }: Outcome): object => ({
  error,
  results,
  cluster,
  captures,
  packets,
  events,
});

/** What differs, and the command that repeats both sides, in a line. */
export function describeDeviation(
  { name, draw, serial }: PlacedDraw,
  { placement, difference: { path, a, b } }: Deviation,
): string {
  const [right, wrong] = [serial, placement].map(describePlacement);
  return (
    `${name}: ${path.replace(/^\./, '')} is ${a} (${right!}), ${b} (${wrong!}): ` +
    repeatingCommand(draw, serial, placement)
  );
}
