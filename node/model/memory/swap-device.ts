/**
 * A host's swap: slots of one page each on a device that serves one request at a time, in the order of arrival. A
 * request waits for those before it.
 */
import { draw, type DrawnCost } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';

export const NO_SLOT = -1;

export interface SwapCosts {
  readonly swapRead: DrawnCost;
  readonly swapWrite: DrawnCost;
}

export class SwapDevice {
  /** Pages read and written. */
  reads = 0;
  writes = 0;
  used = 0;
  readonly capacity: number;
  private readonly costs: SwapCosts;
  private readonly random: RandomStream;
  private readonly bytes: Uint8Array[] = [];
  /** Page tables that name each slot. */
  private readonly users: number[] = [];
  private readonly free: number[] = [];
  private freeAt = 0;

  constructor(capacity: number, costs: SwapCosts, random: RandomStream) {
    this.capacity = capacity;
    this.costs = costs;
    this.random = random;
  }

  get full(): boolean {
    return this.used >= this.capacity;
  }

  /** A slot for one page, with one user; NO_SLOT when the device is full. */
  claim(): number {
    if (this.full) return NO_SLOT;
    const slot = this.free.pop() ?? this.users.length;
    this.users[slot] = 1;
    this.used++;
    return slot;
  }

  share(slot: number): void {
    this.users[slot]!++;
  }

  release(slot: number): void {
    if (--this.users[slot]! > 0) return;
    this.free.push(slot);
    this.used--;
  }

  /** Writes `page` into `slot`, asked for at `at`; when it is done. */
  write(slot: number, page: Uint8Array, at: number): number {
    this.bytes[slot] ??= new Uint8Array(page.length);
    this.bytes[slot].set(page);
    this.writes++;
    return this.serve(at, this.costs.swapWrite);
  }

  /** Reads `slot` into `page`, asked for at `at`; when it is there. */
  read(slot: number, page: Uint8Array, at: number): number {
    page.set(this.bytes[slot]!);
    this.reads++;
    return this.serve(at, this.costs.swapRead);
  }

  private serve(at: number, cost: DrawnCost): number {
    this.freeAt = Math.max(at, this.freeAt) + draw(cost, this.random);
    return this.freeAt;
  }
}
