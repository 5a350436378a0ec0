/** The deadlines of a stack's sockets and neighbours, earliest first; ties fall to the smaller order. */

export interface Timed {
  /** Unique in its heap. */
  readonly order: number;
  /** Infinity: none. Set by the heap alone. */
  deadline: number;
  /** Its place in the heap, -1 outside. Set by the heap alone. */
  heapIndex: number;
  expire(now: number): void;
}

const isEarlier = (a: Timed, b: Timed): boolean =>
  a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);

export class TimerHeap {
  private readonly rows: Timed[] = [];

  /** The earliest deadline; Infinity if there is none. */
  next(): number {
    return this.rows.length === 0 ? Infinity : this.rows[0]!.deadline;
  }

  set(timed: Timed, deadline: number): void {
    if (timed.deadline === deadline) return;
    const before = timed.deadline;
    timed.deadline = deadline;
    if (timed.heapIndex < 0) {
      this.place(timed, this.rows.length);
      this.rise(timed);
    } else if (deadline === Infinity) this.remove(timed);
    else if (deadline < before) this.rise(timed);
    else this.sink(timed);
  }

  /** Expires everything whose deadline has come. An expired timer has no deadline until one is set. */
  run(now: number): void {
    while (this.next() <= now) {
      const first = this.rows[0]!;
      this.set(first, Infinity);
      first.expire(now);
    }
  }

  private remove(timed: Timed): void {
    const hole = timed.heapIndex;
    const last = this.rows.pop()!;
    timed.heapIndex = -1;
    if (last === timed) return;
    this.place(last, hole);
    this.rise(last);
    this.sink(last);
  }

  private place(timed: Timed, at: number): void {
    this.rows[at] = timed;
    timed.heapIndex = at;
  }

  private rise(timed: Timed): void {
    let hole = timed.heapIndex;
    while (hole > 0) {
      const parent = this.rows[(hole - 1) >> 1]!;
      if (isEarlier(parent, timed)) break;
      const next = parent.heapIndex;
      this.place(parent, hole);
      hole = next;
    }
    this.place(timed, hole);
  }

  private sink(timed: Timed): void {
    const { rows } = this;
    let hole = timed.heapIndex;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= rows.length) break;
      if (child + 1 < rows.length && isEarlier(rows[child + 1]!, rows[child]!)) child++;
      if (isEarlier(timed, rows[child]!)) break;
      this.place(rows[child]!, hole);
      hole = child;
    }
    this.place(timed, hole);
  }
}
