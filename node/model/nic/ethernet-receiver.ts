/**
 * Where a frame goes that is not the RDMA engine's: to the network function that its MAC and VLAN name (every one, when
 * it is for a group), and there to the receive queue or the raw queue pair that the function's steering names.
 */
import type { Scheduler } from '../../../sim/scheduler.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import { RAW_TARGET } from './flow-table.js';
import { FrameAddress } from './frame-address.js';
import { takesFrame, type NetworkFunction } from './network-function.js';

export class EthernetReceiver {
  readonly functions: NetworkFunction[] = [];
  /** Frames for no function of this host. */
  unclaimed = 0;
  /** Takes a frame for the raw queue pair of that index. */
  rawReceive: ((index: number, slot: FrameSlot) => void) | undefined = undefined;
  private readonly address = new FrameAddress();
  private readonly pool: FramePool;
  private readonly scheduler: Scheduler;

  constructor(pool: FramePool, scheduler: Scheduler) {
    this.pool = pool;
    this.scheduler = scheduler;
  }

  /** Frame `slot` has passed the receive pipeline: takes it over. */
  receive(slot: FrameSlot): void {
    const { pool, functions, address } = this;
    const { start, length } = pool.frames[slot]!;
    address.parse(pool.view, start, length);
    let found = -1;
    for (let i = 0; i < functions.length; i++) {
      const each = functions[i]!;
      if (!each.promiscuous && !takesFrame(each, address)) continue;
      if (found >= 0) this.deliver(functions[found]!, pool.copy(slot));
      found = i;
      if (!address.toGroup) break;
    }
    if (found < 0) {
      this.unclaimed++;
      pool.release(slot);
      return;
    }
    this.deliver(functions[found]!, slot);
  }

  private deliver({ steering, rings }: NetworkFunction, slot: FrameSlot): void {
    const { pool } = this;
    const { now } = this.scheduler;
    const { start, length } = pool.frames[slot]!;
    const target = steering.steer(pool.view, start, length, now);
    if (target >= RAW_TARGET && this.rawReceive !== undefined) {
      this.rawReceive(target - RAW_TARGET, slot);
      return;
    }
    const ring = rings[target];
    if (ring === undefined) pool.release(slot);
    else ring.receive(slot, steering.hash);
  }
}
