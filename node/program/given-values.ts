/**
 * Times, ranks and names that a program gives: what cannot be is refused where it was given, before anything waits for
 * it.
 */
import { VerbsError } from '../spec/verbs-error.js';
import { SegmentError } from './segment-error.js';

/** A length of time: whole picoseconds from 0. */
export function checkLength(call: string, length: number): void {
  if (Number.isSafeInteger(length) && length >= 0) return;
  throw new VerbsError('EINVAL', `${call}: ${length} is not a whole number of ps from 0`);
}

/** An instant; one that is over is as good as now. */
export function checkInstant(call: string, at: number): void {
  if (Number.isSafeInteger(at) && at >= 0) return;
  throw new VerbsError('EINVAL', `${call}: ${at} is not an instant (whole ps since the run began)`);
}

/** The rank of another program of the run. */
export function checkPeer(call: string, rank: number, own: number, ranks: number): void {
  if (rank === own) throw new VerbsError('EINVAL', `${call}: rank ${rank} is this program itself`);
  if (Number.isInteger(rank) && rank >= 0 && rank < ranks) return;
  const there = ranks === 1 ? 'its only rank is 0' : `its ranks are 0 to ${ranks - 1}`;
  throw new VerbsError('EINVAL', `${call}: no rank ${rank} in this run, ${there}`);
}

/** Counters are listed by name, and travel with every run's outcome. */
const LONGEST_COUNTER = 256;

/** A counter's name, and what is added to it. */
export function checkCount(name: unknown, by: number): void {
  // The one name that is no property like others, wherever counts are copied.
  if (typeof name !== 'string' || name === '__proto__') {
    throw new VerbsError('EINVAL', `core.count: ${String(name)} is not a valid counter name`);
  }
  if (name.length > LONGEST_COUNTER) {
    const told = `a name of ${name.length} characters; the limit is ${LONGEST_COUNTER}`;
    throw new VerbsError('EINVAL', `core.count: ${told}`);
  }
  if (!Number.isFinite(by)) {
    throw new VerbsError('EINVAL', `core.count: '${name}' cannot grow by ${by}`);
  }
}

/** What an arithmetic declares: a finite amount from 0. */
export function checkAmount(what: 'flops' | 'bytes', amount = 0): void {
  if (Number.isFinite(amount) && amount >= 0) return;
  throw new VerbsError('EINVAL', `core.compute: ${what} is ${amount}, not an amount from 0`);
}

/** The usual slip: a call that waits by itself, in the place of the one that can be waited for. */
export function notAwaitable(given: unknown, index: number): SegmentError {
  const what = given instanceof Promise ? 'a promise' : 'not something to wait for';
  return new SegmentError(
    `core.any: item ${index} is ${what}; give it cq.polled(), core.watched(), core.until(), core.heard() or socket.readable()`,
  );
}
