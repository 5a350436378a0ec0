/**
 * Which rows of a chain table are in use. A queue claims adjacent rows, one for each of its entries, and releases them
 * when it is destroyed. The table grows as rows are claimed.
 */
import type { ChainTable } from './chain.js';

/** In one table: the completion queue entries of one host whose operations can be followed. */
export const MAX_CHAIN_ROWS = 2 ** 22;

/** Rows from `first` up to, but not including, `end`. */
interface Range {
  first: number;
  end: number;
}

export class ChainRows {
  /** Claims that found no room. */
  refusals = 0;
  private readonly table: ChainTable;
  private readonly limit: number;
  /** In order, none next to another. */
  private readonly free: Range[] = [];
  /** No row from here on was ever claimed, or all are free again. */
  private end = 0;

  constructor(table: ChainTable, limit = MAX_CHAIN_ROWS) {
    this.table = table;
    this.limit = limit;
  }

  /** The first of `count` rows, all nobody's; -1 if there is no room for them. */
  claim(count: number): number {
    const at = this.free.findIndex(({ first, end }) => end - first >= count);
    let row: number;
    if (at >= 0) {
      const range = this.free[at]!;
      row = range.first;
      range.first += count;
      if (range.first === range.end) this.free.splice(at, 1);
      for (let each = row; each < row + count; each++) this.table.clear(each);
    } else {
      if (this.end + count > this.limit) {
        this.refusals++;
        return -1;
      }
      row = this.end;
      this.end += count;
      this.table.grow(this.end);
    }
    return row;
  }

  /** The `count` rows from `first` on are free. What they hold can be read until they are claimed again. */
  release(first: number, count: number): void {
    const range = { first, end: first + count };
    let at = this.free.findIndex((each) => each.first > first);
    if (at < 0) at = this.free.length;
    const [before, after] = [this.free[at - 1], this.free[at]];
    if (after?.first === range.end) {
      range.end = after.end;
      this.free.splice(at, 1);
    }
    if (before?.end === first) before.end = range.end;
    else this.free.splice(at, 0, range);
  }
}
