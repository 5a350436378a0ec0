/**
 * Where the chains of one process's run keep their intervals: each goes to the end of a log, behind the interval before
 * it, and never changes. A chain is the number of its last interval, its *link*: copying it is copying a number, and
 * chains that part share what they had in common. 0 is nobody's chain, to which nothing is ever added.
 *
 *     before     link of the interval before; of the first one 0, or -(row) of sums that another thread or process had made
 *     until      the instant that the chain accounts for up to and with this interval
 *     stage      whose the time since the interval before is
 *     operation  whose the chain is
 *
 * (A pointer to the event that an interval came from would be one more column.)
 *
 * When the log is full, every chain that somebody holds is summed up, and the log begins again: nothing is counted or
 * freed one by one. It has room for as many intervals as there are rows to look at then, so that looking costs an
 * interval next to nothing.
 */
import type { Instant } from '../units/time.js';
import { STAGE_COUNT } from './stages.js';

const CAPACITY = 1 << 16;
/** Intervals that there is room for, for each chain that is held, so that summing up is rare. */
const ROOM = 16;
/** A row of sums: what each stage had, and when the operation was meant to start. */
const SUM_CELLS = STAGE_COUNT + 1;
/** The stage of a first interval. */
const NONE = 255;

export const NOBODYS = 0;

/** Who holds chains. */
export interface ChainHolder {
  /** Calls `held.add` for each of its links. */
  collect(held: HeldLinks): void;
  /** Replaces each of its links by what `moved` has for it. */
  renumber(moved: Int32Array): void;
}

/** Different links that are held. */
export class HeldLinks {
  /** Rows that were looked at, whether they hold a link or not. */
  rows = 0;
  count = 0;
  /** The first {@link count} of them. */
  readonly links: Int32Array;
  private readonly isHeld: Uint8Array;

  constructor(capacity: number) {
    this.links = new Int32Array(capacity);
    this.isHeld = new Uint8Array(capacity);
  }

  add(link: number): void {
    if (this.isHeld[link] === 1) return;
    this.isHeld[link] = 1;
    this.links[this.count++] = link;
  }
}

class Columns {
  readonly before: Int32Array;
  readonly until: Float64Array;
  readonly stage: Uint8Array;
  readonly operation: Float64Array;

  constructor(capacity: number) {
    this.before = new Int32Array(capacity);
    this.until = new Float64Array(capacity);
    this.stage = new Uint8Array(capacity);
    this.operation = new Float64Array(capacity);
  }
}

export class ChainLog {
  private columns: Columns;
  private readonly leastCapacity: number;
  private capacity: number;
  private next = 1;
  private sums = new Float64Array(16 * SUM_CELLS);
  private sumRows = 1;
  private holders: WeakRef<ChainHolder>[] = [];

  /** `capacity`: intervals that it has room for at the least. */
  constructor(capacity = CAPACITY) {
    this.capacity = this.leastCapacity = capacity;
    this.columns = new Columns(capacity);
  }

  /** `holder`'s links are links of this log, until it is garbage. */
  register(holder: ChainHolder): void {
    this.holders.push(new WeakRef(holder));
  }

  /** Room for `count` more intervals. Links change when the log is full, and only here: look at them afterwards. */
  makeRoom(count = 1): void {
    if (this.next + count > this.capacity) this.sumUp();
  }

  /** A chain of `operation`, which was meant to start at `started`. Room must have been made. */
  begin(operation: number, started: number): number {
    return this.append(0, started, NONE, operation);
  }

  /** A chain of an operation whose stages had `sums` up to `asOf`. Room must have been made. */
  resume(operation: number, started: number, asOf: number, sums: Float64Array): number {
    const row = this.sumRows++;
    const at = row * SUM_CELLS;
    if (at + SUM_CELLS > this.sums.length) {
      const wider = new Float64Array(2 * this.sums.length);
      wider.set(this.sums);
      this.sums = wider;
    }
    for (let stage = 0; stage < STAGE_COUNT; stage++) this.sums[at + stage] = sums[stage]!;
    this.sums[at + STAGE_COUNT] = started;
    return this.append(-row, asOf, NONE, operation);
  }

  /** `link`'s chain with the time up to `now` given to `stage`. Room must have been made, and `now` be later. */
  add(link: number, stage: number, now: number): number {
    return this.append(link, now, stage, this.columns.operation[link]!);
  }

  /**
   * {@link add} for each of `stages` in turn up to its instant, but for those that are not later than the one before.
   */
  addAll(link: number, stages: Uint8Array, instants: Float64Array): number {
    const { before, until, stage, operation } = this.columns;
    const whose = operation[link]!;
    let last = link;
    let asOf = until[link]!;
    for (let i = 0; i < stages.length; i++) {
      const now = instants[i]!;
      if (now <= asOf) continue;
      const at = this.next++;
      before[at] = last;
      until[at] = asOf = now;
      stage[at] = stages[i]!;
      operation[at] = whose;
      last = at;
    }
    return last;
  }

  operation(link: number): number {
    return this.columns.operation[link]!;
  }

  until(link: number): Instant {
    return this.columns.until[link]! as Instant;
  }

  /** When the operation was meant to start. */
  started(link: number): Instant {
    const { before, until } = this.columns;
    let at = link;
    while (before[at]! > 0) at = before[at]!;
    const first =
      before[at] === 0 ? until[at]! : this.sums[-before[at]! * SUM_CELLS + STAGE_COUNT]!;
    return first as Instant;
  }

  /** Writes what each stage has had over `into`. */
  stages(link: number, into: Float64Array): void {
    const { before, until, stage } = this.columns;
    into.fill(0, 0, STAGE_COUNT);
    let at = link;
    for (let previous = before[at]!; previous > 0; at = previous, previous = before[at]!) {
      into[stage[at]!]! += until[at]! - until[previous]!;
    }
    if (before[at] === 0) return;
    const row = -before[at]! * SUM_CELLS;
    for (let each = 0; each < STAGE_COUNT; each++) into[each]! += this.sums[row + each]!;
  }

  private append(before: number, until: number, stage: number, operation: number): number {
    const { columns } = this;
    const link = this.next++;
    columns.before[link] = before;
    columns.until[link] = until;
    columns.stage[link] = stage;
    columns.operation[link] = operation;
    return link;
  }

  /** Begins the log again, with a first interval of sums for each chain that is held. */
  private sumUp(): void {
    this.holders = this.holders.filter((holder) => holder.deref() !== undefined);
    const held = new HeldLinks(this.capacity);
    for (const holder of this.holders) holder.deref()?.collect(held);
    const old = new ChainLog(1);
    old.columns = this.columns;
    old.sums = this.sums;
    const moved = new Int32Array(this.capacity);
    this.capacity = Math.max(this.leastCapacity, held.count * ROOM, held.rows);
    this.columns = new Columns(this.capacity);
    this.sums = new Float64Array((held.count + 1) * SUM_CELLS);
    this.next = this.sumRows = 1;
    const sums = new Float64Array(STAGE_COUNT);
    for (let i = 0; i < held.count; i++) {
      const link = held.links[i]!;
      old.stages(link, sums);
      moved[link] = this.resume(old.operation(link), old.started(link), old.until(link), sums);
    }
    for (const holder of this.holders) holder.deref()?.renumber(moved);
  }
}
