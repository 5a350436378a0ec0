/**
 * The runs that clients ask of a cluster that stays up: first come, first served, one at a time. A run that fails
 * leaves the cluster up; one whose processes are lost fails, and the next waits until the cluster stands again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '../terminal/event-log.js';
import type { LinkedProcesses } from '../cluster/formation.js';
import { costFields } from './run-cost.js';
import { RunError } from '../errors/run-error.js';
import { executeRun, type RunProgress, type RunRecord, type RunRequest } from './run.js';
import type { StandingCluster } from '../cluster/standing-cluster.js';

/** What waits in the queue is held in memory. */
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 2 ** 30;
/** How often clients that wait for hosts hear how many are missing. */
const LOOK_MS = 250;

/** A run that somebody asked for. Each of its callbacks is the last that the queue does with it for the moment. */
export interface RunOrder {
  /** Whose it is and what it is, for people. */
  readonly client: string;
  readonly name: string;
  /** What its request holds in memory. */
  readonly bytes: number;
  readonly request: RunRequest;
  /** It waits for `before` runs and for `missing` hosts; told whenever that changes. */
  waiting(before: number, missing: number): void;
  started(processes: LinkedProcesses): void;
  done(record: RunRecord): void;
  /** `known`: the known part of a run that had begun. */
  failed(message: string, known?: object): void;
}

/** The current run. */
export interface CurrentRun {
  readonly run: number;
  readonly order: RunOrder;
  /** When it began, `performance.now()`. */
  readonly since: number;
  readonly progress: RunProgress;
}

/** A run in the life of the cluster, for counters. */
export interface FinishedRun {
  readonly order: RunOrder;
  readonly outcome: keyof RunQueue['counts'];
  readonly record: RunRecord | undefined;
}

interface Waiting {
  readonly order: RunOrder;
  /** What was last told. */
  told: string;
}

interface Running {
  readonly run: number;
  readonly order: RunOrder;
  readonly since: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  progress: RunProgress;
}

export class RunQueue {
  readonly counts = { done: 0, failed: 0, cancelled: 0 };
  private readonly cluster: StandingCluster;
  private readonly log: EventLog;
  private readonly onFinished: (run: FinishedRun) => void;
  private readonly queue: Waiting[] = [];
  private running: Running | undefined;
  private isWorking = false;
  private runs = 0;
  /** Why nothing is taken any more. */
  private stopped: string | undefined;

  constructor(
    cluster: StandingCluster,
    log: EventLog,
    onFinished: (run: FinishedRun) => void = () => undefined,
  ) {
    this.cluster = cluster;
    this.log = log;
    this.onFinished = onFinished;
  }

  get current(): CurrentRun | undefined {
    return this.running;
  }

  /** Those that wait, in order. */
  get waiting(): readonly RunOrder[] {
    return this.queue.map(({ order }) => order);
  }

  /** Takes an order, or answers why it does not. */
  add(order: RunOrder): string | undefined {
    if (this.stopped !== undefined) return this.stopped;
    if (this.queue.length >= MAX_WAITING)
      return `the queue is full: ${MAX_WAITING} runs are waiting`;
    const bytes = this.queue.reduce((sum, each) => sum + each.order.bytes, order.bytes);
    if (bytes > MAX_WAITING_BYTES)
      return 'the queue is full: the waiting runs hold too much memory';
    this.queue.push({ order, told: '' });
    this.log.debug({ workload: order.name, client: order.client }, 'run queued');
    void this.work();
    this.tellWaiting();
    return undefined;
  }

