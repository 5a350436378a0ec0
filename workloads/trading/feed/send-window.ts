/**
 * Sends of one queue pair, of which only one in a few is signalled: its completion tells that those before it are
 * done, too. How many may be under way is bounded.
 */
import type { CompletionQueue, QueuePair, WorkCompletion } from '../../../node/program/verbs.js';

export class SendWindow {
  /** Requests posted so far. */
  posted = 0;
  private done = 0;
  private lastSignaled = 0;
  readonly qp: QueuePair;
  private readonly cq: CompletionQueue;
  private readonly depth: number;

  /** `depth`: requests that may be under way; the queue pair takes as many. */
  constructor(qp: QueuePair, cq: CompletionQueue, depth: number) {
    this.qp = qp;
    this.cq = cq;
    this.depth = depth;
  }

  /** Whether a request can be posted at once. */
  get open(): boolean {
    return this.posted - this.done < this.depth;
  }

  /** Counts a request in, which is then posted with `wrId` {@link posted}; whether it has to be signalled. */
  admit(last = false): boolean {
    this.posted++;
    const signaled = last || this.posted - this.lastSignaled >= Math.max(1, this.depth >> 2);
    if (signaled) this.lastSignaled = this.posted;
    return signaled;
  }

  /** Waits until there is room for a request. */
  async room(): Promise<void> {
    while (!this.open) await this.take();
  }

  /** Once half of the window is used, looks at completions: at a time when nothing is measured. */
  async ease(): Promise<void> {
    while (this.posted - this.done > this.depth >> 1) await this.take();
  }

  /** Waits until all is done; the last request must have been posted as the last. */
  async drain(): Promise<void> {
    while (this.done < this.posted) await this.take();
  }

  private async take(): Promise<void> {
    for (const completion of await this.cq.busyPoll()) {
      requireSuccess(completion);
      this.done = completion.wrId;
    }
  }
}

/** A completion in error ends the program: a session does not outlive its connection. */
export function requireSuccess({ status, wrId, qpNum }: WorkCompletion): void {
  if (status !== 'SUCCESS') {
    throw new Error(`request ${wrId} of queue pair ${qpNum} completed with ${status}`);
  }
}
