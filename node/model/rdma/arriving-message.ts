/**
 * The message that a responder is in the middle of, and where it goes: the receive of a SEND, or the memory that a
 * WRITE, a READ or an atomic names. Between messages it holds what the next one has been found to name, and nobody
 * counts on that.
 */
import { newAtomicEth } from '../../../wire/atomic-eth.js';
import type { Frame } from '../fabric/frame.js';
import { ReceiveWqe } from './receive-wqe.js';
import { GROUP } from './request-group.js';

/** A generation of regions that there never is. */
export const NEVER = -1;
const ATOMIC_BYTES = 8;

export class ArrivingMessage {
  /** Its kind of work; none between messages. */
  group: number = GROUP.none;
  /** How much of its payload is here. */
  offset = 0;
  /** For a SEND: the receive that it is scattered into. */
  readonly receive = new ReceiveWqe();
  /**
   * What its RETH or AtomicETH names, and what a region makes of that as long as the generation of regions is this
   * one.
   */
  rkey = 0;
  address = 0;
  length = 0;
  physical = 0;
  generation = NEVER;
  /** For an atomic: its whole header. */
  readonly atomic = newAtomicEth();

  /** The first packet of a message in `group` is here: it names other memory. */
  name(group: number, packet: Frame): void {
    const { atomic } = this;
    this.generation = NEVER;
    if (group === GROUP.atomic) {
      this.rkey = atomic.rkey;
      this.address = atomic.vaHigh * 2 ** 32 + atomic.vaLow;
      this.length = ATOMIC_BYTES;
    } else {
      this.rkey = packet.rkey;
      this.address = packet.vaHigh * 2 ** 32 + packet.vaLow;
      this.length = packet.dmaLength;
    }
  }
}
