/**
 * Where a frame goes that is not the RDMA engine's: to the network function that its MAC and VLAN name (every one, when it
 * is for a group), and there to the receive queue or the raw queue pair that the function's steering names.
 */
import type { Scheduler } from '../../sim/scheduler.js';
import { isVlan } from '../../wire/vlan.js';
import type { FramePool } from '../link/frame-pool.js';
import { RAW_TARGET } from './flow-table.js';
import type { NetworkFunction } from './network-function.js';

const SOURCE_AT = 6;
const ETHER_TYPE_AT = 12;
const VLAN_AT = 14;
const LEAST_TAGGED = 18;

export class EthernetReceiver {
  readonly functions: NetworkFunction[] = [];
  /** Frames for no function of this host. */
  unclaimed = 0;
  /** Takes a frame for the raw queue pair of that index. */
  rawReceive: ((index: number, slot: number) => void) | undefined;
  private readonly pool: FramePool;
  private readonly scheduler: Scheduler;

  constructor(pool: FramePool, scheduler: Scheduler) {
    this.pool = pool;
    this.scheduler = scheduler;
  }

  /** Frame `slot` has passed the receive pipeline: takes it over. */
  receive(slot: number): void {
    const { pool, functions } = this;
    const { view } = pool;
    const start = pool.start[slot]!;
    const group = (view.getUint8(start) & 1) === 1;
    const mac = view.getUint16(start) * 2 ** 32 + view.getUint32(start + 2);
    const source =
      view.getUint16(start + SOURCE_AT) * 2 ** 32 + view.getUint32(start + SOURCE_AT + 2);
    const vlan = this.vlanOf(slot, start);
    let found = -1;
    for (let i = 0; i < functions.length; i++) {
      const each = functions[i]!;
      // What a function sent to a group does not come back to it.
      if (each.vlan !== vlan || (group ? each.mac === source : each.mac !== mac)) continue;
      if (found >= 0) this.deliver(functions[found]!, pool.copy(slot));
      found = i;
      if (!group) break;
    }
    if (found < 0) {
      this.unclaimed++;
      pool.release(slot);
      return;
    }
    this.deliver(functions[found]!, slot);
  }

  private deliver({ steering, rings }: NetworkFunction, slot: number): void {
    const { pool } = this;
    const { now } = this.scheduler;
    const target = steering.steer(pool.view, pool.start[slot]!, pool.length[slot]!, now);
    if (target >= RAW_TARGET && this.rawReceive !== undefined) {
      this.rawReceive(target - RAW_TARGET, slot);
      return;
    }
    const ring = rings[target];
    if (ring === undefined) pool.release(slot);
    else ring.receive(slot, steering.hash);
  }

  private vlanOf(slot: number, start: number): number {
    const { view, length } = this.pool;
    if (length[slot]! < LEAST_TAGGED || !isVlan(view.getUint16(start + ETHER_TYPE_AT))) return 0;
    return view.getUint16(start + VLAN_AT) & 0xfff;
  }
}
