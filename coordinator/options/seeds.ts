/** `--seeds 1..100`: the seeds of a sweep. */
import { UsageError } from '../errors/usage-error.js';

const RANGE = /^(\d+)\.\.(\d+)$/;
const MOST = 100_000;

/** From the first to the last. Throws a UsageError. */
export function readSeeds(text: string): number[] {
  const range = RANGE.exec(text.trim());
  const [first, last] = [Number(range?.[1]), Number(range?.[2])];
  if (range === null || !Number.isSafeInteger(last) || first > last) {
    throw new UsageError(`--seeds: expected a range such as 1..100, not "${text}"`);
  }
  if (last - first >= MOST) {
    throw new UsageError(`--seeds: at most ${MOST} seeds, not ${last - first + 1}`);
  }
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
