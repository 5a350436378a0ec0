/**
 * Where an embedded command's runs are done: each by an {@link EmbeddedProcess} of its own; and what is known of
 * them.
 */
import { relative, resolve } from 'node:path';
import type { HostMetrics } from '../../node/process/host-metrics.js';
import type { Program } from '../../node/program/verbs.js';
import type { RunFailure } from '../../node/spec/run-spec.js';
import { executeRun, type RunRecord } from '../run/run.js';
import type { PlacedRun, RunPlace } from '../run/run-place.js';
import { combineDigests } from '../../sim/trace.js';
import { PS_PER_NS } from '../../units/time.js';
import { EmbeddedProcess, type HeldParts, type MachineState } from './embedded-process.js';

/** Stands for the directory of captures: nothing is written. */
export const CAPTURES = resolve('/');

/** What is known of one run, whether it came to its end or not. */
export interface KnownRun {
  readonly values: readonly unknown[];
  readonly counters: readonly Pick<RunRecord['counters'][number], 'host' | 'counts'>[];
  /** In ps: when its last program ended, or how far it came. */
  readonly virtualTime: number;
  /** In ps: when the last event was, which may come after the programs. */
  readonly lastEvent: number;
  readonly events: number;
  readonly packets: number;
  readonly traceHash: string;
  readonly metrics: readonly HostMetrics[];
  /** A program threw or broke the rules. */
  readonly failure: RunFailure | null;
  readonly blocked: readonly string[];
  readonly left: HeldParts;
  /** pcapng by host, as `1/host0` where several runs are captured. */
  readonly captures: ReadonlyMap<string, Uint8Array>;
}

const NOTHING_LEFT: HeldParts = { frames: 0, pinnedPages: 0, memoryFrames: 0 };

export class EmbeddedCluster implements RunPlace {
  readonly pids = [process.pid];
  readonly refused = 0;
  /** In order. */
  readonly known: KnownRun[] = [];
  private readonly program: Program<never>;
  private readonly onBegin: (() => void) | undefined;

  /** `program` is the one of every rank, whatever the run's module; `onBegin` hears when each run is built. */
  constructor(program: Program<never>, onBegin?: () => void) {
    this.program = program;
    this.onBegin = onBegin;
  }

  async execute(run: PlacedRun): Promise<RunRecord> {
    const host = new EmbeddedProcess(run.spec.hosts, this.program);
    const captured = new Map<number, Uint8Array[]>();
    const request = {
      ...run,
      captureDirectory: '',
      ...(this.onBegin && { onBegin: this.onBegin }),
      onCaptured: (number: number, bytes: Uint8Array): void => {
        const pieces = captured.get(number);
        if (pieces === undefined) captured.set(number, [bytes]);
        else pieces.push(bytes);
      },
    };
    let record: RunRecord | undefined;
    try {
      record = await executeRun(host, 1, request);
      return record;
    } finally {
      const captures = run.spec.capture
        ? captureFiles(run, captured)
        : new Map<string, Uint8Array>();
      this.known.push({ ...knownOf(run, record, host.state), captures });
    }
  }

  async stop(): Promise<void> {
    // Nothing outlives a run.
  }

  kill(): void {
    // It ends with this process.
  }
}

function knownOf(
  { spec }: PlacedRun,
  record: RunRecord | undefined,
  state: MachineState | undefined,
): Omit<KnownRun, 'captures'> {
  const { left = NOTHING_LEFT, now: lastEvent = 0, failure = null, blocked = [] } = state ?? {};
  if (record !== undefined) {
    const virtualTime = Math.round(record.virtualNs * PS_PER_NS);
    return { ...record, metrics: record.metrics ?? [], virtualTime, lastEvent, failure, left };
  }
  const values: unknown[] = spec.programs.map(() => undefined);
  const { results = [], hosts = [], events = 0, packets = 0 } = state?.outcome() ?? {};
  for (const { rank, value } of results) values[rank] = value;
  return {
    values,
    counters: hosts.map(({ host, counters }) => ({ host, counts: { ...counters } })),
    virtualTime: lastEvent,
    lastEvent,
    events,
    packets,
    traceHash: combineDigests(hosts.map(({ digest }) => digest)),
    metrics: state?.metrics() ?? [],
    failure,
    blocked,
    left,
  };
}

function captureFiles(
  { captureDirectory, spec }: PlacedRun,
  captured: ReadonlyMap<number, readonly Uint8Array[]>,
): Map<string, Uint8Array> {
  const below = relative(CAPTURES, captureDirectory).replaceAll('\\', '/');
  const files = new Map<string, Uint8Array>();
  for (let host = 0; host < spec.hosts; host++) {
    const name = below === '' ? `host${host}` : `${below}/host${host}`;
    files.set(name, joined(captured.get(host) ?? []));
  }
  return files;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
