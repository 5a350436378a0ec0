/**
 * A hash table from IPv4 five-tuples to small numbers, without an allocation or a string per look-up: open addressing
 * over typed arrays, at most half full; what is removed leaves no gap behind.
 */

/** What names a flow; FrameFlow has these fields of its frame. */
export interface FiveTuple {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

const EMPTY = -1;
const LEAST_SLOTS = 16;

export class TupleMap {
  size = 0;
  private mask = LEAST_SLOTS - 1;
  private sources = new Int32Array(LEAST_SLOTS);
  private destinations = new Int32Array(LEAST_SLOTS);
  private ports = new Int32Array(LEAST_SLOTS);
  private protocols = new Uint8Array(LEAST_SLOTS);
  private values = new Int32Array(LEAST_SLOTS).fill(EMPTY);

  /** The number that `tuple` has, or -1. */
  get(tuple: FiveTuple): number {
    return this.values[this.slotOf(tuple)]!;
  }

  /** `value` is not negative. */
  set(tuple: FiveTuple, value: number): void {
    let slot = this.slotOf(tuple);
    if (this.values[slot] === EMPTY) {
      if (2 * (this.size + 1) > this.mask) {
        this.grow();
        slot = this.slotOf(tuple);
      }
      this.size++;
      this.sources[slot] = tuple.source;
      this.destinations[slot] = tuple.destination;
      this.ports[slot] = portsOf(tuple);
      this.protocols[slot] = tuple.protocol;
    }
    this.values[slot] = value;
  }

  delete(tuple: FiveTuple): void {
    const { values, mask } = this;
    let gap = this.slotOf(tuple);
    if (values[gap] === EMPTY) return;
    this.size--;
    // An entry behind the gap moves into it, unless that is before the slot where its search begins.
    for (let at = (gap + 1) & mask; values[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.homeOf(
        this.sources[at]!,
        this.destinations[at]!,
        this.ports[at]!,
        this.protocols[at]!,
      );
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.move(at, gap);
      gap = at;
    }
    values[gap] = EMPTY;
  }

  /** The tuple's slot, or the empty one where it belongs. */
  private slotOf(tuple: FiveTuple): number {
    const { sources, destinations, protocols, values, mask } = this;
    const source = tuple.source | 0;
    const destination = tuple.destination | 0;
    const ports = portsOf(tuple);
    const { protocol } = tuple;
    let slot = this.homeOf(source, destination, ports, protocol);
    while (
      values[slot] !== EMPTY &&
      (sources[slot] !== source ||
        destinations[slot] !== destination ||
        this.ports[slot] !== ports ||
        protocols[slot] !== protocol)
    ) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private homeOf(source: number, destination: number, ports: number, protocol: number): number {
    let hash = Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) ^ Math.imul(ports ^ protocol, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 13), 0x165667b1);
    return (hash ^ (hash >>> 16)) & this.mask;
  }

  private move(from: number, to: number): void {
    this.sources[to] = this.sources[from]!;
    this.destinations[to] = this.destinations[from]!;
    this.ports[to] = this.ports[from]!;
    this.protocols[to] = this.protocols[from]!;
    this.values[to] = this.values[from]!;
  }

  private grow(): void {
    const { sources, destinations, ports, protocols, values } = this;
    const slots = 2 * (this.mask + 1);
    this.mask = slots - 1;
    this.sources = new Int32Array(slots);
    this.destinations = new Int32Array(slots);
    this.ports = new Int32Array(slots);
    this.protocols = new Uint8Array(slots);
    this.values = new Int32Array(slots).fill(EMPTY);
    this.size = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] === EMPTY) continue;
      const tuple = {
        source: sources[i]!,
        destination: destinations[i]!,
        sourcePort: ports[i]! >>> 16,
        destinationPort: ports[i]! & 0xffff,
        protocol: protocols[i]!,
      };
      this.set(tuple, values[i]!);
    }
  }
}

const portsOf = ({ sourcePort, destinationPort }: FiveTuple): number =>
  (sourcePort << 16) | destinationPort;
