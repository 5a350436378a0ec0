/**
 * The runs of a process as their coordinator orders them, one at a time: prepared, begun, and collected or abandoned.
 * Where the orders come from is another's business: a socket's (`process-control.ts`), or that of a coordinator in this
 * very process.
 */
import type { Notice } from '../../wire/control/notices.js';
import type { Order } from '../../wire/control/orders.js';
import type { Mesh } from '../links/mesh.js';
import type { MachineFactory } from '../spec/process-machine.js';
import { failureNotice, ProcessRun } from './process-run.js';
import { parseRunSpec } from './run-messages.js';

/** The orders that are about a run. */
export type RunOrder = Exclude<Order, { readonly type: 'peers' | 'stop' }>;

export interface OrderedRunsParts {
  /** The other processes; null where there are none. */
  readonly mesh: Mesh | null;
  readonly createMachine: MachineFactory;
  /** Whether captures are written to the directory that an order names. */
  readonly writesFiles: boolean;
  readonly send: (notice: Notice) => void;
  /** What control messages have come to until now, both ways, in bytes. */
  readonly controlBytes: () => number;
}

export class OrderedRuns {
  /** Process of each host. */
  placement: Int32Array;
  private readonly parts: OrderedRunsParts;
  private current: ProcessRun | undefined;
  /** Orders that take time wait for one another here. */
  private queue: Promise<void> = Promise.resolve();

  /** `placement` may be set later, but before the first run. */
  constructor(parts: OrderedRunsParts, placement = new Int32Array(0)) {
    this.parts = parts;
    this.placement = placement;
  }

  obey(order: RunOrder): void {
    switch (order.type) {
      case 'prepare':
        this.enqueue(order.run, () => this.prepare(order));
        return;
      case 'begin':
        this.currentOf(order.run)?.begin();
        return;
      case 'grant': {
        const wrong = this.currentOf(order.run)?.grant(order.grant, order.by, order.held / 1000);
        if (wrong !== undefined) this.parts.send(failureNotice(order.run, new Error(wrong)));
        return;
      }
      case 'probe':
        this.currentOf(order.run)?.probe(order.probe);
        return;
      case 'taken':
        this.currentOf(order.run)?.taken(order.bytes);
        return;
      case 'collect':
        this.enqueue(order.run, async () => {
          const run = this.currentOf(order.run);
          if (run === undefined) return;
          this.current = undefined;
          await run.collect();
        });
        return;
      case 'abandon':
        this.enqueue(order.run, async () => {
          const run = this.currentOf(order.run);
          if (run !== undefined) this.current = undefined;
          await run?.giveUp();
          this.parts.send({ type: 'abandoned', run: order.run });
        });
        return;
    }
  }

  /** Has `work`, for run number `run`, done after what was ordered before. */
  enqueue(run: number, work: () => Promise<void>): void {
    this.queue = this.queue.then(work).catch((error: unknown) => {
      this.parts.send(failureNotice(run, error));
    });
  }

  /** The process ends: nothing runs on, and what was captured is in its files, or sent. */
  abandon(): void {
    this.current?.abandon();
  }

  private currentOf(run: number): ProcessRun | undefined {
    return this.current?.run === run ? this.current : undefined;
  }

  private async prepare(order: Extract<Order, { type: 'prepare' }>): Promise<void> {
    const { run, captureDirectory } = order;
    await this.current?.close();
    this.current = undefined;
    const spec = parseRunSpec(order.spec);
    if (typeof spec === 'string') throw new Error(spec);
    if (spec.hosts !== this.placement.length) throw new Error('spec.hosts: not this cluster');
    const { writesFiles, ...parts } = this.parts;
    if (captureDirectory !== '' && !writesFiles) {
      throw new Error(`captures are sent from here, not written to ${captureDirectory}`);
    }
    const { placement } = this;
    this.current = await ProcessRun.prepare({ ...parts, run, spec, captureDirectory, placement });
    parts.send({ type: 'prepared', run });
  }
}
