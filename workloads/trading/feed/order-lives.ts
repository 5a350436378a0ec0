/** When resting orders are to be deleted: a binary heap, the earliest on top, equal times by reference. */
export class OrderLives {
  private readonly ends: number[] = [];
  private readonly references: number[] = [];

  /** The order `reference` is to be deleted at `end`. */
  add(reference: number, end: number): void {
    let at = this.ends.push(end) - 1;
    this.references.push(reference);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  /** Takes out an order whose end is at or before `now`; undefined if there is none. */
  takeDue(now: number): number | undefined {
    if (this.ends.length === 0 || this.ends[0]! > now) return undefined;
    const due = this.references[0]!;
    const end = this.ends.pop()!;
    const reference = this.references.pop()!;
    if (this.ends.length > 0) {
      this.ends[0] = end;
      this.references[0] = reference;
      this.sink();
    }
    return due;
  }

  private sink(): void {
    let at = 0;
    for (;;) {
      let least = 2 * at + 1;
      if (least >= this.ends.length) return;
      if (least + 1 < this.ends.length && this.before(least + 1, least)) least++;
      if (!this.before(least, at)) return;
      this.swap(at, least);
      at = least;
    }
  }

  private before(a: number, b: number): boolean {
    const difference = this.ends[a]! - this.ends[b]!;
    return difference < 0 || (difference === 0 && this.references[a]! < this.references[b]!);
  }

  private swap(a: number, b: number): void {
    const { ends, references } = this;
    [ends[a], ends[b]] = [ends[b]!, ends[a]!];
    [references[a], references[b]] = [references[b]!, references[a]!];
  }
}
