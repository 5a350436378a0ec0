/**
 * Page faults that the NIC takes on regions on demand: it asks the kernel for the pages, which takes a fixed time and
 * whatever the pager needs to bring them in. Meanwhile a responder says RNR, and a requester waits.
 */
import { draw, type DrawnCost } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import type { FrameNumber } from '../memory/frame-number.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import { ACCESS } from './access-flags.js';
import { ABSENT, BAD_FRAME, type MemoryRegionTable, type RegionEntry } from './memory-region.js';

/** Asked the kernel; the kernel has the pages, and tells the NIC. */
const ASKED = 0;
const FOUND = 1;

interface PageFault {
  readonly key: number;
  /** Pages of the region. */
  readonly first: number;
  readonly count: number;
  readonly write: boolean;
  readonly frames: Int32Array;
}

/** Somebody who waits for pages. */
export interface PageWaiter {
  fill(): void;
}

export class PageFaults implements EventSink {
  /** Faults that the NIC has taken. */
  taken = 0;
  private readonly faults = new Map<number, PageFault>();
  private next = 0;
  private waiters: PageWaiter[] = [];
  private readonly sink: number;
  private readonly scheduler: Scheduler;
  private readonly sequencer: Sequencer;
  private readonly memory: PhysicalMemory;
  private readonly regions: MemoryRegionTable;
  private readonly cost: DrawnCost;
  private readonly random: RandomStream;

  constructor(
    scheduler: Scheduler,
    sequencer: Sequencer,
    memory: PhysicalMemory,
    regions: MemoryRegionTable,
    cost: DrawnCost,
    random: RandomStream,
  ) {
    this.scheduler = scheduler;
    this.sequencer = sequencer;
    this.memory = memory;
    this.regions = regions;
    this.cost = cost;
    this.random = random;
    this.sink = scheduler.register(this);
  }

  /** Has the pages of `length` bytes at `address` of region `key` brought in, unless that is under way. */
  begin(key: number, address: number, length: number, write: boolean): void {
    const { skew, address: from } = this.regions.find(key)!;
    const at = skew + address - from;
    const first = Math.floor(at / PAGE_SIZE);
    const count = Math.floor((at + Math.max(length, 1) - 1) / PAGE_SIZE) - first + 1;
    for (const fault of this.faults.values()) {
      const covers = fault.first <= first && fault.first + fault.count >= first + count;
      if (fault.key === key && covers && (fault.write || !write)) return;
    }
    this.taken++;
    const number = this.next++;
    this.faults.set(number, { key, first, count, write, frames: new Int32Array(count) });
    this.at(this.scheduler.now + draw(this.cost, this.random), ASKED, number);
  }

  /** As {@link begin}, for those of the pages that the NIC may not use yet. */
  beginIfAbsent(key: number, address: number, length: number, write: boolean): void {
    const entry = this.regions.find(key);
    if (!entry?.demand) return;
    const access = write ? ACCESS.LOCAL_WRITE : 0;
    const found = this.regions.resolve(key, entry.pd, address, length, access);
    if (found === ABSENT) this.begin(key, address, length, write);
  }

  /** `waiter` is notified when any fault is over; it checks itself whether it can go on. */
  wait(waiter: PageWaiter): void {
    if (!this.waiters.includes(waiter)) this.waiters.push(waiter);
  }

  handle(kind: number, number: number): void {
    const fault = this.faults.get(number)!;
    const entry = this.regions.find(fault.key);
    if (kind === ASKED) {
      const there = entry?.demand ? this.find(entry, fault) : this.scheduler.now;
      this.at(there, FOUND, number);
      return;
    }
    this.faults.delete(number);
    this.settle(entry, fault);
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter.fill();
  }

  /** The kernel's part: finds frames for the pages and keeps them until the NIC knows; when all are there. */
  private find({ demand }: RegionEntry, { first, count, write, frames }: PageFault): number {
    const { space, firstPage } = demand!;
    const { table } = this.memory;
    let at: number = this.scheduler.now;
    for (let i = 0; i < count; i++) {
      const page = firstPage + first + i;
      const done = space.faultIn(page, write, at);
      if (done < 0) {
        frames[i] = BAD_FRAME;
        continue;
      }
      at = done;
      frames[i] = space.table.frameOf(page);
      table.hold(frames[i] as FrameNumber);
    }
    return at;
  }

  /** The NIC's part: it may use the pages that are still where they were found. */
  private settle(entry: RegionEntry | undefined, fault: PageFault): void {
    const { first, count, write, frames } = fault;
    const demand = entry?.demand;
    for (let i = 0; i < count; i++) {
      const frame = frames[i]! as FrameNumber;
      const index = first + i;
      if (frame === BAD_FRAME) {
        if (demand && entry.frames![index]! < 0) entry.frames![index] = BAD_FRAME;
        continue;
      }
      const page = demand ? demand.firstPage + index : -1;
      if (frame > 0 && demand?.space.table.frameOf(page) === frame) {
        entry!.frames![index] = frame;
        if (write) demand.writable[index] = 1;
      }
      if (frame > 0) this.memory.table.letGo(frame);
    }
  }

  private at(time: number, kind: number, number: number): void {
    this.scheduler.at(time, this.sequencer.key(), this.sink, kind, number);
  }
}
