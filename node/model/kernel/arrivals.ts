/**
 * What has arrived at a socket and was not read yet: of each datagram or segment its flow, where it ends in the stream,
 * and the chain of the operation that it belongs to. Who reads it goes on with that operation.
 */
import { NOBODYS_CHAINS, type ChainTable } from '../../../sim/chain.js';

const FIRST_CAPACITY = 16;

export class Arrivals {
  /** By place; none before an arrival that belongs to an operation. */
  private kept: ChainTable | undefined = undefined;
  private head = 0;
  private count = 0;
  private flows = new Int32Array(FIRST_CAPACITY);
  private ends = new Float64Array(FIRST_CAPACITY);

  get capacity(): number {
    return this.flows.length;
  }

  /** Row {@link row} is what the arrival found by {@link take} belongs to. */
  get chains(): ChainTable {
    return this.kept ?? NOBODYS_CHAINS;
  }

  /**
   * An arrival of `flow` whose last byte is byte number `end` of the stream, and what row `row` of `chains` tells of
   * it.
   */
  push(flow: number, end: number, chains: ChainTable, row: number): void {
    if (this.count === this.capacity) this.grow();
    const place = (this.head + this.count++) % this.capacity;
    this.flows[place] = flow;
    this.ends[place] = end;
    if (chains.operation(row) !== 0) this.kept ??= chains.alike(this.capacity);
    this.kept?.copy(place, chains, row);
  }

  /** The row of the oldest arrival, or -1. */
  get oldest(): number {
    return this.count > 0 && this.kept !== undefined ? this.head : -1;
  }

  /**
   * Bytes up to number `end` are being read: forgets the arrivals that they make whole, and answers the flow of the
   * last one that they reach into (-1 for none). Its chain is row {@link row}.
   */
  take(end: number): number {
    let flow = -1;
    this.row = -1;
    while (this.count > 0) {
      flow = this.flows[this.head]!;
      this.row = this.kept === undefined ? -1 : this.head;
      if (this.ends[this.head]! > end) break;
      this.head = (this.head + 1) % this.capacity;
      this.count--;
      if (this.count > 0 && this.starts() >= end) break;
    }
    return flow;
  }

  /** See {@link take}: -1 when nobody's operation. */
  row = -1;

  /** Where the oldest arrival begins: behind the one before it. */
  private starts(): number {
    const before = (this.head + this.capacity - 1) % this.capacity;
    return this.ends[before]!;
  }

  private grow(): void {
    const { capacity, head, count } = this;
    const flows = new Int32Array(2 * capacity);
    const ends = new Float64Array(2 * capacity);
    const kept = this.kept?.alike(2 * capacity);
    for (let i = 0; i < count; i++) {
      const place = (head + i) % capacity;
      flows[i] = this.flows[place]!;
      ends[i] = this.ends[place]!;
      kept?.copy(i, this.kept!, place);
    }
    this.flows = flows;
    this.ends = ends;
    this.kept = kept;
    this.head = 0;
  }
}
