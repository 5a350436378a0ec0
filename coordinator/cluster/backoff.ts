/**
 * Dialling a coordinator that may not be there yet: again and again, at growing distances, until it answers or time is
 * up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DialError } from '../../node/door/dial.js';
import type { EventLog } from '../terminal/event-log.js';
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';

const FIRST_MS = 200;
const LONGEST_MS = 5_000;
/** Many machines that wait for the same coordinator do not all come at once. */
const SPREAD = 0.25;

export interface RetryOptions {
  /** In ms of wall clock; Infinity: no limit. */
  readonly wait: number;
  /** Ends the waiting: the answer is undefined. */
  readonly signal: AbortSignal;
  readonly log: EventLog;
  /** What is dialled, for people. */
  readonly what: string;
}

/**
 * The result of the first attempt that succeeds. Throws a RunError when there was none in time, or waiting does not
 * help.
 */
export async function retried<T>(
  attempt: () => Promise<T>,
  { wait, signal, log, what }: RetryOptions,
): Promise<T | undefined> {
  const deadline = performance.now() + wait;
  let told = '';
  for (let pause = FIRST_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const reason = (error as Error).message;
      if (error instanceof DialError && error.isFinal) throw new RunError(reason);
      if (performance.now() + pause > deadline) throw new RunError(reason);
      if (reason !== told) log.info({ coordinator: what, reason }, 'waiting for the coordinator');
      told = reason;
    }
    const spread = 1 - SPREAD + 2 * SPREAD * Math.random();
    await sleep(pause * spread, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
