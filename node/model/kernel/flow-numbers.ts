/**
 * Flows as a kernel knows them: by the hash that the NIC puts into a frame's descriptor, as Linux does
 * (rps_sock_flow_table). Each has a small number, and the core whose program read of it last. Open addressing over
 * typed arrays: a look-up makes nothing.
 */
const NOBODY = -1;
const LEAST_SLOTS = 256;
const FIBONACCI = 0x9e3779b1;

export class FlowNumbers {
  private readonly next: () => number;
  private size = 0;
  private shift = 32 - Math.log2(LEAST_SLOTS);
  private hashes = new Int32Array(LEAST_SLOTS);
  private numbers = new Int32Array(LEAST_SLOTS).fill(NOBODY);
  /** By number. */
  private readers = new Int16Array(0);

  /** `next` gives numbers that nobody has. */
  constructor(next: () => number) {
    this.next = next;
  }

  /** The number of the flow with that hash. */
  of(hash: number): number {
    const slot = this.slotOf(hash | 0);
    const number = this.numbers[slot]!;
    return number === NOBODY ? this.add(hash | 0) : number;
  }

  /** The core whose program read of flow `flow` last, or -1. */
  readerOf(flow: number): number {
    return flow < this.readers.length ? this.readers[flow]! : NOBODY;
  }

  /** A program on core `core` has read of flow `flow`. */
  readOn(flow: number, core: number): void {
    if (flow >= this.readers.length) {
      const wider = new Int16Array(Math.max(LEAST_SLOTS, 2 * flow)).fill(NOBODY);
      wider.set(this.readers);
      this.readers = wider;
    }
    this.readers[flow] = core;
  }

  private add(hash: number): number {
    if (2 * (this.size + 1) > this.hashes.length) this.grow();
    this.size++;
    const slot = this.slotOf(hash);
    this.hashes[slot] = hash;
    return (this.numbers[slot] = this.next());
  }

  /** The hash's slot, or the empty one where it belongs. */
  private slotOf(hash: number): number {
    const { hashes, numbers } = this;
    const mask = hashes.length - 1;
    let slot = Math.imul(hash, FIBONACCI) >>> this.shift;
    while (numbers[slot] !== NOBODY && hashes[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { hashes, numbers } = this;
    this.shift--;
    this.hashes = new Int32Array(2 * hashes.length);
    this.numbers = new Int32Array(2 * hashes.length).fill(NOBODY);
    for (let i = 0; i < hashes.length; i++) {
      if (numbers[i] === NOBODY) continue;
      const slot = this.slotOf(hashes[i]!);
      this.hashes[slot] = hashes[i]!;
      this.numbers[slot] = numbers[i]!;
    }
  }
}
