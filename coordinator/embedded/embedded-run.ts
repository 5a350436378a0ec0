/** What `runEmbedded` hands back, and how it fails. */
import type { HostMetrics } from '../../node/process/host-metrics.js';
import type { RunFailure } from '../../node/spec/run-spec.js';
import { combineDigests } from '../../sim/trace.js';
import type { Picoseconds } from '../../units/time.js';
import type { Parameters, Summary } from '../../workloads/authoring/workload.js';
import { RunError } from '../errors/run-error.js';
import type { WorkloadResult } from '../report/results.js';
import type { KnownRun } from './embedded-cluster.js';
import type { HeldParts } from './embedded-process.js';

/** What is known of one configuration's run, or of all of them together, as each field says. */
interface RunFacts<Values extends readonly unknown[]> {
  /** By rank: what each program returned; of the last configuration. */
  readonly values: Values;
  /**
   * By host: every counter that exists, zeroes included; of several configurations the sums, and the greatest maxima.
   */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** When the last program ended; of a run that was stopped or that failed, how far it came. */
  readonly virtualTime: Picoseconds;
  /** When the last event was: timers, and frames under way, may outlast the programs. */
  readonly lastEvent: Picoseconds;
  readonly events: number;
  readonly packets: number;
  readonly traceHash: string;
  /** By host: pcapng; as `1/host0` of several configurations. Empty unless asked for. */
  readonly captures: Readonly<Record<string, Uint8Array>>;
  /** Of each host in order: its cores, receive queues and queue pairs, and its port; of the last configuration. */
  readonly metrics: readonly HostMetrics[];
  /** What is still held at the end. */
  readonly left: HeldParts;
  /** What the programs wait for that did not end; of the last configuration. */
  readonly blocked: readonly string[];
}

/** One configuration, and its run alone; a capture's name is `host0`. */
export interface ConfigurationRun<
  Values extends readonly unknown[] = readonly unknown[],
> extends RunFacts<Values> {
  readonly params: Parameters;
  /** What the workload made of it, with each latency. Undefined for plain programs, and where the run failed. */
  readonly summary: Summary | undefined;
}

/** Covers all configurations of a workload together, unless a field says otherwise. */
export interface EmbeddedRun<
  Values extends readonly unknown[] = readonly unknown[],
> extends RunFacts<Values> {
  /** `results` of the JSON; empty for plain programs. */
  readonly results: readonly WorkloadResult[];
  /** Null where there is nothing to verify; `notes` may say why. */
  readonly verified: boolean | null;
  readonly notes: readonly string[];
  /** The configurations that ran, one by one; plain programs are one. */
  readonly configurations: readonly ConfigurationRun<Values>[];
}

/** A run that failed. Its message is what the command line prints, without the stack, which is the program's own. */
export class FailedRun extends RunError {
  override readonly name = 'FailedRun';
  /** What is known of it. */
  readonly run: EmbeddedRun;
  /** The program that threw or broke the rules; null where the run failed otherwise. */
  readonly failure: RunFailure | null;

  constructor(text: string, run: EmbeddedRun, failure: RunFailure | null) {
    const stack = /\n\s+at /.exec(text)?.index ?? text.length;
    super(text.slice(0, stack));
    this.run = run;
    this.failure = failure;
    if (stack < text.length) this.stack = `${this.name}: ${text}`;
  }
}

/** What was measured; `summaries` are what the results were made of. */
interface Told {
  readonly results: readonly WorkloadResult[];
  readonly summaries: readonly Summary[];
  readonly notes: readonly string[];
}

/** `params` are those of every configuration that was planned; the last that is known may have failed. */
export function embeddedRun(
  { results, summaries, notes }: Told,
  known: readonly KnownRun[],
  params: readonly Parameters[],
): EmbeddedRun {
  const configurations = known.map((run, index) => ({
    params: params[index]!,
    summary: summaries[index],
    ...factsOf([run]),
    captures: Object.fromEntries(
      [...run.captures].map(([name, bytes]) => [name.split('/').at(-1)!, bytes]),
    ),
  }));
  return {
    results,
    ...factsOf(known),
    verified: verdict(results),
    notes: [...notes, ...results.flatMap(({ note }) => note ?? [])],
    configurations,
  };
}

function factsOf(known: readonly KnownRun[]): RunFacts<readonly unknown[]> {
  const last = known.at(-1);
  const sum = (of: (run: KnownRun) => number): number =>
    known.reduce((total, run) => total + of(run), 0);
  return {
    values: last?.values ?? [],
    counters: countersOf(known),
    virtualTime: sum(({ virtualTime }) => virtualTime) as Picoseconds,
    lastEvent: sum(({ lastEvent }) => lastEvent) as Picoseconds,
    events: sum(({ events }) => events),
    packets: sum(({ packets }) => packets),
    traceHash:
      known.length === 1
        ? known[0]!.traceHash
        : combineDigests(known.map((each) => each.traceHash)),
    captures: Object.fromEntries(known.flatMap(({ captures }) => [...captures])),
    metrics: last?.metrics ?? [],
    left: {
      frames: sum(({ left }) => left.frames),
      pinnedPages: sum(({ left }) => left.pinnedPages),
      memoryFrames: sum(({ left }) => left.memoryFrames),
    },
    blocked: last?.blocked ?? [],
  };
}

/** Where nothing was wrong, a result without a verdict leaves the whole without one. */
function verdict(results: readonly WorkloadResult[]): boolean | null {
  if (results.some(({ verified }) => verified === false)) return false;
  return results.length > 0 && results.every(({ verified }) => verified === true) ? true : null;
}

function countersOf(known: readonly KnownRun[]): Record<string, Record<string, number>> {
  // Programs name counters as they like: `constructor` is one, and no property of an object.
  const all = new Map<string, Map<string, number>>();
  for (const { counters } of known) {
    for (const { host, counts } of counters) {
      const sums = all.get(`host${host}`) ?? new Map<string, number>();
      all.set(`host${host}`, sums);
      for (const [name, count] of Object.entries(counts)) {
        const before = sums.get(name) ?? 0;
        sums.set(name, name.includes('_max_') ? Math.max(before, count) : before + count);
      }
    }
  }
  return Object.fromEntries([...all].map(([host, sums]) => [host, Object.fromEntries(sums)]));
}
