/**
 * Work that may take seconds of the machine's time, in portions: a program checks in between two of them, so that it is
 * not taken for one that is stuck. None of this takes virtual time.
 */
import type { Core } from '../../node/program/verbs.js';

/** Yields after each portion. */
export type Portions<Result> = Generator<undefined, Result>;

/** Steps of a simple loop that take well below a millisecond. */
const SIMPLE_STEPS = 65_536;

/** Where there is no core to check in. */
export function doAtOnce<Result>(work: Portions<Result>): Result {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

export async function doInPortions<Result>(core: Core, work: Portions<Result>): Promise<Result> {
  let step = work.next();
  while (step.done !== true) {
    await core.checkIn();
    step = work.next();
  }
  return step.value;
}

/** Has `loop` do the simple steps [from, to), again and again until `count` are done. */
export async function loopInPortions(
  core: Core,
  count: number,
  loop: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += SIMPLE_STEPS) {
    if (from > 0) await core.checkIn();
    loop(from, Math.min(from + SIMPLE_STEPS, count));
  }
}
