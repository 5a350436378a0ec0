/**
 * Chains in memory that threads share: a flat row of sums each, which any thread can go on with.
 *
 *     cells 0 ..     one sum for each stage
 *     then           the operation's number, its intended start, the time accounted for
 *     rest           spare
 */
import type { Instant } from '../units/time.js';
import type { ChainLog } from './chain-log.js';
import { ChainTable } from './chain.js';
import { STAGE_COUNT } from './stages.js';

const OPERATION = STAGE_COUNT;
const STARTED = STAGE_COUNT + 1;
const AS_OF = STAGE_COUNT + 2;
const USED = STAGE_COUNT + 3;
/** A row is a whole number of cache lines, with a cell to spare at the least. */
export const CHAIN_CELLS = Math.ceil((USED + 1) / 8) * 8;
const ROW_BYTES = CHAIN_CELLS * Float64Array.BYTES_PER_ELEMENT;

const sums = new Float64Array(STAGE_COUNT);

/** Shared memory for up to `rows` chains; it is taken as the table grows. */
export const chainMemory = (rows: number): SharedArrayBuffer =>
  new SharedArrayBuffer(0, { maxByteLength: rows * ROW_BYTES });

export class SharedChains extends ChainTable {
  private cells: Float64Array;

  /** Rows of {@link CHAIN_CELLS} cells each: those of a page, or as many as there are in memory that can grow. */
  constructor(memory: Float64Array | SharedArrayBuffer) {
    super();
    this.cells = memory instanceof Float64Array ? memory : viewOf(memory);
  }

  get rows(): number {
    return Math.floor(this.cells.length / CHAIN_CELLS);
  }

  /** Throws if the memory cannot grow. Other threads find the new rows when they grow their own tables. */
  grow(rows: number): void {
    if (rows <= this.rows) return;
    const memory = this.cells.buffer as SharedArrayBuffer;
    const bytes = rows * ROW_BYTES;
    if (memory.byteLength < bytes) memory.grow(bytes);
    this.cells = viewOf(memory);
  }

  alike(rows: number): ChainTable {
    return new SharedChains(new Float64Array(rows * CHAIN_CELLS));
  }

  begin(row: number, operation: number, started: number): void {
    const at = row * CHAIN_CELLS;
    this.cells.fill(0, at, at + CHAIN_CELLS);
    this.cells[at + OPERATION] = operation;
    this.cells[at + STARTED] = this.cells[at + AS_OF] = started;
  }

  resume(row: number, operation: number, started: number, asOf: number, had: Float64Array): void {
    const at = row * CHAIN_CELLS;
    for (let stage = 0; stage < STAGE_COUNT; stage++) this.cells[at + stage] = had[stage]!;
    this.cells[at + OPERATION] = operation;
    this.cells[at + STARTED] = started;
    this.cells[at + AS_OF] = asOf;
  }

  clear(row: number): void {
    // All of it: nobody's chain has had nothing, as in the other kind of table.
    const at = row * CHAIN_CELLS;
    this.cells.fill(0, at, at + USED);
  }

  operation(row: number): number {
    return this.cells[row * CHAIN_CELLS + OPERATION]!;
  }

  started(row: number): Instant {
    return this.cells[row * CHAIN_CELLS + STARTED]! as Instant;
  }

  asOf(row: number): Instant {
    return this.cells[row * CHAIN_CELLS + AS_OF]! as Instant;
  }

  stages(row: number, into: Float64Array = new Float64Array(STAGE_COUNT)): Float64Array {
    const at = row * CHAIN_CELLS;
    for (let stage = 0; stage < STAGE_COUNT; stage++) into[stage] = this.cells[at + stage]!;
    return into;
  }

  advance(row: number, stage: number, now: number): void {
    const { cells } = this;
    const at = row * CHAIN_CELLS;
    if (cells[at + OPERATION] === 0) return;
    const length = now - cells[at + AS_OF]!;
    if (length <= 0) return;
    cells[at + stage]! += length;
    cells[at + AS_OF] = now;
  }

  copy(row: number, from: ChainTable, source: number): void {
    const operation = from.operation(source);
    if (operation === 0) this.clear(row);
    else if (from instanceof SharedChains) this.copyCells(row, from.cells, source);
    else {
      const had = from.stages(source, sums);
      this.resume(row, operation, from.started(source), from.asOf(source), had);
    }
  }

  linkIn(log: ChainLog, row: number): number {
    if (this.operation(row) === 0) return 0;
    log.makeRoom();
    const had = this.stages(row, sums);
    return log.resume(this.operation(row), this.started(row), this.asOf(row), had);
  }

  private copyCells(row: number, from: Float64Array, source: number): void {
    const { cells } = this;
    const to = row * CHAIN_CELLS;
    const at = source * CHAIN_CELLS;
    for (let cell = 0; cell < USED; cell++) cells[to + cell] = from[at + cell]!;
  }
}

/** Its length is fixed: views that follow their memory are slower. */
function viewOf(memory: SharedArrayBuffer): Float64Array {
  return new Float64Array(memory, 0, memory.byteLength / Float64Array.BYTES_PER_ELEMENT);
}
