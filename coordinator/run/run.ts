/**
 * One run over a cluster's processes: every process builds its part afresh, virtual time goes from 0 to the end
 * under the coordinator's windows, and the parts' outcomes are put together. Nothing here simulates.
 */
import { hasDebugger } from '../../node/cores/attached-debugger.js';
import { parseHostMetrics, type HostMetrics } from '../../node/process/host-metrics.js';
import { parseProcessCost, type ProcessCost } from '../../node/process/process-cost.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { specMessage, parseRunOutcome } from '../../node/process/run-messages.js';
import { SOME_PROGRAM, type RunOutcome, type RunSpec } from '../../node/spec/run-spec.js';
import { lookaheadOf } from '../../node/model/fabric/flight-times.js';
import { placementOf } from '../../node/model/fabric/places.js';
import { layoutOf } from '../../node/model/fabric/topologies.js';
import { combineDigests } from '../../sim/trace.js';
import { PS_PER_NS } from '../../units/time.js';
import type { Notice } from '../../wire/control/notices.js';
import { parseReport } from '../../wire/control/window-messages.js';
import type { LinkedProcesses } from '../cluster/formation.js';
import { QuietWatch } from './quiet-watch.js';
import { HoldTimes } from './hold-times.js';
import { runCost, type RunCost } from './run-cost.js';
import { RunError } from '../errors/run-error.js';
import { TimeWindows } from './time-windows.js';
import { leftQueuePairs, type KnownRun } from './unfinished-run.js';

/** A process tells its progress four times a second; one that is silent for so long is stopped, or stuck for good. */
const SILENCE_MS = 30_000;
const LOOK_MS = 1_000;
/** How long a failure that is no program's waits for the loss of a process to explain it. */
const BETTER_REASON_MS = 600;
/** How long a run that failed waits for the last that its processes captured, and for what else they know. */
const LAST_WORDS_MS = 1_000;

export interface RunRequest {
  readonly spec: Omit<RunSpec, 'local'>;
  /** Where processes of our own write what they capture; empty for no capture, or for {@link onCaptured}. */
  readonly captureDirectory: string;
  /**
   * Takes the next bytes of a host's capture file, in order for each host; the run waits until they are taken. A
   * RunError ends the run.
   */
  readonly onCaptured?: (host: number, bytes: Uint8Array) => Promise<void> | void;
  /** Everything is built, and virtual time is about to begin. */
  readonly onBegin?: () => void;
  readonly onProgress?: (progress: RunProgress) => void;
  /** What there is to know although it is no failure, a line each. */
  readonly onNotes?: (notes: readonly string[]) => void;
  /** Ends the run where it stands; its reason is a RunError. */
  readonly signal?: AbortSignal;
}

export interface RunProgress {
  /** Virtual time in ps. */
  readonly now: number;
  readonly events: number;
  readonly packets: number;
}

/** What a host counted; `counted` are those among the counts that its programs made. */
export interface HostCounts {
  readonly host: number;
  readonly counts: Record<string, number>;
  readonly counted: Record<string, number>;
}

export interface RunRecord {
  /** By rank. */
  readonly values: readonly unknown[];
  readonly traceHash: string;
  /** The latest program's end; the run's last instant, if some had not ended by then. */
  readonly virtualNs: number;
  /** What the programs waited for that had not ended at the run's last instant. */
  readonly blocked: readonly string[];
  /** Per host in order: what it counted. */
  readonly counters: readonly HostCounts[];
  readonly events: number;
  readonly packets: number;
  readonly rounds: number;
  /** What it cost between processes; undefined where there is only one. */
  readonly cost: RunCost | undefined;
  /** What there is to watch on the hosts, in order; undefined where the run was done elsewhere. */
  readonly metrics?: readonly HostMetrics[];
  /** Wall clock in ms: the first and the last virtual instant. */
  readonly began: number;
  readonly ended: number;
}

/**
 * Does run number `run`; numbers grow over the life of the processes. Rejects with a RunError when a program fails, the
 * programs deadlock, a process is lost, or the run is cancelled; then no process continues it.
 */
