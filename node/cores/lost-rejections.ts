/**
 * Promises of this thread that were rejected while nothing handled them. Node would end the process for one, and with
 * it every run of the cluster; here it ends the run whose program lost it. When is decided by the run: one that is
 * handled later, before the run is over, was not lost.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isUsers, toldRejection, type ToldError } from './told-error.js';

export class LostRejections {
  private readonly reasons = new Map<Promise<unknown>, unknown>();

  constructor() {
    process.on('unhandledRejection', this.lost);
    process.on('rejectionHandled', this.handled);
  }

  /** The first that is still lost, when Node has told of all that there are. */
  async first(): Promise<ToldError | undefined> {
    await nextTurn();
    for (const reason of this.reasons.values()) return toldRejection(reason);
    return undefined;
  }

  async close(): Promise<void> {
    // Node reports what the last segment left in the next turn; it still belongs to this run.
    await nextTurn();
    process.off('unhandledRejection', this.lost);
    process.off('rejectionHandled', this.handled);
  }

  private readonly lost = (reason: unknown, promise: Promise<unknown>): void => {
    if (isUsers(reason)) this.reasons.set(promise, reason);
    // The emulator's own mistake ends the process, as it would without us.
    else rethrow(reason);
  };

  private readonly handled = (promise: Promise<unknown>): void => {
    this.reasons.delete(promise);
  };
}

function rethrow(reason: unknown): void {
  setImmediate(() => {
    throw reason as Error;
  });
}
