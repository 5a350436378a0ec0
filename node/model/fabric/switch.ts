/**
 * A switch, or what one process has of it: where a frame comes in, its route, and the output ports that are evaluated
 * here.
 */
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { PlacedSwitch } from './layout.js';
import type { OutputPort } from './output-port.js';

export class Switch implements EventSink {
  readonly sink: number;
  /** By number. */
  readonly ports: (OutputPort | undefined)[] = [];
  private readonly routes: Uint16Array;
  private readonly pool: FramePool;

  constructor({ routes }: PlacedSwitch, scheduler: Scheduler, pool: FramePool) {
    this.routes = routes;
    this.pool = pool;
    this.sink = scheduler.register(this);
  }

  /** The head of frame `slot` has come through the switch's pipeline. */
  handle(_kind: number, slot: FrameSlot): void {
    const port = this.routes[this.pool.frames[slot]!.destination]!;
    this.ports[port]!.take(slot);
  }
}
