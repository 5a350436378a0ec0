import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../../units/time.js';
import { doAtOnce } from '../../../../workloads/authoring/portions.js';
import { digestBooks } from '../../../../workloads/trading/market/book-audit.js';
import {
  parseFrom,
  selectWindow,
  type FeedWindow,
} from '../../../../workloads/trading/feed/feed-window.js';
import { FeedError, framedLength } from '../../../../workloads/trading/feed/feed.js';
import { checkItchFile } from '../../../../workloads/trading/wire-formats/itch-file.js';
import { parseItch } from '../../../../workloads/trading/wire-formats/itch.js';
import { OrderBooks } from '../../../../workloads/trading/market/order-book.js';
import {
  add,
  cancel,
  executed,
  framed,
  NINE_THIRTY,
  play,
  remove,
  replace,
} from '../wire-formats/messages.js';

const at = (ns: number) => ({ at: NINE_THIRTY + ns });
const records = [
  add(1, 'B', 100, 10_000, at(0)),
  add(2, 'B', 200, 10_000, at(1_000)),
  add(3, 'S', 300, 10_200, at(2_500)),
  executed(1, 40, at(2_500)),
  cancel(2, 50, at(2_400)),
  replace(3, 4, 300, 10_100, at(7_000)),
  remove(1, at(9_000)),
];
const file = doAtOnce(checkItchFile(framed(records)));
const selected = (window: FeedWindow) => doAtOnce(selectWindow(file, window));
const duration = (text: string) => parseDuration(text)!;

describe('a window of an ITCH file', () => {
  it('is the whole file unless told otherwise, from time 0, in picoseconds', () => {
    const feed = selected({});
    expect([...feed.times]).toEqual([0, 1e6, 2.5e6, 2.5e6, 2.5e6, 7e6, 9e6]);
    expect(feed.bytes).toEqual(file.bytes);
    expect(feed.primer).toHaveLength(0);
    const types = [...feed.starts].map((start) => parseItch(feed.bytes, start)?.type);
    expect(types.join('')).toBe('AAAEXUD');
    const last = feed.starts.at(-1)!;
    expect(last + framedLength(feed.bytes, last)).toBe(feed.bytes.length);
  });

  it('starts at a time of day or so long behind the first message', () => {
    expect(parseFrom('09:30', file)).toBe(NINE_THIRTY);
    expect(parseFrom('9:30:00.0000025', file)).toBe(NINE_THIRTY + 2_500);
    expect(parseFrom('1us', file)).toBe(NINE_THIRTY + 1_000);
    for (const wrong of ['', '24:00', '09:60', '9', '09:30:00.', 'noon', '-1us']) {
      expect(parseFrom(wrong, file)).toBeUndefined();
    }
  });

  it('ends before its end, and time starts at the first message kept', () => {
    const feed = selected({ from: NINE_THIRTY + 1_000, duration: duration('6us') });
    expect([...feed.times]).toEqual([0, 1.5e6, 1.5e6, 1.5e6]);
    expect(parseItch(feed.bytes, feed.starts[0]!)).toMatchObject({ type: 'A', reference: 2n });
  });

  it('keeps a message that steps back across its start', () => {
    const feed = selected({ from: NINE_THIRTY + 2_450 });
    expect([...feed.times]).toEqual([0, 0, 0, 4.5e6, 6.5e6]);
  });

  it('stretches the time between messages by its scale', () => {
    expect([...selected({ scale: 0.5 }).times].at(-1)).toBe(4.5e6);
    expect([...selected({ scale: 1 / 3 }).times].at(-1)).toBe(3e6);
    for (const scale of [0, -1, NaN, Infinity]) {
      expect(() => selected({ scale })).toThrow(FeedError);
    }
  });

  it('brings the books of what came before as its primer', () => {
    const whole = new OrderBooks();
    play(whole, file.bytes);
    const primed = new OrderBooks();
    const feed = selected({ from: NINE_THIRTY + 7_000 });
    expect(feed.times).toHaveLength(2);
    play(primed, feed.primer);
    expect(primed.resting).toBe(3);
    play(primed, feed.bytes);
    expect(primed.counters.unknown).toBe(0);
    expect(digestBooks(primed)).toBe(digestBooks(whole));
  });

  it('is refused when it holds no message or lasts longer than a run', () => {
    expect(() => selected({ from: 1, duration: duration('1ms') })).toThrow(
      /^no message between 00:00:00.000000001 and 00:00:00.001000001/,
    );
    expect(() => selected({ from: file.last + 1 })).toThrow(FeedError);
    expect(() => selected({ scale: 2e9 })).toThrow(/2.5 hours/);
  });
});
