/**
 * The pending events of one process, earliest first; ties go by their keys ({@link keyPrecedes}).
 *
 * An event is a row of typed arrays: no object each. The earliest few dozen stand in a sorted list, the *near* ones: a
 * new event mostly belongs close to one of its ends, and the next one is the first. All others are *far*: they wait in
 * a 4-ary heap and come to the list when it is empty. Keys are unique (see {@link Sequencer}), so the order is total
 * and does not depend on the order of pushing.
 *
 * A pushed event is *new* until somebody asks for the next one, and only then gets its place. So pushing is nothing
 * but writing a row, and V8 compiles it into the function that schedules something: there time and key stay in
 * registers, where a call would make an object of each.
 */
import { START, type Instant } from '../units/time.js';
import { whole } from '../units/whole.js';
import { keyPrecedes } from './sequencer.js';

const ARITY = 4;
/** The list holds at most MOST_NEAR events, and takes REFILL from the heap when it is empty. */
const MOST_NEAR = 48;
const REFILL = 16;
/** Places of the list: it moves towards the end, and back to the front when it is there. */
const PLACES = 1024;

export class EventQueue {
  /** What the last {@link pop} took out. */
  time: Instant = START;
  key = 0;
  sink = 0;
  kind = 0;
  argument = 0;

  /** By row. */
  private times: Float64Array;
  private keys: Float64Array;
  private arguments: Float64Array;
  /** Sink << 8 | kind. */
  private targets: Int32Array;
  /** Rows that no event has: the first {@link freeCount}. Those behind, up to {@link newEnd}, are new events'. */
  private free: Int32Array;
  private freeCount = 0;
  private newEnd = 0;
  /**
   * Rows of the near events, in order, at the places from `first` to before `end`; the list is never empty while the
   * heap is not.
   */
  private readonly near = new Int32Array(PLACES);
  private first = 0;
  private end = 0;
  /** Rows of the far events, none of which precedes a near one. */
  private far: Int32Array;
  private farCount = 0;

  constructor(capacity = 1024) {
    this.times = new Float64Array(capacity);
    this.keys = new Float64Array(capacity);
    this.arguments = new Float64Array(capacity);
    this.targets = new Int32Array(capacity);
    this.free = new Int32Array(capacity);
    this.far = new Int32Array(capacity);
    this.addFreeRows(0);
  }

  get size(): number {
    return this.newEnd - this.freeCount + this.end - this.first + this.farCount;
  }

  /** The earliest pending time, or Infinity. */
  peek(): Instant {
    if (this.newEnd !== this.freeCount) this.placeNew();
    return this.first === this.end
      ? (Infinity as Instant)
      : (this.times[this.near[this.first]!]! as Instant);
  }

  /** The kind of the earliest pending event; -1 if there is none. */
  peekKind(): number {
    if (this.newEnd !== this.freeCount) this.placeNew();
    return this.first === this.end ? -1 : this.targets[this.near[this.first]!]! & 0xff;
  }

  push(time: number, key: number, sink: number, kind: number, argument: number): void {
    if (this.freeCount === 0) this.grow();
    const row = this.free[--this.freeCount]!;
    this.times[row] = time;
    this.keys[row] = key;
    this.targets[row] = (sink << 8) | kind;
    this.arguments[row] = argument;
  }

  /** Takes the earliest event out into the fields above; false if there is none. */
  pop(): boolean {
    if (this.newEnd !== this.freeCount) this.placeNew();
    if (this.first === this.end) return false;
    const row = this.near[this.first++]!;
    const target = this.targets[row]!;
    this.time = this.times[row]! as Instant;
    this.key = this.keys[row]!;
    this.sink = target >> 8;
    this.kind = target & 0xff;
    this.argument = whole(this.arguments[row]!);
    this.free[this.freeCount++] = row;
    this.newEnd = this.freeCount;
    if (this.first === this.end) this.refill();
    return true;
  }

  /** Gives new events their places, in the order in which they were pushed. */
  private placeNew(): void {
    while (this.newEnd > this.freeCount) this.place(this.free[--this.newEnd]!);
  }

  private place(row: number): void {
    if (this.belongsFar(row)) {
      this.pushFar(row);
      return;
    }
    if (this.end - this.first === MOST_NEAR) this.pushFar(this.near[--this.end]!);
    this.pushNear(row);
  }

  private precedes(row: number, other: number): boolean {
    const time = this.times[row]!;
    const its = this.times[other]!;
    return time < its || (time === its && this.winsTie(row, other));
  }

  private winsTie(row: number, other: number): boolean {
    return keyPrecedes(this.keys[row]!, this.keys[other]!);
  }

  /** Whether an event comes behind the last near one, and there is no room for it there, or others come between. */
  private belongsFar(row: number): boolean {
    const count = this.end - this.first;
    if (count === 0 || this.precedes(row, this.near[this.end - 1]!)) return false;
    return count === MOST_NEAR || (this.farCount > 0 && !this.precedes(row, this.far[0]!));
  }

  private pushNear(row: number): void {
    if (this.end === PLACES) this.moveToFront();
    const { near, times, first } = this;
    const time = times[row]!;
    let place = this.end++;
    while (place > first) {
      const before = near[place - 1]!;
      const its = times[before]!;
      if (its < time || (its === time && this.winsTie(before, row))) break;
      near[place--] = before;
    }
    near[place] = row;
  }

  private moveToFront(): void {
    this.near.copyWithin(0, this.first, this.end);
    this.end -= this.first;
    this.first = 0;
  }

  /** The list is empty: takes the earliest far events. */
  private refill(): void {
    this.first = this.end = 0;
    while (this.farCount > 0 && this.end < REFILL) this.near[this.end++] = this.popFar();
  }

  private pushFar(row: number): void {
    const { far } = this;
    let hole = this.farCount++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      if (this.precedes(far[parent]!, row)) break;
      far[hole] = far[parent]!;
      hole = parent;
    }
    far[hole] = row;
  }

  private popFar(): number {
    const { far } = this;
    const earliest = far[0]!;
    const count = --this.farCount;
    const row = far[count]!;
    let hole = 0;
    for (;;) {
      const child = hole * ARITY + 1;
      if (child >= count) break;
      const end = child + ARITY < count ? child + ARITY : count;
      let least = child;
      for (let other = child + 1; other < end; other++) {
        if (this.precedes(far[other]!, far[least]!)) least = other;
      }
      if (this.precedes(row, far[least]!)) break;
      far[hole] = far[least]!;
      hole = least;
    }
    far[hole] = row;
    return earliest;
  }

  private grow(): void {
    this.placeNew();
    const before = this.times.length;
    const capacity = before * 2;
    this.times = widened(this.times, new Float64Array(capacity));
    this.keys = widened(this.keys, new Float64Array(capacity));
    this.arguments = widened(this.arguments, new Float64Array(capacity));
    this.targets = widened(this.targets, new Int32Array(capacity));
    this.free = widened(this.free, new Int32Array(capacity));
    this.far = widened(this.far, new Int32Array(capacity));
    this.addFreeRows(before);
  }

  /** Rows from `from` on are free, the lowest to be taken first. */
  private addFreeRows(from: number): void {
    for (let row = this.times.length - 1; row >= from; row--) this.free[this.freeCount++] = row;
    this.newEnd = this.freeCount;
  }
}

function widened<T extends Float64Array | Int32Array>(old: T, wider: T): T {
  wider.set(old);
  return wider;
}
