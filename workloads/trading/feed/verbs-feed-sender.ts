/**
 * The exchange's end of a feed over a reliable connection. The subscriber writes the number of batches that it has
 * receives for again into the publisher's memory. A feed that has used up its receives waits, and the time is counted;
 * the instants that are meant stay what they were.
 */
import type { Core, Instant, MemoryRegion } from '../../../node/program/verbs.js';
import { connect, openDevice, sharedRegion } from '../../authoring/connect.js';
import { batchOf, type RingShape } from './receive-ring.js';
import { SendWindow } from './send-window.js';
import type { FeedSender } from '../session/session-lines.js';
import {
  GRANTS_BYTES,
  LONGEST_DATAGRAM,
  RANK,
  SEND_DEPTH,
} from '../session/tick-to-trade-session.js';

/** The most that is worth sending inline: beyond it, fetching costs no more than the WQE's further blocks. */
const MOST_INLINE = 220;

export class VerbsFeedSender implements FeedSender {
  readonly slotBytes: number;
  waited = 0;
  private readonly core: Core;
  private readonly region: MemoryRegion;
  private readonly sends: SendWindow;
  private readonly ring: RingShape;
  private readonly mostInline: number;
  private grants = 0;
  private granted: number;

  /** Connects to the strategy, which has `receives` receives. */
  static async open(core: Core, receives: number): Promise<VerbsFeedSender> {
    const device = await openDevice(core);
    const { activeMtu, maxInlineData } = device.context.attributes;
    const slotBytes = Math.min(activeMtu, LONGEST_DATAGRAM);
    // The datagrams under way, and behind them the subscriber's count of batches.
    const region = await sharedRegion(core, device.pd, SEND_DEPTH * slotBytes + GRANTS_BYTES);
    const sendCq = await device.context.createCq(SEND_DEPTH);
    const recvCq = await device.context.createCq(1);
    const { qp } = await connect(core, device, {
      peer: RANK.strategy,
      sendCq,
      recvCq,
      cap: { maxSendWr: SEND_DEPTH, maxRecvWr: 1, maxInlineData },
      region,
    });
    const sends = new SendWindow(qp, sendCq, SEND_DEPTH);
    const mostInline = Math.min(MOST_INLINE, qp.cap.maxInlineData);
    return new VerbsFeedSender(core, region, sends, { slots: receives, slotBytes }, mostInline);
  }

  private constructor(
    core: Core,
    region: MemoryRegion,
    sends: SendWindow,
    ring: RingShape,
    mostInline: number,
  ) {
    this.core = core;
    this.region = region;
    this.sends = sends;
    this.ring = ring;
    this.slotBytes = ring.slotBytes;
    this.granted = ring.slots;
    this.mostInline = mostInline;
  }

  get sent(): number {
    return this.sends.posted;
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async room(): Promise<void> {
    await this.sends.ease();
    await this.roomAtSubscriber();
  }

  sleepUntil(at: Instant): Promise<void> {
    return this.core.sleepUntil(at);
  }

  send(datagram: Uint8Array, length: number): Promise<void> {
    this.post(datagram, length, false);
    return Promise.resolve();
  }

  async end(datagram: Uint8Array, length: number): Promise<void> {
    await this.sends.room();
    await this.roomAtSubscriber();
    this.post(datagram, length, true);
    await this.sends.drain();
    await this.core.hear(RANK.strategy);
  }

  private post(datagram: Uint8Array, length: number, last: boolean): void {
    const { region, sends, slotBytes } = this;
    const at = (sends.posted % SEND_DEPTH) * slotBytes;
    region.bytes.set(datagram.subarray(0, length), at);
    const sges = [region.sge(at, length)];
    const inline = length <= this.mostInline;
    const signaled = sends.admit(last);
    sends.qp.postSend({ opcode: 'SEND', sges, inline, signaled, wrId: sends.posted });
  }

  private async roomAtSubscriber(): Promise<void> {
    const { core, region, sends, ring, slotBytes } = this;
    const since = core.now;
    while (sends.posted === this.granted) {
      const at = region.address + SEND_DEPTH * slotBytes;
      const now = await core.watch(at, this.grants & 0xff);
      const more = (now - this.grants) & 0xff;
      this.grants += more;
      this.granted += more * batchOf(ring);
    }
    this.waited += core.now - since;
  }
}
