/** What `runEmbedded` hands back, and how it fails. */
import { combineDigests } from '../../sim/trace.js';
import type { Picoseconds } from '../../units/time.js';
import { RunError } from '../errors/run-error.js';
import type { WorkloadResult } from '../report/results.js';
import type { KnownRun } from './embedded-cluster.js';
import type { HeldParts } from './embedded-process.js';

/** Covers all configurations of a workload together, unless a field says otherwise. */
export interface EmbeddedRun<Values extends readonly unknown[] = readonly unknown[]> {
  /** `results` of the JSON; empty for plain programs. */
  readonly results: readonly WorkloadResult[];
  /** By rank: what each program returned; of the last configuration. */
  readonly values: Values;
  /**
   * By host: every counter that exists, zeroes included; of several configurations the sums, and the greatest maxima.
   */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** When the last program ended; of a run that was stopped or that failed, how far it came. */
  readonly virtualTime: Picoseconds;
  readonly events: number;
  readonly packets: number;
  readonly traceHash: string;
  /** Null where there is nothing to verify; `notes` may say why. */
  readonly verified: boolean | null;
  readonly notes: readonly string[];
  /** By host: pcapng; as `1/host0` of several configurations. Empty unless asked for. */
  readonly captures: Readonly<Record<string, Uint8Array>>;
  /** What is still held at the end. */
  readonly left: HeldParts;
  /** What the programs wait for that did not end; of the last configuration. */
  readonly blocked: readonly string[];
}

/** A run that failed. Its message is what the command line prints, without the stack, which is the program's own. */
export class FailedRun extends RunError {
  override readonly name = 'FailedRun';
  /** What is known of it. */
  readonly run: EmbeddedRun;

  constructor(text: string, run: EmbeddedRun) {
    const stack = /\n\s+at /.exec(text)?.index ?? text.length;
    super(text.slice(0, stack));
    this.run = run;
    if (stack < text.length) this.stack = `${this.name}: ${text}`;
  }
}

export function embeddedRun(
  {
    results,
    notes,
  }: { readonly results: readonly WorkloadResult[]; readonly notes: readonly string[] },
  known: readonly KnownRun[],
): EmbeddedRun {
  const last = known.at(-1);
  const sum = (of: (run: KnownRun) => number): number =>
    known.reduce((total, run) => total + of(run), 0);
  return {
    results,
    values: last?.values ?? [],
    counters: countersOf(known),
    virtualTime: sum(({ virtualTime }) => virtualTime) as Picoseconds,
    events: sum(({ events }) => events),
    packets: sum(({ packets }) => packets),
    traceHash:
      known.length === 1
        ? known[0]!.traceHash
        : combineDigests(known.map((each) => each.traceHash)),
    verified: verdict(results),
    notes: [...notes, ...results.flatMap(({ note }) => note ?? [])],
    captures: Object.fromEntries(known.flatMap(({ captures }) => [...captures])),
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
  const all: Record<string, Record<string, number>> = {};
  for (const { counters } of known) {
    for (const { host, counts } of counters) {
      const sums = (all[`host${host}`] ??= {});
      for (const [name, count] of Object.entries(counts)) {
        const before = sums[name] ?? 0;
        sums[name] = name.includes('_max_') ? Math.max(before, count) : before + count;
      }
    }
  }
  return all;
}
