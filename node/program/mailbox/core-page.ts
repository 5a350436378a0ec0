/**
 * A core's page of shared memory: how a program and the host that runs it hand each other what they have to say. The
 * host sees it as a {@link Mailbox}; a program writes and reads the cells. The same page serves a program in the host's
 * own thread and one in a worker.
 *
 *     bytes 0..63    control words (Int32): GO counts resumptions, DONE finished segments, OVER ends the program,
 *                    CHECK_INS counts how often the program said that it is not stuck
 *     cells 8..31    time, what is awaited and its arguments, counts (Float64)
 *     row 1          the chain of the core's current operation
 *     rows 2..       chains of the doorbells of this segment
 *     then           doorbells of this segment: kind, queue pair, producer, time, chain row
 *     then           text: the arguments of a call and its answer, JSON; or the alternatives of `any`
 */
import { LoggedChains, type ChainTable } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { CHAIN_CELLS, SharedChains } from '../../../sim/shared-chains.js';
import {
  DOORBELL_CELLS,
  emitDoorbell,
  newDoorbell,
  parseDoorbell,
  type Doorbell,
} from '../../model/nic/doorbell.js';
import { whole } from '../../../units/whole.js';
import type { Mailbox, Wait } from './mailbox.js';

export const CONTROL = { go: 0, done: 1, ready: 2, over: 3, checkIns: 4 } as const;

/** Cells of the page, as Float64 indices. */
export const CELL = {
  /** In: when the segment begins. Out: the core's local time at its end. */
  time: 8,
  awaits: 9,
  /** The first of the arguments of what is awaited; the others follow. */
  argument0: 10,
  /** Doorbells rung, and chain rows used, in this segment. */
  doorbells: 17,
  rows: 18,
  /** Bytes of text. */
  text: 19,
  /** Which alternative of `any` came. */
  alternative: 20,
  /** What a system call answers, and whom it is about. */
  result: 21,
  peerIpv4: 22,
  peerPort: 23,
} as const;

export const OPERATION_ROW = 1;
const FIRST_DOORBELL_ROW = 2;
const DOORBELL_ROWS = 512;
export const MAX_DOORBELLS = 4096;
const DOORBELLS_AT = (FIRST_DOORBELL_ROW + DOORBELL_ROWS) * CHAIN_CELLS;
const TEXT_AT = (DOORBELLS_AT + MAX_DOORBELLS * DOORBELL_CELLS) * 8;
export const MAX_TEXT = 256 * 1024;
const PAGE_BYTES = TEXT_AT + MAX_TEXT;
/** An alternative of `any`: what it awaits, and two arguments. */
const ALTERNATIVE_CELLS = 3;
export const MAX_ALTERNATIVES = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class CorePage implements Mailbox {
  readonly operationRow = OPERATION_ROW;
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly cells: Float64Array;
  readonly chains: ChainTable;
  private readonly text: Uint8Array;
  private readonly alternatives: Float64Array;
  /** The messages taken last, and how many doorbells of the segment were. */
  private readonly doorbell = newDoorbell();
  private readonly wait: Wait = { type: 'wait', awaits: 0, time: 0 };
  private taken = 0;
  /** A doorbell on its way into the page. */
  private readonly rung = newDoorbell();

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
  pushDoorbell(kind: number, queuePair: number, produced: number, time: number): boolean {
    const { cells, chains } = this;
    const count = whole(cells[CELL.doorbells]!);
    if (count === MAX_DOORBELLS) return false;
    let row = -1;
    if (chains.operation(OPERATION_ROW) !== 0) {
      const used = whole(cells[CELL.rows]!);
      if (used === DOORBELL_ROWS) return false;
      row = FIRST_DOORBELL_ROW + used;
      cells[CELL.rows] = used + 1;
      chains.copy(row, chains, OPERATION_ROW);
    }
    const { rung } = this;
    rung.kind = kind;
    rung.queuePair = queuePair;
    rung.produced = produced;
    rung.time = time;
    rung.row = row;
    emitDoorbell(cells, DOORBELLS_AT + count * DOORBELL_CELLS, rung);
    cells[CELL.doorbells] = count + 1;
    return true;
  }

  take(): Doorbell | Wait {
    const { cells, doorbell, wait } = this;
    if (this.taken < cells[CELL.doorbells]!) {
      parseDoorbell(cells, DOORBELLS_AT + this.taken++ * DOORBELL_CELLS, doorbell);
      return doorbell;
    }
    this.taken = 0;
    cells[CELL.doorbells] = 0;
    cells[CELL.rows] = 0;
    wait.awaits = whole(cells[CELL.awaits]!);
    wait.time = cells[CELL.time]!;
    return wait;
  }

  argument(index: number): number {
    return whole(this.cells[CELL.argument0 + index]!);
  }

  setArgument(index: number, value: number): void {
    this.cells[CELL.argument0 + index] = value;
  }

  request(): { readonly name: string; readonly args: unknown } {
    return this.readText() as { name: string; args: unknown };
  }

  answer(value: unknown): boolean {
    return this.writeText(value);
  }

  answerAlternative(index: number): void {
    this.cells[CELL.alternative] = index;
  }

  answerSystemCall(result: number): void {
    this.cells[CELL.result] = result;
  }

  answerPeer(ipv4: number, port: number): void {
    this.cells[CELL.peerIpv4] = ipv4;
    this.cells[CELL.peerPort] = port;
  }

  resume(time: number): void {
    this.cells[CELL.time] = time;
  }

  writeAlternative(index: number, awaits: number, argument0: number, argument1: number): void {
    const { alternatives } = this;
    const at = index * ALTERNATIVE_CELLS;
    alternatives[at] = awaits;
    alternatives[at + 1] = argument0;
    alternatives[at + 2] = argument1;
  }

  alternative(index: number): number {
    return whole(this.alternatives[index * ALTERNATIVE_CELLS]!);
  }

  alternativeArgument(index: number, argument: 0 | 1): number {
    return whole(this.alternatives[index * ALTERNATIVE_CELLS + 1 + argument]!);
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
