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

/** The serial order comes first: what it cannot do either, no other is asked for. */
export async function deviations(
  { draw, serial, others }: PlacedDraw,
  places: Pick<Places, 'run'>,
): Promise<Deviation[]> {
  const right = compared(await places.run(draw, serial));
  const found: Deviation[] = [];
  for (const placement of others) {
    const difference = firstDifference(right, compared(await places.run(draw, placement)));
    if (difference !== undefined) found.push({ placement, difference });
  }
  return found;
}

/** In the order in which a reader wants to hear of a difference: the results first. */
const compared = ({ results, cluster, error, captures, packets, events }: Outcome): object => ({
  results,
  cluster,
  error,
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
