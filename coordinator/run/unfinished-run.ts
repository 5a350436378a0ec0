/** What is known of a run that failed or was interrupted, as its results have it. */
import type { HostMetrics } from '../../node/process/host-metrics.js';

/** A queue pair as the run left it. */
export interface LeftQueuePair {
  readonly host: number;
  readonly number: number;
  readonly state: string;
  readonly retransmitted: number;
  readonly timeouts: number;
}

/** What the processes said of it; fewer hosts than there are if one of them is gone. */
export interface KnownRun {
  readonly virtual_ns: number;
  readonly events: number;
  readonly packets: number;
  /** Programs that had not ended, and what each waited for. */
  readonly waiting: readonly string[];
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly queue_pairs: readonly LeftQueuePair[];
}

export interface UnfinishedRun extends KnownRun {
  /** For people: `micro/write-lat, configuration 3 of 24`. */
  readonly name: string;
}

export const leftQueuePairs = (metrics: readonly HostMetrics[]): LeftQueuePair[] =>
  metrics.flatMap(({ host, queuePairs }) =>
    queuePairs
      .filter(({ number }) => number >= 0)
      .map(({ number, state, retransmitted, timeouts }) => ({
        host,
        number,
        state,
        retransmitted,
        timeouts,
      })),
  );
