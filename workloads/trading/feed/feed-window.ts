/** A part of an ITCH file as a feed: from when, for how long, and how fast. */
import { LAST_INSTANT, PS_PER_NS, parseDuration, type Picoseconds } from '../../../units/time.js';
import { snapshotBooks } from '../market/book-snapshot.js';
import type { Portions } from '../../authoring/portions.js';
import { eachFramed, FeedError, framedLength, MESSAGES_PER_PORTION, type Feed } from './feed.js';
import type { ItchFile } from '../wire-formats/itch-file.js';
import { ItchMessage, itchTimestamp } from '../wire-formats/itch.js';
import { OrderBooks } from '../market/order-book.js';

export interface FeedWindow {
  /** Nanoseconds since midnight; the file's first message unless given. */
  readonly from?: number;
  /** Of the file's own time; to its end unless given. */
  readonly duration?: Picoseconds;
  /** Multiplies the time between messages: 2 is half as fast, 0.5 twice. */
  readonly scale?: number;
}

const TIME_OF_DAY = /^([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?$/;

/**
 * Reads where a window starts, in nanoseconds since midnight: a time of day (`09:30`, `09:30:00.000000230`)
 * or a duration from the file's first message (`10ms`). Undefined if it is neither.
 */
export function parseFrom(text: string, file: ItchFile): number | undefined {
  const match = TIME_OF_DAY.exec(text.trim());
  if (match !== null) {
    const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
    return seconds * 1e9 + Number((match[4] ?? '').padEnd(9, '0'));
  }
  const offset = parseDuration(text);
  return offset === undefined ? undefined : file.first + Math.floor(offset / PS_PER_NS);
}

/**
 * The messages stamped in [from, from + duration) and, as the primer, the books that all earlier messages
 * leave. Time starts at the first message kept. One that is stamped earlier than its predecessor is
 * published with it: the file's order is the feed's. Throws a {@link FeedError}.
 */
export function* selectWindow(file: ItchFile, window: FeedWindow): Portions<Feed> {
  const from = window.from ?? file.first;
  const until = window.duration === undefined ? Infinity : from + window.duration / PS_PER_NS;
  const scale = window.scale ?? 1;
  if (!(scale > 0 && scale < Infinity)) {
    throw new FeedError(`scale ${scale}: must be greater than 0`);
  }
  const { start, end, count, earlier } = yield* extent(file, from, until);
  if (count === 0) {
    throw new FeedError(
      `no message between ${timeOfDay(from)} and ${timeOfDay(Math.min(until, file.last))}: ` +
        `the file has ${timeOfDay(file.first)} to ${timeOfDay(file.last)}`,
    );
  }
  const bytes = file.bytes.slice(start, end);
  const starts = new Uint32Array(count);
  const times = new Float64Array(count);
  const view = new DataView(bytes.buffer);
  const first = itchTimestamp(view, 2);
  let latest = first;
  let index = 0;
  for (const at of eachFramed(bytes)) {
    latest = Math.max(latest, itchTimestamp(view, at));
    starts[index] = at;
    times[index] = Math.round((latest - first) * PS_PER_NS * scale);
    index++;
    if (index % MESSAGES_PER_PORTION === 0) yield;
  }
  if (times[count - 1]! > LAST_INSTANT) {
    throw new FeedError(`the window lasts longer than a run can: 2.5 hours, scale included`);
  }
  return { primer: earlier, bytes, starts, times };
}

interface Extent {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** The primer. */
  readonly earlier: Uint8Array;
}

/**
 * The stretch of the file from the first message at or after `from` up to the first one at or after
 * `until`; a stamp that steps back across a border counts as its predecessor.
 */
function* extent(file: ItchFile, from: number, until: number): Portions<Extent> {
  const books = new OrderBooks();
  const message = new ItchMessage();
  let start = file.end;
  let end = file.end;
  let count = 0;
  let latest = 0;
  let before = 0;
  let read = 0;
  for (let at = 0; at < file.end; at += 2 + framedLength(file.bytes, at + 2)) {
    message.read(file.view, at + 2);
    if (++read % MESSAGES_PER_PORTION === 0) yield;
    const stamp = Math.max(latest, message.timestamp);
    if (stamp >= until) {
      end = at;
      break;
    }
    latest = stamp;
    if (stamp < from) {
      books.apply(message);
      before = stamp;
      continue;
    }
    if (count === 0) start = at;
    count++;
  }
  return { start, end, count, earlier: yield* snapshotBooks(books, before) };
}

function timeOfDay(ns: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = Math.floor(ns / 1e9);
  const fraction = String(Math.floor(ns - seconds * 1e9)).padStart(9, '0');
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}
