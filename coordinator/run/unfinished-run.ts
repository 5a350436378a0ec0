/** What is known of a run that failed or was interrupted, as its results and the reply to its client have it. */
import { MAX_QUEUE_PAIRS, type HostMetrics } from '../../node/process/host-metrics.js';
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import {
  dictionary,
  list,
  number,
  printableText,
  reader,
  record,
  whole,
  type Infer,
} from '../../wire/control/shape.js';

type Counts = Readonly<Record<string, number>>;

const readCounts = reader(dictionary((count): count is number => Number.isFinite(count)));
const isCounts = (value: unknown): value is Counts => typeof readCounts(value) !== 'string';

/** The known part of a run; it has fewer hosts than the cluster if a process is gone. */
const KNOWN_RUN = record('unfinished run', {
  virtual_ns: number(0, Number.MAX_SAFE_INTEGER),
  events: whole(),
  packets: whole(),
  /** Programs that had not ended, and what each waited for. */
  waiting: list(MAX_HOSTS * MAX_CORES, printableText(400)),
  /** By host. */
  counters: dictionary(isCounts, MAX_HOSTS),
  /** Queue pairs as the run left them. */
  queue_pairs: list(
    MAX_HOSTS * MAX_QUEUE_PAIRS,
    record('queue pair', {
      host: whole(0, MAX_HOSTS - 1),
      number: whole(),
      state: printableText(16),
      retransmitted: whole(),
      timeouts: whole(),
    }),
  ),
});
export type KnownRun = Infer<typeof KNOWN_RUN>;
type LeftQueuePair = KnownRun['queue_pairs'][number];

/** The known part of a run, or what is wrong with the message. */
export const parseKnownRun = reader(KNOWN_RUN);

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