  /** The order is not wanted any more, waiting or running; the cluster is free for the next at once. */
  cancel(order: RunOrder, why: string): void {
    const at = this.queue.findIndex((each) => each.order === order);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.finish({ order, outcome: 'cancelled', record: undefined }, why);
      order.failed(why);
      this.tellWaiting();
    } else if (this.running?.order === order) {
      this.running.abort.abort(new RunError(why));
    }
  }

  /** Refuses those that wait; the current run has `ms` to end. */
  async drain(ms: number, why: string): Promise<void> {
    this.stopped = why;
    for (const order of this.waiting) this.cancel(order, why);
    const { running } = this;
    if (running === undefined) return;
    const late = new AbortController();
    await Promise.race([
      running.ended,
      sleep(ms, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    running.abort.abort(new RunError(why));
    await running.ended;
  }

  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    const looking = setInterval(() => this.tellWaiting(), LOOK_MS);
    try {
      while (this.queue.length > 0) await this.next();
    } finally {
      clearInterval(looking);
      this.isWorking = false;
    }
  }

  private async next(): Promise<void> {
    let processes: LinkedProcesses;
    try {
      processes = await this.cluster.processes();
    } catch (error) {
      // It will never stand again.
      const first = this.queue.shift();
      if (first !== undefined) this.fail(first.order, error);
      return;
    }
    const first = this.queue.shift();
    // Cancelled while it waited for hosts.
    if (first === undefined) return;
    const run = this.begin(first.order, processes);
    this.tellWaiting();
    await run;
    this.running = undefined;
  }

  private begin(order: RunOrder, processes: LinkedProcesses): Promise<void> {
    const abort = new AbortController();
    const run = ++this.runs;
    const { request } = order;
    const running: Running = {
      run,
      order,
      since: performance.now(),
      abort,
      ended: executeRun(processes, run, {
        ...request,
        signal: abort.signal,
        onProgress: (progress) => {
          running.progress = progress;
          request.onProgress?.(progress);
        },
      }).then(
        (record) => {
          this.finish({ order, outcome: 'done', record });
          this.attempt(
            order,
            () => order.done(record),
            (reason) => order.failed(reason),
          );
        },
        (error: unknown) => this.fail(order, error, abort.signal.aborted),
      ),
      progress: { now: 0, events: 0, packets: 0 },
    };
    this.running = running;
    this.log.info({ run, workload: order.name, client: order.client }, 'run started');
    order.started(processes);
    return running.ended;
  }

  private fail(order: RunOrder, error: unknown, isCancelled = false): void {
    const { message, stack } = error as Error;
    // Report a mistake of our own in full; it ends no other run.
    const reason = error instanceof RunError ? message : (stack ?? message);
    const outcome = isCancelled ? 'cancelled' : 'failed';
    this.finish({ order, outcome, record: undefined }, reason.split('\n', 1)[0]);
    order.failed(reason, error instanceof RunError ? error.known : undefined);
  }

  private finish(finished: FinishedRun, reason?: string): void {
    const { order, outcome, record } = finished;
    this.counts[outcome]++;
    const run = this.running?.order === order ? this.running.run : undefined;
    const level = outcome === 'failed' ? 'warn' : 'info';
    const { name: workload, client } = order;
    this.log[level](
      {
        ...(run !== undefined && { run }),
        workload,
        client,
        ...(reason !== undefined && { reason }),
        ...(record !== undefined && costFields(record)),
      },
      `run ${outcome}`,
    );
    this.attempt(order, () => this.onFinished(finished));
  }

  /** What others make of a run's end may go wrong, for what a process said of it: the next run comes all the same. */
  private attempt(
    { name: workload, client }: RunOrder,
    work: () => void,
    otherwise: (reason: string) => void = () => undefined,
  ): void {
    try {
      work();
    } catch (error) {
      const reason = String(error);
      this.log.error({ workload, client, reason }, 'run not reported');
      otherwise(reason);
    }
  }

  private tellWaiting(): void {
    const missing = this.cluster.missingHosts;
    const ahead = this.running === undefined ? 0 : 1;
    for (const [index, each] of this.queue.entries()) {
      const before = index + ahead;
      const now = `${before} ${missing}`;
      if (each.told === now) continue;
      each.told = now;
      each.order.waiting(before, missing);
    }
  }
}
