/**
 * A core's page of shared memory: how a program and the host that runs it hand each other what they have to say.
 * The same page serves a program in the host's own thread and one in a worker.
 *
 *     bytes 0..63    control words (Int32): GO counts resumptions, DONE counts finished segments, OVER ends the program
 *     cells 8..31    time, what is awaited and its arguments, counts (Float64)
 *     row 1          the chain of the core's current operation
 *     rows 2..       chains of the doorbells of this segment
 *     then           doorbells of this segment: kind, queue pair, producer, time, chain row
 *     then           text: the arguments of a call and its answer, JSON; or the alternatives of `any`
 */
import { LoggedChains, type ChainTable } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { CHAIN_CELLS, SharedChains } from '../../../sim/shared-chains.js';

export const CONTROL = { go: 0, done: 1, ready: 2, over: 3 } as const;

/** Cells of the page, as Float64 indices. */
export const CELL = {
  /** In: when the segment begins. Out: the core's local time at its end. */
  time: 8,
  awaits: 9,
  argument0: 10,
  argument1: 11,
  argument2: 12,
  /** Doorbells rung, and chain rows used, in this segment. */
  doorbells: 13,
  rows: 14,
  /** Bytes of text. */
  text: 15,
  /** Which alternative of `any` came. */
  alternative: 16,
  /** Further arguments of a system call, and what it answers. */
  argument3: 17,
  argument4: 18,
  argument5: 19,
  argument6: 20,
  result: 21,
  result1: 22,
  result2: 23,
} as const;

/** What the end of a segment waits for. */
export const AWAIT = {
  call: 1,
  poll: 2,
  busyPoll: 3,
  watch: 4,
  idle: 5,
  busy: 6,
  any: 7,
  event: 8,
  hear: 9,
  exit: 10,
  fail: 11,
  system: 12,
} as const;

export const OPERATION_ROW = 1;
const FIRST_DOORBELL_ROW = 2;
const DOORBELL_ROWS = 512;
export const MAX_DOORBELLS = 4096;
const DOORBELL_CELLS = 8;
const DOORBELLS_AT = (FIRST_DOORBELL_ROW + DOORBELL_ROWS) * CHAIN_CELLS;
const TEXT_AT = (DOORBELLS_AT + MAX_DOORBELLS * DOORBELL_CELLS) * 8;
export const MAX_TEXT = 256 * 1024;
const PAGE_BYTES = TEXT_AT + MAX_TEXT;
/** An alternative of `any`: what it awaits, and two arguments. */
const ALTERNATIVE_CELLS = 3;
export const MAX_ALTERNATIVES = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class CorePage {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly cells: Float64Array;
  readonly chains: ChainTable;
  private readonly text: Uint8Array;
  private readonly alternatives: Float64Array;

  /** With a core in the host's own thread, chains are those of `log`; with one in a worker they are in the page. */
  constructor(log: ChainLog | undefined, buffer = new SharedArrayBuffer(PAGE_BYTES)) {
    this.buffer = buffer;
    this.control = new Int32Array(buffer, 0, 16);
    this.cells = new Float64Array(buffer, 0, TEXT_AT / 8);
    this.chains =
      log === undefined
        ? new SharedChains(this.cells)
        : new LoggedChains(log, FIRST_DOORBELL_ROW + DOORBELL_ROWS);
    this.text = new Uint8Array(buffer, TEXT_AT);
    this.alternatives = new Float64Array(buffer, TEXT_AT, MAX_ALTERNATIVES * ALTERNATIVE_CELLS);
  }

  get(cell: number): number {
    return this.cells[cell]!;
  }

  set(cell: number, value: number): void {
    this.cells[cell] = value;
  }

  /** Notes a doorbell, with the chain of the core's operation. False when the page has no room for more. */
  pushDoorbell(kind: number, qpIndex: number, produced: number, time: number): boolean {
    const { cells, chains } = this;
    const count = cells[CELL.doorbells]!;
    if (count === MAX_DOORBELLS) return false;
    let row = -1;
    if (chains.operation(OPERATION_ROW) !== 0) {
      const used = cells[CELL.rows]!;
      if (used === DOORBELL_ROWS) return false;
      row = FIRST_DOORBELL_ROW + used;
      cells[CELL.rows] = used + 1;
      chains.copy(row, chains, OPERATION_ROW);
    }
    const at = DOORBELLS_AT + count * DOORBELL_CELLS;
    cells[at] = kind;
    cells[at + 1] = qpIndex;
    cells[at + 2] = produced;
    cells[at + 3] = time;
    cells[at + 4] = row;
    cells[CELL.doorbells] = count + 1;
    return true;
  }

  /** Hands out the segment's doorbells in order, and forgets them. */
  takeDoorbells(
    take: (kind: number, qpIndex: number, produced: number, time: number, row: number) => void,
  ): void {
    const { cells } = this;
    const count = cells[CELL.doorbells]!;
    for (let i = 0; i < count; i++) {
      const at = DOORBELLS_AT + i * DOORBELL_CELLS;
      take(cells[at]!, cells[at + 1]!, cells[at + 2]!, cells[at + 3]!, cells[at + 4]!);
    }
    cells[CELL.doorbells] = 0;
    cells[CELL.rows] = 0;
  }

  writeAlternative(index: number, awaits: number, argument0: number, argument1: number): void {
    const at = index * ALTERNATIVE_CELLS;
    this.alternatives[at] = awaits;
    this.alternatives[at + 1] = argument0;
    this.alternatives[at + 2] = argument1;
  }

  /** What alternative `index` awaits (cell 0), and its arguments (cells 1 and 2). */
  alternative(index: number, cell: 0 | 1 | 2): number {
    return this.alternatives[index * ALTERNATIVE_CELLS + cell]!;
  }

  /** False when the value is too long for the page. */
  writeText(value: unknown): boolean {
    // A TextEncoder does not write into shared memory.
    const json = JSON.stringify(value) as string | undefined;
    const bytes = encoder.encode(json ?? 'null');
    if (bytes.length > MAX_TEXT) return false;
    this.text.set(bytes);
    this.cells[CELL.text] = bytes.length;
    return true;
  }

  readText(): unknown {
    return JSON.parse(decoder.decode(this.text.slice(0, this.cells[CELL.text])));
  }
}
