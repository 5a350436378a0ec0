/** The fabric inside one process: a frame goes to its host's port here, or to the link of the process that has it. */
import type { Scheduler } from '../../../sim/scheduler.js';
import type { FramePool } from './frame-pool.js';
import type { Link } from './link.js';

export class Router implements Link {
  /** Frames that went over it. */
  packets = 0;
  /** Sink of each local host's port, by host. */
  private readonly ports: (number | undefined)[] = [];
  private readonly scheduler: Scheduler;
  private readonly pool: FramePool;
  private readonly remote: ((destination: number) => Link) | null;

  constructor(
    scheduler: Scheduler,
    pool: FramePool,
    remote: ((destination: number) => Link) | null,
  ) {
    this.scheduler = scheduler;
    this.pool = pool;
    this.remote = remote;
  }

  connect(host: number, portSink: number): void {
    this.ports[host] = portSink;
  }

  send(slot: number): void {
    const { destination, time, key } = this.pool.frames[slot]!;
    const sink = this.ports[destination];
    this.packets++;
    if (sink !== undefined) {
      this.scheduler.at(time, key, sink, 0, slot);
      return;
    }
    if (this.remote === null) throw new Error(`no host${destination} in this run`);
    // Another process has nothing but the bytes.
    this.pool.writeOut(slot);
    this.remote(destination).send(slot);
  }

  /** Frame `slot` is for a host of this process, and reaches its port at its time. */
  deliver(slot: number): void {
    const { destination, time, key } = this.pool.frames[slot]!;
    const sink = this.ports[destination];
    if (sink === undefined) {
      throw new Error(`a frame for host${destination} reached a process without it`);
    }
    this.scheduler.at(time, key, sink, 0, slot);
  }
}
