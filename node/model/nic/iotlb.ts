/**
 * The IOMMU's cache of translations: finite, the least recently used goes first. It says only whether a translation is
 * there; what it is stands in the page table, from which it never differs, as every change invalidates it here.
 */

/** A key is a domain and a page of it; see {@link translationKey}. */
const NONE = -1;
/** Pages of 4 KiB in 48 bits of address, and as many names for larger ones. */
const PAGES = 2 ** 36;
export const MOST_DOMAINS = 2 ** 15;

/** `huge`: the page is one of 2 MiB, and `page` counts those. */
export const translationKey = (domain: number, page: number, huge: boolean): number =>
  (domain * 2 + (huge ? 1 : 0)) * PAGES + page;

export class Iotlb {
  hits = 0;
  misses = 0;
  readonly entries: number;
  /** Slot by key. Slots form a ring from the most recently used to the least. */
  private readonly slots = new Map<number, number>();
  private readonly keys: Float64Array;
  private readonly newer: Int32Array;
  private readonly older: Int32Array;
  private newest = NONE;
  private oldest = NONE;
  private readonly free: number[] = [];

  constructor(entries: number) {
    this.entries = entries;
    this.keys = new Float64Array(entries);
    this.newer = new Int32Array(entries);
    this.older = new Int32Array(entries);
    for (let slot = entries - 1; slot >= 0; slot--) this.free.push(slot);
  }

  get size(): number {
    return this.slots.size;
  }

  /** Whether the translation is here; it is from now on. */
  look(key: number): boolean {
    // Bulk transfers stay in a page.
    if (this.newest !== NONE && this.keys[this.newest] === key) {
      this.hits++;
      return true;
    }
    const slot = this.slots.get(key);
    if (slot !== undefined) {
      this.hits++;
      this.unlink(slot);
      this.link(slot);
      return true;
    }
    this.misses++;
    if (this.entries === 0) return false;
    const into = this.free.pop() ?? this.evict();
    this.keys[into] = key;
    this.slots.set(key, into);
    this.link(into);
    return false;
  }

  invalidate(key: number): void {
    const slot = this.slots.get(key);
    if (slot === undefined) return;
    this.slots.delete(key);
    this.unlink(slot);
    this.free.push(slot);
  }

  private evict(): number {
    const slot = this.oldest;
    this.slots.delete(this.keys[slot]!);
    this.unlink(slot);
    return slot;
  }

  private link(slot: number): void {
    this.newer[slot] = NONE;
    this.older[slot] = this.newest;
    if (this.newest !== NONE) this.newer[this.newest] = slot;
    this.newest = slot;
    if (this.oldest === NONE) this.oldest = slot;
  }

  private unlink(slot: number): void {
    const newer = this.newer[slot]!;
    const older = this.older[slot]!;
    if (newer === NONE) this.newest = older;
    else this.older[newer] = older;
    if (older === NONE) this.oldest = newer;
    else this.newer[older] = newer;
  }
}
