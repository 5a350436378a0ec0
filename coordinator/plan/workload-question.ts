/**
 * What a plan asks a workload's own functions. They are the user's code: an error there is a mistake in the workload,
 * told in one line with the user's file and line, as a program's error is.
 */
import { toldError } from '../../node/cores/told-error.js';
import { UsageError } from '../errors/usage-error.js';

/** The function's answer. Throws a UsageError that names the workload and the function if it throws. */
export function answerOf<T>(
  workload: string,
  name: 'check' | 'configurations' | 'machine' | 'place',
  ask: () => T,
): T {
  try {
    return ask();
  } catch (error) {
    throw new UsageError(`${workload}: ${name} threw ${toldError(error).message}`);
  }
}
