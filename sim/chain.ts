/**
 * Chains: what an operation's time has gone into so far.
 *
 * A chain is one row of a Float64Array: a sum per stage, then which operation it is, when that was
 * meant to start, and up to when the row accounts. `advance` gives the interval since then to one
 * stage, so the sums tile the operation's latency by construction, in whole picoseconds. Where
 * two prerequisites of one operation join, the chain of the later one goes on: the binding predecessor.
 * Operation 0 is nobody's: its rows cost nothing.
 */
import { STAGE_COUNT } from './stages.js';

/** Cells of a row: 26 stages, then the operation's number, its intended start, and the time accounted for. */
export const CHAIN_CELLS = 32;
export const OPERATION = STAGE_COUNT;
export const STARTED = STAGE_COUNT + 1;
export const AS_OF = STAGE_COUNT + 2;

export class ChainTable {
  cells: Float64Array;

  constructor(rows: number, storage?: Float64Array) {
    this.cells = storage ?? new Float64Array(rows * CHAIN_CELLS);
  }

  get rows(): number {
    return this.cells.length / CHAIN_CELLS;
  }

  /** Makes room for rows up to `rows`; what is there stays. */
  grow(rows: number): void {
    const wider = new Float64Array(rows * CHAIN_CELLS);
    wider.set(this.cells);
    this.cells = wider;
  }

  /** Begins operation `operation` at its intended start. */
  begin(row: number, operation: number, started: number): void {
    const at = row * CHAIN_CELLS;
    this.cells.fill(0, at, at + CHAIN_CELLS);
    this.cells[at + OPERATION] = operation;
    this.cells[at + STARTED] = started;
    this.cells[at + AS_OF] = started;
  }

  /** Goes on with an operation that another process began: its stages had `sums` up to `asOf`. */
  resume(row: number, operation: number, started: number, asOf: number, sums: Float64Array): void {
    this.begin(row, operation, started);
    this.cells.set(sums, row * CHAIN_CELLS);
    this.cells[row * CHAIN_CELLS + AS_OF] = asOf;
  }

  /** When its operation was meant to start. */
  started(row: number): number {
    return this.cells[row * CHAIN_CELLS + STARTED]!;
  }

  /** What each stage has had of its operation; written over `into`, if that is given. */
  stages(row: number, into: Float64Array = new Float64Array(STAGE_COUNT)): Float64Array {
    const at = row * CHAIN_CELLS;
    for (let stage = 0; stage < STAGE_COUNT; stage++) into[stage] = this.cells[at + stage]!;
    return into;
  }

  clear(row: number): void {
    this.cells[row * CHAIN_CELLS + OPERATION] = 0;
  }

  /** Undoes {@link clear}: the row goes on with what it had. */
  restore(row: number, operation: number): void {
    this.cells[row * CHAIN_CELLS + OPERATION] = operation;
  }

  operation(row: number): number {
    return this.cells[row * CHAIN_CELLS + OPERATION]!;
  }

  /**
   * Whether a core whose own chain is row `row` may go on with `operation` instead. One that takes part in a collective
   * operation (they have negative numbers) stays with it.
   */
  mayGoOnWith(row: number, operation: number): boolean {
    const own = this.operation(row);
    return own >= 0 || own === operation;
  }

  asOf(row: number): number {
    return this.cells[row * CHAIN_CELLS + AS_OF]!;
  }

  /** Gives the time from the row's last instant up to `now` to `stage`. Nothing if `now` is not later. */
  advance(row: number, stage: number, now: number): void {
    const at = row * CHAIN_CELLS;
    if (this.cells[at + OPERATION] === 0) return;
    const length = now - this.cells[at + AS_OF]!;
    if (length <= 0) return;
    this.cells[at + stage]! += length;
    this.cells[at + AS_OF] = now;
  }

  /** Copies row `source` of `from` over row `row`. */
  copy(row: number, from: ChainTable, source: number): void {
    const at = row * CHAIN_CELLS;
    const there = source * CHAIN_CELLS;
    if (from.cells[there + OPERATION] === 0) {
      this.cells[at + OPERATION] = 0;
      return;
    }
    const { cells } = this;
    const other = from.cells;
    for (let cell = 0; cell <= AS_OF; cell++) cells[at + cell] = other[there + cell]!;
  }

  /** Joins a second prerequisite: of the same operation, the later row goes on; of another one, ours does. */
  join(row: number, from: ChainTable, source: number): void {
    const at = row * CHAIN_CELLS;
    const there = source * CHAIN_CELLS;
    if (from.cells[there + OPERATION] !== this.cells[at + OPERATION]) return;
    if (from.cells[there + AS_OF]! > this.cells[at + AS_OF]!) this.copy(row, from, source);
  }
}
