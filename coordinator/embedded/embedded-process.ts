/**
 * The one process of an embedded run, which is the caller's own: obeys a run's orders as a host process does, but for
 * the socket between. It lives for one run; nothing of the run is kept by anything else.
 */
import type { HostMetrics } from '../../node/process/host-metrics.js';
import { Machine } from '../../node/process/machine.js';
import { OrderedRuns } from '../../node/process/ordered-runs.js';
import type { RunFailure, RunOutcome } from '../../node/spec/run-spec.js';
import type { Program } from '../../node/program/verbs.js';
import type { Notice } from '../../wire/control/notices.js';
import type { Order } from '../../wire/control/orders.js';
import type { LinkedProcesses, NoticeListener } from '../cluster/formation.js';
import { RunError } from '../errors/run-error.js';

/** What is still held when a run is over: all 0 if whatever was taken has been given back. */
export interface HeldParts {
  /** Slots of frames on the wire or in queues. */
  readonly frames: number;
  /** Pages that memory regions pin. */
  readonly pinnedPages: number;
  /** Frames of physical memory that are not free. */
  readonly memoryFrames: number;
}

/** How a machine stands. */
export interface MachineState {
  readonly outcome: () => RunOutcome;
  readonly metrics: () => readonly HostMetrics[];
  /** A program threw or broke the rules. */
  readonly failure: RunFailure | null;
  /** Virtual time in ps. */
  readonly now: number;
  readonly blocked: readonly string[];
  readonly left: HeldParts;
}

export class EmbeddedProcess implements LinkedProcesses {
  readonly size = 1;
  readonly pids = [process.pid];
  readonly partition: readonly (readonly number[])[];
  readonly lost: Promise<never>;
  listener: NoticeListener | undefined;
  private readonly runs: OrderedRuns;
  private machine: Machine | undefined;
  private reject!: (error: RunError) => void;

  /** `program` is the one of every rank. */
  constructor(hosts: number, program: Program<never>) {
    this.partition = [Array.from({ length: hosts }, (_, host) => host)];
    this.lost = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.runs = new OrderedRuns(
      {
        mesh: null,
        createMachine: async (spec, wiring) => {
          this.machine = await Machine.create(spec, { ...wiring, program: program as Program });
          return this.machine;
        },
        writesFiles: false,
        send: (notice) => this.notify(notice),
        controlBytes: () => 0,
      },
      new Int32Array(hosts),
    );
  }

  /** Undefined if its machine could not be built. */
  get state(): MachineState | undefined {
    const { machine } = this;
    if (machine === undefined) return undefined;
    const { now, blocked, failure, pinnedPages, framesInUse } = machine;
    const left = { frames: machine.pool.used, pinnedPages, memoryFrames: framesInUse };
    const outcome = (): RunOutcome => machine.outcome();
    return { outcome, metrics: () => machine.metrics(), failure, now, blocked, left };
  }

  nameOf(): string {
    return `host0 (pid ${process.pid})`;
  }

  lose(_process: number, how: string): void {
    this.reject(new RunError(`${this.nameOf()} ${how}`));
  }

  send(_process: number, order: Order): void {
    if (order.type !== 'peers' && order.type !== 'stop') this.runs.obey(order);
  }

  private notify(notice: Notice): void {
    // A sink of captures goes on with its buffer, which a socket would have copied.
    const kept = notice.type === 'captured' ? { ...notice, bytes: notice.bytes.slice() } : notice;
    this.listener?.(0, kept);
  }
}