export async function executeRun(
  cluster: LinkedProcesses,
  run: number,
  request: RunRequest,
): Promise<RunRecord> {
  const conversation = new Conversation(cluster, run, request);
  const watch = setInterval(() => conversation.look(), LOOK_MS);
  const over = new AbortController();
  cluster.listener = (process, notice) => conversation.heard(process, notice);
  try {
    const whole = conversation.whole();
    // A promise that lives as long as the cluster keeps the outcome of every race it was in: that must not be the
    // record.
    await Promise.race([
      whole.then(() => undefined),
      cluster.lost,
      conversation.failed,
      cancelled(request.signal, over.signal),
    ]);
    return await whole;
  } catch (error) {
    // A process that is alone, or holds the baton, would go on without being asked.
    await conversation.abandon();
    if (error instanceof RunError) error.known = conversation.known();
    throw error;
  } finally {
    clearInterval(watch);
    over.abort();
    cluster.listener = undefined;
  }
}

/** Rejects when the signal is given, until the run is `over`: many runs may have one signal. */
function cancelled(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const cancel = (): void => reject(signal!.reason as RunError);
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true, signal: over });
  });
}

/** What is still heard of a run that was given up. */
const LAST_WORDS: ReadonlySet<Notice['type']> = new Set([
  'captured',
  'abandoned',
  'outcome',
  'progress',
]);

type Failed = Extract<Notice, { type: 'failed' }>;

/** What the coordinator and the processes tell each other during one run. */
class Conversation {
  readonly failed: Promise<never>;
  private readonly cluster: LinkedProcesses;
  private readonly run: number;
  private readonly request: RunRequest;
  /** Undefined where virtual time needs none: one process, or the real clock. */
  private readonly windows: TimeWindows | undefined;
  private readonly quiet: QuietWatch;
  private readonly outcomes: (RunOutcome | undefined)[];
  private readonly costs: (ProcessCost | undefined)[];
  private readonly metrics: HostMetrics[] = [];
  private readonly holds: HoldTimes;
  /** By process: programs that had not ended. */
  private readonly blocked: (readonly string[])[] = [];
  private readonly progress: RunProgress[];
  /** By process: settles when what it captured until now is taken. */
  private readonly taking: Promise<void>[];
  /** Between its first and its last virtual instant. */
  private isOn = false;
  /** By process: when something came from it. */
  private readonly heardAt: number[];
  private lookedAt = performance.now();
  /** Processes that have said so. */
  private readonly prepared = new Set<number>();
  private readonly collected = new Set<number>();
  private readonly abandoned = new Set<number>();
  private isAbandoned = false;
  private fail!: (error: Error) => void;
  private markPrepared!: () => void;
  private markOver!: () => void;
  private markCollected!: () => void;
  private markAbandoned!: () => void;
  private readonly allPrepared = new Promise<void>((resolve) => (this.markPrepared = resolve));
  private readonly over = new Promise<void>((resolve) => (this.markOver = resolve));
  private readonly allCollected = new Promise<void>((resolve) => (this.markCollected = resolve));
  private readonly allAbandoned = new Promise<void>((resolve) => (this.markAbandoned = resolve));

