/**
 * A doorbell: how many requests a queue pair has been given so far, of which kind, and when it was rung. A core hands
 * them to its host as records of 64 bytes, each cell a double of 64 bits, aligned to 8 bytes and in the machine's byte
 * order (the two sides of a record share a machine):
 *
 *      0  kind | queue pair's index | requests ever posted | time, ps
 *     32  row of the chain, -1 for none | unused
 */
import { whole } from '../../../units/whole.js';

export const DOORBELL_CELLS = 8;

const KIND = 0;
const QUEUE_PAIR = 1;
const PRODUCED = 2;
const TIME = 3;
const ROW = 4;

/** What a doorbell is for. */
export const DOORBELL = { send: 0, receive: 1 } as const;

export interface Doorbell {
  readonly type: 'doorbell';
  kind: number;
  queuePair: number;
  produced: number;
  /** When it was rung, by the core's clock. */
  time: number;
  /** The chain of what led to it, in a table that its reader knows; -1 for none. */
  row: number;
}

export const newDoorbell = (): Doorbell => ({
  type: 'doorbell',
  kind: 0,
  queuePair: 0,
  produced: 0,
  time: 0,
  row: -1,
});

export function parseDoorbell(cells: Float64Array, at: number, into: Doorbell): void {
  into.kind = whole(cells[at + KIND]!);
  into.queuePair = whole(cells[at + QUEUE_PAIR]!);
  into.produced = whole(cells[at + PRODUCED]!);
  into.time = cells[at + TIME]!;
  into.row = whole(cells[at + ROW]!);
}

export function emitDoorbell(cells: Float64Array, at: number, doorbell: Readonly<Doorbell>): void {
  cells[at + KIND] = doorbell.kind;
  cells[at + QUEUE_PAIR] = doorbell.queuePair;
  cells[at + PRODUCED] = doorbell.produced;
  cells[at + TIME] = doorbell.time;
  cells[at + ROW] = doorbell.row;
}
