/**
 * A host's cable, and the pipeline of the switch that it leads to: moves a frame to the first place where it may have
 * to wait (`layout.ts`). What the NIC sends to its own host never comes to the cable.
 */
import type { Profile } from '../../spec/profile.js';
import { WAY } from './frame.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { Layout } from './layout.js';
import type { Port } from './port.js';

export class Uplink implements Port {
  private readonly pool: FramePool;
  private readonly profile: Profile;
  private readonly next: Port;
  /** What the cable leads to. */
  private readonly element: number;
  private readonly isSwitch: boolean;

  constructor(host: number, layout: Layout, profile: Profile, pool: FramePool, next: Port) {
    this.pool = pool;
    this.profile = profile;
    this.next = next;
    this.element = layout.uplinks[host]?.element ?? host;
    this.isSwitch = this.element >= layout.hosts;
  }

  send(slot: FrameSlot): void {
    const frame = this.pool.frames[slot]!;
    const { source, destination, way } = frame;
    if (source === destination) {
      frame.element = source;
    } else {
      const { link } = this.profile;
      let at = frame.time;
      if (!this.isSwitch) {
        at += Math.ceil((frame.length + link.framing) * link.rate);
        way[WAY.leftPort] = at;
      }
      at += link.propagation + link.fec;
      way[WAY.leftCable] = at;
      if (this.isSwitch) {
        at += this.profile.switch.latency.ps;
        way[WAY.leftSwitch] = at;
      }
      frame.time = at;
      frame.element = this.element;
    }
    this.next.send(slot);
  }
}