  constructor(cluster: LinkedProcesses, run: number, request: RunRequest) {
    this.cluster = cluster;
    this.run = run;
    this.request = request;
    const { spec } = request;
    const { clock, profile } = spec;
    if (clock === 'virtual' && cluster.size > 1) {
      const placement = placementOf(cluster.partition);
      this.windows = new TimeWindows(lookaheadOf(layoutOf(spec), profile, placement, cluster.size));
    }
    this.quiet = new QuietWatch(cluster.size, (probe) =>
      this.everybody({ type: 'probe', run, probe }),
    );
    this.outcomes = new Array<RunOutcome | undefined>(cluster.size).fill(undefined);
    this.costs = new Array<ProcessCost | undefined>(cluster.size).fill(undefined);
    this.holds = new HoldTimes(cluster.size);
    this.heardAt = new Array<number>(cluster.size).fill(0);
    this.progress = Array.from({ length: cluster.size }, () => ({ now: 0, events: 0, packets: 0 }));
    this.taking = Array.from({ length: cluster.size }, () => Promise.resolve());
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  async whole(): Promise<RunRecord> {
    const { run, request, cluster } = this;
    for (const [process, local] of cluster.partition.entries()) {
      const runsPrograms = request.spec.programs.some(({ host }) => local.includes(host));
      const inputs = runsPrograms ? request.spec.inputs : new Map<string, Uint8Array>();
      cluster.send(process, {
        type: 'prepare',
        run,
        spec: specMessage({ ...request.spec, local, inputs }),
        captureDirectory: request.captureDirectory,
      });
    }
    await this.allPrepared;
    request.onBegin?.();
    const began = performance.now();
    this.heardAt.fill(began);
    this.isOn = true;
    this.everybody({ type: 'begin', run });
    await this.over;
    this.isOn = false;
    const ended = performance.now();
    this.everybody({ type: 'collect', run });
    await this.allCollected;
    await Promise.all(this.taking);
    const waiting = this.blocked.flat().map((line) => `\n  ${line}`);
    if (waiting.length > 0 && request.spec.until === Infinity) {
      throw new RunError(`deadlock: every program is waiting:${waiting.join('')}`);
    }
    return this.record(began, ended);
  }

  /** Tells every process to give the run up; resolves when what they captured until then is taken. */
  async abandon(): Promise<void> {
    this.isAbandoned = true;
    this.everybody({ type: 'abandon', run: this.run });
    // What came before a failure explains it, and an interrupted run keeps what it has; of a process that is gone
    // nothing comes any more, and a client that is gone or reads nothing keeps nobody waiting for longer than this.
    const taken = this.allAbandoned.then(() => Promise.all(this.taking));
    const gone = this.cluster.lost.catch(() => undefined);
    await Promise.race([taken, gone, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
  }

  /**
   * Loses a process from which nothing has come for too long, while it should be telling its progress. Where cores are
   * no threads of their own, their arithmetic may take as long as it likes.
   */
  look(): void {
    if (this.request.spec.coreRuntime !== 'worker' || !this.isOn || hasDebugger()) return;
    const now = performance.now();
    // While this process was stopped itself, what the others said waited.
    const stood = now - this.lookedAt > 2 * LOOK_MS;
    this.lookedAt = now;
    for (const [process, at] of this.heardAt.entries()) {
      if (stood) this.heardAt[process] = now;
      else if (now - at > SILENCE_MS) {
        this.cluster.lose(process, `has sent nothing for ${SILENCE_MS / 1000} s`);
        return;
      }
    }
  }

  heard(process: number, notice: Notice): void {
    this.heardAt[process] = performance.now();
    if (!('run' in notice) || notice.run !== this.run) return;
    if (this.isAbandoned && !LAST_WORDS.has(notice.type)) return;
    switch (notice.type) {
      case 'prepared':
        if (this.prepared.add(process).size === this.cluster.size) this.markPrepared();
        return;
      case 'report':
        this.reported(process, notice.report);
        return;
      case 'quiet':
        if (this.quiet.said(process, notice, notice.probe)) this.markOver();
        return;
      case 'progress':
        this.progress[process] = notice;
        this.request.onProgress?.(this.total());
        if (notice.notes.length > 0) this.request.onNotes?.(notice.notes);
        return;
      case 'captured':
        this.captured(process, notice.host, notice.bytes);
        return;
      case 'abandoned':
        if (this.abandoned.add(process).size === this.cluster.size) this.markAbandoned();
        return;
      case 'failed':
        this.programFailed(programError(this.cluster.nameOf(process), notice), notice);
        return;
      case 'outcome':
        this.took(process, notice);
        return;
    }
  }

  /** A broken link is reported before the end of the process behind it, which is the better reason. */
  private programFailed(error: RunError, { host, core }: Failed): void {
    if (host >= 0 || core >= 0) this.fail(error);
    else setTimeout(() => this.fail(error), BETTER_REASON_MS);
  }

  private reported(process: number, value: unknown): void {
    const { windows } = this;
    const report = parseReport(value, this.cluster.size);
    if (windows === undefined || typeof report === 'string') {
      const why = typeof report === 'string' ? report : 'a report, but this run has no windows';
      this.fail(new RunError(`${this.cluster.nameOf(process)} sent a malformed message: ${why}`));
      return;
    }
    const { holds } = this;
    holds.reported(process, performance.now(), report.baton !== undefined);
    try {
      for (const { process: to, grant } of windows.report(process, report)) {
        const { by, held } = holds.of(to);
        const us = Math.round(held * 1000);
        this.cluster.send(to, { type: 'grant', run: this.run, grant, by, held: us });
      }
      holds.waitFor(windows.slowest);
    } catch (error) {
      this.fail(new RunError((error as Error).message));
      return;
    }
    if (windows.finished) this.markOver();
  }

  private captured(process: number, host: number, bytes: Uint8Array): void {
    const { cluster, run } = this;
    const { onCaptured } = this.request;
    if (onCaptured === undefined || cluster.partition[process]?.includes(host) !== true) {
      const why = `a capture of host${host}, which was not requested`;
      this.fail(new RunError(`${cluster.nameOf(process)} sent a malformed message: ${why}`));
      return;
    }
    this.taking[process] = this.taking[process]!.then(() => onCaptured(host, bytes)).then(
      () => cluster.send(process, { type: 'taken', run, bytes: bytes.length }),
      (error: unknown) => this.fail(error as Error),
    );
  }

  private took(process: number, notice: Extract<Notice, { type: 'outcome' }>): void {
    const outcome = parseRunOutcome(notice.outcome);
    const cost = parseProcessCost(notice.cost, this.cluster.size);
    const metrics = parseHostMetrics(notice.metrics);
    if (typeof outcome === 'string' || typeof cost === 'string' || typeof metrics === 'string') {
      const why = [outcome, cost, metrics].filter((each) => typeof each === 'string').join('; ');
      this.fail(new RunError(`${this.cluster.nameOf(process)} sent a malformed message: ${why}`));
      return;
    }
    this.outcomes[process] = outcome;
    this.costs[process] = cost;
    if (!this.collected.has(process)) this.metrics.push(...metrics);
    this.blocked[process] = notice.blocked;
    if (this.collected.add(process).size === this.cluster.size) this.markCollected();
  }

  private record(began: number, ended: number): RunRecord {
    const outcomes = this.outcomes.filter((outcome) => outcome !== undefined);
    const values: unknown[] = this.request.spec.programs.map(() => undefined);
    let last = 0;
    for (const { rank, value, endedAt } of outcomes.flatMap(({ results }) => results)) {
      values[rank] = value;
      last = Math.max(last, endedAt);
    }
    const blocked = this.blocked.flat();
    if (blocked.length > 0) last = this.request.spec.until;
    const rounds = this.windows?.counters.rounds ?? 1;
    const costs = this.costs.filter((cost) => cost !== undefined);
    // By number, not by text: host10 comes after host9.
    const hosts = outcomes.flatMap((each) => each.hosts).sort((a, b) => a.host - b.host);
    return {
      values,
      traceHash: combineDigests(hosts.map(({ digest }) => digest)),
      virtualNs: last / PS_PER_NS,
      blocked,
      counters: hosts.map(({ host, counters, counted }) => ({
        host,
        counts: { ...counters },
        counted: { ...counted },
      })),
      events: outcomes.reduce((sum, { events }) => sum + events, 0),
      packets: outcomes.reduce((sum, { packets }) => sum + packets, 0),
      rounds,
      cost: costs.length > 1 ? runCost(rounds, costs, this.cluster.partition) : undefined,
      metrics: this.metrics.sort((a, b) => a.host - b.host),
      began,
      ended,
    };
  }

  /** What the processes have said until now, whether the run is over or not. */
  known(): KnownRun {
    const { now, events, packets } = this.total();
    const { counters, ...record } = this.record(0, 0);
    return {
      virtual_ns: now / PS_PER_NS,
      events: Math.max(events, record.events),
      packets: Math.max(packets, record.packets),
      waiting: this.blocked.flat(),
      counters: Object.fromEntries(counters.map(({ host, counts }) => [`host${host}`, counts])),
      queue_pairs: leftQueuePairs(this.metrics),
    };
  }

  private total(): RunProgress {
    return this.progress.reduce((sum, each) => ({
      now: Math.max(sum.now, each.now),
      events: sum.events + each.events,
      packets: sum.packets + each.packets,
    }));
  }

  private everybody(order: Parameters<LinkedProcesses['send']>[1]): void {
    for (let process = 0; process < this.cluster.size; process++) this.cluster.send(process, order);
  }
}

function programError(process: string, { host, core, message, stack }: Failed): RunError {
  // A stack begins with the message; either may be missing.
  const told = stack.includes(message) ? stack : [message, stack].filter(Boolean).join('\n');
  if (host === SOME_PROGRAM.host && core === SOME_PROGRAM.core) return new RunError(told);
  const where = host < 0 ? process : core < 0 ? `host${host}` : `host${host} core ${core}`;
  return new RunError(`${where}: ${told}`);
}
