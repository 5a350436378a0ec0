/**
 * A link from a switch's output port to a place elsewhere: another switch's output ports, or a host of another process.
 */
import { STAGE } from '../../../sim/stages.js';
import type { Profile } from '../../spec/profile.js';
import { WAY } from './frame.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { OutgoingLink } from './output-port.js';
import type { Port } from './port.js';

export class OnwardLink implements OutgoingLink {
  private readonly element: number;
  private readonly isSwitch: boolean;
  private readonly profile: Profile;
  private readonly pool: FramePool;
  private readonly next: Port;

  /** To `element`, of which `isSwitch` says what it is; `next` brings frames there. */
  constructor(element: number, isSwitch: boolean, profile: Profile, pool: FramePool, next: Port) {
    this.element = element;
    this.isSwitch = isSwitch;
    this.profile = profile;
    this.pool = pool;
    this.next = next;
  }

  expect(): void {
    // Frames are traced where their way ends.
  }

  carry(slot: FrameSlot): void {
    const { pool, profile } = this;
    const { link } = profile;
    const frame = pool.frames[slot]!;
    const { chains } = pool;
    const { way } = frame;
    let at = way[WAY.serialized]!;
    if (this.isSwitch) {
      // It begins with the head of a frame.
      at = way[WAY.dequeued]!;
      way[WAY.serialized] = 0;
    }
    pool.settleChain(slot);
    at += link.propagation + link.fec;
    chains.advance(slot, STAGE.propagate, at);
    if (this.isSwitch) {
      at += profile.switch.latency.ps;
      chains.advance(slot, STAGE.switch, at);
    }
    frame.time = at;
    frame.element = this.element;
    this.next.send(slot);
  }
}
