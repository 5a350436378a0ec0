import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { dial, openDoor, type Door } from '../../../node/door/admission.js';
import { watchHeartbeat } from '../../../node/door/heartbeat.js';
import { streamOf } from '../../../node/door/stream-of.js';

const CREDENTIALS = { token: 'the-token-of-hearts' };
const SILENCE_MS = 250;

let door: Door;
let near: WebSocket;
let far: WebSocket;

beforeEach(async () => {
  const paths = { '/join': (socket: WebSocket) => (near = socket) };
  door = await openDoor({ credentials: CREDENTIALS, maxPayload: 1 << 20, paths });
  far = await dial(`ws://127.0.0.1:${door.port}/join`, CREDENTIALS, 1 << 20);
  far.resume();
});
afterEach(async () => {
  far.terminate();
  await door.close();
});

/** Watches from one end; what was said of the other, and when. */
function watched(socket: WebSocket): { readonly losses: string[]; readonly at: number[] } {
  const seen = { losses: [] as string[], at: [] as number[] };
  watchHeartbeat(
    socket,
    (reason) => {
      seen.losses.push(reason);
      seen.at.push(performance.now());
    },
    SILENCE_MS,
  );
  return seen;
}

/** A busy machine is slow to look: what is certain is that it comes, and once. */
async function loss(losses: readonly string[]): Promise<void> {
  const deadline = performance.now() + 40 * SILENCE_MS;
  while (losses.length === 0 && performance.now() < deadline) await sleep(SILENCE_MS / 10);
  await sleep(2 * SILENCE_MS);
  expect(losses).toEqual([`was silent for ${SILENCE_MS / 1000} s`]);
}

describe('a heartbeat', () => {
  test('keeps two ends together that have nothing to say', async () => {
    const both = [watched(near), watched(far)];
    await sleep(4 * SILENCE_MS);
    expect(both.map(({ losses }) => losses)).toEqual([[], []]);
  });

  test('needs one end that pings: the other answers', async () => {
    const { losses } = watched(near);
    await sleep(3 * SILENCE_MS);
    expect(losses).toEqual([]);
  });

  test('tells once of a peer that has stopped, soon after the silence', async () => {
    await sleep(50);
    far.pause();
    const since = performance.now();
    const { losses, at } = watched(near);
    await loss(losses);
    expect(at[0]! - since).toBeGreaterThan(SILENCE_MS);
    expect(at[0]! - since).toBeLessThan(20 * SILENCE_MS);
  });

  test('takes the bytes of a long message for signs of life, and their end for its end', async () => {
    far.pause();
    const { losses } = watched(near);
    // A frame of 16,000 bytes, of which one comes now and then.
    const stream = streamOf(far)!;
    stream.write(Buffer.from([0x82, 0xfe, 0x3e, 0x80, 0, 0, 0, 0]));
    for (let i = 0; i < 20; i++) {
      await sleep(SILENCE_MS / 5);
      stream.write('x');
    }
    expect(losses).toEqual([]);
    await loss(losses);
  });

  test('blames nobody for the time in which its own process did nothing', async () => {
    const both = [watched(near), watched(far)];
    await sleep(20);
    const until = performance.now() + 3 * SILENCE_MS;
    while (performance.now() < until);
    await sleep(2 * SILENCE_MS);
    expect(both.map(({ losses }) => losses)).toEqual([[], []]);
  });

  test('says nothing of a socket that has closed, or when it was stopped', async () => {
    const losses: string[] = [];
    const { losses: closed } = watched(near);
    watchHeartbeat(far, (reason) => losses.push(reason), SILENCE_MS).stop();
    far.terminate();
    await sleep(3 * SILENCE_MS);
    expect(losses).toEqual([]);
    expect(closed).toEqual([]);
  });
});
