/**
 * Nasdaq's daily files (`*.NASDAQ_ITCH50`): `[u16 length][message]`, repeated; a length of 0, if there is
 * one, ends the file.
 *
 * A file is checked whole before anything of it is used, so that a run never meets a broken message half
 * way. Its bytes are in one array: a day that is larger than an array can be (4 GiB in Node 20) has to be
 * cut first, and compressed files are the caller's to unpack.
 */
import { ITCH_LAYOUTS, ITCH_TYPES, type ItchType } from './itch-layouts.js';
import { ADD, ADD_ATTRIBUTED, itchLength, itchTimestamp } from './itch.js';

/** What is wrong with a file, and at which byte of it. */
export class ItchFileError extends Error {
  override readonly name = 'ItchFileError';
  readonly offset: number;
  readonly reason: string;

  constructor(offset: number, reason: string) {
    super(`byte ${offset}: ${reason}`);
    this.offset = offset;
    this.reason = reason;
  }
}

export interface ItchFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Just behind the last message. */
  readonly end: number;
  readonly messages: number;
  /** Messages of each type that occurs. */
  readonly types: Readonly<Partial<Record<ItchType, number>>>;
  /** Nanoseconds since midnight: the earliest and the latest time stamp. */
  readonly first: number;
  readonly last: number;
  /** Messages stamped earlier than one before them. */
  readonly stepsBack: number;
}

const NS_PER_DAY = 86_400e9;
/**
 * The feed is one sequence and its stamps do not fall. A merged or re-cut file may still have neighbours
 * out of order by a little, which harms nothing and is counted; a stamp this far back is a broken one.
 */
const LARGEST_STEP_BACK_NS = 1e9;
const SIDE_AT = ITCH_LAYOUTS.A.fields.side[0];
const LENGTH_BYTES = 2;
const MESSAGES_PER_YIELD = 4096;

/**
 * Checks every message's framing, type, length, side and time stamp. Throws an {@link ItchFileError}. Yields every few
 * thousand messages.
 */
export function* checkItchFile(bytes: Uint8Array): Generator<undefined, ItchFile> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counts = new Float64Array(256);
  let first = Infinity;
  let last = 0;
  let messages = 0;
  let stepsBack = 0;
  let at = 0;
  while (at < bytes.length) {
    if (isEndMark(view, at)) break;
    const code = checkFrame(view, at);
    const timestamp = itchTimestamp(view, at + LENGTH_BYTES);
    if (timestamp >= NS_PER_DAY) throw new ItchFileError(at, 'time stamp past midnight');
    if (timestamp < last) {
      if (last - timestamp > LARGEST_STEP_BACK_NS) {
        throw new ItchFileError(
          at,
          `time stamp ${(last - timestamp) / 1e9} s before an earlier one`,
        );
      }
      stepsBack++;
    }
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
    counts[code]!++;
    messages++;
    if (messages % MESSAGES_PER_YIELD === 0) yield;
    at += LENGTH_BYTES + itchLength(code);
  }
  if (messages === 0) throw new ItchFileError(0, 'no message');
  const types: Partial<Record<ItchType, number>> = {};
  for (const type of ITCH_TYPES) {
    const count = counts[type.charCodeAt(0)]!;
    if (count > 0) types[type] = count;
  }
  return { bytes, view, end: at, messages, types, first, last, stepsBack };
}

function isEndMark(view: DataView, at: number): boolean {
  if (at + LENGTH_BYTES > view.byteLength || view.getUint16(at) !== 0) return false;
  if (at + LENGTH_BYTES < view.byteLength) {
    throw new ItchFileError(at, 'a length of 0 ends the file, but bytes follow');
  }
  return true;
}

/** The type's character of the message whose length stands at `at`. */
function checkFrame(view: DataView, at: number): number {
  const left = view.byteLength - at;
  if (left < LENGTH_BYTES + 1) throw new ItchFileError(at, 'truncated');
  const length = view.getUint16(at);
  const code = view.getUint8(at + LENGTH_BYTES);
  const expected = itchLength(code);
  if (expected === 0) {
    const shown =
      code > 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : `0x${code.toString(16)}`;
    throw new ItchFileError(at, `unknown message type ${shown}`);
  }
  if (length !== expected) {
    const type = String.fromCharCode(code);
    throw new ItchFileError(at, `length ${length}, but a '${type}' message has ${expected} bytes`);
  }
  if (left < LENGTH_BYTES + length) {
    throw new ItchFileError(at, `truncated: ${left - LENGTH_BYTES} of a message's ${length} bytes`);
  }
  if (code === ADD || code === ADD_ATTRIBUTED) {
    const side = view.getUint8(at + LENGTH_BYTES + SIDE_AT);
    if (side !== 0x42 && side !== 0x53) throw new ItchFileError(at, 'side is neither B nor S');
  }
  return code;
}
