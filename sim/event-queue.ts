/**
 * The pending events of one process, earliest first; ties fall to the smaller key.
 *
 * A 4-ary heap of rows in typed arrays: no object per event. Keys are unique (see {@link Sequencer}), so
 * the order is total and does not depend on the order of pushing.
 */
const ARITY = 4;

export class EventQueue {
  /** What the last {@link pop} took out. */
  time = 0;
  key = 0;
  sink = 0;
  kind = 0;
  argument = 0;

  size = 0;
  private times: Float64Array;
  private keys: Float64Array;
  private arguments: Float64Array;
  /** Sink << 8 | kind. */
  private targets: Int32Array;

  constructor(capacity = 1024) {
    this.times = new Float64Array(capacity);
    this.keys = new Float64Array(capacity);
    this.arguments = new Float64Array(capacity);
    this.targets = new Int32Array(capacity);
  }

  /** The earliest pending time, or Infinity. */
  peek(): number {
    return this.size === 0 ? Infinity : this.times[0]!;
  }

  /** The kind of the earliest pending event; -1 if there is none. */
  peekKind(): number {
    return this.size === 0 ? -1 : this.targets[0]! & 0xff;
  }

  push(time: number, key: number, sink: number, kind: number, argument: number): void {
    if (this.size === this.times.length) this.grow();
    const { times, keys } = this;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const parentTime = times[parent]!;
      if (parentTime < time || (parentTime === time && keys[parent]! < key)) break;
      this.move(parent, hole);
      hole = parent;
    }
    this.put(hole, time, key, (sink << 8) | kind, argument);
  }

  /** Takes the earliest event out into the fields above; false if there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    this.time = this.times[0]!;
    this.key = this.keys[0]!;
    this.sink = this.targets[0]! >> 8;
    this.kind = this.targets[0]! & 0xff;
    this.argument = this.arguments[0]!;
    const last = --this.size;
    if (last > 0) this.settle(last);
    return true;
  }

  /** Lets row `last` sink from the root to its place. */
  private settle(last: number): void {
    const { times, keys } = this;
    const time = times[last]!;
    const key = keys[last]!;
    let hole = 0;
    for (;;) {
      const first = hole * ARITY + 1;
      if (first >= last) break;
      const end = first + ARITY < last ? first + ARITY : last;
      let least = first;
      let leastTime = times[first]!;
      for (let child = first + 1; child < end; child++) {
        const childTime = times[child]!;
        if (childTime < leastTime || (childTime === leastTime && keys[child]! < keys[least]!)) {
          least = child;
          leastTime = childTime;
        }
      }
      if (leastTime > time || (leastTime === time && keys[least]! > key)) break;
      this.move(least, hole);
      hole = least;
    }
    if (hole !== last) this.move(last, hole);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]!;
    this.keys[to] = this.keys[from]!;
    this.targets[to] = this.targets[from]!;
    this.arguments[to] = this.arguments[from]!;
  }

  private put(at: number, time: number, key: number, target: number, argument: number): void {
    this.times[at] = time;
    this.keys[at] = key;
    this.targets[at] = target;
    this.arguments[at] = argument;
  }

  private grow(): void {
    const capacity = this.times.length * 2;
    const wider = (old: Float64Array): Float64Array => {
      const next = new Float64Array(capacity);
      next.set(old);
      return next;
    };
    this.times = wider(this.times);
    this.keys = wider(this.keys);
    this.arguments = wider(this.arguments);
    const targets = new Int32Array(capacity);
    targets.set(this.targets);
    this.targets = targets;
  }
}
