/**
 * Views of a host's memory that payload was copied out of. Programs use their buffers again and again, and making a
 * view costs as much as copying a kilobyte through it.
 */
const MOST_PLACES = 8192;
/**
 * Spreads addresses over all places, be they pages apart or bytes: the upper bits of a product (Knuth's multiplicative
 * hash).
 */
const SPREAD = 0x9e3779b1;
const SPREAD_SHIFT = 16;
const NOTHING = new Uint8Array(0);

export class MemoryViews {
  private readonly bytes: Uint8Array;
  /** How many places there are, less one: a power of two, one for each page of memory, {@link MOST_PLACES} at most. */
  private readonly mask: number;
  /** The view made last for an address that belongs in this place; made with the first view. */
  private places: Uint8Array[] = [];

  constructor(bytes: Uint8Array, pages: number) {
    this.bytes = bytes;
    this.mask = 2 ** Math.ceil(Math.log2(Math.min(Math.max(pages, 1), MOST_PLACES))) - 1;
  }

  /** The `length` bytes from `address` on. */
  at(address: number, length: number): Uint8Array {
    const { mask, places } = this;
    if (places.length === 0) this.places = new Array<Uint8Array>(mask + 1).fill(NOTHING);
    const place = (Math.imul(address, SPREAD) >>> SPREAD_SHIFT) & mask;
    const kept = this.places[place]!;
    if (kept.byteOffset === address && kept.length === length) return kept;
    return (this.places[place] = this.bytes.subarray(address, address + length));
  }
}
