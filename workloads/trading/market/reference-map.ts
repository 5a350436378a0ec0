/**
 * A map whose keys are 64-bit order references in two words: open addressing, linear probing, and
 * removal by moving later entries up, so that a day of orders leaves no tombstones behind.
 */
const SMALLEST = 64;

export class ReferenceMap<Value extends object> {
  /** Entries in the map. */
  size = 0;
  private mask = SMALLEST - 1;
  private highs = new Uint32Array(SMALLEST);
  private lows = new Uint32Array(SMALLEST);
  private values: (Value | undefined)[] = new Array<Value | undefined>(SMALLEST).fill(undefined);

  get(high: number, low: number): Value | undefined {
    return this.values[this.slotOf(high, low)];
  }

  /** Puts `value` under the reference, in place of what was there. */
  set(high: number, low: number, value: Value): void {
    if (2 * (this.size + 1) > this.values.length) this.grow();
    const slot = this.slotOf(high, low);
    if (this.values[slot] === undefined) this.size++;
    this.highs[slot] = high;
    this.lows[slot] = low;
    this.values[slot] = value;
  }

  /** Takes the reference out and answers what it stood for. */
  delete(high: number, low: number): Value | undefined {
    let hole = this.slotOf(high, low);
    const removed = this.values[hole];
    if (removed === undefined) return undefined;
    this.size--;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & this.mask;
      if (this.values[slot] === undefined) break;
      const home = hash(this.highs[slot]!, this.lows[slot]!) & this.mask;
      // The entry may fill the hole unless its home lies behind the hole on its way here.
      if (((slot - home) & this.mask) < ((slot - hole) & this.mask)) continue;
      this.highs[hole] = this.highs[slot]!;
      this.lows[hole] = this.lows[slot]!;
      this.values[hole] = this.values[slot];
      hole = slot;
    }
    this.values[hole] = undefined;
    return removed;
  }

  /** Where the reference is, or the free slot where it would go. */
  private slotOf(high: number, low: number): number {
    let slot = hash(high, low) & this.mask;
    while (
      this.values[slot] !== undefined &&
      (this.lows[slot] !== low || this.highs[slot] !== high)
    ) {
      slot = (slot + 1) & this.mask;
    }
    return slot;
  }

  private grow(): void {
    const { highs, lows, values } = this;
    const capacity = 2 * values.length;
    this.mask = capacity - 1;
    this.highs = new Uint32Array(capacity);
    this.lows = new Uint32Array(capacity);
    this.values = new Array<Value | undefined>(capacity).fill(undefined);
    for (let from = 0; from < values.length; from++) {
      if (values[from] === undefined) continue;
      const slot = this.slotOf(highs[from]!, lows[from]!);
      this.highs[slot] = highs[from]!;
      this.lows[slot] = lows[from]!;
      this.values[slot] = values[from];
    }
  }
}

/** Mixes both words down into the low bits: references come in runs, often with a step of 4 or 8. */
function hash(high: number, low: number): number {
  let mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
