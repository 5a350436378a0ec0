/**
 * The fabric inside one process: a frame goes to the element that it reaches next, here or by the link to its process.
 */
import type { Scheduler } from '../../../sim/scheduler.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { Layout } from './layout.js';
import type { Port } from './port.js';

export class Router implements Port {
  /** By element: the sink of what this process has of it. */
  private readonly sinks: (number | undefined)[] = [];
  private readonly isLocal: Uint8Array;
  private readonly layout: Layout;
  private readonly scheduler: Scheduler;
  private readonly pool: FramePool;
  private readonly remote: Port | null;

  /** `local`: the hosts of this process; `remote` takes frames for others, and is null if there are none. */
  constructor(
    layout: Layout,
    local: readonly number[],
    scheduler: Scheduler,
    pool: FramePool,
    remote: Port | null,
  ) {
    this.layout = layout;
    this.scheduler = scheduler;
    this.pool = pool;
    this.remote = remote;
    this.isLocal = new Uint8Array(layout.hosts);
    for (const host of local) this.isLocal[host] = 1;
  }

  connect(element: number, sink: number): void {
    this.sinks[element] = sink;
  }

  send(slot: FrameSlot): void {
    const frame = this.pool.frames[slot]!;
    const { element } = frame;
    if (this.remote !== null && !this.isHere(element, frame.destination)) {
      // Another process has nothing but the bytes.
      this.pool.writeOut(slot);
      this.remote.send(slot);
      return;
    }
    const sink = this.sinks[element];
    if (sink === undefined) throw new Error(`no element ${element} in this run`);
    this.scheduler.at(frame.time, frame.key, sink, 0, slot);
  }

  /** Frame `slot` is for an element of this process, and reaches it at its time. */
  deliver(slot: FrameSlot): void {
    const { element, destination, time, key } = this.pool.frames[slot]!;
    const sink = this.sinks[element];
    if (sink === undefined || !this.isHere(element, destination)) {
      throw new Error(`a frame for element ${element} reached a process without it`);
    }
    this.scheduler.at(time, key, sink, 0, slot);
  }

  private isHere(element: number, destination: number): boolean {
    return this.isLocal[this.layout.homeOf(element, destination)] === 1;
  }
}
