/**
 * A unit that serves one request at a time, and hears of requests before they are due: a NIC decides now what it will
 * fetch in a microsecond. A request is served from when it is due in the first gap that is long enough, so one that is
 * booked later and due earlier does not wait for those that are only to come.
 */
import type { Instant } from '../../../units/time.js';

/** Past spans are dropped when there are this many. */
const KEPT = 64;

export class Bookings {
  private readonly clock: { readonly now: number };
  /** Busy spans, apart from each other and in order of time; those before `head` are over. */
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private head = 0;

  constructor(clock: { readonly now: number }) {
    this.clock = clock;
  }

  /** Takes the unit for `length`, not before `due`; when it is done. */
  book(due: number, length: number): Instant {
    this.forget();
    const { starts, ends } = this;
    let at = this.firstEndingAfter(due);
    let start = due;
    while (at < starts.length && starts[at]! < start + length) {
      if (ends[at]! > start) start = ends[at]!;
      at++;
    }
    const end = start + length;
    if (length > 0) this.insert(at, start, end);
    return end as Instant;
  }

  /** Puts a span before span `at`; spans that touch are one. */
  private insert(at: number, start: number, end: number): void {
    const { starts, ends } = this;
    const joinsBefore = at > this.head && ends[at - 1] === start;
    const joinsBehind = at < starts.length && starts[at] === end;
    if (joinsBefore && joinsBehind) {
      ends[at - 1] = ends[at]!;
      starts.splice(at, 1);
      ends.splice(at, 1);
    } else if (joinsBefore) {
      ends[at - 1] = end;
    } else if (joinsBehind) {
      starts[at] = start;
    } else if (at === starts.length) {
      starts.push(start);
      ends.push(end);
    } else {
      starts.splice(at, 0, start);
      ends.splice(at, 0, end);
    }
  }

  private firstEndingAfter(due: number): number {
    let low = this.head;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! > due) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Nothing is due before now. */
  private forget(): void {
    const { starts, ends } = this;
    const { now } = this.clock;
    while (this.head < ends.length && ends[this.head]! < now) this.head++;
    if (this.head < KEPT) return;
    starts.splice(0, this.head);
    ends.splice(0, this.head);
    this.head = 0;
  }
}
