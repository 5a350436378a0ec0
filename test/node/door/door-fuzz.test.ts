/**
 * Strangers who try everything at a door, from one seed: none is let in, nothing is thrown, and every one is counted.
 */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { dial, openDoor, type Door } from '../../../node/door/admission.js';
import { printAnswer, randomNonce } from '../../../node/door/challenge.js';
import { RandomStream } from '../../../sim/random.js';
import { requestOf, Stranger, UPGRADE } from './stranger.js';

const SEED = 20_251;
const CALLS = 1_500;
const AT_ONCE = 60;
const TOKEN = 'the-token-nobody-guesses';

const doors: Door[] = [];
afterEach(() => Promise.all(doors.splice(0).map((door) => door.close())));

async function open(token: string): Promise<{ door: Door; admitted: () => number }> {
  let count = 0;
  const door = await openDoor({
    credentials: { token },
    maxPayload: 1024,
    paths: { '/control': () => count++, '/fabric': () => count++ },
    pages: { '/healthz': () => ({ status: 200, type: 'text/plain', body: 'ok' }) },
    limits: { burst: Infinity, admissionMs: 400 },
  });
  doors.push(door);
  return { door, admitted: () => count };
}

const accountedFor = ({ fates, refusals }: Door): number =>
  fates.admitted +
  fates.served +
  fates.left +
  Object.values<number>({ ...refusals }).reduce((sum, count) => sum + count);

const pick = <T>(random: RandomStream, all: readonly T[]): T => all[random.below(all.length)]!;

function noise(random: RandomStream, longest: number): Buffer {
  return Buffer.from(Array.from({ length: 1 + random.below(longest) }, () => random.below(256)));
}

/** Bytes changed, lost, doubled or cut off. */
function mutated(random: RandomStream, text: string): Buffer {
  const bytes = [...Buffer.from(text, 'latin1')];
  for (let i = 1 + random.below(8); i > 0 && bytes.length > 0; i--) {
    const at = random.below(bytes.length);
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes.splice(at, 1 + random.below(20));
        break;
      case 2:
        bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.below(40)));
        break;
      default:
        if (random.below(4) === 0) bytes.length = at;
    }
  }
  return Buffer.from(bytes);
}

/** What may stand in place of an answer. `known` are handshakes of others that somebody has recorded. */
function forged(random: RandomStream, known: readonly string[]): string {
  const values = { nonce: randomNonce(), cnonce: randomNonce(), proof: randomNonce() };
  const hash = createHash('sha256').update(TOKEN).digest('base64url');
  return pick(random, [
    ...known,
    'Pinwire',
    `Bearer ${TOKEN}`,
    `Pinwire ${TOKEN}`,
    `Basic ${Buffer.from(`pinwire:${TOKEN}`).toString('base64')}`,
    printAnswer(values),
    printAnswer({ ...values, proof: hash }),
    printAnswer({ ...values, proof: '' }),
    printAnswer(values).repeat(3),
  ]);
}

describe('a door in bad company', () => {
  test(`lets nobody in, of ${CALLS} who try by seed ${SEED}`, { timeout: 120_000 }, async () => {
    const random = new RandomStream(SEED, 'door');
    const { door, admitted } = await open(TOKEN);
    const other = await open('the-token-of-another-door');

    // Handshakes that were good: at this door, and by the other's token at the other.
    const recorded: string[] = [];
    const tokenOf = new Map([
      [door, TOKEN],
      [other.door, 'the-token-of-another-door'],
    ]);
    for (const [at, token] of tokenOf) {
      for (const path of ['/control', '/fabric']) {
        const guest = new Stranger(at.port);
        const answer = guest.answer(token, path, await guest.nonce(path));
        expect(await guest.enter(path, answer)).toBe(101);
        recorded.push(printAnswer(answer));
        guest.socket.destroy();
      }
    }
    const guests = admitted();
    expect(guests).toBe(2);

    const attempts: ((stranger: Stranger, path: string) => Promise<unknown>)[] = [
      async (stranger) => stranger.say(noise(random, 600)),
      async (stranger, path) => {
        const authorization = forged(random, recorded);
        const headers = { ...UPGRADE, authorization };
        stranger.say(mutated(random, requestOf(path, headers)));
      },
      (stranger, path) => stranger.enter(path, forged(random, recorded)),
      async (stranger, path) => {
        const nonce = await stranger.nonce(path);
        const wrong = stranger.answer(pick(random, ['', 'another', TOKEN.slice(1)]), path, nonce);
        await stranger.enter(path, wrong);
      },
      async (stranger, path) => {
        // Knows the token, and asks for one path to enter by another.
        const nonce = await stranger.nonce('/elsewhere');
        await stranger.enter(path, stranger.answer(TOKEN, '/elsewhere', nonce));
      },
      async (stranger, path) => {
        await stranger.nonce(path);
        await stranger.enter(path, forged(random, recorded));
      },
      async (stranger, path) => {
        const nonce = await stranger.nonce(path);
        const right = stranger.answer(TOKEN, path, nonce);
        const proof = right.proof.slice(1) + right.proof[0]!;
        await stranger.enter(path, { ...right, proof: proof === right.proof ? '' : proof });
      },
      async (stranger, path) => {
        // Everything in one go, before any challenge was given.
        const headers = { ...UPGRADE, authorization: pick(random, recorded) };
        const first = requestOf(path, { authorization: 'Pinwire' });
        stranger.say(mutated(random, first + requestOf(path, headers)));
      },
      async (stranger) => stranger.say(mutated(random, requestOf('/healthz', {}))),
      async (stranger) => stranger.say(''),
    ];
    const call = async (): Promise<void> => {
      const stranger = new Stranger(door.port);
      await pick(random, attempts)(stranger, pick(random, ['/control', '/fabric', '/', '/%00']));
      if (stranger.heard.includes('HTTP/1.1 101')) throw new Error('somebody was let in');
      if (random.below(2) === 0) stranger.socket.end();
      await stranger.hungUp();
    };
    for (let i = 0; i < CALLS; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, call));
    }

    expect(admitted()).toBe(guests);
    await expect.poll(() => accountedFor(door)).toBe(door.fates.arrived);
    expect(door.fates.arrived).toBe(CALLS + guests);
    expect(door.fates.admitted).toBe(guests);
    for (const reason of ['token', 'garbage'] as const) {
      expect(door.refusals[reason]).toBeGreaterThan(CALLS / 10);
    }
    const socket = await dial(`ws://127.0.0.1:${door.port}/control`, { token: TOKEN }, 1024);
    expect(admitted()).toBe(guests + 1);
    socket.terminate();
  });
});
