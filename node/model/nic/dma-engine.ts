/**
 * The DMA engine: when bytes asked for over PCIe are there. Reads and writes each have a latency and share a channel of
 * finite bandwidth in their direction; every transfer is cut into TLPs, each with its header. The engine knows times
 * only: its caller moves the bytes at the time it gets.
 */
import type { Instant } from '../../../units/time.js';
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { Profile } from '../../spec/profile.js';
import { Bookings } from './bookings.js';

export class DmaEngine {
  bytesRead = 0;
  bytesWritten = 0;
  private readonly pcie: Profile['pcie'];
  private readonly random: RandomStream;
  /** What completions hold of their direction; reads are asked for ahead of time. */
  private readonly completions: Bookings;
  private writeFreeAt = 0;
  private lastVisible = 0;

  constructor(pcie: Profile['pcie'], random: RandomStream, clock: { readonly now: number }) {
    this.pcie = pcie;
    this.random = random;
    this.completions = new Bookings(clock);
  }

  /** Asks at `now`, which may be to come, for `bytes` of memory; the instant the last of them is here. */
  read(now: number, bytes: number): Instant {
    const { pcie } = this;
    this.bytesRead += bytes;
    const tlps = Math.ceil(bytes / pcie.maxPayload);
    const transfer = Math.ceil((bytes + tlps * pcie.completionOverhead) * pcie.rate);
    return this.completions.book(now + draw(pcie.dmaRead, this.random), transfer);
  }

  /**
   * Writes `bytes` to memory from `now` on; the instant a core can see the last of them. Writes never pass each other.
   */
  write(now: number, bytes: number): Instant {
    const { pcie } = this;
    this.bytesWritten += bytes;
    const tlps = Math.ceil(bytes / pcie.maxPayload);
    const transfer = Math.ceil((bytes + tlps * pcie.writeOverhead) * pcie.rate);
    const sent = (now > this.writeFreeAt ? now : this.writeFreeAt) + transfer;
    this.writeFreeAt = sent;
    const visible = sent + draw(pcie.memoryWrite, this.random);
    if (visible > this.lastVisible) this.lastVisible = visible;
    return this.lastVisible as Instant;
  }

  /** When everything written so far is in memory: a DMA read pushes earlier writes ahead of it (PCIe ordering). */
  get writesVisibleAt(): Instant {
    return this.lastVisible as Instant;
  }
}
