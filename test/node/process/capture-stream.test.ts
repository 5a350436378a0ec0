import { expect, test } from 'vitest';
import { CaptureStream } from '../../../node/process/capture-stream.js';

interface Sent {
  readonly host: number;
  readonly bytes: Uint8Array;
}

/** A stream of hosts 0 and 1, in one of `processes` processes, and what it sends. */
function recorded(processes = 1): { stream: CaptureStream; sent: Sent[] } {
  const sent: Sent[] = [];
  const stream = new CaptureStream([0, 1], processes, (host, bytes) => {
    sent.push({ host, bytes: Uint8Array.from(bytes) });
  });
  return { stream, sent };
}

/** A block of `length` bytes, each different from its neighbours and from those of other blocks. */
const block = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + salt * 31) & 0xff);

const joined = (sent: readonly Sent[], host: number): Buffer =>
  Buffer.concat(sent.filter((each) => each.host === host).map(({ bytes }) => bytes));

test('what is appended arrives whole and in order for each host, in pieces of whole blocks', () => {
  const { stream, sent } = recorded();
  const lengths = [100, 65_000, 70_000, 400_000, 1, 4096, 131_072, 60_000, 60_000];
  const ends = new Set([0]);
  let end = 0;
  for (const [index, length] of lengths.entries()) {
    stream.append(0, block(length, index));
    stream.append(1, block(length, index + 100));
    ends.add((end += length));
  }
  stream.close();
  for (const [host, salt] of [
    [0, 0],
    [1, 100],
  ] as const) {
    const whole = Buffer.concat(lengths.map((each, at) => block(each, at + salt)));
    expect(joined(sent, host).equals(whole)).toBe(true);
  }
  let at = 0;
  const small = sent.filter(({ host, bytes }) => {
    if (host !== 0) return false;
    at += bytes.length;
    return !ends.has(at) && bytes.length < 131_072;
  });
  expect(small, 'pieces that end inside a block that would fit into one').toEqual([]);
});

test('little is sent at once only when the capture ends', () => {
  const { stream, sent } = recorded();
  for (let i = 0; i < 1000; i++) stream.append(0, block(1000, i));
  expect(Math.min(...sent.map(({ bytes }) => bytes.length))).toBeGreaterThanOrEqual(65_536);
  const before = sent.length;
  stream.close();
  expect(sent.length).toBe(before + 1);
  expect(joined(sent, 0)).toHaveLength(1_000_000);
});

test('there is no room while 64 MiB of all processes together are under way', async () => {
  const { stream, sent } = recorded(64);
  let held = 0;
  while (stream.room === undefined) stream.append(0, block(1000, held++));
  const underWay = joined(sent, 0).length;
  expect(underWay).toBeGreaterThan(2 ** 20);
  expect(underWay).toBeLessThan(2 ** 20 + 2 ** 18);

  let isFree = false;
  const room = stream.room.then(() => (isFree = true));
  stream.taken(1);
  await Promise.resolve();
  expect(isFree).toBe(false);
  stream.taken(underWay - 2 ** 20 - 1);
  await room;
  expect(stream.room).toBeUndefined();
});
